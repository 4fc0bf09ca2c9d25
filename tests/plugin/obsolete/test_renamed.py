"""A test that was renamed has left its golden: a default bound is not what it was approved by."""

from __future__ import annotations

import pytest
from parameters import first_of

from pytest_editmetrics.cli.main import main

with_two = pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
BY_DEFAULT = """
import numpy as np
import pytest

@pytest.mark.parametrize("level", {levels})
def test_{name}(edit_gate, level):
    edited = np.full((32, 32, 3), level, np.uint8)
    edit_gate.check(np.zeros_like(edited), edited, metrics=["unedit_max_diff"]{bound})
"""
LOST = "FAILED: obsolete goldens: 2 entries *; 'test_edits[[]1]' may be one of them, under a new name, and only a default bound let it pass"
HINT = "*: test_edit[[]1] (is it 'test_edits[[]1]' now[?] Then {})"


def written(suite, name, levels="[1, 2]", bound=""):
    suite.makepyfile(test_x=BY_DEFAULT.format(name=name, levels=levels, bound=bound))


@pytest.fixture
def suite(pytester):
    (pytester.path / "editmetrics.yaml").write_text("thresholds: {unedit_max_diff: 90}\n")
    written(pytester, "edit")
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    return pytester


@with_two
def test_a_default_bound_alone_is_no_pass(suite, mode):
    written(suite, "edits")
    result = suite.runpytest(*mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([LOST, HINT.format("rename the entry")])


def test_what_is_recorded_under_the_new_name_is_to_be_compared(suite):
    written(suite, "edits")
    result = suite.runpytest("--editmetrics-update=missing")
    assert result.ret == 0
    result.stdout.fnmatch_lines([HINT.format("compare it with that test's own")])
    assert suite.runpytest().ret == 0


def test_a_bound_of_its_own_is_another_test(suite):
    written(suite, "edits", bound=", name='own'")
    text = (suite.path / "test_x.py").read_text()
    own = "@pytest.mark.editmetrics(thresholds={'unedit_max_diff': 9})\ndef test_edits"
    (suite.path / "test_x.py").write_text(text.replace("def test_edits", own))
    result = suite.runpytest()
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["obsolete goldens: 2 entries *(--editmetrics-strict=regressed fails)"]
    )


def test_a_parameter_that_other_machines_have_is_no_new_name(suite):
    written(suite, "edit", levels="[1, 21]")
    result = suite.runpytest()
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["obsolete goldens: 1 entry *(--editmetrics-strict=regressed fails)"]
    )


def test_the_only_test_without_a_golden_may_have_any_name(suite):
    """A deleted test's entry, and a test that a default bound was always to hold."""
    written(suite, "colour_of_the_sky", levels="[1]")
    result = suite.runpytest()
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["obsolete goldens: 2 entries *(--editmetrics-strict=regressed fails)"]
    )


def test_a_file_that_moved_left_its_bounds_too(suite):
    folder = suite.mkdir("moved")
    (suite.path / "test_x.py").rename(folder / "test_x.py")
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: obsolete goldens: 2 entries *only a default bound let it*"]
    )


def test_no_surface_of_its_run_is_green(suite, monkeypatch, capsys):
    written(suite, "edits")
    suite.runpytest("--editmetrics-run-dir=run", "--editmetrics-html=r.html")
    monkeypatch.chdir(suite.path)
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    comment = capsys.readouterr().out
    assert "❌ editmetrics failed: " in comment
    report = (suite.path / "r.html").read_text(encoding="utf-8")
    for text in (comment, report):
        assert text.count("only a default bound let it pass") == 1
        assert text.count("obsolete goldens: 2 entries") == 1


@with_two
@pytest.mark.parametrize(
    "chosen", [("-k", "edits"), ("-m", "not slow"), ("test_x.py::test_edits",)]
)
def test_a_part_of_the_suite_knows_that_its_old_name_is_gone(suite, mode, chosen):
    written(suite, "edits")
    result = suite.runpytest(*chosen, *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([LOST, HINT.format("rename the entry")])


@with_two
def test_a_part_of_the_suite_says_nothing_of_a_test_that_is_only_left_out(suite, mode):
    text = (suite.path / "test_x.py").read_text()
    more = text[text.index("@pytest") :].replace("test_edit", "test_edits")
    (suite.path / "test_x.py").write_text(f"{text}\n{more}")
    for chosen in (("-k", "test_edits"), ("test_x.py::test_edits",)):
        result = suite.runpytest(*chosen, *mode)
        assert result.ret == 0
        result.stdout.no_fnmatch_line("*obsolete*")


def test_a_part_of_the_suite_says_nothing_of_other_entries(suite):
    written(suite, "colour_of_the_sky")
    result = suite.runpytest("-k", "sky")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*obsolete*")


def test_a_part_of_the_suite_knows_of_a_file_that_moved(suite):
    folder = suite.mkdir("moved")
    (suite.path / "test_x.py").rename(folder / "test_x.py")
    result = suite.runpytest("-k", "1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: obsolete goldens: 1 entry *only a default bound let it*"])


@with_two
@pytest.mark.parametrize(
    "chosen",
    [
        ("-k", "1"),
        ("test_y.py::test_edit[1]",),
        ("--deselect", "test_y.py::test_edit[2]"),
        ("test_y.py",),
    ],
)
def test_a_part_of_the_suite_knows_of_a_file_that_was_renamed(suite, mode, chosen):
    (suite.path / "test_x.py").rename(suite.path / "test_y.py")
    result = suite.runpytest(*chosen, *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: obsolete goldens: * entr* *only a default bound let it*"])
    result.stdout.fnmatch_lines(["  test_y.py has * of these tests: *"])


def test_a_part_of_the_suite_does_not_take_a_test_of_another_file_for_the_old_one(suite):
    text = (suite.path / "test_x.py").read_text()
    (suite.path / "test_y.py").write_text(text)
    for chosen in (("-k", "1"), ("test_y.py::test_edit[1]",)):
        result = suite.runpytest(*chosen)
        assert result.ret == 0
        result.stdout.no_fnmatch_line("*obsolete*")


def test_a_part_of_the_suite_that_no_bound_holds_says_where_its_goldens_are(
    suite, capsys, monkeypatch
):
    (suite.path / "editmetrics.yaml").write_text("{}\n")
    (suite.path / "test_x.py").rename(suite.path / "test_y.py")
    first = "first rename or move what stands above as obsolete: *"
    result = suite.runpytest("-k", "1", "--editmetrics-run-dir=run")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["obsolete goldens: 1 entry *", "  test_y.py has 1 of *", first])
    monkeypatch.chdir(suite.path)
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    said = capsys.readouterr().out
    assert "git mv goldens/test_x.py.yaml goldens/test_y.py.yaml" in said
    assert first[:-1] in said


@pytest.mark.parametrize("gone", [1, 15])
def test_however_many_entries_stand_before_it(suite, gone):
    golden = suite.path / "goldens/test_x.py.yaml"
    others = "".join(f"'test_0{n}_zzz': {{unedit_max_diff: {{max: 1}}}}\n" for n in range(gone))
    golden.write_text(others + golden.read_text())
    written(suite, "edits")
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: obsolete goldens: *'test_edits*only a default bound *"])


@pytest.mark.parametrize("new", ["[1, 2]", "['a hat on the cat, in the evening light']"])
def test_a_new_name_with_parameters(suite, new):
    golden = suite.path / "goldens/test_x.py.yaml"
    text = golden.read_text().replace("test_edit[1]", "test_edit").partition('"test_edit[2]"')[0]
    golden.write_text(text)
    written(suite, "edits", levels=new)
    if "hat" in new:
        test = (suite.path / "test_x.py").read_text()
        (suite.path / "test_x.py").write_text(test.replace("3), level", "3), len(level)"))
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: obsolete goldens: 1 entry *only a default bound *"])


def test_a_new_name_without_parameters(suite):
    golden = suite.path / "goldens/test_x.py.yaml"
    golden.write_text(golden.read_text().replace("[1]", "[a hat on the cat, in the evening light]"))
    text = BY_DEFAULT.format(name="edits", levels="", bound="")
    text = text.replace('@pytest.mark.parametrize("level", )', "").replace(
        ", level):", ", level=1):"
    )
    (suite.path / "test_x.py").write_text(text)
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: obsolete goldens: 2 entries *'test_edits' may be *"])


def test_a_class_of_another_name(suite):
    golden = suite.path / "goldens/test_x.py.yaml"
    golden.write_text(golden.read_text().replace("test_edit", "TestBackgroundsOfEdits::test_a"))
    text = BY_DEFAULT.format(name="a", levels="[1, 2]", bound="")
    head, at, body = text.partition("@pytest")
    body = "".join(f"    {line}\n" for line in (at + body).splitlines())
    body = body.replace("(edit_gate", "(self, edit_gate")
    (suite.path / "test_x.py").write_text(f"{head}class TestHats:\n{body}")
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*TestBackgroundsOfEdits::test_a[[]1] (is it 'TestHats::test_a[[]1]' now*"]
    )


def test_where_no_bound_holds_it_the_golden_is_to_be_renamed_before_it_is_recorded(suite):
    (suite.path / "editmetrics.yaml").write_text("{}\n")
    written(suite, "edits")
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            HINT.format("rename the entry"),
            "first rename or move what stands above as obsolete: *",
            "to record what is still without a golden then, if right: pytest *--editmetrics-update=*",
        ]
    )
