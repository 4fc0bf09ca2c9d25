"""How much a motion of the whole can do in a part, beside what it does elsewhere.

To first order the one follows from the other: where all around a part little may change, no small
motion changes the part much. A large one leaves little changed only where what lies around fits
another place as well. Where neither can be, no motion has to be looked for.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import Floats, correlations, peaks, shrunk
from pytest_editmetrics.images.regions import Mask

_STEP = 4  # pixels: one of so many is looked at, each way
_FEW = 16  # of those
_SLOPE = 1e-6  # of 255 a pixel, squared: less holds nothing
_EDGE = 160  # of the copy on which other places are looked at
_OVERLAP = 0.7  # of what lies away: a pattern fits near by as well
_ITS_OWN = 2  # pixels of that copy around the place where it is


def reach(image: NDArray[np.float32], part: Mask, away: Mask) -> float:
    """Return how many times as much as elsewhere a motion with a tone can change a part.

    That is the largest ratio of the two changes, root mean squares, over all homographies, to first
    order, and gains and offsets of each channel; infinity where too few pixels tell.

    Args:
        image: smoothed, float32 (3, H, W).
        part: boolean (H, W).
        away: boolean (H, W), what lies elsewhere and holds the motion.

    >>> picture = np.random.default_rng(0).normal(128, 40, (3, 96, 96))
    >>> part, away = np.zeros((96, 96), bool), np.ones((96, 96), bool)
    >>> part[24:56, 24:56], away[20:60, 20:60] = True, False
    >>> reach(picture, part, away) < 2
    True
    >>> picture[:, away] = 205  # a wall holds nothing
    >>> reach(picture, part, away) > 1000
    True
    """
    changes = _changes(image)
    inside, outside = (changes[:, :, of[1:-1:_STEP, 1:-1:_STEP]] for of in (part, away))
    if min(inside.shape[2], outside.shape[2]) < _FEW:
        return math.inf
    one, other = (np.tensordot(of, of, ((1, 2), (1, 2))) / of.shape[2] for of in (inside, outside))
    held = np.linalg.inv(np.linalg.cholesky(other + _SLOPE * np.eye(len(other))))
    return math.sqrt(np.linalg.eigvalsh(held @ one @ held.T)[-1])


def fits_elsewhere(
    before: NDArray[np.float32], after: NDArray[np.float32], away: Mask, allowed: float
) -> bool:
    """Tell whether what lies away from a part fits another place, after some shift, as well.

    Args:
        before: float32 (3, H, W).
        after: the same, later.
        away: boolean (H, W), what is fitted.
        allowed: by how much it may differ there, of 255, root mean square, after a gain and an
            offset.

    >>> stripes = np.broadcast_to(120 + 60 * np.sin(np.arange(96) * 0.3), (3, 96, 96))
    >>> fits_elsewhere(stripes, stripes, np.ones((96, 96), bool), allowed=5)
    True
    """
    scale = max(1, math.ceil(max(away.shape) / _EDGE))
    one, other = (shrunk(image.mean(axis=0, dtype=np.float64), scale) for image in (before, after))
    seen = shrunk(away.astype(np.float64), scale) > 0.5
    varied = float(one[seen].var()) if seen.any() else 0.0
    if varied <= allowed**2:
        return True
    alike = math.sqrt(1 - allowed**2 / varied)
    return any(
        high >= alike and math.hypot(dx, dy) > _ITS_OWN
        for high, dx, dy in peaks(correlations(one, other, seen, np.ones_like(seen), _OVERLAP))
    )


def _changes(image: NDArray[np.float32]) -> Floats:
    """Return how an image changes with each parameter of a homography and of a tone, (14, 3, h, w).

    Those of the homography are for places in [-1, 1].
    """
    inner = slice(1, -1, _STEP)
    right = (image[:, inner, 2::_STEP] - image[:, inner, :-2:_STEP]) / 2
    down = (image[:, 2::_STEP, inner] - image[:, :-2:_STEP, inner]) / 2
    v, u = np.meshgrid(*(np.linspace(-1, 1, edge) for edge in right.shape[1:]), indexing="ij")
    nearer = right * u + down * v
    made = np.zeros((14, *right.shape))
    made[:8] = right, down, right * u, down * u, right * v, down * v, nearer * u, nearer * v
    for channel in range(3):
        made[8 + channel, channel] = image[channel, inner, inner]
        made[11 + channel, channel] = 1
    return made
