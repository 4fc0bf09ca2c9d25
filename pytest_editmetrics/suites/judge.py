"""Suite gates: all gates of a metric held to something together, alone or against a base.

Many small regressions, each inside its own bound, are seen here. A change is counted in the
metric's direction: positive is worse.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_editmetrics.config.suite import SuiteBound, SuiteSettings
from pytest_editmetrics.errors import counted
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.runs.unheld import in_no_shard
from pytest_editmetrics.suites.compare import final_gates, other_way, way_of, weights_of
from pytest_editmetrics.suites.gate import Change, Moved, SuiteGate, Worst
from pytest_editmetrics.suites.gone import Key, is_measured
from pytest_editmetrics.suites.out_of_reach import out_of_reach
from pytest_editmetrics.suites.paired import (
    bootstrap_interval,
    pairs_needed,
    signed_rank_p,
    statistic,
)
from pytest_editmetrics.suites.pairs import NOISE, Bound

LISTED = 5


@dataclass(frozen=True, slots=True)
class Point:
    """What is kept of a gate: its value (``None``: not measured), and how it was measured."""

    value: float | None
    weights: frozenset[tuple[str, str]]
    smoke: bool
    way: Mapping[str, str]

    @classmethod
    def of(cls, gate: Gate) -> Point:
        """Return what a suite needs of a gate."""
        value = gate.value if is_measured(gate) else None
        return cls(value, weights_of(gate), gate.smoke, way_of(gate))


Points = Mapping[Key, Point]


@dataclass(frozen=True)
class Side:
    """One of the two runs; ``problem`` says why nothing can be concluded from it."""

    points: Points
    problem: str | None = None


def side_of(run: Run, metrics: Iterable[str], name: str) -> Side:
    """Return what suite gates need of a run that was read.

    Args:
        run: the run.
        metrics: those that are held.
        name: what messages call the run.

    Raises:
        EditMetricsError: the run holds a gate twice.
    """
    held = frozenset(metrics)
    points = {key: Point.of(gate) for key, gate in final_gates(run).items() if gate.metric in held}
    problem = None
    if not run.complete:
        problem = f"the {name} was cut off, so gates are missing from it"
    elif run.crashed:
        problem = f"{counted(len(run.crashed), 'test')} of the {name} crashed, so gates may lack"
    elif told := in_no_shard(run):
        problem = f"of the {name} {told}, so gates are missing from it"
    elif lost := _without_gates(run):
        problem = f"{counted(lost, 'failure')} of the {name} came before a gate was made"
    return Side(points, problem)


def _without_gates(run: Run) -> int:
    """Return how many tests failed that ask for gates and made none, files too."""
    made = {record.nodeid for record in run.gates if record.final}
    return len({test.nodeid for test in run.failed if test.asks} - made)


def judge_suite(
    settings: SuiteSettings,
    head: Side,
    base: Side | None,
    *,
    allow_other_weights: bool = False,
) -> list[SuiteGate]:
    """Hold the head's gates to the suite's bounds, in the order in which they are written.

    What cannot be judged fails and says why: no gate or pair, other weights, another way of
    measuring, gates that are not measured any more, too few pairs for the test to reject at all.

    Args:
        settings: the bounds.
        head: the gates of each test's last attempt.
        base: those to compare with; ``None`` leaves the gates out that need it.
        allow_other_weights: compare gates that were measured with other weights too.
    """
    changes: dict[str, tuple[Change, list[Moved], str | None]] = {}
    gates = []
    for bound in settings.bounds:
        if not bound.compares:
            gates.append(_alone(bound, head))
        elif base is not None:
            if bound.metric not in changes:
                changes[bound.metric] = _compared(bound, head, base, allow_other_weights)
            gates.append(_against(bound, head, *changes[bound.metric]))
    return gates


def _gate(
    bound: SuiteBound,
    head: Side,
    value: float | None,
    problem: str | None,
    change: Change | None = None,
) -> SuiteGate:
    of_metric = [point for key, point in head.points.items() if key[1] == bound.metric]
    holds = False
    if problem is None and value is not None:
        holds = value <= bound.bound if bound.kind == "max" else value >= bound.bound
    return SuiteGate(
        metric=bound.metric,
        better=bound.better,
        statistic=bound.statistic,
        verdict="pass" if holds else "fail",
        value=value,
        kind=bound.kind,
        bound=bound.bound,
        by=bound.by,
        source=bound.source,
        gates=len(of_metric),
        measured=sum(point.value is not None for point in of_metric),
        message=problem,
        change=change,
    )


def _alone(bound: SuiteBound, head: Side) -> SuiteGate:
    measured = [
        Worst(key[0], key[2], point.value)
        for key, point in head.points.items()
        if key[1] == bound.metric and point.value is not None
    ]
    values = [one.value for one in measured]
    if head.problem is not None or not values:
        return _gate(bound, head, None, head.problem or f"no gate of {bound.metric} was measured")
    gate = _gate(bound, head, statistic(bound.statistic, values), None)
    if gate.verdict == "pass":
        return gate
    measured.sort(key=lambda one: one.value, reverse=bound.better == "lower")
    return replace(gate, worst=tuple(measured[:LISTED]))


def _compared(
    bound: SuiteBound, head: Side, base: Side, allow_other_weights: bool
) -> tuple[Change, list[Moved], str | None]:
    """Return how the metric moved, its pairs, and why that proves nothing."""
    before = {key: point for key, point in base.points.items() if key[1] == bound.metric}
    after = {key: point for key, point in head.points.items() if key[1] == bound.metric}
    both = [key for key in before if key in after]
    pairs: list[Moved] = []
    lost = other = smoke = 0
    ways: list[str] = []
    for key in both:
        old, new = before[key], after[key]
        if old.value is None or new.value is None:
            lost += old.value is not None
            continue
        other += old.weights != new.weights
        smoke += old.smoke != new.smoke
        if old.way != new.way:
            ways.append(other_way(old.way, new.way))
        worse_by = new.value - old.value if bound.better == "lower" else old.value - new.value
        pairs.append(Moved(key[0], key[2], old.value, new.value, worse_by))
    worse_by_of = [pair.worse_by for pair in pairs]
    worst = sorted(pairs, key=lambda pair: -pair.worse_by)[:LISTED]
    change = Change(
        pairs=len(pairs),
        worse=sum(change > NOISE for change in worse_by_of),
        improved=sum(change < -NOISE for change in worse_by_of),
        lost=lost,
        only_base=len(before) - len(both),
        only_head=len(after) - len(both),
        moved=tuple(pair for pair in worst if pair.worse_by > NOISE),
        **_averages(worse_by_of),
    )
    other = 0 if allow_other_weights else other
    return (
        change,
        pairs,
        head.problem or base.problem or _unpaired(change, other, smoke, ways),
    )


def _unpaired(change: Change, other: int, smoke: int, ways: Sequence[str]) -> str | None:
    if not change.pairs:
        return "no gate is measured in both the base and this run"
    if smoke:
        return (
            f"{smoke} of {_are(change)} measured on smoke weights in one run and on real"
            " ones in the other"
        )
    if other:
        return (
            f"{other} of {_are(change)} measured with other weights than in the base, so"
            " what moved may be the metric and not the model; make a new base"
        )
    if ways:
        return (
            f"{len(ways)} of {_are(change)} measured in another way than in the base"
            f" ({ways[0]}), so what moved may be the metric and not the model; make a new base"
        )
    if change.lost:
        return f"{counted(change.lost, 'gate')} of the base not measured any more"
    return None


def _are(change: Change) -> str:
    return counted(change.pairs, "pair is", "pairs are")


def _against(
    bound: SuiteBound, head: Side, change: Change, pairs: Sequence[Moved], problem: str | None
) -> SuiteGate:
    if problem := problem or _idle(bound, pairs):
        return _gate(bound, head, None, problem, change)
    worse_by = [pair.worse_by for pair in pairs]
    if bound.statistic == "regressions":
        allowed = max(bound.by, NOISE)
        beyond = [w for w in worse_by if w > allowed and not math.isclose(w, allowed)]
        return _gate(bound, head, float(len(beyond)), None, change)
    needed = pairs_needed(bound.bound)
    if len(worse_by) < needed:
        few = (
            f"{_are(change)} too few: whatever they hold, the test cannot reach"
            f" p < {bound.bound:g} with less than {needed}; add cases, or hold their mean"
        )
        return _gate(bound, head, None, few, change)
    return _gate(bound, head, signed_rank_p(worse_by, bound.by), None, change)


def _idle(bound: SuiteBound, pairs: Sequence[Moved]) -> str | None:
    """Say why the gate could fail nothing, whatever became of its pairs."""
    moved = [(pair.base, pair.head) for pair in pairs]
    if why := out_of_reach(Bound(bound.metric, bound.by, False), bound.better, moved):
        return f"none can be worse by more than {bound.by:g}: {why}; give a smaller `by`"
    if bound.statistic == "regressions" and bound.bound >= len(pairs):
        every = "the one pair" if len(pairs) == 1 else f"all {len(pairs)} pairs"
        return f"max {bound.bound:g} lets {every} be worse; give a smaller `max`"
    return None


def _averages(worse_by: Sequence[float]) -> dict[str, Any]:
    if not worse_by:
        return {}
    import numpy as np

    found: dict[str, Any] = {}
    for name, average in (("mean", np.mean), ("median", np.median)):
        found[name] = float(average(worse_by))
        found[f"{name}_interval"] = bootstrap_interval(worse_by, average)
    return found
