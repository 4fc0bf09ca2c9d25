"""One curve of levels that all channels share: each level became one other, wherever it was.

As by a contrast or a filmic curve, or where lights are cut off.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.curves import (
    MOST_FLAT,
    PLACES,
    Curve,
    flat,
    power_of,
    raised,
)
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.background.undone import apart
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_MOST_PIXELS = 40_000  # of more some are looked at
_FAR, _NEAR = 8.0, 1.0  # of 255: what lies farther from the curve does not follow it
_FOLLOW = 0.95  # of the channels of the pixels
_LEVELS = 32  # that occur often,
_OFTEN = 12  # times
_DOWN = 1.0  # of 255, by which a lighter level may become darker than a darker one
_LEFT = 0.1  # of the squared difference, that the curve leaves at most
_LINE = 1.5  # of 255, root mean square: a line, or a power, that leaves less is what it is
_CUT = 0.002  # of the channels of the pixels, that are cut off

Floats = NDArray[np.float64]


def find_one_curve(before: Planes, after: Planes, mask: Mask) -> tuple[Cause, Array] | None:
    """Return the curve that all channels share, where it explains the difference and no line does.

    Args:
        before: float32 (3, H, W), of 255.
        after: the same, which did not move.
        mask: boolean (H, W), true for the background; some of it differs.

    Returns:
        The cause, and the reference with that curve, RGB, uint8, (H, W, 3).
    """
    step = max(1, math.isqrt(mask.size // _MOST_PIXELS))
    seen = mask[::step, ::step]
    was, is_ = (image[:, ::step, ::step][:, seen].ravel() for image in (before, after))
    if len(was) < _LEVELS * _OFTEN:
        return None
    levels = was.astype(np.uint8)
    follows = np.ones(levels.shape, np.bool_)
    for within in (_FAR, _NEAR):
        counts = np.bincount(levels[follows], minlength=256)
        sums = np.bincount(levels[follows], is_[follows], 256)
        curve = sums / np.maximum(counts, 1)
        follows = np.abs(is_ - curve[levels]) <= within
    known = np.flatnonzero(counts >= _OFTEN)
    if follows.mean() < _FOLLOW or len(known) < _LEVELS:
        return None
    if (np.maximum.accumulate(curve[known]) - curve[known]).max() > _DOWN:
        return None
    curve = np.interp(np.arange(256), known, curve[known]).round()
    open_ = was[(was > 0) & (was < 255)]
    places = np.percentile(open_, list(PLACES.values())).tolist()
    made = Curve(np.stack([curve] * 3), even=tuple(places))
    if (cause := _cause(made, curve, counts)) is None:
        return None
    toned = made.applied(before)
    if apart(toned, after, mask) > _LEFT * apart(before, after, mask):
        return None
    return cause, np.ascontiguousarray(np.moveaxis(toned, 0, 2)).astype(np.uint8)


def _cause(made: Curve, curve: Floats, counts: NDArray[np.int64]) -> Cause | None:
    """Return what a curve is; ``None`` for a line, which is a tone."""
    at = np.arange(256.0)
    known = np.flatnonzero(counts >= _OFTEN)
    weights = np.where(counts >= _OFTEN, counts, 0)
    changed = (np.abs(curve - at) > _NEAR / 2) & (weights > 0)
    if not changed.any():
        return None
    same = np.flatnonzero(~changed & (weights > 0))
    low, high = int(curve[changed].min()), int(curve[changed].max())
    if low == high and len(same) and weights[changed].sum() >= _CUT * weights.sum():
        gone = np.flatnonzero(changed)
        lights = bool(same.max() <= low < gone.min())
        if lights or gone.max() < low <= same.min():
            name = "lights" if lights else "shadows"
            text = f"{name} cut off at {low} of 255"
            return Cause("exposure", 1.0, text, {"cut_off": low}, f"{text}, alike in all channels")
    if flat(known, curve[known]) > MOST_FLAT:  # as of an object that became black
        return None
    open_ = (curve > 1) & (curve < 254)
    if not weights[open_].any():
        return None
    x, y, of = at[open_], curve[open_], np.sqrt(weights[open_])
    may_be_left = _LINE**2 * weights.sum()
    line = np.polyval(np.polyfit(x, y, 1, w=of), at).clip(0, 255)
    if np.square(line - curve) @ weights < may_be_left:
        return None
    power = power_of(x, y)
    if math.isfinite(power) and np.square(raised(at, power) - curve) @ weights < may_be_left:
        lighter = float(np.median(np.repeat(curve - at, weights)))
        made = Curve(made.levels, power, lighter)
    return made.cause(1.0)
