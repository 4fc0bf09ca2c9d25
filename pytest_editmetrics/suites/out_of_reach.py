"""How much worse a metric may become, written so large that nothing can become worse by more."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_editmetrics.config.golden_images import LIMITS
from pytest_editmetrics.measurement import GOLDEN_IMAGE
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.suites.pairs import Bound

_COARSE = 4
"""A change by this part of a range is large: a smaller bound is no mistake, where all bases are so
bad already that none can become worse by it."""
_A_SHARE = 2.0
"""Values of a metric without a unit span no more, or no stated range: an amount of 1 and more may
be meant as a percentage."""


def out_of_reach(bound: Bound, better: str, moved: Sequence[tuple[float, float]]) -> str:
    """Say why no change of a metric is larger than a bound allows; empty if one may be.

    A metric with a range is held to that: nothing becomes worse than its worst value. One without
    a unit is held to its values, too: an amount of 1 and more, above all of them, is a percentage
    whose sign was forgotten.

    Args:
        bound: what is allowed.
        better: ``lower`` or ``higher``.
        moved: what was measured in base and head; without any only the range is known.

    >>> out_of_reach(Bound("lpips", 5, False), "lower", [(0.0, 0.695)])
    'no lpips of the two runs is above 0.695'
    >>> out_of_reach(Bound("lpips", 0.05, True), "lower", [(0.0, 0.695)])
    ''
    >>> out_of_reach(Bound("mask_iou", 1.0, False), "higher", [(0.9, 0.9)])
    'mask_iou lies between 0 and 1'
    >>> out_of_reach(Bound("unedit_ssim", 2.5, True), "higher", [(0.9, 0.8), (0.95, 0.7)])
    'unedit_ssim lies between -1 and 1, and none that was 0.95 at best becomes so much worse'
    >>> out_of_reach(Bound("drift_px", 2, False), "lower", [(0.1, 0.1)])
    ''
    """
    name, (low, high), unit = bound.metric, *_range(bound.metric)
    falls, span = better == "higher", high - low
    if bound.relative and falls and low >= 0 and bound.amount >= 1:
        return f"no {name} falls by more than the whole of it"
    if not bound.relative and bound.amount >= span:
        return f"{name} lies between {low:g} and {high:g}"
    bases = [base for base, _ in moved]
    if bases and all(
        bound.allowed(base) >= max(span / _COARSE, base - low if falls else high - base)
        for base in bases
    ):
        best = max(bases) if falls else min(bases)
        return (
            f"{name} lies between {low:g} and {high:g}, and none that was {best:.3g} at best"
            " becomes so much worse"
        )
    largest = max((abs(value) for pair in moved for value in pair), default=math.inf)
    if not bound.relative and not unit and bound.amount >= 1 and bound.amount > largest:
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
