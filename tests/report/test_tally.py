"""The session's counts hold what the summary needs, and no more."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.html.data import _metric_row
from pytest_editmetrics.report.summary import worst_margin
from pytest_editmetrics.report.tally import Tally, TestGates

PASS = Gate("lpips", "pass", value=0.02, bound_kind="max", bound=0.1, distance=-0.08)
FAIL = replace(PASS, verdict="fail", value=0.2, distance=0.1)
SOFT = Gate("emd", "unmeasured", reason="no-valid-patch")


def attempt(*gates, name="t::a", number=1, final=True, outcome="passed"):
    return TestGates(name, number, final, outcome, outcome == "failed", gates)


def test_of_ten_thousand_passing_gates_one_is_held():
    tally = Tally(attempt(replace(PASS, distance=-n / 1e4), name=f"t::{n}") for n in range(10_000))
    assert tally.notable == []
    assert tally.counts()["passed"] == tally.counts()["gates"] == 10_000
    (row,) = tally.rows()
    assert row.worst == (replace(PASS, distance=-0.0), "t::0")


def test_the_worst_gate_of_a_metric_is_the_nearest_to_its_own_bound():
    wide = replace(PASS, value=0.5, bound=0.6, distance=-0.1)
    tight = replace(PASS, value=0.001, bound=0.01, distance=-0.009)
    tile = {"box": [0, 0, 8, 8], "value": 3.6, "bound": 4.0}
    by_tile = replace(wide, value=0.1, distance=-0.4, snapshot={"tile": tile})
    (row,) = Tally([attempt(tight, name="t::tight"), attempt(wide, name="t::wide")]).rows()
    assert row.worst == (wide, "t::wide")
    (row,) = Tally([attempt(wide), attempt(by_tile, name="t::tile")]).rows()
    assert row.worst == (by_tile, "t::tile")


@pytest.mark.parametrize(
    ("gate", "cell"),
    [
        (Gate("lpips", "fail", reason="no-match", message="gone"), "no value (no-match)"),
        (
            Gate("lpips", "fail", bound_kind="max", bound=0.1, reason="redrawn"),
            "no value (redrawn)",
        ),
        (Gate("lpips", "fail", message="2x2, the golden 3x3", snapshot={}), "no value (unlike)"),
        (Gate("lpips", "missing-golden", snapshot={}), "no value (no golden)"),
        (Gate("lpips", "missing-golden", value=0.02), "0.020 (no bound)"),
        (replace(FAIL, value=math.nan, distance=math.nan), "nan (max 0.100)"),
        (replace(FAIL, value=math.nan, distance=None), "nan (max 0.100)"),
    ],
)
def test_a_failure_without_a_margin_is_worse_than_what_passes(gate, cell):
    exact = replace(PASS, value=0.1, distance=0.0)
    for failed in ([attempt(gate), attempt(exact, name="t::b")], [attempt(exact, gate)]):
        (row,) = Tally(failed).rows()
        assert worst_margin(row) == f"{cell}: t::a"
        shown = _metric_row(row, {})
        assert shown.worst_test == "a"
        assert str(shown.worst).startswith(cell.partition(" ")[0])


def test_what_could_not_be_judged_is_no_worst_value():
    (row,) = Tally([attempt(Gate("lpips", "error", message="no weights"), PASS)]).rows()
    assert row.worst == (PASS, "t::a")


def test_what_did_not_simply_pass_is_held_in_order():
    tests = [attempt(SOFT), attempt(PASS, FAIL, outcome="failed"), attempt(PASS)]
    assert [gate for _, gate in Tally(tests).notable] == [SOFT, FAIL]


@pytest.mark.parametrize(
    ("tests", "nothing", "empty"),
    [
        ([], False, True),
        ([attempt(SOFT)], True, False),
        ([attempt(FAIL, final=False, outcome="rerun"), attempt(SOFT, number=2)], False, False),
    ],
    ids=["no gate", "unmeasured", "measured at first"],
)
def test_whether_anything_was_measured(tests, nothing, empty):
    tally = Tally(tests)
    assert (tally.nothing_measured, tally.empty) == (nothing, empty)


def test_a_rerun_counts_once():
    again = [attempt(FAIL, final=False, outcome="rerun"), attempt(PASS, number=2)]
    tally = Tally(again)
    assert tally.counts()["gates"] == 1
    assert tally.flaky == ["t::a"]
    assert Tally([again[0], attempt(FAIL, number=2, outcome="failed")]).flaky == []
