"""A difference that nobody would look for: some pixels, by little."""

from __future__ import annotations

import numpy as np

from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.errors import counted
from pytest_editmetrics.images.regions import Mask

_LITTLE = 0.35  # of 255, root mean square
_LITTLE_MOST = 32  # of 255
_LITTLE_SHARE = 0.05  # of the measured pixels


def almost_nothing(before: Planes, after: Planes, mask: Mask, total: float) -> Cause | None:
    """Return the cause of a difference that nobody would look for, ``None`` if it is more."""
    count = int(mask.sum())
    if np.sqrt(total / (3 * count)) >= _LITTLE:
        return None
    difference = np.abs(before - after).max(axis=0)[mask]
    pixels, most = int((difference > 0).sum()), int(difference.max())
    if most > _LITTLE_MOST or pixels > _LITTLE_SHARE * count:
        return None
    text = f"almost nothing: {counted(pixels, 'pixel')}, by at most {counted(most, 'level')}"
    return Cause("almost-nothing", 1.0, text, {"pixels": pixels, "most": most})
