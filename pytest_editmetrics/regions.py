"""Boxes, and what they select: pixels of the image, patches of a vision model."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import InputError, RegionError, did_you_mean

Box: TypeAlias = "tuple[int, int, int, int]"
Framing = Literal["stretch", "center-crop", "autopipeline"]
Mask: TypeAlias = NDArray[np.bool_]

FRAMINGS: tuple[Framing, ...] = ("stretch", "center-crop", "autopipeline")
MASK_MODES = ("inner", "outer")


def normalise_boxes(coords: Any, what: str = "coords") -> list[Box]:
    """Check boxes and bring them to whole pixels.

    Args:
        coords: boxes ``(x1, y1, x2, y2)`` in pixels, half-open, origin top left, as any nesting of
            sequences, array or tensor; ``None`` is no box.
        what: what to call them in an error.

    Returns:
        Integer boxes; a fraction of a pixel is rounded outward, so that the box still covers it.
        They may still reach outside the image, and may be empty.

    Raises:
        RegionError: naming the box (counted from 1), if it is not four finite numbers, is
            inverted, or has coordinates that are fractions of the image's size.

    >>> normalise_boxes([[1.5, 2, 4.2, 8]])
    [(1, 2, 5, 8)]
    """
    if coords is None:
        return []
    if hasattr(coords, "tolist"):
        coords = coords.tolist()
    if isinstance(coords, str) or not isinstance(coords, Iterable):
        raise RegionError(f"{what}: {coords!r} is not a list of boxes (x1, y1, x2, y2)")
    boxes = list(coords)
    if len(boxes) == 4 and all(isinstance(value, numbers.Real) for value in boxes):
        raise RegionError(f"{what}: {boxes} is one box; write a list of boxes: [{boxes}]")
    return [_box(box, f"{what}: box {number}") for number, box in enumerate(boxes, start=1)]


def _box(box: Any, what: str) -> Box:
    if hasattr(box, "tolist"):
        box = box.tolist()
    if isinstance(box, (str, dict)) or not isinstance(box, Iterable):
        raise RegionError(f"{what} {box!r} is not four numbers (x1, y1, x2, y2)")
    values = [value.tolist() if hasattr(value, "tolist") else value for value in box]
    shown = f"({', '.join(map(str, values))})"
    if len(values) != 4 or not all(
        isinstance(value, numbers.Real) and not isinstance(value, bool) for value in values
    ):
        raise RegionError(f"{what} {shown} is not four numbers (x1, y1, x2, y2)")
    if not all(math.isfinite(value) for value in values):
        raise RegionError(f"{what} {shown} holds NaN or infinity")
    x1, y1, x2, y2 = values
    if x2 < x1 or y2 < y1:
        raise RegionError(
            f"{what} {shown} is inverted: x1 <= x2 and y1 <= y2 must hold. Boxes are "
            "(x1, y1, x2, y2), not (x, y, width, height)"
        )
    floats = any(not isinstance(value, numbers.Integral) for value in values)
    if floats and all(0 <= value <= 1 for value in values) and any(values):
        raise RegionError(
            f"{what} {shown} looks like fractions of the image; boxes are in pixels: multiply x by "
            "the width and y by the height"
        )
    return math.floor(x1), math.floor(y1), math.ceil(x2), math.ceil(y2)


def clip_box(box: Box, width: int, height: int) -> Box | None:
    """Return the part of ``box`` inside an image of that size, or ``None`` if there is none.

    >>> clip_box((-5, 2, 4, 99), width=10, height=8)
    (0, 2, 4, 8)
    >>> clip_box((20, 0, 30, 5), width=10, height=8) is None
    True
    """
    x1, y1, x2, y2 = box
    clipped = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
    return clipped if clipped[0] < clipped[2] and clipped[1] < clipped[3] else None


def check_mask_mode(mask_mode: Any) -> None:
    """Raise ``InputError``, naming the nearest, unless it is ``inner``, ``outer`` or ``None``."""
    if mask_mode is not None and mask_mode not in MASK_MODES:
        raise InputError(f"unknown mask_mode {mask_mode!r}{did_you_mean(mask_mode, MASK_MODES)}")


def region_mask(
    coords: Any, mask_mode: Literal["inner", "outer"] | None, height: int, width: int
) -> Mask:
    """Return which pixels are measured.

    Args:
        coords: boxes, as ``normalise_boxes`` takes them, clipped to the image.
        mask_mode: ``inner`` measures inside the boxes, ``outer`` outside them, ``None`` everywhere.
        height: of the image, in pixels.
        width: of the image, in pixels.

    Returns:
        Boolean (height, width), true where measured. No boxes select nothing ``inner`` and
        everything ``outer``.

    Raises:
        RegionError: a malformed box.
        InputError: an unknown mask mode.

    >>> region_mask([(0, 0, 2, 1)], "inner", height=2, width=3).astype(int).tolist()
    [[1, 1, 0], [0, 0, 0]]
    """
    check_mask_mode(mask_mode)
    inside = np.zeros((height, width), dtype=np.bool_)
    for box in normalise_boxes(coords):
        if clipped := clip_box(box, width, height):
            x1, y1, x2, y2 = clipped
            inside[y1:y2, x1:x2] = True
    if mask_mode is None:
        return np.ones_like(inside)
    return inside if mask_mode == "inner" else ~inside


def crop_geometry(
    height: int, width: int, size: int, shortest_edge: int | None = None
) -> tuple[int, int, int, int]:
    """Return ``(new height, new width, top, left)`` of a resize and a centre crop to ``size``.

    The shortest edge becomes ``shortest_edge`` (``size``, as CLIP's, if that is ``None``), the
    other follows, rounded down; the crop starts at half of what is too much, rounded down.

    >>> crop_geometry(100, 200, 50)
    (50, 100, 0, 25)
    """
    short, long = sorted((height, width))
    edge = size if shortest_edge is None else shortest_edge
    longer = int(edge * long / short)
    new_height, new_width = (longer, edge) if height > width else (edge, longer)
    return new_height, new_width, (new_height - size) // 2, (new_width - size) // 2


def patch_coverage(
    mask: Mask,
    input_size: int,
    patch_size: int,
    framing: Framing,
    shortest_edge: int | None = None,
) -> NDArray[np.float64]:
    """Return how much of each patch of a vision model's input is measured.

    Args:
        mask: boolean (H, W), true where measured.
        input_size: edge of the model's square input, in pixels.
        patch_size: edge of a patch, in pixels.
        framing: ``center-crop`` takes the mask through the same resize and crop as the image;
            ``stretch`` and ``autopipeline`` stretch it to the input.
        shortest_edge: see ``crop_geometry``.

    Returns:
        float64 (n, n) in [0, 1], n = input_size // patch_size, rows from the top.

    >>> patch_coverage(np.eye(2, dtype=bool), 4, 2, "stretch").tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if framing == "center-crop":
        height, width, top, left = crop_geometry(
            mask.shape[0], mask.shape[1], input_size, shortest_edge
        )
        resized = _resized(mask, height, width)
        resized = resized[top : top + input_size, left : left + input_size]
    else:
        resized = _resized(mask, input_size, input_size)
    count = input_size // patch_size
    edge = count * patch_size
    patches = resized[:edge, :edge].reshape(count, patch_size, count, patch_size)
    coverage: NDArray[np.float64] = patches.mean(axis=(1, 3), dtype=np.float64)
    return coverage


def patch_mask(
    mask: Mask, input_size: int, patch_size: int, threshold: float, framing: Framing
) -> Mask:
    """Return which patches are measured: those covered by more than ``threshold`` of their area.

    Arguments as in ``patch_coverage``; ``threshold`` is a fraction in [0, 1).

    >>> patch_mask(np.eye(2, dtype=bool), 4, 2, 0.1, "stretch").astype(int).tolist()
    [[1, 0], [0, 1]]
    """
    selected: Mask = patch_coverage(mask, input_size, patch_size, framing) > threshold
    return selected


def _resized(mask: Mask, height: int, width: int) -> Mask:
    """Resize a mask as its boxes would be, scaled and rounded down to whole pixels."""
    rows = ((np.arange(height) + 1) * mask.shape[0] - 1) // height
    columns = ((np.arange(width) + 1) * mask.shape[1] - 1) // width
    return mask[np.ix_(rows, columns)]
