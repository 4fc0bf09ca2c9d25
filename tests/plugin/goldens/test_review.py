"""The band between pass and fail: green with a warning, wherever a gate is shown."""

from __future__ import annotations

import json
import re

import pytest
from parameters import first_of

both = pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])

BAND = "{'max': 0.10, 'review': 0.06}"


@pytest.fixture
def banded(suite):
    suite.makepyfile(
        test_x=f"""
        import pytest
        from conftest import *

        def test_good(check): check(6, {BAND})

        def test_close(check): check(8, {BAND})

        def test_bad(check): check(11, {BAND})
        """
    )
    return suite


@both
def test_a_value_in_the_band_passes_and_is_told(banded, mode):
    outputs = "--editmetrics-results=r.jsonl", "--junitxml=j.xml", "--editmetrics-junit=full"
    result = banded.runpytest(*outputs, *mode)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "metric  gates  passed  review  failed  unmeasured  worst value",
            "score * 3 * 1 * 1 * 1 * 0 *",
            "for review: beyond the review bound, or beyond a bound that only advises: 1",
            "  test_x.py::test_close: unedit score 0.080 > review 0.060, inside max 0.100,"
            " argument test_x.py:6",
        ]
    )
    records = [json.loads(line) for line in (banded.path / "r.jsonl").read_text().splitlines()]
    assert {r["nodeid"]: (r["verdict"], r["review"]) for r in records if r["record"] == "gate"} == {
        "test_x.py::test_good": ("pass", 0.06),
        "test_x.py::test_close": ("review", 0.06),
        "test_x.py::test_bad": ("fail", 0.06),
    }
    end = records[-1]
    assert (end["passed"], end["review"], end["failed"]) == (1, 1, 1)
    assert 'value="review value=0.08 max=0.1 review=0.06"' in (banded.path / "j.xml").read_text()


@both
def test_the_option_makes_it_fail(banded, mode):
    result = banded.runpytest("--editmetrics-review=fail", *mode)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*GateFailure: unedit score 0.080 > review 0.060, inside max 0.100*",
            "*to accept edit the review bound, argument test_x.py:6 (updating never writes one)",
        ]
    )


def test_the_ini_twin_and_an_xfail_mark(suite):
    suite.makeini("[pytest]\neditmetrics_review = fail\n")
    suite.makepyfile(
        f"""
        import pytest
        from conftest import *

        @pytest.mark.xfail
        def test_expected(check): check(8, {BAND})
        """
    )
    suite.runpytest().assert_outcomes(xfailed=1)
    suite.runpytest("--editmetrics-review=warn").assert_outcomes(xpassed=1)


def test_a_gate_of_a_teardown_fails_it(suite):
    suite.makepyfile(
        f"""
        import pytest
        from conftest import *

        @pytest.fixture
        def late(check):
            yield
            check(8, {BAND})

        def test_it(late): pass
        """
    )
    suite.runpytest().assert_outcomes(passed=1)
    suite.runpytest("--editmetrics-review=fail").assert_outcomes(passed=1, errors=1)


def test_higher_is_better_has_its_band_below(suite):
    band = "{'min': 0.88, 'review': 0.92}"
    suite.makepyfile(
        test_x=f"""
        from conftest import *
        def test_it(check):
            check(92, {band}, metric="likeness", name="good")
            check(90, {band}, metric="likeness", name="close")
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["  test_x.py::test_it: unedit likeness@close 0.900 < review 0.920, inside min*"]
    )
    result.stdout.fnmatch_lines(["for review*: 1"])


def test_the_default_the_marker_and_the_golden_may_state_it(suite):
    (suite.path / "editmetrics.yaml").write_text("thresholds:\n  score: {max: 0.2, review: 0.07}\n")
    (suite.path / "goldens").mkdir()
    (suite.path / "goldens/test_x.py.yaml").write_text(
        '"test_golden":\n  score: {max: 0.2, review: 0.5, env: {cpu: {max: 0.1, review: 0.06}}}\n'.replace(
            "review: 0.5", "review: 0.15"
        )
    )
    suite.makepyfile(
        test_x="""
        import pytest
        from conftest import *

        def test_default(check): check(8)

        def test_golden(check): check(7)

        @pytest.mark.editmetrics(metrics=["score"], thresholds={"score": {"max": 1, "review": 0.01}})
        def test_marker(edit_gate): edit_gate.check(image(0), image(5))
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "for review*: 3",
            "  test_x.py::test_default: * > review 0.070, *, default editmetrics.yaml:2",
            "  test_x.py::test_golden: * > review 0.060, *, golden goldens/test_x.py.yaml:2 (env cpu)",
            "  test_x.py::test_marker: * > review 0.010, *, marker on test_x.py::test_marker",
        ]
    )


def test_a_case_and_a_golden_with_the_band_on_the_wrong_side_are_errors_with_their_line(suite):
    from PIL import Image

    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8)).save(suite.path / name)
    case = "cases:\n  - id: one\n    reference: a.png\n    edited: b.png\n    metrics: [score]\n"
    (suite.path / "test_c.edit.yaml").write_text(
        case + "    thresholds: {score: {max: 0.1, review: 0.1}}\n"
    )
    (suite.path / "goldens").mkdir()
    (suite.path / "goldens/test_x.py.yaml").write_text(
        '"test_it":\n  score:\n    max: 0.1\n    review: 0.2\n'
    )
    suite.makepyfile(test_x="def test_it(check): check(5)")
    result = suite.runpytest("--continue-on-collection-errors")
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*test_c.edit.yaml:6: review of score is 0.1 and must lie below max, 0.1*",
            "*goldens/test_x.py.yaml:4: review of score is 0.2 and must lie below max, 0.1*",
        ]
    )


GOLDEN = """\
"test_it":
  score:
    max: 0.10  # agreed with Ada
    review: 0.06  # look at it from here
    measured: 0.05
"""


@pytest.mark.parametrize(
    ("value", "update", "changed"),
    [
        (8, "failed", {}),
        (12, "failed", {"0.10 ": "0.132 ", "0.05": "0.12"}),
        (9, "all", {"0.10 ": "0.099 ", "0.05": "0.09"}),
    ],
)
def test_recording_keeps_the_line_of_the_band(suite, value, update, changed):
    golden = suite.path / "goldens/test_x.py.yaml"
    golden.parent.mkdir()
    golden.write_text(GOLDEN)
    suite.makepyfile(test_x=f"def test_it(check): check({value})")
    suite.runpytest(f"--editmetrics-update={update}").assert_outcomes(passed=1)
    expected = GOLDEN
    for old, new in changed.items():
        expected = expected.replace(old, new)
    size = '    size: "8x8"\n' if changed else ""
    assert golden.read_text() == expected + size


@both
def test_a_band_in_the_way_of_a_new_bound_is_told_and_nothing_of_it_is_lost(suite, mode):
    golden = suite.path / "goldens/test_x.py.yaml"
    golden.parent.mkdir()
    golden.write_text(GOLDEN + '"test_other":\n  score: {max: 0.5}\n')
    suite.makepyfile(test_x="def test_it(check): check(2)\n\ndef test_other(check): check(2)\n")
    result = suite.runpytest("--editmetrics-update=all", *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAILED: goldens/test_x.py.yaml:2: the golden was not written: its review 0.06 would not"
            " lie on the good side of the new max 0.022; change or remove the review of 'test_it',"
            " then record again"
        ]
    )
    assert (
        golden.read_text()
        == GOLDEN + '"test_other":\n  score: {max: 0.022, measured: 0.02, size: "8x8"}\n'
    )


def test_a_run_that_is_scored_again_keeps_the_band(banded, capsys):
    from pytest_editmetrics.cli.main import main
    from pytest_editmetrics.runs.folder import read_run

    banded.runpytest("--editmetrics-run-dir=run", "-k", "not bad")
    assert main(["score", "run"]) == 0
    verdicts = {
        r.nodeid: (r.gate.verdict, r.gate.review)
        for r in read_run(banded.path / "run-scored").gates
    }
    assert verdicts["test_x.py::test_close"] == ("review", 0.06)
    banded.makeini("[pytest]\neditmetrics_review = fail\n")
    assert main(["score", "run"]) == 1
    assert "1 gate is for review (editmetrics_review is fail)" in capsys.readouterr().out


def test_what_was_written_is_told_beside_what_was_not(suite, capsys):
    """``a``'s review would contradict the new bound; ``b``'s golden is written all the same."""
    from pytest_editmetrics.cli.main import main

    before = {
        "a": "test_it:\n  score: {max: 0.1, review: 0.09}\n",
        "b": "test_it:\n  score: {max: 0.1}\n",
    }
    suite.mkdir("goldens")
    goldens = {name: suite.path / "goldens" / f"test_{name}.py.yaml" for name in before}

    def fresh():
        for name, text in before.items():
            goldens[name].write_text(text)

    fresh()
    for name, value in (("a", 3), ("b", 14)):
        suite.makepyfile(**{f"test_{name}": f"def test_it(check): check({value})"})
    result = suite.runpytest("--editmetrics-update=all")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["recorded: goldens/test_b.py.yaml; review*", "FAILED: goldens/test_a.py.yaml*review*"]
    )
    fresh()
    (suite.path / "test_a.py").write_text("def test_it(check): check(14)")
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=2)
    goldens["a"].write_text("test_it: [\n")
    assert main(["approve", "run"]) == 1
    out, err = capsys.readouterr()
    assert "approved: test_b.py::test_it score" in out
    assert "wrote goldens/test_b.py.yaml" in out
    assert "approved: test_a.py" not in out
    assert "goldens/test_a.py.yaml" in err


def test_approve_leaves_what_is_for_review_alone(suite, capsys):
    from pytest_editmetrics.cli.main import main

    golden = suite.path / "goldens/test_x.py.yaml"
    golden.parent.mkdir()
    golden.write_text(GOLDEN)
    suite.makepyfile(test_x="def test_it(check): check(8)")
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    assert main(["approve", "run"]) == 0
    assert "nothing to approve" in capsys.readouterr().out
    assert golden.read_text() == GOLDEN


def test_github_and_the_summary_warn(banded, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = banded.runpytest("--editmetrics-summary=s.md")
    (warning,) = [line for line in result.outlines if line.startswith("::warning")]
    assert warning.startswith(
        "::warning file=test_x.py,line=6,title=editmetrics score::test_x.py::test_close:"
        " unedit score 0.080 > review 0.060, inside max 0.100"
    )
    text = (banded.path / "s.md").read_text(encoding="utf-8")
    assert "1 of 3 gates failed, 1 for review" in text
    assert re.search(r"### For review: 1\n- <code>test_x.py::test_close: ", text)
    assert "| metric | gates | passed | review | failed | unmeasured | worst value |" in text
