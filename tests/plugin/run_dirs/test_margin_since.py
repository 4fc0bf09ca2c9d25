"""A value that no golden holds with today's margin: what its session and `approve` say, then and with another."""

from __future__ import annotations

import pytest
from parameters import first_of

from pytest_editmetrics.cli.main import main

TEST = """
import numpy as np

def test_it(edit_gate):
    before = np.zeros((32, 32, 3), np.uint8)
    after = before.copy()
    after[4, 4] = 240
    try:
        edit_gate.check(before, after, metrics={metrics})
    finally:
        {more}
"""
ONE, BOTH = ["unedit_max_diff"], ["unedit_max_diff", "unedit_psnr"]
SMALLER = "metric_configs: {unedit_max_diff: {margin: {relative: 0.01}}}\n"
ADVICE = "give the metric a smaller margin (metric_configs)"


@pytest.fixture
def run(pytester, monkeypatch, capsys):
    monkeypatch.chdir(pytester.path)

    def run(*options, metrics=ONE, more="pass"):
        pytester.makepyfile(test_x=TEST.format(metrics=metrics, more=more))
        result = pytester.runpytest("--editmetrics-run-dir=run", *options)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines([f"*{ADVICE}"] if metrics is ONE else ["*test_it*"])
        return result

    def approve(settings, *options):
        (pytester.path / "editmetrics.yaml").write_text(settings)
        capsys.readouterr()
        assert main(["approve", "run", *options]) == 0
        return capsys.readouterr().out

    run.approve = approve
    return run


@pytest.mark.quick(1)
@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
@pytest.mark.parametrize("update", [(), ("--editmetrics-update=missing",)], ids=["", "recorded"])
def test_the_advice_of_a_smaller_margin_is_followed(run, mode, update, pytester):
    result = run(*update, *mode)
    result.stdout.fnmatch_lines(["no golden can hold 1 of 1 without a golden (unedit_max_diff)*"])
    result.stdout.no_fnmatch_line("*another reason*")
    result.stdout.no_fnmatch_line("*editmetrics approve*")
    assert run.approve("").splitlines()[0].endswith(ADVICE)
    assert "approved: test_x.py::test_it unedit_max_diff 240.0, max 243.0" in run.approve(SMALLER)
    pytester.runpytest(*mode).assert_outcomes(passed=1)


def test_what_else_fails_the_test_is_named(run):
    left = (
        "left: test_x.py::test_it unedit_psnr: its test fails by unedit_max_diff, which no golden"
    )
    run(metrics=BOTH)
    assert left in run.approve("")
    assert run.approve(SMALLER).count("approved: ") == 2


@pytest.mark.parametrize("more", ["1 / 0", "assert not 'the wrong size'"])
def test_a_test_that_fails_for_another_reason_is_left(run, more):
    run(metrics=BOTH, more=more)
    said = run.approve(SMALLER)
    assert "approved: " not in said
    assert "its test failed for another reason, too; -k test_x.py::test_it approves it" in said
