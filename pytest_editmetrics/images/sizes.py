"""Images of unlike sizes: which part of each is compared, at which size, and where regions lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from pytest_editmetrics.errors import RegionError
from pytest_editmetrics.images.boxes import Box, clip_box
from pytest_editmetrics.images.levels import Array
from pytest_editmetrics.images.masks import Mask
from pytest_editmetrics.images.replaced import check_made
from pytest_editmetrics.images.resize_modes import Resize
from pytest_editmetrics.images.shapes import Region

Size = tuple[int, int]
Part = tuple[float, float, float, float]
Geometry = tuple[Part, Box, Size]

KERNEL = "bicubic"
"""What resizes: Pillow's, which is antialiased where an image becomes smaller."""
_KERNEL = Image.Resampling.BICUBIC
MOST_ROUNDED = 64
"""The largest multiple to which a model is taken to round a side, in pixels."""
_MOST_CHANGED = 0.25  # of a side: rounding that changes it by more is no rounding
_MULTIPLES: tuple[int, ...] = tuple(dict.fromkeys((1, 8, 16, 32, *range(1, MOST_ROUNDED + 1))))
_HAIR = 1e-6  # of a pixel: what floats may miss a whole one by


@dataclass(frozen=True)
class Fit:
    """How two images of unlike sizes become one size.

    ``reference`` and ``edited`` are their sizes (width, height). ``part`` (x1, y1, x2, y2) of the
    reference, fractions of a pixel possible, and ``edited_part`` of the edited image are compared
    at ``size``. ``multiple`` is what a side was rounded to a multiple of, where that explains why
    the aspect changed a little; 1 where it did not change, ``None`` where nothing explains it.
    """

    resize: Resize
    reference: Size
    edited: Size
    part: Part
    edited_part: Box
    size: Size
    multiple: int | None

    @property
    def stretches(self) -> bool:
        """Whether the mode brings whole images to each other, whatever their aspects."""
        return self.resize in ("reference", "edited")

    @property
    def geometry(self) -> Geometry:
        """What is compared at which size: modes may come to the same."""
        return self.part, self.edited_part, self.size

    @property
    def kernel(self) -> str | None:
        """What resized an image; ``None`` if one was cut and none resized."""
        scaled = _extent(self.part) != self.size or _extent(self.edited_part) != self.size
        return KERNEL if scaled else None

    def pictures(self, before: Array, after: Array) -> tuple[Array, Array]:
        """Return reference and edited image, RGB, uint8, (H, W, 3), as they are compared."""
        return part_of(before, self.part, self.size), part_of(after, self.edited_part, self.size)

    def region(self, region: Region) -> Region:
        """Return a region of the reference where it lies in what is compared.

        Boxes stay boxes, rounded outward; of another shape every pixel that it reaches belongs to
        it.

        Raises:
            RegionError: all of it lies in what was cut away; a box that seems to be in the edited
                image's pixels; a mask of another size than the reference, or that cannot be read.
        """
        if not region:
            return region
        if not region.plain:
            inside = region.inside(*reversed(self.reference))
            moved = self.mask(inside)
            if inside.any() and not moved.any():
                raise RegionError(self._cut_away(f"the region ({region.text})"))
            return Region(mask=moved, suggested=region.suggested)
        there = [box for box in region.boxes if self._in_reference(box)]
        if there and not any(map(self._kept, self.boxes(there))):
            raise RegionError(self._cut_away(f"the region ({region.text})"))
        return Region(boxes=tuple(self.boxes(region.boxes)))

    def mask(self, inside: Mask) -> Mask:
        """Return a mask of the reference, boolean (H, W), where it lies in what is compared."""
        return _reached(inside, self.part, self.size)

    def boxes(self, boxes: Sequence[Box]) -> list[Box]:
        """Return boxes of the reference where they lie in what is compared, rounded outward."""
        return _moved(boxes, self.part, self.size)

    def objects(self, before: Sequence[Box], after: Sequence[Box]) -> tuple[list[Box], list[Box]]:
        """Return the boxes of objects in either image where they lie in what is compared.

        Raises:
            RegionError: an object was cut away; the message names its box.
        """
        own, other = self.boxes(before), _moved(after, self.edited_part, self.size)
        for which, size, given, moved in (
            ("reference", self.reference, before, own),
            ("edited", self.edited, after, other),
        ):
            for number, (box, now) in enumerate(zip(given, moved, strict=True), 1):
                if clip_box(box, *size) is not None and not self._kept(now):
                    raise RegionError(self._cut_away(f"{which} box {number} {box}"))
        return own, other

    def back(self, mask: Mask) -> Mask:
        """Return a mask of what is compared, boolean (H, W), in the reference's pixels.

        What was cut away is in no mask.
        """
        return _reached(mask, self._whole, self.reference)

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values: the mode, both sizes, kernel, and what is not a whole image."""
        told: dict[str, Any] = {
            "resize": self.resize,
            "kernel": self.kernel,
            "reference": list(self.reference),
            "edited": list(self.edited),
        }
        if _extent(self.part) != self.reference:
            told["part"] = [_number(edge) for edge in self.part]
        if _extent(self.edited_part) != self.edited:
            told["edited_part"] = list(self.edited_part)
        if self.stretches and self.multiple != 1:
            told["rounded_to"] = self.multiple
        return told

    @property
    def _whole(self) -> Part:
        """The whole reference, in pixels of what is compared."""
        width, height = self.reference
        x1, y1, x2, y2 = self.part
        across, down = self.size[0] / (x2 - x1), self.size[1] / (y2 - y1)
        return -x1 * across, -y1 * down, (width - x1) * across, (height - y1) * down

    def _in_reference(self, box: Box) -> bool:
        """Tell whether a box holds a pixel of the reference.

        Raises:
            RegionError: it holds none, and one of the larger edited image.
        """
        if clip_box(box, *self.reference) is not None:
            return True
        if clip_box(box, *self.edited) is None:
            return False
        width, height = self.reference
        raise RegionError(
            f"the box {box} lies outside the reference of {width}x{height} px and inside the edited"
            " image: regions are in the reference's pixels, whatever the mode"
        )

    def _kept(self, box: Box) -> bool:
        return clip_box(box, *self.size) is not None

    def _cut_away(self, what: str) -> str:
        part, of = self.part, "reference"
        if _extent(self.part) == self.reference:
            part, of = self.edited_part, "edited image"
        kept = ", ".join(f"{edge:g}" for edge in part)
        return (
            f"{what} lies outside ({kept}), the part of the {of} that resize={self.resize!r}"
            " compares: nothing of it can be seen in the other image"
        )


def fit_of(resize: Resize, reference: Size, edited: Size) -> Fit:
    """Return how a mode brings images of these sizes (width, height) to one size.

    Where the edited image is what is left of the reference when both sides are cut to a multiple of
    up to 64 px, or when one side is cut, a crop is cut out and nothing is scaled, and likewise
    where it is the reference padded to a multiple (at the right and below) or on one side (on
    both ends). A centred crop begins at half of what is too much, rounded down to whole pixels if
    nothing is scaled; padding at both ends at half of the padded side less half of the other, both
    rounded down.

    >>> fit_of("crop-center", (1023, 767), (1016, 760)).part
    (3, 3, 1019, 763)
    >>> fit_of("pad", (600, 400), (512, 512)).edited_part
    (0, 86, 512, 427)
    """
    whole, own = (0, 0, *reference), (0, 0, *edited)
    multiple = rounded_to(reference, edited)
    if resize == "reference":
        return Fit(resize, reference, edited, whole, own, reference, multiple)
    if resize == "edited":
        return Fit(resize, reference, edited, whole, own, edited, multiple)
    if resize == "pad":
        content = _content(reference, edited)
        return Fit(resize, reference, edited, whole, content, _extent(content), multiple)
    part = _cut(reference, edited, centred=resize == "crop-center")
    return Fit(resize, reference, edited, part, own, edited, multiple)


def rounded_to(reference: Size, edited: Size) -> int | None:
    """Return the multiple, up to 64, that rounding sides to explains the edited size by.

    The sides of the reference, scaled alike, are rounded up, down or to the nearest multiple: both
    of them, or one, and the other to whole pixels. 1 means that the aspect is kept; else a power of
    two that models round to goes before another, and a smaller one before a larger. What changes a
    side by more than a quarter is no rounding.

    Returns:
        ``None`` if no multiple explains it.

    >>> rounded_to((1000, 667), (1000, 664)), rounded_to((1000, 667), (500, 333))
    (8, 1)
    >>> rounded_to((1000, 667), (1024, 1024)) is None
    True
    """
    for multiple in _MULTIPLES:
        for steps in ((multiple, multiple), (multiple, 1), (1, multiple)):
            if any(side % step for side, step in zip(edited, steps, strict=True)):
                continue
            for low, high in ((0, 1), (-0.5, 0.5), (-1, 0)):
                spans = [
                    _span(side, of, step, low, high)
                    for side, of, step in zip(edited, reference, steps, strict=True)
                ]
                if max(one for one, _ in spans) <= min(other for _, other in spans):
                    return multiple
    return None


def _span(side: int, of: int, step: int, low: float, high: float) -> tuple[float, float]:
    """Return the scales from which and to which a side of length ``of`` is rounded to ``side``."""
    if step == 1:
        low, high = -1, 1
    least = max(side + low * step + _HAIR * (low == -1), side * (1 - _MOST_CHANGED))
    most = min(side + high * step - _HAIR * (high == 1), side * (1 + _MOST_CHANGED))
    return least / of, most / of


def part_of(image: Array, part: Part, size: Size) -> Array:
    """Return a part (x1, y1, x2, y2) of an image (H, W, 3) at a size (width, height)."""
    if _extent(part) == size:
        x1, y1, x2, y2 = map(int, part)
        return np.ascontiguousarray(image[y1:y2, x1:x2])
    check_made()
    resized = Image.fromarray(image).resize(size, _KERNEL, box=part)
    return np.ascontiguousarray(resized)


def _cut(reference: Size, edited: Size, *, centred: bool) -> Part:
    """Return the largest part of the reference that has the edited image's aspect."""
    (width, height), (wide, high) = reference, edited
    smaller = wide <= width and high <= height
    if smaller and (wide == width or high == height or _cut_to_multiple(reference, edited)):
        left, top = ((width - wide) // 2, (height - high) // 2) if centred else (0, 0)
        return left, top, left + wide, top + high
    across, down = float(width), float(height)
    if wide * height >= high * width:
        down = high * width / wide
    else:
        across = wide * height / high
    x, y = ((width - across) / 2, (height - down) / 2) if centred else (0.0, 0.0)
    return x, y, min(width, x + across), min(height, y + down)


def _content(reference: Size, edited: Size) -> Box:
    """Return the part of a padded edited image that shows the reference."""
    (width, height), (wide, high) = reference, edited
    if _cut_to_multiple(edited, reference, up=True):
        return 0, 0, width, height
    scale = min(wide / width, high / height)
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = wide // 2 - across // 2, high // 2 - down // 2  # as diffusers does
    return left, top, left + across, top + down


def _cut_to_multiple(larger: Size, smaller: Size, *, up: bool = False) -> bool:
    """Tell whether both sides of the smaller size are rounded down to a multiple, or up."""
    for multiple in range(2, MOST_ROUNDED + 1):
        if up:
            rounded = tuple(-(-side // multiple) * multiple for side in smaller)
            fits = rounded == larger
        else:
            rounded = tuple(side // multiple * multiple for side in larger)
            fits = rounded == smaller
        if fits:
            return True
    return False


def _extent(part: Part) -> Any:
    """Return the size of a part that is whole pixels, else what is no size."""
    x1, y1, x2, y2 = part
    whole = all(edge == int(edge) for edge in part)
    return (int(x2 - x1), int(y2 - y1)) if whole else None


def _moved(boxes: Sequence[Box], part: Part, size: Size) -> list[Box]:
    left, top, right, bottom = part
    across, down = size[0] / (right - left), size[1] / (bottom - top)
    moved = []
    for x1, y1, x2, y2 in boxes:
        (a, c), (b, d) = _ends(x1 - left, x2 - left, across), _ends(y1 - top, y2 - top, down)
        moved.append((a, b, c, d))
    return moved


def _ends(low: float, high: float, scale: float) -> tuple[int, int]:
    """Return the ends of a box on one axis after scaling; what was empty stays so."""
    first = math.floor(low * scale + _HAIR)
    return first, first if high <= low else math.ceil(high * scale - _HAIR)


def _reached(mask: Mask, part: Part, size: Size) -> Mask:
    """Return which pixels of ``size`` a mask's true pixels reach, where ``part`` of it is shown."""
    x1, y1, x2, y2 = part
    rows = _any(mask, y1, y2, size[1])
    found: Mask = _any(rows.T, x1, x2, size[0]).T
    return np.ascontiguousarray(found)


def _any(mask: Mask, first: float, last: float, count: int) -> Mask:
    """Return whether any row between the ends of each of ``count`` equal spans is true."""
    ends = first + (last - first) / count * np.arange(count + 1)
    length = len(mask)
    lows = np.clip(np.floor(ends[:-1] + _HAIR), 0, length).astype(np.int64)
    highs = np.clip(np.ceil(ends[1:] - _HAIR), 0, length).astype(np.int64)
    sums = np.zeros((length + 1, mask.shape[1]), np.int32)
    np.cumsum(mask, axis=0, out=sums[1:])
    reached: Mask = sums[np.maximum(highs, lows)] > sums[lows]
    return reached


def _number(edge: float) -> float:
    return int(edge) if edge == int(edge) else round(edge, 3)
