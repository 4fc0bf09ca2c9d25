"""Whether the part of a background beside the edit has other colours than the rest would have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.altered import as_toned
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.local_mean import local_mean
from pytest_editmetrics.images.masks import bounds, equal_within
from pytest_editmetrics.images.regions import Box, Mask

_EDGE = 128  # of the copy on which colours are compared
_FEW = 400  # pixels of the copy
_SMOOTH = 1.0  # sigma, pixels of the copy
_FAR = 0.1  # of the background: what lies farthest from the edit is as the model leaves it
_KNOWN = 0.08  # of the background that has to become what the same colours did
_LIKE = 10.0  # of 255: colours of the reference that are nearer are the same
_NEIGHBOURS = 5
_AS_EXPECTED = 6.0  # of 255
_NOISE = 2.5  # of 255: half of what is as expected keeps to that
_STAYED = 2.5  # of 255 from the reference: whatever became of the rest, nothing happened there
_OTHER = 14.0  # of 255
_OPENED = 3  # pixels of the copy: thinner parts are edges that were redrawn
_BESIDE = 4  # pixels of the copy between the edit and a part at it
_STEP = 4.0  # of 255: around a part no more is unexpected, where light fades out more is
_LEAST = 0.015  # of the background
_ROUNDS = 3
_BETWEEN = 0.12  # of the background that may be neither as expected nor of a part
_ONE_TONE = 0.8  # of the background: as much as one curve for each channel explains is all of it


@dataclass(frozen=True)
class Recoloured:
    """A part at the edit whose colours changed otherwise: its share of the background, its box."""

    share: float
    box: Box


def find_recoloured(reference: Array, edited: Array, mask: Mask, edit: Mask) -> Recoloured | None:
    """Find a part at the edit whose colours did not become what the same ones became elsewhere.

    What colours become is learnt from the pixels farthest from the edit, on a smoothed copy of 128
    px, from the five with the nearest colours in the reference, at most 10 levels away, and then
    from all that keep to it. A part differs from that by 14 levels or more, is solid, lies at the
    edit, and ends in a step: a light that fades out is none. Nor is what one curve for each channel
    explains together with all else, or what stayed as it was in the reference.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same, aligned with it.
        mask: boolean (H, W), true where measured.
        edit: boolean (H, W), true for the edit area and what is left out beside it.

    Returns:
        The part, ``None`` where there is none, nothing was edited, or all was drawn anew.
    """
    from scipy.ndimage import binary_dilation, binary_opening, distance_transform_edt, label

    if equal_within(reference, edited, mask):
        return None
    scale = max(1.0, max(mask.shape) / _EDGE)
    covered = _shrunk(mask.astype(np.float32), scale)
    seen = covered > 0.99
    at_edit = _shrunk(edit.astype(np.float32), scale) > 0
    if seen.sum() < _FEW or not at_edit.any():
        return None
    before, after = (
        local_mean(_shrunk_colours(image, scale), seen, _SMOOTH) for image in (reference, edited)
    )
    away = distance_transform_edt(~at_edit)
    known = seen & (away >= np.quantile(away[seen], 1 - _FAR))
    stayed = np.abs(after - before).max(axis=2) <= _STAYED
    off = np.zeros(seen.shape)
    told = np.zeros_like(seen)
    for _ in range(_ROUNDS):
        told[seen], off[seen] = _unexpected(before, after, known, seen)
        off[stayed] = 0
        known = told & (off < _AS_EXPECTED)
        if known.sum() < _KNOWN * seen.sum():
            return None
    if np.median(off[known]) > _NOISE:
        return None
    part = binary_opening(told & (off > _OTHER), np.ones((_OPENED, _OPENED)))
    pieces, count = label(binary_dilation(part, np.ones((3, 3)), mask=told), np.ones((3, 3)))
    outlying = told & ~known & ~binary_dilation(part, np.ones((5, 5)))
    if outlying.sum() > _BETWEEN * told.sum():
        return None
    # each level by itself: a posterised picture has steps between two of them
    curves = as_toned(reference, edited, mask, smooth=0)
    toned = local_mean(_shrunk_colours(curves, scale), seen, _SMOOTH)
    of_tone = np.abs(after - toned).max(axis=2) < _AS_EXPECTED
    one_tone = of_tone[told].mean() >= _ONE_TONE
    best: Recoloured | None = None
    for n in range(1, count + 1):
        piece = pieces == n
        share = float((piece & part).sum() / seen.sum())
        if share < _LEAST or away[piece].min() > _BESIDE or not _ends_in_a_step(piece, off, told):
            continue
        if one_tone and of_tone[piece].mean() > 0.5:
            continue
        if best is None or share > best.share:
            x1, y1, x2, y2 = (round(edge * scale) for edge in bounds(piece) or (0, 0, 0, 0))
            best = Recoloured(share, (x1, y1, min(mask.shape[1], x2), min(mask.shape[0], y2)))
    return best


def _unexpected(
    before: NDArray[np.float32], after: NDArray[np.float32], known: Mask, seen: Mask
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which seen colours are among the known ones, and how far each became from theirs."""
    from scipy.spatial import cKDTree

    tree = cKDTree(before[known])
    apart, which = tree.query(before[seen], _NEIGHBOURS, distance_upper_bound=_LIKE)
    told = np.isfinite(apart).all(axis=1)
    off = np.zeros(len(told))
    became = after[known][which[told]]
    off[told] = np.abs(after[seen][told] - np.median(became, axis=1)).max(axis=1)
    return told, off


def _ends_in_a_step(piece: Mask, off: NDArray[np.float64], told: Mask) -> bool:
    """Tell whether what lies around a part became what it should."""
    from scipy.ndimage import binary_dilation

    square = np.ones((3, 3))
    around = binary_dilation(piece, square, iterations=3) & ~binary_dilation(piece, square) & told
    return bool(around.any() and np.median(off[around]) < _STEP)


def _shrunk(plane: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    from PIL import Image

    height, width = (max(1, round(edge / scale)) for edge in plane.shape)
    smaller = Image.fromarray(plane).resize((width, height), Image.Resampling.BOX)
    return np.asarray(smaller)


def _shrunk_colours(image: NDArray[Any], scale: float) -> NDArray[np.float32]:
    planes = np.moveaxis(image, 2, 0).astype(np.float32)
    return np.stack([_shrunk(plane, scale) for plane in planes], axis=2)
