"""A golden under an id that pytest made from a place is held to by the value it was recorded for."""

from __future__ import annotations

import shutil

import pytest

from pytest_editmetrics.session import identity

LONG = {
    name: f"make the mug {name} and leave all the rest of the picture just as it is, " * 2
    for name in ("red", "blue", "green")
}
TEST = """
    import pytest

    VALUES = {values}

    @pytest.mark.parametrize("prompt", VALUES)
    def test_it(check, prompt):
        text = str(prompt)
        check(10 if "red" in text else 20 if "blue" in text else 30)
"""
short = pytest.mark.skipif(pytest.version_tuple < (9, 1), reason="ids hold the whole text")


def suite_of(suite, *names, kind="dict"):
    values = [LONG[name] if kind == "text" else {"prompt": name} for name in names]
    suite.makepyfile(test_x=TEST.replace("{values}", repr(values)))


def golden(suite):
    return (suite.path / "goldens" / "test_x.py.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["dict", pytest.param("text", marks=short)])
def test_reordered_parameters_are_errors_that_name_the_right_entry(suite, kind):
    suite_of(suite, "red", "blue", kind=kind)
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["warning: recorded under an id*(test_x.py::test_it, prompt): wr*"])
    assert golden(suite).count("digest:") == 2
    suite.runpytest().assert_outcomes(passed=2)
    suite_of(suite, "blue", "red", kind=kind)
    result = suite.runpytest("--editmetrics-strict=none")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*golden goldens/test_x.py.yaml:1 of 'test_it[[]prompt0]' was recorded for another*"
            "entry of this value is 'test_it[[]prompt1]' (goldens/test_x.py.yaml:3): rename*"
        ]
    )
    before = golden(suite)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(failed=2)
    assert golden(suite) == before
    suite.runpytest("--editmetrics-update=failed").assert_outcomes(passed=2)
    suite.runpytest().assert_outcomes(passed=2)


@short
def test_prompts_that_begin_alike_are_advised_ids_of_their_own(suite):
    values = [f"{'make the mug on the left side of the table ' * 3}{name}" for name in LONG]
    other = "paint the wall behind the sofa in a warm white " * 3
    suite.makepyfile(test_x=TEST.replace("{values}", repr([*values, other])))
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=4)
    ids = [f"make-the-mug-on-the-{place}" for place in range(3)] + ["paint-the-wall-behind-the-3"]
    (said,) = [line for line in result.outlines if "write pytest.param(" in line]
    sets = ", ".join(f"pytest.param(..., id={one!r})" for one in ids)
    assert f"write {sets}" in said
    text = (suite.path / "test_x.py").read_text()
    (suite.path / "test_x.py").write_text(text.replace("VALUES)", f"VALUES, ids={ids})"))
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=4)
    result.stdout.no_fnmatch_line("*write pytest.param(*")


def test_an_inserted_parameter_is_held_to_no_other_entry(suite):
    suite_of(suite, "red", "blue")
    suite.runpytest("--editmetrics-update=missing")
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 60}}\n")
    suite_of(suite, "green", "red", "blue")
    result = suite.runpytest()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*none fits this value: record it again*"])
    result.stdout.fnmatch_lines(
        ["*has no golden of 'test_it[[]prompt2]'; the entry of this value*"]
    )


@short
def test_an_entry_of_another_version_of_pytest_is_found_and_said(suite):
    suite_of(suite, "red", "blue", kind="text")
    strategy = ("-o", "parametrize_long_str_id_strategy=legacy")
    suite.runpytest("--editmetrics-update=missing", *strategy).assert_outcomes(passed=2)
    assert LONG["red"] in golden(suite)
    text = golden(suite).replace("max: 0.22", "max: 0.15")
    (suite.path / "goldens" / "test_x.py.yaml").write_text(text)
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 60}}\n")
    suite_of(suite, "blue", "red", kind="text")
    result = suite.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["golden of test_x.py::test_it[[]prompt1]: held to the entry *"])
    result.stdout.no_fnmatch_line("*obsolete*")


def test_ids_of_the_users_and_values_without_a_digest_are_left_alone(suite):
    suite.makepyfile(
        test_x="""
        import pytest

        class Thing: pass

        @pytest.mark.parametrize("a", ["short", 3, 0.5, None])
        @pytest.mark.parametrize("thing", [Thing()])
        @pytest.mark.parametrize("named", [{"a": 1}], ids=["mine"])
        @pytest.mark.parametrize("text", ["text0"])
        def test_it(check, a, thing, named, text): check(10)
        """
    )
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=4)
    assert "digest" not in golden(suite)
    suite.runpytest().assert_outcomes(passed=4)


MADE_OF = """
    import os
    from collections import namedtuple
    from dataclasses import dataclass
    from pathlib import Path
    from types import SimpleNamespace
    import pytest

    @dataclass
    class Case:
        n: int
        picture: object = None

    Row = namedtuple("Row", "n")
    HERE = Path(__file__).parent
    KINDS = {
        "path": lambda n: HERE / f"{n}.png",
        "text": lambda n: {"image": str(HERE / f"{n}.png")},
        "dataclass": lambda n: Case(n, object()),
        "namedtuple": Row,
        "namespace": lambda n: SimpleNamespace(n=n, path=HERE),
        "nested": lambda n: [Case(n)],
    }
    made = KINDS[os.environ["KIND"]]

    @pytest.mark.parametrize("case", [made(n) for n in eval(os.environ["NUMBERS"])])
    def test_it(check, case): check(10)
"""


@pytest.mark.quick(2)
@pytest.mark.parametrize("kind", ["path", "text", "dataclass", "namedtuple", "namespace", "nested"])
def test_what_is_made_of_plain_values_has_a_digest_on_every_machine(
    suite, kind, monkeypatch, tmp_path_factory
):
    monkeypatch.setenv("KIND", kind)
    monkeypatch.setenv("NUMBERS", "[1, 2]")
    suite.makepyfile(test_x=MADE_OF)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    assert golden(suite).count("digest:") == 2
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "checkout"
    shutil.copytree(suite.path, elsewhere, ignore=shutil.ignore_patterns(".pytest_cache"))
    monkeypatch.chdir(elsewhere)
    suite.runpytest("--rootdir", str(elsewhere), str(elsewhere)).assert_outcomes(passed=2)
    monkeypatch.chdir(suite.path)
    monkeypatch.setenv("NUMBERS", "[0, 1, 2]")
    result = suite.runpytest()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*'test_it[[]case0]' was recorded for another*"])


def test_golden_images_are_told_apart_by_the_value_too(suite, monkeypatch):
    suite.makepyfile(
        test_x="""
        import os, numpy as np, pytest

        CASES = [{"size": 8}, {"size": 16}]

        @pytest.mark.parametrize("case", CASES[::int(os.environ["STEP"])])
        def test_it(golden_image, case):
            golden_image.check(np.zeros((8, 8, 3), np.uint8), comparator="exact")
        """
    )
    monkeypatch.setenv("STEP", "1")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    suite.runpytest().assert_outcomes(passed=2)
    monkeypatch.setenv("STEP", "-1")
    result = suite.runpytest()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["*another value of*test_it[[]case0]*that of test_it[[]case1] fits*"]
    )
    suite.runpytest("--editmetrics-update=failed").assert_outcomes(failed=0, passed=2)
    suite.runpytest().assert_outcomes(passed=2)


def test_one_long_prompt_among_short_ones_is_advised_an_id_that_collects(suite):
    text = """
        import pytest
        ONE = {}
        @pytest.mark.parametrize("prompt", ["a red hat", ONE, "a blue cup"])
        def test_it(check, prompt): check(20)
    """
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 60}}\n")
    prompt = "replace the background of the photo " * 5
    suite.makepyfile(test_x=text.format(repr(prompt)))
    result = suite.runpytest("--editmetrics-update=all")
    line = next(line for line in result.outlines if "from the place of a parameter" in line)
    advised = line.partition("write ")[2].partition(")")[0] + ")"
    assert advised.startswith("pytest.param(..., id='replace-the-")
    suite.makepyfile(test_x=text.format(advised.replace("...", repr(prompt))))
    result = suite.runpytest("--editmetrics-update=all")
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*from the place of a parameter*")


@pytest.mark.parametrize("results", [(), ("--editmetrics-run-dir=run",)], ids=["", "run"])
def test_values_of_tests_without_gates_are_not_looked_at(suite, monkeypatch, results):
    """They may be pictures of megabytes."""
    looked = []
    text_of = identity.text_of
    monkeypatch.setattr(
        identity, "text_of", lambda value, root: looked.append(value) or text_of(value, root)
    )
    suite.makepyfile(
        "import pytest\n"
        "of_pictures = pytest.mark.parametrize('picture', [b'x' * 1000, b'y' * 1000])\n"
        "@of_pictures\ndef test_plain(picture): pass\n"
        "@of_pictures\ndef test_failing(picture): assert 0\n"
        "def test_gate(check): check(1, 2)\n"
    )
    suite.runpytest(*results).assert_outcomes(passed=3, failed=2)
    assert looked == []
    suite.makepyfile(
        test_gates="import pytest\n"
        "@pytest.mark.parametrize('picture', [b'x' * 1000])\n"
        "def test_gate(picture, check): check(1, 2)\n"
    )
    suite.runpytest(*results).assert_outcomes(passed=4, failed=2)
    assert set(looked) == {b"x" * 1000}
