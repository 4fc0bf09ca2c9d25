"""How much worse a metric may become, written so large that nothing can become worse by more."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pytest_editmetrics.config.golden_images import LIMITS
from pytest_editmetrics.measurement import GOLDEN_IMAGE
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.suites.pairs import Bound

_A_SHARE = 2.0
"""Values of a metric without a unit span no more, or no stated range: an amount of 1 and more may
be meant as a percentage."""


def out_of_reach(bound: Bound, better: str, values: Iterable[float]) -> str:
    """Say why no change of a metric is larger than a bound allows; empty if one may be.

    A metric with a range is held to that. One without a unit also to its values: an amount of 1 and
    more, above all of them, is a percentage whose sign was forgotten.

    Args:
        bound: what is allowed.
        better: ``lower`` or ``higher``.
        values: all that were measured, in both runs; without any nothing is said.

    >>> out_of_reach(Bound("lpips", 5, False), "lower", [0.0, 0.695])
    'no lpips of the two runs is above 0.695'
    >>> out_of_reach(Bound("lpips", 0.05, True), "lower", [0.0, 0.695])
    ''
    >>> out_of_reach(Bound("mask_iou", 1.0, False), "higher", [0.9])
    'mask_iou lies between 0 and 1'
    >>> out_of_reach(Bound("drift_px", 2, False), "lower", [0.1])
    ''
    """
    name, (low, high), unit = bound.metric, *_range(bound.metric)
    if bound.relative:
        falls = better == "higher" and low >= 0 and bound.amount >= 1
        return f"no {name} falls by more than the whole of it" if falls else ""
    if bound.amount >= high - low:
        return f"{name} lies between {low:g} and {high:g}"
    largest = max(map(abs, values), default=math.inf)
    if not unit and bound.amount >= 1 and bound.amount > largest:
        return f"no {name} of the two runs is above {largest:.3g}"
    return ""


def _range(metric: str) -> tuple[tuple[float, float], bool]:
    """Return between what a metric lies, and whether it has a unit, as pixels and levels are."""
    if metric.startswith(GOLDEN_IMAGE):
        low, high = LIMITS[metric.removeprefix(GOLDEN_IMAGE)]
        return (low, high), _A_SHARE < high - low < math.inf
    known = PipeRegistry().metrics.get(metric)
    if known is None:  # of a project's own pipe: it may count what there are few of
        return (-math.inf, math.inf), True
    return (known.low, known.high), bool(known.unit)
