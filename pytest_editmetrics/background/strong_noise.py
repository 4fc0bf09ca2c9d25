"""Strong noise, of which black and white cut off much: each level became what a noise makes of it.

So a dark level became lighter on the mean, and changed by less, which is no tone and no drawing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.images.regions import Mask

_LEAST, _MOST = 12.0, 160.0  # of 255: less is hardly cut off
_ROWS = 256
_FEW = 4096  # pixels
_DRAWS = 128
_STEPS = 14
_ONE = 0.08  # by which the noise of the channels may differ
_GROUP = 32  # levels, that are looked at together
_SEEN = 400  # pixels of them
_MEAN = 0.1  # of the noise: how far the mean of such a group may lie from where a noise takes it,
_SQUARE = 1.2  # and times the square
_WHITE = 0.1  # correlation of neighbours
_EVEN = 1.2  # times the square, where there is detail and where there is none
_AROUND = 9  # pixels

Floats = NDArray[np.float64]


def find_strong_noise(before: Planes, after: Planes, mask: Mask) -> Cause | None:
    """Return the noise of single pixels that explains all of a difference, if one does.

    Args:
        before: float32 (3, H, W), of 255.
        after: the same.
        mask: boolean (H, W), true for the background.
    """
    rows = _rows(mask)
    seen = mask[rows]
    if np.count_nonzero(seen) < _FEW:
        return None
    was, is_ = before[:, rows], after[:, rows]
    off = (is_[1] - was[1]) * seen
    if float(np.vdot(off, off)) < (_LEAST / 2) ** 2 * np.count_nonzero(seen) or not _white(off):
        return None
    noises = [_sigma(one[seen], other[seen]) for one, other in zip(was, is_, strict=True)]
    sigma = sum(noises) / len(noises)
    if not _LEAST <= min(noises) <= max(noises) <= min(_MOST, (1 + _ONE) * min(noises)):
        return None
    if not all(_as_noise(one, other, seen, sigma) for one, other in zip(was, is_, strict=True)):
        return None
    text = f"noise {sigma:.1f} of 255"
    long = f"{text} in each channel, before black and white cut it off"
    return Cause("noise", 1.0, text, {"noise": round(sigma, 2)}, long)


def _rows(mask: Mask) -> slice:
    """Return so many rows as are looked at, those of which most is measured."""
    count = min(_ROWS, len(mask))
    reached = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
    first = int((reached[count:] - reached[: len(reached) - count]).argmax())
    return slice(first, first + count)


def _made(sigma: float) -> Floats:
    """Return what a noise makes of each level, (256, draws), each as likely."""
    from scipy.special import ndtri

    draws = ndtri((np.arange(_DRAWS) + 0.5) / _DRAWS)
    made: Floats = np.rint(np.arange(256.0)[:, None] + sigma * draws).clip(0, 255)
    return made


def _sigma(was: NDArray[np.float32], is_: NDArray[np.float32]) -> float:
    """Return the noise that makes as large a squared difference."""
    counts = np.bincount(was.astype(np.uint8), minlength=256)
    wanted = float(np.square(is_ - was).sum(dtype=np.float64))
    low, high = 0.0, 2 * _MOST
    for _ in range(_STEPS):
        sigma = (low + high) / 2
        square = np.square(_made(sigma) - np.arange(256)[:, None]).mean(axis=1) @ counts
        low, high = (sigma, high) if square < wanted else (low, sigma)
    return sigma


def _as_noise(was: NDArray[np.float32], is_: NDArray[np.float32], seen: Mask, sigma: float) -> bool:
    """Tell whether a channel is what a noise makes of it, at all levels, and wherever it is."""
    from scipy.ndimage import gaussian_filter, uniform_filter

    made = _made(sigma)
    levels = was.astype(np.uint8)
    off = np.where(seen, is_ - made.mean(axis=1)[levels], 0)
    spread = made.std(axis=1)
    for first in range(0, 256, _GROUP):
        group = seen & (levels >= first) & (levels < first + _GROUP)
        if np.count_nonzero(group) < _SEEN:
            continue
        square = float(np.square(off[group]).mean())
        wanted = float(np.square(spread[levels[group]]).mean())
        if abs(float(off[group].mean())) > _MEAN * sigma or not _near(square, wanted, _SQUARE):
            return False
    even = off / np.maximum(spread, 1)[levels]
    if not _white(even):
        return False
    detail = uniform_filter(np.square(was - gaussian_filter(was, 1.5)), _AROUND)
    busy = detail > np.median(detail[seen])
    parts = [part for part in (seen & busy, seen & ~busy) if part.any()]
    squares = [float(np.square(even[part]).mean()) for part in parts]
    return _near(squares[0], squares[-1], _EVEN)


def _near(one: float, other: float, times: float) -> bool:
    return other / times <= one <= other * times


def _white(off: NDArray[np.float32]) -> bool:
    """Tell whether neighbours of a difference, zero where not measured, hardly correlate."""
    total = float(np.vdot(off, off))
    across = float((off[:, 1:] * off[:, :-1]).sum(dtype=np.float64))
    down = float((off[1:] * off[:-1]).sum(dtype=np.float64))
    return max(abs(across), abs(down)) <= _WHITE * total
