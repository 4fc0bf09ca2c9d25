"""A pair of images to judge, with its edit area: read, checked, and looked at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_editmetrics.config.expect import EXPECTATIONS, Expect
from pytest_editmetrics.errors import RegionError
from pytest_editmetrics.gates.verdict import Checked, Gate
from pytest_editmetrics.images.best_fit import ALIKE, brought_together, fits, told
from pytest_editmetrics.images.boxes import Box, check_reach, clip_box, normalise_boxes, plain_boxes
from pytest_editmetrics.images.colour_words import Colour
from pytest_editmetrics.images.ground import Ground, alpha_lost
from pytest_editmetrics.images.load import (
    Array,
    ImageLike,
    Loaded,
    Uncovered,
    beneath,
    numbers_of,
    read_image,
)
from pytest_editmetrics.images.masks import bounds
from pytest_editmetrics.images.orientation import UPRIGHT, ignored_orientation
from pytest_editmetrics.images.regions import Mask, check_within, read_region, region_mask
from pytest_editmetrics.images.resize_modes import Aspect, Resize
from pytest_editmetrics.images.shapes import Region, is_boxes
from pytest_editmetrics.images.sizes import Fit

if TYPE_CHECKING:
    from pytest_editmetrics.background.diagnosis import Diagnosis
    from pytest_editmetrics.background.drift import Drift

_INSIDE, _RECORDED = (f"{what}, and worth a look" for what in ("inside every bound", "recorded"))
_ALPHA_LOST = (
    "the reference is transparent outside the edit area, the edited image opaque: its alpha was"
    " lost (compared on white)"
)


@dataclass(frozen=True)
class Originals:
    """The images of a check before they were brought to one size, and the edit area in the first.

    RGB, uint8, (H, W, 3); ``inside`` is boolean, of the reference's size. ``numbers`` are both
    images by their bare numbers, where the profile of either makes them others.
    """

    reference: Array
    edited: Array
    inside: Mask
    numbers: tuple[Array, Array] | None = None


@dataclass(frozen=True)
class Pair:
    """The images of a check, RGB, uint8, (H, W, 3), of one size, and where the edit was to be.

    ``area`` is the edit area, its mask read: a region, or boxes as the user gave them; ``inside``
    are its pixels, boolean (H, W). ``region`` is what results hold, and ``read`` what had to be
    done to read either image, if anything. ``fit`` is how images of unlike sizes were brought
    together, else ``None``; ``originals`` are what they were then, and the edit area lies where it
    is in what is compared. ``numbers`` are reference and edited image by their bare numbers, where
    the profile of either makes them others. ``stated`` is the EXIF orientation of either, which was
    applied; ``uncovered`` are the colours and alphas of both, where either is transparent, and
    ``loaded`` the images as they were read. ``ground`` is what they were laid on, white unless
    ``grounds.seen_by`` laid them on black. ``twin`` names another check that had this picture.
    """

    reference: Array
    edited: Array
    area: Any
    inside: Mask
    region: Checked
    read: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fit: Fit | None = None
    originals: Originals | None = None
    colour: Colour = "seen"
    numbers: tuple[Array, Array] | None = None
    stated: tuple[int, int] = (UPRIGHT, UPRIGHT)
    uncovered: Uncovered | None = None
    loaded: tuple[Loaded, Loaded] | None = None
    ground: Ground = "white"
    twin: str | None = None
    drifts: dict[str | None, Drift] = field(default_factory=dict, init=False, compare=False)
    """How far the pixels of a scope moved, where that was measured."""
    laid: dict[str, Pair | None] = field(default_factory=dict, init=False, compare=False)
    """The pair on black, by what looks at it; ``None`` where that looks at this one."""
    pictures: dict[str, str] = field(default_factory=dict, init=False, compare=False)
    """Where the picture of the failing gates lies, by what they compare."""
    _diagnoses: dict[str | None, Diagnosis] = field(default_factory=dict, init=False, compare=False)
    _changes: dict[str | None, str] = field(default_factory=dict, init=False, compare=False)

    def objects(self, before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
        """Return boxes of objects, those of the reference and then the others, as they lie here.

        Raises:
            RegionError: a box that makes no sense, or of an object that was cut away.
        """
        size = self.reference.shape[1], self.reference.shape[0]
        _check_reach("ref_boxes", before, size if self.fit is None else self.fit.reference)
        _check_reach("edited_boxes", after, size if self.fit is None else self.fit.edited)
        if self.fit is None:
            return [*before, *after]
        placed = self.fit.objects(
            normalise_boxes(before, "ref_boxes"), normalise_boxes(after, "edited_boxes")
        )
        return [*placed[0], *placed[1]]

    def with_numbers(self, numbers: tuple[Array, Array]) -> Pair:
        """Return the pair whose images, of the sizes that they came in, have these bare numbers."""
        if self.fit is None or self.originals is None:
            return replace(self, numbers=numbers)
        originals = replace(self.originals, numbers=numbers)
        return replace(self, originals=originals, numbers=self.fit.pictures(*numbers))

    def mask(self, gate: Gate) -> Mask:
        """Return the pixels that a gate measured, boolean (H, W)."""
        if gate.scope is None or gate.compares != "region":
            return np.ones(self.reference.shape[:2], np.bool_)
        return self.inside if gate.scope == "edit_area" else ~self.inside

    @cached_property
    def _outside(self) -> float:
        """The share of the pixels that lie outside the edit area."""
        return 1.0 - float(self.inside.mean())

    @cached_property
    def _black(self) -> bool:
        """Whether both images are black, or of level 1 throughout: mixtures are errors."""
        return bool(self.reference.max() <= 1 and self.edited.max() <= 1)

    @cached_property
    def _equal(self) -> bool:
        return bool((self.reference == self.edited).all())

    def told(self, scope: str | None, compares: str, expect: Expect | None) -> dict[str, Any]:
        """Return what is told of a measurement: how much it saw, or that it shows no fault.

        Without an edit area equal images may be what was asked for, unless all is ``rewritten``.
        """
        told: dict[str, Any] = {}
        edits = self.inside.any() or (expect is not None and EXPECTATIONS[expect].rewritten)
        if self._black:
            told["black"] = True
        elif compares == "region" and scope != "edit_area" and self._equal:
            told["unchanged" if edits else "equal"] = True
        if "unchanged" in told and expect is not None:
            told["expect"] = expect
        if self.ground != "white":
            told["ground"] = self.ground
        if self.twin is not None:
            told["twin"] = self.twin
        if scope is not None and compares == "region":
            measured = self._outside if scope == "unedit_area" else 1 - self._outside
            if (share := float(f"{measured:.3g}")) < 1:
                told["share"] = share
        return told

    def diagnosis(self, gate: Gate) -> Diagnosis:
        """Return what changed the pixels that a gate measured; made once for gates alike."""
        if gate.scope not in self._diagnoses:
            mask, images = self.mask(gate), (self.reference, self.edited)
            from pytest_editmetrics.background.diagnosis import diagnose

            found, drift = None, self.drifts.get(gate.scope)
            if self.uncovered is not None:
                from pytest_editmetrics.background.transparent import diagnose_transparent

                laid: dict[str, Any] = {"ground": self.ground, "drift": drift}
                found = diagnose_transparent(images, *self.uncovered, mask, **laid)
            if found is None and self.numbers is not None:
                from pytest_editmetrics.background.colour_profile import diagnose_profiles

                found = diagnose_profiles(images, self.numbers, mask, self.read, drift=drift)
            self._diagnoses[gate.scope] = found or diagnose(*images, mask, drift)
        return self._diagnoses[gate.scope]

    def misreadings(self, gate: Gate) -> list[dict[str, Any]]:
        """Return, as causes, what tells that images or edit area were meant otherwise."""
        area = self.misread if gate.scope == "unedit_area" and self._ignored is None else None
        return [cause for cause in (self._ignored, area) if cause is not None]

    @cached_property
    def _ignored(self) -> dict[str, Any] | None:
        """What tells that an EXIF orientation was ignored, as a cause."""
        if self.stated == (UPRIGHT, UPRIGHT):
            return None
        images = self.originals or self
        text = ignored_orientation(images.reference, images.edited, self.stated)
        return None if text is None else {"kind": "orientation", "text": text}

    @cached_property
    def misread(self) -> dict[str, Any] | None:
        """What tells that the edit area was meant otherwise, as a cause."""
        from pytest_editmetrics.checks.misread_area import misread_boxes, misread_mask

        region = Region.of(self.area if self.fit is None else self.region.coords)
        images = self.reference, self.edited
        if region.plain and region:
            return misread_boxes(region.boxes, self.inside, *images, self.fit)
        return misread_mask(region, *images, self.fit) if region.has_mask else None

    @cached_property
    def resizing(self) -> dict[str, Any] | None:
        """What the way in which the images were brought to one size may have done, as a cause.

        ``better`` is a mode that fits clearly better, if there is one.
        """
        if self.fit is None or self.originals is None:
            return None
        originals = self.originals
        ranked = fits(originals.reference, originals.edited, originals.inside, originals.numbers)
        best = ranked[0].fit
        own = next(one for one in ranked if one.fit.geometry == self.fit.geometry)
        mode = self.fit.resize
        if ranked[0].psnr < own.psnr + ALIKE:
            text = f"the images were brought to one size (resize {mode}; no other mode fits better)"
            return {"kind": "resize", "text": text}
        text = (
            f"resize {best.resize} fits the background better than resize {mode} (PSNR on small"
            f" copies, in dB: {told(ranked)})"
        )
        return {"kind": "resize", "text": text, "better": best.resize}

    def worth_a_look(self, gates: Sequence[Gate]) -> Iterator[tuple[str, str]]:
        """Say, below a title, what no bound of these gates, those of a check, tells of the pair."""
        if any(gate.failing for gate in gates):  # what fails says so, and nothing is recorded
            return
        if lost := self.profile_lost():
            yield _INSIDE, lost
        if self.uncovered is not None and alpha_lost(*self.uncovered[1], ~self.inside):
            yield _INSIDE, _ALPHA_LOST
        recorded = [gate for gate in gates if gate.verdict == "recorded"]
        if recorded and self._ignored is not None:
            yield _RECORDED, self._ignored["text"]
        elif any(gate.scope == "unedit_area" for gate in recorded) and self.misread is not None:
            share = self.misread.get("share")
            most = (
                ""
                if share is None
                else f"{100 * share:.0f} % of what changed outside the edit area lies "
            )
            told = self.misread.get("long", self.misread["text"])
            yield _RECORDED, f"{most}{told}"

    def profile_lost(self) -> str | None:
        """Say which profile was lost outside the edit area, and what to do; ``None`` if none was.

        Free for images without profiles.
        """
        if self.numbers is None:
            return None
        from pytest_editmetrics.background.colour_profile import profile_lost

        seen = self.reference, self.edited
        told = profile_lost(seen, self.numbers, ~self.inside, self.read)
        return None if told is None else str(told)

    def change(self, gate: Gate) -> str:
        """Return how much of what a gate measured changed, in words; made once for gates alike."""
        scope = gate.scope if gate.compares == "region" else None
        if scope not in self._changes:
            from pytest_editmetrics.report.picture import describe_change

            images = self.reference, self.edited
            self._changes[scope] = describe_change(images, self.mask(gate))
        return self._changes[scope]


def pair_of(
    reference: ImageLike,
    edited: ImageLike,
    *,
    resize: Resize | None = None,
    aspect: Aspect | None = None,
    colour: Colour = "seen",
    area: Any = None,
    ref_boxes: Any = None,
    edited_boxes: Any = None,
) -> Pair:
    """Read the images and the edit area of a check.

    Args:
        reference: of any kind that ``images.load_image`` takes.
        edited: the same.
        resize: how images of unlike sizes are brought together, see ``resize_modes.RESIZES``.
        aspect: ``"any"`` lets a mode stretch by more than rounding a side does.
        colour: ``"seen"`` applies colour profiles, ``"numbers"`` leaves them aside.
        area: the edit area in the reference: a region, or boxes.
        ref_boxes: the objects in the reference, in pixels.
        edited_boxes: those in the edited image, in its own pixels.

    Raises:
        ImageError: an image cannot be used, or the sizes differ.
        RegionError: boxes that make no sense, or hold no pixel of the reference; a mask that cannot
            be read, is of another size, or holds no pixel; an edit area all of which was cut away.

    >>> area = Region(boxes=[(0, 0, 2, 6)], dilate=1)
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
    before, after = read["reference"].pixels, read["edited"].pixels
    shape = read_region(area, *before.shape[:2])
    if not is_boxes(area):
        area = shape
    check_within(shape, *before.shape[:2])
    inside = region_mask(shape, "inner", *before.shape[:2])
    bare = numbers_of(read["reference"], read["edited"])
    originals = Originals(before, after, inside, bare)
    stated = read["reference"].orientation, read["edited"].orientation
    fit = brought_together(before, after, resize, aspect, inside, bare, stated)
    coords = area.to_json() if isinstance(area, Region) else plain_boxes(area)
    drawn = None
    if fit is not None:
        before, after = fit.pictures(before, after)
        shape = fit.region(shape)
        if shape:
            area = list(shape.boxes) if shape.plain else shape
        inside = region_mask(shape, "inner", *before.shape[:2])
        drawn = _drawn(fit, shape, ref_boxes, edited_boxes)
    region = Checked(
        coords=coords,
        bounds=None if shape.plain else bounds(inside),
        ref_boxes=plain_boxes(ref_boxes),
        edited_boxes=plain_boxes(edited_boxes),
        width=before.shape[1],
        height=before.shape[0],
        resize=None if fit is None else fit.resize,
        sizes=None if fit is None else fit.to_json(),
        drawn=drawn,
    )
    done = {which: image.notes for which, image in read.items() if image.notes}
    if bare is not None and fit is not None:
        bare = fit.pictures(*bare)
    uncovered = beneath(read["reference"], read["edited"])
    if uncovered is not None and fit is not None:
        uncovered = fit.pictures(*uncovered[0]), fit.pictures(*uncovered[1])
    return Pair(
        before,
        after,
        area,
        inside,
        region,
        done,
        fit,
        None if fit is None else originals,
        colour,
        bare,
        stated,
        uncovered,
        None if uncovered is None else (read["reference"], read["edited"]),
    )


def _check_reach(name: str, boxes: Sequence[Any], size: tuple[int, int]) -> None:
    """Refuse boxes of a picture of another size; what is no box is the pipe's to refuse."""
    found: list[Box] = []
    with suppress(RegionError):
        found = normalise_boxes(boxes, name)
    for number, box in enumerate(found, 1):
        check_reach(f"{name}: box {number}", box, *size)


def _drawn(fit: Fit, area: Region, ref_boxes: Any, edited_boxes: Any) -> dict[str, Any]:
    """Return the boxes as they lie in what is compared; what is no box is the pipe's to refuse."""
    named: dict[str, Sequence[Box]] = {"coords": area.boxes if area.plain else ()}
    with suppress(RegionError):
        before, after = fit.objects(normalise_boxes(ref_boxes), normalise_boxes(edited_boxes))
        named |= {"ref_boxes": before, "edited_boxes": after}
    return {
        key: [list(seen) for box in boxes if (seen := clip_box(box, *fit.size)) is not None]
        for key, boxes in named.items()
    }
