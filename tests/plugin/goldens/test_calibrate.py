"""From repeated runs of a suite to golden files that hold it."""

from __future__ import annotations

import pytest

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.report.html.case_view import anchor_of, groups_of
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.runs.review import Decision, change_review


def test_seeds_to_goldens_and_a_run_that_passes(suite, capsys, monkeypatch):
    suite.makeini("[pytest]")
    suite.makepyfile(
        """
        import os
        def test_it(check):
            check(30 + int(os.environ["SEED"]) % 5)
        """
    )
    for seed in range(5):
        monkeypatch.setenv("SEED", str(seed))
        result = suite.runpytest(f"--editmetrics-run-dir=run{seed}")
        result.assert_outcomes(failed=1)
    runs = [f"run{seed}" for seed in range(5)]
    assert main(["calibrate", *runs, "--write"]) == 0
    out = capsys.readouterr().out
    # 0.30 to 0.34, a metric without a best value: mean 0.32, deviation 0.0158, factor 5.741
    assert "proposal  max 0.411" in out
    assert "values counted as they are" in out
    golden = suite.path / "goldens" / (next(suite.path.glob("test_*.py")).name + ".yaml")
    assert golden.read_text() == '"test_it":\n  score: {max: 0.411, measured: 0.32, size: "8x8"}\n'
    suite.runpytest().assert_outcomes(passed=1)


def test_two_runs_of_one_second_with_equal_values_are_two(suite, capsys, monkeypatch):
    monkeypatch.chdir(suite.path)
    monkeypatch.setattr("pytest_editmetrics.session.outputs.now", lambda: "2026-11-30T12:00:00")
    suite.makepyfile("def test_it(check): check(30)")
    both = "--editmetrics-run-dir={0}", "--editmetrics-results={0}.jsonl"
    for name in ("one", "two"):
        suite.runpytest(*(option.format(name) for option in both)).assert_outcomes(failed=1)
    main(["calibrate", "one", "two"])
    assert "all 2 values are the same" in capsys.readouterr().out
    assert main(["calibrate", "one", "one.jsonl"]) == 2
    assert "one and one.jsonl hold the same run" in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "said"), [("refused", "refused"), ("put-off", "put off")])
def test_what_was_refused_in_review_is_left(suite, capsys, monkeypatch, verb, said):
    suite.makeini("[pytest]")
    suite.makepyfile(
        test_x="""
        import os
        def test_it(check): check(30 + int(os.environ["SEED"]) % 5)
        def test_other(check): check(30 + int(os.environ["SEED"]) % 5)
        """
    )
    for seed in range(5):
        monkeypatch.setenv("SEED", str(seed))
        suite.runpytest(f"--editmetrics-run-dir=run{seed}").assert_outcomes(failed=2)
    runs = [f"run{seed}" for seed in range(5)]
    run = read_run(suite.path / "run3")
    (case,) = [one for one in groups_of(run) if one.records[0].nodeid.endswith("test_it")]
    decision = Decision("test_x.py::test_it", verb, "the cup\nmoved", "ann")
    change_review(run.path, run.session["started"], {anchor_of(case): decision})
    assert main(["calibrate", *runs, "--write"]) == 0
    out = capsys.readouterr().out
    assert f'in run3: {said} in review by ann: "the cup moved"; leave that run out, or undo' in out
    assert "1 proposal, 1 with warnings; 1 left" in out
    golden = suite.path / "goldens" / "test_x.py.yaml"
    assert (
        golden.read_text() == '"test_other":\n  score: {max: 0.411, measured: 0.32, size: "8x8"}\n'
    )
    assert main(["calibrate", *(name for name in runs if name != "run3"), "--write"]) == 0
    assert "test_it" in golden.read_text()


def test_accepted_ones_are_calibrated_and_a_review_that_cannot_be_read_is_an_error(
    suite, capsys, monkeypatch
):
    suite.makeini("[pytest]")
    suite.makepyfile(test_x="import os\ndef test_it(check): check(int(os.environ['SEED']))")
    for seed, name in enumerate(("one", "two"), 30):
        monkeypatch.setenv("SEED", str(seed))
        suite.runpytest(f"--editmetrics-run-dir={name}").assert_outcomes(failed=1)
    run = read_run(suite.path / "one")
    anchor = anchor_of(groups_of(run)[0])
    accepted = Decision("test_x.py::test_it", "accepted")
    change_review(run.path, run.session["started"], {anchor: accepted})
    assert main(["calibrate", "one", "two", "--no-selftest"]) == 0
    (suite.path / "one" / "review.json").write_text("{")
    assert main(["calibrate", "one", "two", "--no-selftest", "--write"]) == 1
    assert "review.json: not a review" in capsys.readouterr().err
    assert not (suite.path / "goldens").exists()
