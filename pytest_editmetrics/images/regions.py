"""What a region selects: pixels of the image, patches of a vision model."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import InputError, RegionError, did_you_mean
from pytest_editmetrics.images.boxes import Box as Box
from pytest_editmetrics.images.boxes import clip_box as clip_box
from pytest_editmetrics.images.boxes import normalise_boxes as normalise_boxes
from pytest_editmetrics.images.masks import Mask as Mask
from pytest_editmetrics.images.shapes import Region

Framing = Literal["stretch", "center-crop", "autopipeline"]

FRAMINGS: tuple[Framing, ...] = ("stretch", "center-crop", "autopipeline")
MASK_MODES = ("inner", "outer")


def check_mask_mode(mask_mode: Any) -> None:
    """Raise ``InputError``, naming the nearest, unless it is ``inner``, ``outer`` or ``None``."""
    if mask_mode is not None and mask_mode not in MASK_MODES:
        raise InputError(f"unknown mask_mode {mask_mode!r}{did_you_mean(mask_mode, MASK_MODES)}")


def region_mask(
    coords: Any, mask_mode: Literal["inner", "outer"] | None, height: int, width: int
) -> Mask:
    """Return which pixels are measured.

    Args:
        coords: boxes or another region, as ``Region.of`` takes it, clipped to the image.
        mask_mode: ``inner`` measures inside the boxes, ``outer`` outside them, ``None`` everywhere.
        height: of the image, in pixels.
        width: of the image, in pixels.

    Returns:
        Boolean (height, width), true where measured. No region selects nothing ``inner`` and
        everything ``outer``.

    Raises:
        RegionError: a malformed region, a mask of another size, or a polygon or mask that
            holds no pixel of the image.
        InputError: an unknown mask mode.

    >>> region_mask([(0, 0, 2, 1)], "inner", height=2, width=3).astype(int).tolist()
    [[1, 1, 0], [0, 0, 0]]
    """
    check_mask_mode(mask_mode)
    region = Region.of(coords)
    inside = region.inside(height, width)
    if region and not region.plain and not inside.any():
        raise RegionError(
            f"the region ({region.text}) holds no pixel of the {width}x{height} image: an empty"
            " mask, or a polygon without area or outside the image"
        )
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


def _resized(mask: Mask, height: int, width: int) -> Mask:
    """Resize a mask as its boxes would be, scaled and rounded down to whole pixels."""
    rows = ((np.arange(height) + 1) * mask.shape[0] - 1) // height
    columns = ((np.arange(width) + 1) * mask.shape[1] - 1) // width
    return mask[np.ix_(rows, columns)]
