"""A local change of much of the background, beside which the rest is equal bit for bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.mixed import fit_mix
from pytest_editmetrics.background.spill import (
    BLOCK,
    FEW,
    ONE_PIECE,
    WIDE,
    Local,
    are_mixed,
    blocks,
    local_of,
)
from pytest_editmetrics.images.masks import bounds
from pytest_editmetrics.images.regions import Mask

_FEW_PIECES = 4  # that bit for bit equal pixels part
_VARIED = 48.0  # of 255, between the levels of what became one colour: no curve flattens so many
_WHITE = 255
_THIN = 4  # of so many rows and columns one is looked at first
_UNTOUCHED = 0.1  # of the blocks that have to be equal bit for bit beside a change of most others
_ALSO_THERE = 0.1  # of the pixels of a colour that changed: so many stayed elsewhere
_COLOURS = 0.2  # of what changed that has to be of such colours
_ABRUPT = 0.3  # of what pixels that changed differ by: those at the border do, or it fades out
_FILLED = 0.85  # of a box that has to have changed: more than a disk fills of its box
_LEAST_BOX = 0.03  # of the background
_BESIDE = 0.1  # of the background that stays beside the box, and is neither black nor white
_SAMPLED = 4000  # pixels, in the box and beside it
_SPARED = 1.0  # of 255: what one mix of channels does to pixels that it leaves as they are


def find_beside_equal(
    squares: NDArray[np.float32],
    picture: NDArray[np.float32],
    edited: NDArray[np.float32],
    mask: Mask,
) -> Local | None:
    """Find a change of much of the background beside which the rest is equal bit for bit.

    That is none of colours, which would change what is of the same colour elsewhere, or leave more
    than one colour of so many; and it does not fade out, as a light does. Black and white, which
    many changes leave, are left aside. It lies in one piece, or in a few, as the bars of a
    letterbox do. Or it fills a box, and no mix of channels explains it and what lies beside.
    ``picture`` is the reference, ``edited`` what it became, float32 (3, H, W), of 255;
    ``squares`` is the squared difference of each pixel of both, before anything is undone.
    """
    from scipy.ndimage import binary_dilation, label

    thin = np.s_[::_THIN, ::_THIN]
    if not mask[thin].any() or (squares[thin][mask[thin]] == 0).mean() < _UNTOUCHED / 2:
        return None
    difference = np.sqrt(squares)
    open_ = mask & ((difference > 0) | ((picture.max(axis=0) > 0) & (picture.min(axis=0) < _WHITE)))
    amount, covered = blocks(np.where(open_, difference, 0), open_)
    known = covered >= 0.1
    changed = known & (amount > 0)
    if _fills_a_box(mask & (difference > 0), open_, mask, picture, edited):
        return local_of(changed, amount * covered, difference, mask, least=0.0)
    equal = known & ~changed
    few = known.sum() < FEW or changed.sum() < WIDE * known.sum()
    if few or equal.sum() < _UNTOUCHED * known.sum() or are_mixed(changed, equal):
        return None
    parts, _ = label(changed, np.ones((3, 3)))
    largest = np.sort(np.bincount(parts[changed]))[-_FEW_PIECES:]
    if largest.sum() < ONE_PIECE * changed.sum():
        return None
    by = amount / np.maximum(blocks((difference > 0).astype(np.float32), open_)[0], 1e-9)
    border = changed & binary_dilation(equal, np.ones((3, 3)))
    if not border.any() or np.median(by[border]) < _ABRUPT * np.median(by[changed]):
        return None
    if _painted(picture, edited, mask & (difference > 0)):
        return local_of(changed, amount * covered, difference, mask, least=0.0)
    height, width = mask.shape
    stayed = np.repeat(np.repeat(equal, BLOCK, axis=0), BLOCK, axis=1)[:height, :width] & open_
    red, green, blue = (plane.astype(np.int32) >> 3 for plane in picture)
    colours = red << 10 | green << 5 | blue
    there, here = (
        np.bincount(colours[pixels], minlength=1 << 15)
        for pixels in (stayed, mask & (difference > 0))
    )
    if here[there >= _ALSO_THERE * here].sum() < _COLOURS * here.sum():
        return None
    return local_of(changed, amount * covered, difference, mask, least=0.0)


def _fills_a_box(
    differs: Mask,
    open_: Mask,
    mask: Mask,
    picture: NDArray[np.float32],
    edited: NDArray[np.float32],
) -> bool:
    """Tell whether what differs fills its box, and no mix of channels spares what lies beside."""
    box = bounds(differs)
    if box is None:
        return False
    x1, y1, x2, y2 = box
    inside = np.zeros_like(mask)
    inside[y1:y2, x1:x2] = mask[y1:y2, x1:x2]
    size, beside = int(inside.sum()), open_ & ~inside
    if differs.sum() < _FILLED * size or size < _LEAST_BOX * mask.sum():
        return False
    if beside.sum() < _BESIDE * mask.sum():
        return False
    low, high = np.percentile(picture.mean(axis=0)[beside], (5, 95))
    if high - low < _VARIED:
        return False
    was, became, spared = [], [], picture[:, beside]
    for pixels in (differs, beside):
        step = max(1, int(pixels.sum()) // _SAMPLED)
        was.append(picture[:, pixels][:, ::step].astype(np.float64))
        became.append(edited[:, pixels][:, ::step].astype(np.float64))
    mix = fit_mix(np.hstack(was), np.hstack(became))
    return bool(np.sqrt(np.square(mix.applied(spared) - spared).mean()) > _SPARED)


def _painted(picture: NDArray[np.float32], edited: NDArray[np.float32], where: Mask) -> bool:
    """Tell whether what was of many levels became one colour, to the bit."""
    if any(float(np.ptp(plane[where])) > 1 for plane in edited):
        return False
    low, high = np.percentile(picture.mean(axis=0)[where], (5, 95))
    return bool(high - low >= _VARIED)
