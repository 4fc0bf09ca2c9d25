"""Whether a background became lighter here and darker there: a difference slow across it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import block_sums
from pytest_editmetrics.background.differences import Differences, Planes
from pytest_editmetrics.images.regions import Mask

_CELL = 4  # pixels of a side that are averaged
_SLOW = 3.0  # cells
_WORTH = 0.3  # of the squared difference that is slow: with less no light explains it
_CLEARLY = 0.75  # of the squared difference: encoders leave less that is slow
_FEW = 256  # cells


def evened(before: Planes, after: Planes, mask: Mask) -> tuple[Planes, float] | None:
    """Return an image in the light of another, and which share of the difference that explains.

    The light is a slow gain, or a slow offset, of all channels alike; ``None`` if neither explains
    the difference clearly.

    Args:
        before: float32 (3, H, W), of 255.
        after: the same, aligned with it.
        mask: boolean (H, W), true where measured.
    """
    from scipy.ndimage import gaussian_filter

    height, width = (side // _CELL * _CELL for side in mask.shape)
    seen = mask[:height, :width]
    one, other = ((image[0] + image[1] + image[2]) / 3 for image in (before, after))
    one, other = one[:height, :width] * seen, other[:height, :width] * seen
    known = _sums(seen.astype(np.float32))
    if np.count_nonzero(known) < _FEW:
        return None

    def slow(sums: Planes) -> Planes:
        made: Planes = gaussian_filter(sums, _SLOW)
        return made

    off = other - one
    total = float(np.vdot(off, off))
    around = np.maximum(slow(known), np.float32(0.01))
    offset = slow(_sums(off)) / around
    if not total or float((known * offset**2).sum()) < _WORTH * total:
        return None
    gain = slow(_sums(one * other)) / np.maximum(slow(_sums(one * one)), 1)
    differences = Differences()
    squares = float(differences.squares(before, after)[mask].sum(dtype=np.float64))
    best, made = (1 - _CLEARLY) * squares, None
    for lit in (before * _whole(gain, mask.shape), before + _whole(offset, mask.shape)):
        np.clip(lit, 0, 255, out=lit)
        left = float(differences.squares(lit, after)[mask].sum(dtype=np.float64))
        if left < best:
            best, made = left, lit
    return None if made is None else (made, 1 - best / squares)


def _sums(plane: Planes) -> Planes:
    sums: Planes = block_sums(plane, _CELL, plane.dtype)
    return sums


def _whole(cells: NDArray[Any], shape: tuple[int, ...]) -> Planes:
    """Return what is known of cells for every pixel."""
    height, width = shape
    wide: Planes = cells.astype(np.float32).repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    pad = (0, height - wide.shape[0]), (0, width - wide.shape[1])
    return np.pad(wide, pad, mode="edge")
