"""What makes a proposed bound doubtful, in words; and why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_editmetrics.calibration.bimodality import two_groups_text
from pytest_editmetrics.calibration.tolerance import (
    Scale,
    assumption_free_runs,
    enough_runs,
    is_normal,
)
from pytest_editmetrics.calibration.values import Calibrated, Demand
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.goldens.recording import worst_there_is
from pytest_editmetrics.measurement import Metric
from pytest_editmetrics.report.numbers import significant
from pytest_editmetrics.suites.compare import has_other_inputs

APART = (
    "one bound for both groups would let the worse one pass: if that is bad, leave its runs out, so"
    " that it fails; if both are right, give --allow-two-groups"
)
"""Why the bound of values that fall in two groups is not written."""


def groups_apart(gates: Mapping[str, Gate], scale: Scale, least: float) -> str | None:
    """Return in which two groups the values of runs fall; ``None`` if they are one.

    Values that differ by at most ``least``, the metric's margin, are one: that is how far a bound
    lies from any value.
    """
    values = {name: gate.value for name, gate in gates.items() if gate.value is not None}
    if max(values.values()) - min(values.values()) <= least:
        return None
    return two_groups_text(values, scale.forward)


def doubts(
    one: Calibrated, gates: Mapping[str, Gate], metric: Metric, demand: Demand, apart: str | None
) -> Iterator[str]:
    """Yield what makes the bound of a gate's values doubtful; ``apart`` tells of two groups.

    The best value that there is may come again and again, and so does one of whole numbers, which
    are few; any other is a run that was repeated.
    """
    assert one.tolerance is not None
    best = metric.low if metric.better == "lower" else metric.high
    count, others = len(one.values), [value for value in one.values if value != best]
    repeated = len(others) - len(set(others))
    if repeated == count - 1:
        yield (
            f"all {count} values are the same: nothing varies (the same seed in every run?), so the"
            " bound is the margin alone"
        )
    elif repeated and not all(value.is_integer() for value in others):
        yield (
            f"only {count - repeated} of {count} values are different: a run that repeats another"
            " adds nothing, and the bound is tighter than it claims"
        )
    if len(set(one.values)) > 1:
        yield from _of_shape(one, demand, apart)
    first = next(iter(gates.values()))
    if any(has_other_inputs(first, gate) for gate in gates.values()):
        yield "the test differs between runs: another scope, box, size or reference"
    if first.smoke:
        yield "measured with random smoke weights, which judge no quality"


def _of_shape(one: Calibrated, demand: Demand, apart: str | None) -> Iterator[str]:
    """Yield what the number of values and their distribution make doubtful."""
    assert one.tolerance is not None
    count = len(one.values)
    enough = enough_runs(demand.coverage, demand.confidence)
    free = assumption_free_runs(demand.coverage, demand.confidence)
    if count < enough and not one.by_margin:
        yield (
            f"{count} runs are few: the bound lies far out for want of them; {enough} bring it to"
            " at most twice the distance of unlimited runs"
        )
    if apart is not None:
        yield apart
    elif count < free and not one.by_margin and not is_normal(one.values, one.tolerance.scale):
        yield (
            "the values are not normal on the scale (Shapiro-Wilk, 1 %), which the bound assumes;"
            f" {free} runs need no assumption"
        )


def too_wide(metric: Metric, result: Calibrated, demand: Demand) -> str:
    """Return why no bound is proposed: it would always hold."""
    if result.by_margin:
        remedy = worst_there_is(result.typical, metric) or "give a smaller --min-margin"
        return (
            f"a {metric.bound_kind} that is {significant(result.margin)}, the smallest margin, from"
            f" the median {significant(result.typical, 4)} always holds. Look at the"
            f" images; if they are right, {remedy}"
        )
    runs = len(result.values)
    more = assumption_free_runs(demand.coverage, demand.confidence)
    return (
        f"the spread of {runs} runs asks for a {metric.bound_kind} that always holds; give more"
        f" runs ({more} need no assumption), or look at why it varies"
    )
