"""Suite gates judged: in their direction, and never silently green."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.config.suite import SuiteBound, SuiteSettings
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.suite_text import change_lines, suite_headline
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.runs.results import ResultsFile
from pytest_editmetrics.suites.gate import SuiteResult, suite_of
from pytest_editmetrics.suites.judge import Point, Side, judge_suite

ALEX = frozenset({("lpips:alex", "94bb")})


def side(values, problem=None, metric="lpips", weights=ALEX, smoke=False) -> Side:
    return Side(
        {
            (f"t.py::{n}", metric, None): Point(value, weights, smoke, {})
            for n, value in enumerate(values)
        },
        problem,
    )


def bound(statistic, limit, by=0.0, metric="lpips"):
    better = "lower" if metric == "lpips" else "higher"
    kind = (
        "min"
        if statistic == "paired" or (better == "higher" and statistic != "regressions")
        else "max"
    )
    return SuiteBound(metric, better, statistic, kind, limit, "editmetrics.yaml:4", by)


def judged(one, head, base=None, **options):
    (gate,) = judge_suite(SuiteSettings((one,)), head, base, **options)
    return gate


@pytest.mark.parametrize(
    ("statistic", "limit", "verdict"),
    [
        ("mean", 0.25, "pass"),
        ("mean", 0.24, "fail"),
        ("median", 0.125, "pass"),
        ("median", 0.12, "fail"),
        ("p50", 0.125, "pass"),
        ("p99", 0.7, "fail"),
    ],
)
def test_averages_are_held_inclusively(statistic, limit, verdict):
    gate = judged(bound(statistic, limit), side([0.0, 0.125, None, 0.125, 0.75]))
    assert (gate.verdict, gate.gates, gate.measured) == (verdict, 5, 4)


def test_the_direction_is_the_metrics():
    good, bad = side([0.9, 0.9], metric="sim"), side([0.7, 0.8], metric="sim")
    assert judged(bound("mean", 0.85, metric="sim"), good).verdict == "pass"
    assert judged(bound("mean", 0.85, metric="sim"), bad).verdict == "fail"
    fell = judged(bound("regressions", 1, 0.15, metric="sim"), bad, good)
    assert (fell.value, fell.verdict) == (1, "pass")
    rose = judged(bound("regressions", 0, metric="sim"), good, bad)
    assert (rose.value, rose.change.improved) == (0, 2)


def test_many_small_regressions_fail_where_the_single_ones_do_not():
    noise = random.Random(4)
    base = [0.02 + noise.gauss(0, 0.002) for _ in range(40)]
    head = [value + 0.001 + noise.gauss(0, 0.001) for value in base]
    gate = judged(bound("paired", 0.01), side(head), side(base))
    assert gate.verdict == "fail"
    assert gate.value < 1e-4
    low, high = gate.change.mean_interval
    assert 0 < low < gate.change.mean < high
    assert judged(bound("paired", 0.01), side(base), side(head)).verdict == "pass"
    assert judged(bound("paired", 0.01, by=0.005), side(head), side(base)).verdict == "pass"


def test_what_moved_most_is_listed_worst_first():
    gate = judged(bound("regressions", 0), side([0.1, 0.3, 0.2, 0.0]), side([0.1] * 4))
    assert [(one.nodeid, round(one.worse_by, 9)) for one in gate.change.moved] == [
        ("t.py::1", 0.2), ("t.py::2", 0.1),
    ]  # fmt: skip
    assert (gate.change.worse, gate.change.improved) == (2, 1)


@pytest.mark.parametrize("statistic", ["regressions", "paired"])
@pytest.mark.parametrize(
    ("head", "base", "message"),
    [
        (side([0.1] * 9), side([], "there is no base b.jsonl"), "there is no base b.jsonl"),
        (side([0.1] * 9, "the head was cut off"), side([0.1] * 9), "the head was cut off"),
        (side([0.1] * 9), side([0.1] * 9, "the base was cut off"), "the base was cut off"),
        (side([0.1] * 9), side([]), "no gate is measured in both"),
        (side([]), side([0.1] * 9), "no gate is measured in both"),
        (side([None] * 9), side([0.1] * 9), "no gate is measured in both"),
        (side([0.1] * 9), side([0.1] * 9, weights=frozenset()), "9 of 9 pairs are measured with other"),
        (side([0.1] * 9), side([0.1] * 9, smoke=True), "9 of 9 pairs are measured on smoke weights"),
        (side([0.1] * 8 + [None]), side([0.1] * 9), "1 gate of the base not measured any more"),
    ],
)  # fmt: skip
def test_what_proves_nothing_fails_and_says_why(statistic, head, base, message):
    gate = judged(bound(statistic, 0.01), head, base)
    assert (gate.verdict, gate.value) == ("fail", None)
    assert message in gate.message
    assert message in suite_headline(gate)


def test_nothing_measured_fails_an_average():
    for head in (side([]), side([None, None]), side([0.1], "cut off")):
        assert judged(bound("mean", 1), head).verdict == "fail"


def test_too_few_pairs_to_ever_reject_fail():
    gate = judged(bound("paired", 0.01), side([0.2] * 6), side([0.1] * 6))
    assert "6 pairs are too few" in gate.message
    assert "with less than 7" in gate.message
    assert judged(bound("paired", 0.01), side([0.2] * 7), side([0.1] * 7)).verdict == "fail"
    assert judged(bound("paired", 0.01), side([0.1] * 7), side([0.1] * 7)).value == 1.0


def test_other_weights_can_be_allowed_and_smoke_against_real_not():
    head, base = side([0.1] * 9), side([0.1] * 9, weights=frozenset())
    one = bound("regressions", 0)
    assert judged(one, head, base, allow_other_weights=True).verdict == "pass"
    smoke = side([0.1] * 9, smoke=True)
    assert judged(one, head, smoke, allow_other_weights=True).verdict == "fail"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 0.5))
def test_regressions_are_counted_by_what_is_allowed(changes, by):
    base = side([0.5] * len(changes))
    most = len(changes) - 1
    gate = judged(bound("regressions", most, by), side([0.5 + c for c in changes]), base)
    clear = [c for c in changes if abs(c - by) > 1e-5]
    assert sum(c > by for c in clear) <= gate.value <= len(changes) - sum(c < by for c in clear)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (bound("regressions", 3), "max 3 lets all 3 pairs be worse; give a smaller `max`"),
        (bound("regressions", 0, 5), "none can be worse by more than 5: no lpips of the two runs"),
        (bound("paired", 0.5, 5), "is above 0.9; give a smaller `by`"),
        (bound("regressions", 0, 2, metric="mask_iou"), "than 2: mask_iou lies between 0 and 1;"),
    ],
)
def test_what_could_fail_nothing_fails_and_says_so(one, message):
    sides = side([0.9] * 3, metric=one.metric), side([0.1] * 3, metric=one.metric)
    gate = judged(one, *sides)
    assert gate.verdict == "fail"
    assert message in gate.message


def test_the_lines_of_a_failure():
    base = [0.020 + n / 1000 for n in range(8)]
    gate = judged(bound("paired", 0.01, 0.001), side([b + 0.01 for b in base] + [1]), side(base))
    assert suite_headline(gate) == (
        "suite lpips paired p 0.00391 < alpha 0.01, worse by more than 0.001, 8 pairs,"
        " editmetrics.yaml:4"
    )
    counted = judged(bound("regressions", 3, 0.005), side([b + 0.01 for b in base]), side(base))
    head, change, pairs, *moved = change_lines([counted, gate])
    assert head == "suite lpips against the base:"
    assert change == (
        "  change  mean 0.01 worse [+0.01, +0.01], median 0.01 worse [+0.01, +0.01];"
        " 95 % bootstrap intervals"
    )
    assert pairs == "  pairs   8: 8 worse, 0 better, 0 unchanged; 1 not in the base"
    assert len(moved) == 5
    assert all(
        line.startswith("  moved   0.0") and ", 0.01 worse: t.py::" in line for line in moved
    )
    assert suite_headline(counted) == (
        "suite lpips regressions 8 > max 3, worse by more than 0.005, 8 pairs, editmetrics.yaml:4"
    )
    mean = judged(bound("mean", 0.03), side([0.03, 0.05, None]))
    assert suite_headline(mean) == (
        "suite lpips mean 0.040 > max 0.030 (+0.010), 2 gates, 1 not measured, editmetrics.yaml:4"
    )


def test_a_result_is_read_as_it_was_written(tmp_path):
    head, base = side([0.1, 0.3, 0.2]), side([0.1, 0.1, None])
    suite = SuiteSettings((bound("mean", 1), bound("regressions", 0), bound("paired", 0.01)))
    gates = tuple(judge_suite(suite, head, base))
    written = json.loads(json.dumps(SuiteResult(gates, "b.jsonl", None).to_dict()))
    assert suite_of(Run(tmp_path, {}, (), (), True, {"suite": written})).gates == gates
    assert suite_of(Run(tmp_path, {}, (), (), True, {})) is None
    for broken in ([], {"gates": [{}], "base": None, "why": None}, {**written, "base": 3}):
        with pytest.raises(EditMetricsError, match="holds a suite that makes no sense"):
            suite_of(Run(tmp_path, {}, (), (), True, {"suite": broken}))


LPIPS = ({"name": "lpips:alex", "sha256": "94bb", "smoke": False},)


@pytest.fixture
def compare(tmp_path, monkeypatch, capsys):
    """Write two runs and a configuration, compare them, return status and output."""
    monkeypatch.chdir(tmp_path)

    def write(name, values, complete):
        file = ResultsFile(tmp_path / name / "results.jsonl", {}, "2031-01-01T00:00:00+00:00")
        for number, value in enumerate(values):
            gate = Gate("lpips", "pass", value=value, weights=LPIPS)
            file.gate(f"t.py::{number}", 1, True, "passed", gate)
        file.close({"gates": len(values)}) if complete else file.leave()

    def compare(suite, base, head, *options, complete=True):
        write("base", base, True)
        write("head", head, complete)
        (tmp_path / "suite.yaml").write_text(suite)
        status = main(["compare", "base", "head", "--suite", "suite.yaml", *options])
        out, err = capsys.readouterr()
        return status, out + err

    return compare


def test_merged_shards_are_judged_by_compare(compare):
    base = [0.02 + n / 10_000 for n in range(20)]
    suite = "suite:\n  lpips:\n    mean: {max: 0.03}\n    paired: {alpha: 0.01}\n"
    status, text = compare(suite, base, [b + 0.001 for b in base])
    assert status == 1
    assert "suite lpips mean 0.022 <= max 0.030 (-0.008), 20 gates, suite.yaml:3" in text
    assert (
        "FAILED: suite lpips paired p 9.54e-07 < alpha 0.01, worse, 20 pairs, suite.yaml:4" in text
    )
    assert "  pairs   20: 20 worse, 0 better, 0 unchanged" in text
    assert compare(suite, base, base)[0] == 0
    status, text = compare(suite, base, base, complete=False)
    assert status == 1
    assert "FAILED: suite lpips mean cannot be judged: the head was cut off" in text
    found = json.loads(compare(suite, base, base, "--json")[1])
    assert [gate["verdict"] for gate in found["suite"]] == ["pass", "pass"]


def test_a_configuration_without_a_suite_was_asked_for_wrongly(compare):
    status, text = compare("metrics: [lpips]\n", [0.1], [0.1])
    assert (status, "suite.yaml has no suite section" in text) == (2, True)


def report_of(tmp_path, result):
    with ResultsFile(tmp_path / "run/results.jsonl", {}, "2031-01-01T00:00:00+00:00") as file:
        region = {"width": 8, "height": 8}
        gate = Gate("lpips", "pass", value=0.1, bound_kind="max", bound=1.0, region=region)
        file.gate("t.py::0", 1, True, "passed", gate)
        file.close({"gates": 1}, True, (), result)
    assert main(["report", str(tmp_path / "run")]) == 0
    return (tmp_path / "run/report.html").read_text(encoding="utf-8")


def test_the_report_shows_the_suite(tmp_path):
    base = side([0.1] * 9)
    suite = SuiteSettings((bound("mean", 1), bound("regressions", 0), bound("paired", 0.01)))
    gates = tuple(judge_suite(suite, side([0.2] * 9), base))
    page = report_of(tmp_path, SuiteResult(gates, "b.jsonl", None).to_dict())
    assert '<h1 class="failed">2 suite gates failed; 1 case, none of which failed</h1>' in page
    assert "suite lpips regressions 9 &gt; max 0" in page
    assert page.count("<li>pairs   9: 9 worse, 0 better, 0 unchanged</li>") == 1
    partial = report_of(tmp_path, SuiteResult((), "b.jsonl", "only <a part> ran").to_dict())
    assert "Not judged: only &lt;a part&gt; ran" in partial
    assert "The case passed" in partial
    assert "Suite gates" not in report_of(tmp_path, None)
