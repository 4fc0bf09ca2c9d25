"""What a region selects: pixels of the image, patches of a vision model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import InputError, RegionError, did_you_mean
from pytest_editmetrics.images.boxes import Box as Box
from pytest_editmetrics.images.boxes import check_reach
from pytest_editmetrics.images.boxes import clip_box as clip_box
from pytest_editmetrics.images.boxes import normalise_boxes as normalise_boxes
from pytest_editmetrics.images.masks import Mask as Mask
from pytest_editmetrics.images.shapes import Region, unlike_size

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


def read_region(coords: Any, height: int, width: int) -> Region:
    """Return the region of an image of this size, its mask read.

    Raises:
        RegionError: it makes no sense; where a mask is of another size too, that is told first.
    """
    try:
        return Region.of(coords).read()
    except RegionError as error:
        if error.size is None or error.size == (height, width):
            raise
        raise RegionError(f"{unlike_size(error.size, height, width)}. Besides, {error}") from None


def check_within(region: Region, height: int, width: int) -> None:
    """Raise ``RegionError`` for a box that holds no pixel of an image of this size.

    It would only be left out, so that its edit counted as background. One without area, as data
    sets write for no edit at all, is none. So is one, or a polygon, that reaches beyond.

    >>> check_within(Region(boxes=[(-2, 0, 2, 1)]), height=2, width=3)
    """
    for box, grown in _boxes_of(region):
        if clip_box(grown, width, height) is None:
            turned = box[1], box[0], box[3], box[2]
            fits = clip_box(turned, width, height) == turned
            raise RegionError(
                f"the box {box} holds no pixel of the {width}x{height} image: boxes are (x1, y1,"
                " x2, y2) in pixels of the reference as it is given; "
                + (f"is {turned} meant?" if fits else "was it resized since?")
            )
        check_reach("the box", box, width, height)
    for polygon in (polygon for part in region.parts for polygon in part.polygons):
        xs, ys = zip(*polygon, strict=True)
        around = math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys))
        check_reach("a polygon within", around, width, height)


def _boxes_of(region: Region, dilated: int = 0) -> Iterator[tuple[Box, Box]]:
    """Give each box of a region, and what it is after the region's dilation."""
    by = region.dilate + dilated
    for x1, y1, x2, y2 in region.boxes:
        if x1 == x2 or y1 == y2:
            continue
        yield (x1, y1, x2, y2), (x1 - by, y1 - by, x2 + by, y2 + by)
    for part in region.united:
        yield from _boxes_of(part, by)


class Geometry(NamedTuple):
    """How an image comes to a model's square input: resized to ``height`` and ``width``, then cut.

    The cut begins at ``top`` and ``left``; one below zero is that much padding on that side.
    """

    height: int
    width: int
    top: int
    left: int


def centre_crop(height: int, width: int, size: int) -> Geometry:
    """Return the geometry of a square of ``size`` pixels from the centre, padded where too small.

    The crop starts at half of what is too much, rounded down, and padding is half of what lacks.

    >>> centre_crop(50, 101, 50)
    Geometry(height=50, width=101, top=0, left=25)
    >>> centre_crop(47, 50, 50)
    Geometry(height=47, width=50, top=-1, left=0)
    """
    top, left = (
        (edge - size) // 2 if edge >= size else -((size - edge) // 2) for edge in (height, width)
    )
    return Geometry(height, width, top, left)


def patch_coverage(
    mask: Mask, input_size: int, patch_size: int, geometry: Geometry | None = None
) -> NDArray[np.float64]:
    """Return how much of each patch of a vision model's input is measured.

    Args:
        mask: boolean (H, W), true where measured.
        input_size: edge of the model's square input, in pixels.
        patch_size: edge of a patch, in pixels.
        geometry: how the image was resized and cut; left out, it was stretched to the input.

    Returns:
        float64 (n, n) in [0, 1], n = input_size // patch_size, rows from the top. Padding is not
        measured.

    >>> patch_coverage(np.eye(2, dtype=bool), 4, 2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    height, width, top, left = geometry or (input_size, input_size, 0, 0)
    resized = _resized(mask, height, width)
    cut = np.zeros((input_size, input_size), np.bool_)
    inside = resized[max(top, 0) : top + input_size, max(left, 0) : left + input_size]
    rows, columns = inside.shape
    above, before = max(-top, 0), max(-left, 0)
    cut[above : above + rows, before : before + columns] = inside
    count = input_size // patch_size
    edge = count * patch_size
    patches = cut[:edge, :edge].reshape(count, patch_size, count, patch_size)
    coverage: NDArray[np.float64] = patches.mean(axis=(1, 3), dtype=np.float64)
    return coverage


def _resized(mask: Mask, height: int, width: int) -> Mask:
    """Resize a mask as its boxes would be, scaled and rounded down to whole pixels."""
    rows = ((np.arange(height) + 1) * mask.shape[0] - 1) // height
    columns = ((np.arange(width) + 1) * mask.shape[1] - 1) // width
    return mask[np.ix_(rows, columns)]
