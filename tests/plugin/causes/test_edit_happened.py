"""A model that does nothing fails ``edit_lpips``, and cannot be recorded."""

from __future__ import annotations

import sys

import pytest

CONFIG = "metrics: [lpips, edit_lpips]\nthresholds: {lpips: {max: 0.05}}\n"
SUITE = """
import numpy as np

def image():
    return np.random.default_rng(7).integers(0, 255, (64, 64, 3), dtype=np.uint8)

def test_edit(edit_gate):
    edited = image()
    if CHANGE:
        edited[16:48, 16:48] //= 2
    edit_gate.check(image(), edited, [(16, 16, 48, 48)])
"""


@pytest.fixture
def run(pytester: pytest.Pytester):
    pytester.makefile(".yaml", editmetrics=CONFIG)

    def run(change: bool, *args: str) -> pytest.RunResult:
        pytester.makepyfile(test_x=f"CHANGE = {change}\n{SUITE}")
        return pytester.runpytest("--editmetrics-device=cpu", *args)

    return run


def test_a_model_that_stops_editing_fails(pytester, run):
    recorded = run(True, "--editmetrics-update=missing")
    recorded.assert_outcomes(passed=1)
    golden = (pytester.path / "goldens" / "test_x.py.yaml").read_text()
    assert "edit_lpips: {min:" in golden
    run(True).assert_outcomes(passed=1)
    result = run(False)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*edit_lpips 0.* < min *", "*bound     edit_lpips: golden goldens/test_x.py.yaml:*"]
    )


@pytest.mark.parametrize("mode", ["missing", "failed", "all"])
def test_a_no_op_is_never_recorded(pytester, run, mode):
    result = run(False, f"--editmetrics-update={mode}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*edit_lpips 0.0*",
            "*    to record not possible: edit_lpips is 0*would never fail*",
        ]
    )
    result.stdout.no_fnmatch_line("*could not be judged*")
    path = pytester.path / "goldens" / "test_x.py.yaml"
    assert not path.exists() or "edit_lpips" not in path.read_text()


def test_a_scope_outside_is_refused(pytester, run):
    pytester.makefile(
        ".yaml", editmetrics=CONFIG + "metric_configs: {edit_lpips: {scope: unedit_area}}\n"
    )
    result = run(True)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*edit_lpips*its scope is edit_area*"])


def test_approve_leaves_what_always_holds(pytester, run):
    result = run(False, "--editmetrics-run-dir=run")
    result.assert_outcomes(failed=1)
    approved = pytester.run(sys.executable, "-m", "pytest_editmetrics.cli.main", "approve", "run")
    approved.stdout.fnmatch_lines(["left: *edit_lpips: edit_lpips is 0*would never fail*"])
