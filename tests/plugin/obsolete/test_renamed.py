"""A test that was renamed has left its golden: a default bound is not what it was approved by."""

from __future__ import annotations

import pytest

from pytest_editmetrics.cli.main import main

with_two = pytest.mark.parametrize(
    "mode", [(), pytest.param(("-n2",), marks=pytest.mark.more)], ids=["serial", "xdist"]
)
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
