"""Pairs of objects: which boxes belong together, and the mean of what compares each pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf, isnan, nan
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import counted
from pytest_editmetrics.images.boxes import Box
from pytest_editmetrics.images.regions import Mask
from pytest_editmetrics.measurement import WeightsUsed
from pytest_editmetrics.pipes.base import Request, Score, soft

Found = TypeVar("Found")


def cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the cosine of two vectors, float64 (d,), clamped to [-1, 1].

    NaN if one is zero or holds a number that is not finite.

    >>> cosine(np.array([0.0, 2.0]), np.array([0.0, 3.0]))
    1.0
    """
    norm = float(np.linalg.norm(one) * np.linalg.norm(other))
    if not 0 < norm < inf:
        return nan
    value = float(one @ other) / norm
    return value if isnan(value) else max(-1.0, min(1.0, value))


def overlap(one: Mask, box: Box, other: Mask, other_box: Box) -> float:
    """Return the intersection over union of two masks of boxes, placed in the image.

    Args:
        one: boolean, of the size of ``box``; some pixel of it is true.
        box: where it lies, (x1, y1, x2, y2) in pixels, half-open.
        other: the second mask, likewise.
        other_box: where that lies.

    Returns:
        The share, in [0, 1], of the pixels of either mask that both have.

    >>> two = np.ones((1, 2), bool)
    >>> round(overlap(two, (0, 0, 2, 1), two, (1, 0, 3, 1)), 3)
    0.333
    """
    x1, y1 = max(box[0], other_box[0]), max(box[1], other_box[1])
    x2, y2 = min(box[2], other_box[2]), min(box[3], other_box[3])
    both = 0
    if x1 < x2 and y1 < y2:
        here = one[y1 - box[1] : y2 - box[1], x1 - box[0] : x2 - box[0]]
        there = other[y1 - other_box[1] : y2 - other_box[1], x1 - other_box[0] : x2 - other_box[0]]
        both = int(np.count_nonzero(here & there))
    return both / (int(np.count_nonzero(one)) + int(np.count_nonzero(other)) - both)


def pair_boxes(request: Request) -> tuple[list[Box], list[Box]] | Score:
    """Return the reference boxes and the edited boxes, paired in order.

    ``request.boxes`` holds the reference boxes, then as many edited boxes; no box, or an odd
    number, is a soft failure. Boxes of images that were brought to one size are moved along.

    Raises:
        RegionError: what is left to compare shows nothing of an object.
    """
    boxes = request.boxes
    if not boxes or len(boxes) % 2:
        message = (
            f"{counted(len(boxes), 'box makes', 'boxes make')} no pairs: coords holds"
            " the reference boxes, then as many edited boxes"
        )
        return soft("unpaired-coords", message, {"boxes": [list(box) for box in boxes]})
    half = len(boxes) // 2
    before, after = boxes[:half], boxes[half:]
    return (before, after) if request.fit is None else request.fit.objects(before, after)


def boxes_used(before: Sequence[Box], after: Sequence[Box]) -> dict[str, Any]:
    """Return the boxes that were measured, for the details of a measurement."""
    return {
        "reference_boxes": [list(box) for box in before],
        "edited_boxes": [list(box) for box in after],
    }


def mean_over_pairs(
    pairs: Iterable[tuple[Found | None, Found | None]],
    compare: Callable[[Found, Found], float],
    details: dict[str, Any],
    what: str,
    weights: tuple[WeightsUsed, ...] = (),
) -> Score:
    """Return the mean of ``compare`` over pairs of objects; each goes to the detail ``what``.

    An object that was not found (``None``) is the soft failure ``empty-crop``.
    """
    values = []
    found = list(pairs)
    for number, (one, other) in enumerate(found, 1):
        if one is None or other is None:
            which = "reference" if one is None else "edited"
            message = f"no object in box {number} of {len(found)} of the {which} image"
            return soft("empty-crop", message, details, weights=weights)
        values.append(compare(one, other))
    details[what] = values
    return Score(float(np.mean(values)), weights=weights, details=details)
