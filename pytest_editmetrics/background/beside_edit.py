"""A change that lies beside the edit area alone, all else being equal bit for bit."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.spill import SEAM_ROUND, Local, blocks, local_of
from pytest_editmetrics.images.masks import bounds
from pytest_editmetrics.images.regions import Mask

_REACH = 16  # pixels
_LEAST = 6.0  # of 255, the largest difference: less is rounding
_THIN = 4  # of so many rows and columns one is looked at first
_MOST = 0.5  # of those pixels that may have changed
_BESIDE = 0.25  # of the background that has to lie out of reach,
_TEXTURED = 0.05  # and so much of it with texture: a blur and JPEG spare what is flat
_SLOPE = 2.0  # of 255, from a pixel to the next


def find_beside_edit(
    squares: NDArray[np.float32], picture: NDArray[np.float32], mask: Mask
) -> Local | None:
    """Find what changed within 16 px of the edit area while all farther off is equal, bit for bit.

    So it is where a result is pasted back through a mask with soft edges. What is equal has to
    have texture, which encoders and filters of the whole image do not spare. Where it goes round
    half of the border or more, it is a seam.

    Args:
        squares: float32 (H, W), the squared difference of each pixel before anything is undone.
        picture: the reference, float32 (3, H, W), of 255.
        mask: boolean (H, W), true for the background.
    """
    from scipy.ndimage import distance_transform_edt, maximum_filter

    thin = np.s_[::_THIN, ::_THIN]
    some = squares[thin][mask[thin]]
    if mask.all() or not some.size or (some > 0).mean() > _MOST:
        return None
    changed = mask & (squares > 0)
    if squares[changed].max(initial=0) < _LEAST**2:
        return None
    box, edit = bounds(changed), bounds(~mask)
    if box is None or edit is None:
        return None
    x1, y1, x2, y2 = (_REACH * sign + at for sign, at in zip((-1, -1, 1, 1), edit, strict=True))
    if box[0] < x1 or box[1] < y1 or box[2] > x2 or box[3] > y2:
        return None
    far = mask & ~maximum_filter(~mask, 2 * _REACH + 1)
    if (changed & far).any() or far.sum() < _BESIDE * mask.sum():
        return None
    slope = np.abs(np.diff(picture[1], axis=1))
    if (slope[far[:, 1:]] >= _SLOPE).sum() < _TEXTURED * mask.sum():
        return None
    away = distance_transform_edt(mask)
    width = math.ceil(float(away[changed].max()))
    difference = np.sqrt(squares)
    amount, covered = blocks(np.where(mask, difference, 0), mask)
    local = local_of(amount > 0, amount * covered, difference, mask, least=0.0)
    if local is None:
        return None
    border = mask & (away < 2)
    round_ = bool((changed & border).sum() >= SEAM_ROUND * border.sum())
    return replace(local, seam=round_, width=width)
