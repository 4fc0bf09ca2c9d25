"""The session's counts hold what the summary needs, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_editmetrics.gates.verdict import Gate
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
