"""Whether a background fails where the edit is: its area was read in another way than it was meant.

Boxes are (x1, y1, x2, y2), and a mask is white where to edit. Given as (y1, x1, y2, x2), as (x, y,
width, height), or the other way round, they pass for others, and the edit itself for a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.differences import Differences, planes
from pytest_editmetrics.images.boxes import Box
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask, region_mask
from pytest_editmetrics.images.shapes import Region
from pytest_editmetrics.images.sizes import Fit

_NEARLY_ALL = 0.9  # of the squared difference outside of the area
_NOISE = 99  # percentile of the difference where neither reading lies: what is above it changed
_FILLED = 0.6  # of the pixels that only the reading holds
_STRONG = 0.5  # of the change inside of the boxes: a shadow that an edit casts changes less
_REACHED = 0.15  # of a side, within which a change has to end
_SOME = 0.1  # of the pixels of a row, column or part: an edit changes more
_SPREAD = 0.35  # of each side, where the boxes hold no edit
_ALIKE = 0.8  # of both readings, as intersection over union: else a border tells nothing
_QUIET = 0.02  # of the change outside: inside of a mask that is the wrong way round
_BEYOND = 2  # pixels outside of the image that a box may have
_SIZED = "(x, y, width, height)"
_READINGS: Mapping[str, Callable[[Box], Box]] = {
    "(y1, x1, y2, x2)": lambda box: (box[1], box[0], box[3], box[2]),
    _SIZED: lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3]),
}


def misread_boxes(
    boxes: Sequence[Box], inside: Mask, reference: Array, edited: Array, fit: Fit | None = None
) -> dict[str, Any] | None:
    """Return, as a cause, that nearly all of a difference lies where the boxes were meant.

    Args:
        boxes: of the edit area, in the reference's own pixels.
        inside: boolean (H, W), their pixels.
        reference: uint8, (H, W, 3), as it was compared.
        edited: uint8, (H, W, 3), likewise.
        fit: how both were brought to one size, if they were not of one.
    """
    energy = _energy(reference, edited)
    outside = np.where(inside, 0.0, energy)
    total, height, width = outside.sum(), *inside.shape
    size = (width, height) if fit is None else fit.reference
    found = []
    for words, reading in _READINGS.items():
        meant = [reading(box) for box in boxes]
        if words == _SIZED:
            meant = [_cut(box, *size) for box in meant]
        if not total or not all(_is_box(box, *size) for box in meant):
            continue
        placed = meant if fit is None else fit.boxes(meant)
        mask = region_mask(placed, "inner", height, width)
        share = float(outside[mask].sum() / total)
        if share >= _NEARLY_ALL and _explains(mask, inside, energy, placed):
            found.append((np.count_nonzero(mask), words, meant, share))
    if not found:
        return None
    _, words, meant, share = min(found)  # the closest about the difference
    which = "the box" if len(boxes) == 1 else "the boxes"
    where = ", ".join(map(str, meant[:2])) + (", ..." if len(meant) > 2 else "")
    text = f"in {where}, {which} read as {words}"
    long = f"{text}; boxes are (x1, y1, x2, y2) in pixels"
    return {"kind": "edit area", "share": share, "text": text, "long": long}


def _explains(mask: Mask, inside: Mask, energy: NDArray[np.float64], boxes: Sequence[Box]) -> bool:
    """Tell whether what changed looks like edits of a reading, and not of the boxes as they are.

    Args:
        mask: boolean (H, W), the pixels of the reading.
        inside: those of the boxes.
        energy: how much each pixel changed, (H, W).
        boxes: those of the reading.
    """
    only, given = mask & ~inside, inside & ~mask
    both, either = mask & inside, mask | inside
    if not only.any() or np.count_nonzero(both) > _ALIKE * np.count_nonzero(either):
        return False
    neither = energy[~either]
    changed = energy > (np.percentile(neither, _NOISE) if neither.size else 0.0)
    gaps = [_gaps(changed, box) for box in boxes]
    filled = float(changed[only].mean())
    if given.any():  # where no edit was, if the boxes were meant otherwise
        spread = any(max(x1 + x2, y1 + y2) <= 1 - _SPREAD for x1, y1, x2, y2 in gaps)
        return bool(spread and filled >= _SOME >= changed[given].mean())
    # the boxes are a part of the reading, and an edit that spills changes both
    strong = energy[only].mean() >= _STRONG * energy[both].mean()
    return bool(strong and filled >= _FILLED and all(max(one) <= _REACHED for one in gaps))


def _is_box(box: Box, width: int, height: int) -> bool:
    return 0 <= box[0] < box[2] <= width + _BEYOND and 0 <= box[1] < box[3] <= height + _BEYOND


def _cut(box: Box, width: int, height: int) -> Box:
    """Return what of a box lies in the image: a model that misreads one draws to the edge."""
    return box[0], box[1], min(box[2], width), min(box[3], height)


def _gaps(changed: Mask, box: Box) -> tuple[float, float, float, float]:
    """Return how far from each side of a box its change ends, as shares of its width and height."""
    x1, y1, x2, y2 = box
    part = changed[y1:y2, x1:x2]
    (left, right), (above, below) = (_ends(part.mean(axis=axis)) for axis in (0, 1))
    return left, above, right, below


def _ends(lines: NDArray[np.float64]) -> tuple[float, float]:
    seen = np.flatnonzero(lines >= _SOME)
    return (seen[0] / len(lines), 1 - (seen[-1] + 1) / len(lines)) if len(seen) else (1.0, 1.0)


def misread_mask(
    region: Region, reference: Array, edited: Array, fit: Fit | None = None
) -> dict[str, Any] | None:
    """Return, as a cause, that a mask is the wrong way round.

    It is judged before it was grown, which leaves little outside of one that is the wrong way
    round, and without what lies so near its border that the model may have changed it.

    Args:
        region: the edit area, in the reference's own pixels.
        reference: as of ``misread_boxes``.
        edited: likewise.
        fit: likewise.
    """
    from scipy.ndimage import distance_transform_edt

    width, height = (reference.shape[1], reference.shape[0]) if fit is None else fit.reference
    inside = _ungrown(region).inside(height, width)
    if inside.all() or np.count_nonzero(inside) <= inside.size / 2:
        return None
    deep = inside & (distance_transform_edt(inside) > _growth(region))
    outside, deep = (mask if fit is None else fit.mask(mask) for mask in (~inside, deep))
    if not outside.any() or not deep.any():
        return None
    energy = _energy(reference, edited)
    changed = energy[outside].mean()
    if not changed or energy[deep].mean() > _QUIET * changed:
        return None
    text = "only what lies outside of the mask changed: is it inverted? White is where to edit"
    return {"kind": "edit area", "text": text}


def _ungrown(region: Region) -> Region:
    return replace(region, dilate=0, united=tuple(map(_ungrown, region.united)))


def _growth(region: Region) -> int:
    """Return by how many pixels the part of a region grows that grows most."""
    return max([region.dilate, *map(_growth, region.united)])


def _energy(reference: Array, edited: Array) -> NDArray[np.float64]:
    """Return the squared difference of each pixel, (H, W)."""
    return Differences().squares(planes(reference), planes(edited)).astype(np.float64)
