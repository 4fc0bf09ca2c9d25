"""A pair of images to judge, with its edit area: read, checked, and looked at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import numpy as np

from pytest_editmetrics.background.colour_profile import diagnose_profiles
from pytest_editmetrics.background.diagnosis import Diagnosis, diagnose
from pytest_editmetrics.background.drift import Drift
from pytest_editmetrics.gates.verdict import Checked, Gate
from pytest_editmetrics.images.colour_words import Colour
from pytest_editmetrics.images.load import Array, ImageLike, at_size_of, read_image
from pytest_editmetrics.images.masks import bounds
from pytest_editmetrics.images.regions import Mask, region_mask
from pytest_editmetrics.images.shapes import Region
from pytest_editmetrics.report.picture import describe_change

_MOST_NUMBERS = 8  # of what is no box, and may have no end


@dataclass(frozen=True)
class Pair:
    """The images of a check, RGB, uint8, (H, W, 3), of one size, and where the edit was to be.

    ``original`` is the edited image before it was resized to the reference, else ``None``; the
    edited boxes lie in its pixels. ``area`` is the edit area, its mask read: a region, or boxes as
    the user gave them; ``inside`` are its pixels, boolean (H, W). ``region`` is what results hold,
    and ``read`` what had to be done to read either image, if anything. ``numbers`` are reference
    and edited image by their bare numbers, where the profile of either makes them others.
    """

    reference: Array
    edited: Array
    original: Array | None
    area: Any
    inside: Mask
    region: Checked
    read: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    colour: Colour = "seen"
    numbers: tuple[Array, Array] | None = None
    drifts: dict[str | None, Drift] = field(default_factory=dict, init=False, compare=False)
    """How far the pixels of a scope moved, where that was measured."""
    pictures: dict[str, str] = field(default_factory=dict, init=False, compare=False)
    """Where the picture of the failing gates lies, by what they compare."""
    _diagnoses: dict[str | None, Diagnosis] = field(default_factory=dict, init=False, compare=False)
    _changes: dict[str | None, str] = field(default_factory=dict, init=False, compare=False)

    def mask(self, gate: Gate) -> Mask:
        """Return the pixels that a gate measured, boolean (H, W)."""
        if gate.scope is None or gate.compares != "region":
            return np.ones(self.reference.shape[:2], np.bool_)
        return self.inside if gate.scope == "edit_area" else ~self.inside

    def diagnosis(self, gate: Gate) -> Diagnosis:
        """Return what changed the pixels that a gate measured; made once for gates alike."""
        if gate.scope not in self._diagnoses:
            mask, images = self.mask(gate), (self.reference, self.edited)
            found = None
            if self.numbers is not None:
                found = diagnose_profiles(images, self.numbers, mask, self.read)
            drift = self.drifts.get(gate.scope)
            self._diagnoses[gate.scope] = found or diagnose(*images, mask, drift)
        return self._diagnoses[gate.scope]

    def change(self, gate: Gate) -> str:
        """Return how much of what a gate measured changed, in words; made once for gates alike."""
        scope = gate.scope if gate.compares == "region" else None
        if scope not in self._changes:
            images = self.reference, self.edited
            self._changes[scope] = describe_change(images, self.mask(gate))
        return self._changes[scope]


def pair_of(
    reference: ImageLike,
    edited: ImageLike,
    *,
    resize: Literal["reference"] | None = None,
    colour: Colour = "seen",
    area: Any = None,
    ref_boxes: Any = None,
    edited_boxes: Any = None,
) -> Pair:
    """Read the images and the edit area of a check.

    Args:
        reference: of any kind that ``images.load_image`` takes.
        edited: the same.
        resize: ``"reference"`` resizes an edited image of another size.
        colour: ``"seen"`` applies colour profiles, ``"numbers"`` leaves them aside.
        area: the edit area: a region, or boxes.
        ref_boxes: the objects in the reference, in pixels.
        edited_boxes: those in the edited image, in its own pixels.

    Raises:
        ImageError: an image cannot be used, or the sizes differ.
        RegionError: boxes that make no sense; a mask that cannot be read, is of another size, or
            holds no pixel of the image.

    >>> area = Region(boxes=[(0, 0, 2, 9)], dilate=1)
    >>> pair = pair_of(np.zeros((4, 6)), np.ones((4, 6)), area=area)
    >>> pair.region.bounds, int(pair.inside.sum())
    ((0, 0, 3, 4), 12)
    """
    read = {
        "edited": read_image(edited, "edited image", colour),
        "reference": read_image(reference, "reference image", colour),
    }
    for image in read.values():
        image.warn()
    before = _held(read["reference"].pixels, reference)
    own = _held(read["edited"].pixels, edited)
    after = at_size_of(before, own, resize)
    height, width = before.shape[:2]
    shape = Region.of(area).read()
    inside = region_mask(shape, "inner", height, width)
    if isinstance(area, Region):
        area = shape
    region = Checked(
        coords=area.to_json() if isinstance(area, Region) else _plain(area),
        bounds=None if shape.plain else bounds(inside),
        ref_boxes=_plain(ref_boxes),
        edited_boxes=_plain(edited_boxes),
        width=width,
        height=height,
        resized=after.shape != own.shape,
    )
    done = {which: image.notes for which, image in read.items() if image.notes}
    bare = None
    if any(image.numbers is not None for image in read.values()):
        numbers = {
            which: image.pixels if image.numbers is None else image.numbers
            for which, image in read.items()
        }
        bare = numbers["reference"], at_size_of(before, numbers["edited"], resize)
    original = own if region.resized else None
    return Pair(before, after, original, area, inside, region, done, colour, bare)


def _held(image: Array, source: Any) -> Array:
    """Return an image that stays as it is, whatever is made of the array or tensor it came from."""
    return image.copy() if image is source or image.base is not None else image


def _plain(boxes: Any) -> tuple[tuple[float, ...], ...] | None:
    """Return boxes as plain numbers for the report; what is no box is the pipe's to refuse."""
    if boxes is None:
        return None
    try:
        return tuple(tuple(map(_number, islice(box, _MOST_NUMBERS))) for box in boxes)
    except (TypeError, ValueError, OverflowError):
        return None


def _number(value: Any) -> float:
    number = float(value)
    return int(number) if number.is_integer() else number
