"""Whether a background fails where the edit is: its area was read in another way than it was meant.

Boxes are (x1, y1, x2, y2), and a mask is white where to edit. Given as (y1, x1, y2, x2), as (x, y,
width, height), or the other way round, they pass for others, and the edit itself for a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.boxes import Box
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask, region_mask

_NEARLY_ALL = 0.9  # of the squared difference outside of the area
_OVERLAP = 0.5  # of both readings, as intersection over union: else the edit's border tells nothing
_QUIET = 0.02  # of the change outside: inside of a mask that is the wrong way round
_READINGS: Mapping[str, Callable[[Box], Box]] = {
    "(y1, x1, y2, x2)": lambda box: (box[1], box[0], box[3], box[2]),
    "(x, y, width, height)": lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3]),
}


def misread_boxes(
    boxes: Sequence[Box], inside: Mask, reference: Array, edited: Array
) -> dict[str, Any] | None:
    """Return, as a cause, that nearly all of a difference lies where the boxes were meant.

    Args:
        boxes: of the edit area, in pixels.
        inside: boolean (H, W), their pixels.
        reference: uint8, (H, W, 3).
        edited: uint8, (H, W, 3).
    """
    outside = np.where(inside, 0.0, _energy(reference, edited))
    total, height, width = outside.sum(), *inside.shape
    found = []
    for words, reading in _READINGS.items():
        meant = [reading(box) for box in boxes]
        if not total or any(box[0] >= box[2] or box[1] >= box[3] for box in meant):
            continue
        mask = region_mask(meant, "inner", height, width)
        share = float(outside[mask].sum() / total)
        either = np.count_nonzero(mask | inside)
        if share >= _NEARLY_ALL and np.count_nonzero(mask & inside) <= _OVERLAP * either:
            found.append((np.count_nonzero(mask), words, meant, share))
    if not found:
        return None
    _, words, meant, share = min(found)  # the closest about the difference
    which = "the box" if len(boxes) == 1 else "the boxes"
    where = ", ".join(map(str, meant[:2])) + (", ..." if len(meant) > 2 else "")
    text = f"in {where}, {which} read as {words}"
    long = f"{text}; boxes are (x1, y1, x2, y2) in pixels"
    return {"kind": "edit area", "share": share, "text": text, "long": long}


def misread_mask(inside: Mask, reference: Array, edited: Array) -> dict[str, Any] | None:
    """Return, as a cause, that a mask is the wrong way round; arguments as of ``misread_boxes``."""
    if inside.all() or np.count_nonzero(inside) <= inside.size / 2:
        return None
    changed = _energy(reference, edited)
    outside = changed[~inside].mean()
    if not outside or changed[inside].mean() > _QUIET * outside:
        return None
    text = "all but outside of the mask hardly changed: is it inverted? White is where to edit"
    return {"kind": "edit area", "text": text}


def _energy(reference: Array, edited: Array) -> NDArray[np.float64]:
    """Return the squared difference of each pixel, (H, W)."""
    energy: NDArray[np.float64] = ((reference.astype(np.float64) - edited) ** 2).sum(axis=2)
    return energy
