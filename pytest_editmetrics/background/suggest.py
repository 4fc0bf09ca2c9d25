"""Propose the region of an edit from what changed; a proposal is made from the result it judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pytest_editmetrics.background.diagnosis import local_contrast, planes
from pytest_editmetrics.background.spill import find_local
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.masks import SUGGESTED
from pytest_editmetrics.images.regions import Box, Mask
from pytest_editmetrics.images.shapes import Region
from pytest_editmetrics.images.sizes import Fit


@dataclass(frozen=True)
class Suggestion:
    """A proposed region: its mask, boolean (H, W), and a box around each part, largest first."""

    mask: Mask
    boxes: tuple[Box, ...]


def suggest_region(
    reference: Array, edited: Array, dilate: int = 0, fit: Fit | None = None
) -> Suggestion:
    """Propose what an edit was to change: what changed far more than the rest did.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same.
        dilate: by how many pixels the proposal grows.
        fit: how images of unlike sizes became these; the proposal is in the reference's own pixels.

    Raises:
        EditMetricsError: the images are equal, or no part stands out.

    >>> reference = np.zeros((64, 64, 3), np.uint8)
    >>> edited = reference.copy()
    >>> edited[16:32, 8:24] = 200
    >>> suggest_region(reference, edited).boxes
    ((8, 16, 24, 32),)
    """
    from scipy.ndimage import binary_closing, binary_fill_holes

    difference = np.abs(reference.astype(np.float32) - edited.astype(np.float32)).max(axis=2)
    if not difference.any():
        raise EditMetricsError("the images are equal, so there is no edit to see")
    everywhere = np.ones(difference.shape, np.bool_)
    local = find_local(difference, local_contrast(planes(reference)), everywhere)
    if local is None:
        raise EditMetricsError(
            f"{100 * (difference > 0).mean():.0f} % of the pixels differ and no part stands out"
            " from the rest, so the edit cannot be told from the background; draw the region by"
            " hand"
        )
    closed = binary_fill_holes(binary_closing(np.pad(local.mask, 8), iterations=4))
    changed: Mask = closed[8:-8, 8:-8] | local.mask
    boxes: Sequence[Box] = local.boxes
    if fit is not None:
        changed, boxes = fit.back(changed), fit.back_boxes(boxes)
    height, width = changed.shape
    mask = Region(mask=changed, dilate=dilate).inside(height, width)
    grown = [
        (
            max(0, x1 - dilate),
            max(0, y1 - dilate),
            min(width, x2 + dilate),
            min(height, y2 + dilate),
        )
        for x1, y1, x2, y2 in boxes
    ]
    return Suggestion(mask, tuple(grown))


def save_mask(suggestion: Suggestion, path: Path) -> None:
    """Write the mask as a PNG that says in itself that it was suggested.

    Raises:
        EditMetricsError: it cannot be written.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(SUGGESTED, "suggested")
    try:
        with path.open("xb") as file:
            white = np.where(suggestion.mask, 255, 0).astype(np.uint8)
            Image.fromarray(white).save(file, "PNG", pnginfo=info)
    except FileExistsError:
        raise EditMetricsError(f"{path} exists and is left as it is; give another file") from None
    except OSError as error:
        raise EditMetricsError(f"cannot write {path}: {error.strerror or error}") from None
