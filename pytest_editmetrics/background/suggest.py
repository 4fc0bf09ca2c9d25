"""Propose the region of an edit from what changed; a proposal is made from the result it judges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.everywhere import changed_everywhere
from pytest_editmetrics.background.own_noise import FLOOR, Changed, changed, pixels, smoothed
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.images.channels import highest
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.masks import SUGGESTED, bounds
from pytest_editmetrics.images.regions import Box, Mask
from pytest_editmetrics.images.shapes import Region
from pytest_editmetrics.images.sizes import Fit

_LEAST_EDGE = 8  # pixels
_BEYOND = 4.5  # spreads of the background
_BETWEEN = 0.5  # of the way from the background's level to the edit's
_BETWEEN_COMPOSITED = 0.2
_CLOSER = 0.6  # likewise, for the outline
_WEAKER = 0.6  # of the way from the least to what stands out: it belongs to a part
_KEPT = 0.8  # of a part, or the closer outline is none
_SMALLEST = 0.05  # of the energy of the largest part
_SMALLEST_ALONE = 0.01  # likewise, where nothing else changed
_HALFWAY = (0.35, 0.55)  # of the way from the background's level to the edit's
_HARDLY_ANY = 0.1  # of what lies beyond: where so little is halfway, nothing else changed
_WIDE = 0.5  # of the pixels of the largest part: with so many it may have changed as little
_HOLE = 0.02  # of the frame
_KEPT_HOLE = 0.25  # of a larger hole: where so much is background an edit goes round it
_EVERYWHERE = 0.97  # of the frame
_CLEAR = 1.3  # the logarithm by which the edit exceeds the background, at least


@dataclass(frozen=True)
class Suggestion:
    """A proposed region: its mask, boolean (H, W), and a box around each part, largest first."""

    mask: Mask
    boxes: tuple[Box, ...]


def suggest_region(
    reference: Array, edited: Array, dilate: int = 0, fit: Fit | None = None
) -> Suggestion:
    """Propose what an edit was to change: what changed far more than the rest did.

    How much the rest did is learnt from what changed least, so an edit may cover most of the frame.
    Pixels that are identical prove that nothing else was changed by the model itself.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same.
        dilate: by how many pixels the proposal grows.
        fit: how images of unlike sizes became these; the proposal is in the reference's own pixels.

    Raises:
        EditMetricsError: the images are tiny or equal, no part stands out, all of it does, or what
            does is explained by what changed everywhere.

    >>> reference = np.zeros((64, 64, 3), np.uint8)
    >>> edited = reference.copy()
    >>> edited[16:32, 8:24] = 200
    >>> suggest_region(reference, edited).boxes
    ((8, 16, 24, 32),)
    """
    height, width = reference.shape[:2]
    if min(height, width) < _LEAST_EDGE:
        raise EditMetricsError(
            f"the images are {width}x{height} px, and a region is told from {_LEAST_EDGE} px on;"
            " draw it by hand"
        )
    unequal = float(highest(reference != edited).mean())
    if not unequal:
        raise EditMetricsError("the images are equal, so there is no edit to see")
    differ = f"{100 * unequal:.0f} % of the pixels differ and"
    found = changed(reference, edited)
    parts = _parts(found)
    if parts is None:
        raise EditMetricsError(
            f"{differ} no part stands out from the rest, so the edit cannot be told from the"
            " background; draw the region by hand"
        )
    if not found.background or parts.any(axis=0).mean() > _EVERYWHERE:
        raise EditMetricsError(
            f"{differ} none of the frame stayed what it was, so there is no background to tell the"
            " edit from; draw the region by hand"
        )
    standing_out: Mask = np.asarray(parts.any(axis=0))
    if (said := changed_everywhere(reference, edited, standing_out, found)) is not None:
        raise EditMetricsError(
            f"{differ} what differs most is explained by what changed everywhere: {said}. No edit"
            " stands out from that; draw the region by hand"
        )
    if fit is not None:
        parts = np.stack([fit.back(part) for part in parts])
    height, width = parts.shape[1:]
    mask = Region(mask=parts.any(axis=0), dilate=dilate).inside(height, width)
    boxes = [box for part in parts if (box := bounds(part)) is not None]
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


def _parts(found: Changed) -> NDArray[np.bool_] | None:
    """Return the pixels of each part that stands out, (parts, H, W), the largest change first."""
    from scipy.ndimage import binary_closing, label

    beyond = np.maximum(np.exp(found.level) - np.exp(found.middle), 0) * (found.expected + FLOOR)
    least = found.middle + _BEYOND * found.spread
    strong = found.level > least
    if not strong.any():
        return None
    edit = _weighted_median(found.level[strong], beyond[strong] ** 2)
    if edit < found.middle + _CLEAR:
        return None
    between = _BETWEEN_COMPOSITED if found.proof else _BETWEEN
    bound = max(least, found.middle + between * (edit - found.middle))
    strong = found.level > bound
    weak = found.level > max(least, found.middle + _WEAKER * (bound - found.middle))
    around, count = label(weak, np.ones((3, 3)))
    alone = found.proof or _alone(found, edit)
    kept = _largest(around, beyond, count, alone) & np.isin(np.arange(count + 1), around[strong])
    region = kept[around]
    region = binary_closing(np.pad(region, 4), np.ones((3, 3)), iterations=2)[4:-4, 4:-4]
    outline = _Outline(found, _filled(region, found.level <= least), found.level <= least)
    drawn = outline.at(bound)
    if not found.proof:
        drawn = _closer(drawn, outline.at(found.middle + _CLOSER * (edit - found.middle)))
    drawn_parts, count = label(drawn, np.ones((3, 3)))
    if not count:
        return None
    energy = np.bincount(drawn_parts.ravel(), outline.beyond.ravel() ** 2, count + 1)
    order = np.argsort(-energy[1:], kind="stable") + 1
    kept = _largest(drawn_parts, outline.beyond, count, alone)
    return np.stack([drawn_parts == number for number in order if kept[number]])


class _Outline:
    """Draws what stands out pixel by pixel, in and near some cells."""

    def __init__(self, found: Changed, region: Mask, background: Mask):
        from scipy.ndimage import binary_dilation

        shape = found.smooth.shape
        self._fine = smoothed(found.difference, 0.0 if found.proof else 1.0)
        self._expected = pixels(found.expected, shape) + FLOOR
        self._near = binary_dilation(pixels(region, shape), iterations=6)
        self._background = pixels(background, shape)
        self.beyond = np.maximum(found.smooth - self._expected + FLOOR, 0)

    def at(self, level: float) -> Mask:
        """Return what lies beyond a level, holes filled and specks left out."""
        from scipy.ndimage import binary_closing, binary_opening

        fine = (self._fine > self._expected * np.exp(level) - FLOOR) & self._near
        closed = binary_closing(np.pad(fine, 16), iterations=5)[16:-16, 16:-16]
        drawn: Mask = binary_opening(_filled(closed, self._background), iterations=2)
        return drawn


def _alone(found: Changed, edit: float) -> bool:
    """Tell whether hardly anything changed by more than the background and less than the edit."""
    way = (found.level - found.middle) / (edit - found.middle)
    halfway = (way > _HALFWAY[0]) & (way < _HALFWAY[1])
    return bool(halfway.sum() <= _HARDLY_ANY * (way >= _HALFWAY[1]).sum())


def _filled(mask: Mask, background: Mask) -> Mask:
    """Return a mask without its holes, but for large ones in which there is background."""
    from scipy.ndimage import binary_fill_holes, label

    holes, count = label(binary_fill_holes(mask) & ~mask)
    size = np.bincount(holes.ravel(), minlength=count + 1)
    kept = np.bincount(holes[background], minlength=count + 1)
    closed = (size <= _HOLE * mask.size) | (kept < _KEPT_HOLE * size)
    closed[0] = False
    filled: Mask = mask | closed[holes]
    return filled


def _closer(drawn: Mask, closer: Mask) -> Mask:
    """Return what was drawn, each part by its closer outline where that is most of it.

    A hard edge leaks a little outwards; a part whose change varies would be torn.
    """
    from scipy.ndimage import label

    parts, count = label(drawn, np.ones((3, 3)))
    of_all = np.bincount(parts.ravel(), minlength=count + 1)
    of_closer = np.bincount(parts[closer], minlength=count + 1)
    most = of_closer >= _KEPT * of_all
    chosen: Mask = np.where(most[parts], closer, drawn) & drawn
    return chosen


def _largest(
    parts: NDArray[np.int_], beyond: NDArray[np.float32], count: int, alone: bool
) -> NDArray[np.bool_]:
    """Tell of each numbered part, 0 is none, whether it is more than a speck of change.

    A part whose colours changed less than those of the largest is one all the same.
    """
    energy = np.bincount(parts.ravel(), beyond.ravel() ** 2, count + 1)
    energy[0] = 0
    pixels = np.bincount(parts.ravel(), minlength=count + 1)
    wide = alone | (pixels >= _WIDE * pixels[energy.argmax()])
    least = np.where(wide, _SMALLEST_ALONE, _SMALLEST) * energy.max()
    large: NDArray[np.bool_] = (energy > 0) & (energy >= least)
    return large


def _weighted_median(values: NDArray[np.float32], weights: NDArray[np.float32]) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order], dtype=np.float64)
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])


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
