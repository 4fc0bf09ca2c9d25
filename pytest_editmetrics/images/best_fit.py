"""Which mode brings a pair of unlike sizes together best, measured on small copies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.levels import Array
from pytest_editmetrics.images.masks import Mask
from pytest_editmetrics.images.orientation import UPRIGHT, ignored_orientation
from pytest_editmetrics.images.resize_modes import Aspect, Resize, check_aspect, check_resize
from pytest_editmetrics.images.sizes import (
    MOST_ROUNDED,
    Fit,
    Geometry,
    Part,
    Size,
    fit_of,
    part_of,
    rounded_to,
)

_COPY_EDGE = 768
_CUT = 48  # of 255: what differs by more is an edit, whatever it differs by
_CEILING = 100.0
_ORDER: tuple[Resize, ...] = ("edited", "reference", "crop-center", "crop-top-left", "pad")
_WHOLE: tuple[Resize, ...] = ("edited", "reference")
_LIKE = 18.0  # dB: photos of other things come to less, and some of what was drawn anew
ALIKE = 0.5
"""Modes whose PSNR differs by less, in dB, fit alike."""


@dataclass(frozen=True)
class FitFound:
    """A mode, and the PSNR of the background under it on small copies, in dB."""

    fit: Fit
    psnr: float


def fits(
    before: Array,
    after: Array,
    inside: Mask | None = None,
    numbers: tuple[Array, Array] | None = None,
) -> list[FitFound]:
    """Return the modes that differ for these sizes, the one that fits best first.

    PSNR is of the pixels outside the edit area, the median difference of each channel taken off and
    differences cut at 48 levels, so that neither a new light nor an edit that nobody has drawn
    decides. Of modes that fit alike `edited` comes first, or, where it would stretch, the crop. Of
    `edited` and `reference`, which compare the same, the sizes decide: which is nearer differs by
    the photo, and a model is given one mode.

    Args:
        before: the reference, RGB, uint8, (H, W, 3).
        after: the edited image, likewise, of another size.
        inside: the edit area, boolean, of the reference's size.
        numbers: the same images by their bare numbers, where a profile makes them others: a mode
            is held to the reading in which it fits better, so that a lost profile does not decide.
    """
    reference, edited = size_of(before), size_of(after)
    found: dict[Geometry, FitFound] = {}
    readings = [(before, after)] if numbers is None else [(before, after), numbers]
    copies = [_Copies(*pair, inside) for pair in readings]
    stretched = rounded_to(reference, edited) is None
    for resize in sorted(_ORDER, key=lambda one: stretched and one in ("edited", "reference")):
        fit = fit_of(resize, reference, edited)
        if fit.geometry not in found:
            found[fit.geometry] = FitFound(fit, max(one.psnr(fit) for one in copies))
    ranked = sorted(found.values(), key=lambda one: -one.psnr)
    best = next(one for one in found.values() if one.psnr > ranked[0].psnr - ALIKE)
    whole = {one.fit.resize: one for one in ranked if one.fit.resize in _WHOLE}
    if best in whole.values():
        best = whole.get("reference" if _grown(reference, edited) else "edited", best)
    return [best, *(one for one in ranked if one is not best)]


def _grown(reference: Size, edited: Size) -> bool:
    """Tell whether an edited image is larger than rounding a side up explains."""
    return any(new - old >= MOST_ROUNDED for old, new in zip(reference, edited, strict=True))


class UnlikeSizes(ImageError):
    """A pair of unlike sizes, and nothing says how they become one.

    Args:
        said: which sizes they are.
        best: the mode that fits best.
        measured: by how much.
    """

    __module__ = "builtins"

    def __init__(self, said: str, best: str, measured: str):
        super().__init__(
            f"{said}{best}: say so, or make the model return the reference's size. {measured}"
        )
        self.once_alike = (
            f"{said}its golden was measured on images of one size, so the model used to return the"
            f" reference's size: make it do that again. If the new size is meant: {best}: say"
            f" so, and record again. {measured}"
        )
        """What is said where a golden states that the sizes were equal."""


def brought_together(
    before: Array,
    after: Array,
    resize: Resize | None = None,
    aspect: Aspect | None = None,
    inside: Mask | None = None,
    numbers: tuple[Array, Array] | None = None,
    stated: tuple[int, int] = (UPRIGHT, UPRIGHT),
) -> Fit | None:
    """Return how a pair of loaded images becomes one size; ``None`` if it is of one size.

    Args:
        before: the reference, RGB, uint8, (H, W, 3).
        after: the edited image, likewise.
        resize: the mode; ``None`` makes unlike sizes an error.
        aspect: ``any`` lets `reference` and `edited` stretch by more than rounding a side does.
        inside: the edit area, boolean, of the reference's size.
        numbers: as in ``fits``.
        stated: the EXIF orientation of either, which was applied.

    Raises:
        ImageError: the sizes differ and no mode is given, or the aspects do; the message names the
            mode that fits best, if the sides are not swapped.
        InputError: an unknown mode or aspect.
    """
    check_resize(resize)
    check_aspect(aspect)
    if before.shape == after.shape:
        return None
    if resize is None:
        swapped = size_of(before) == size_of(after)[::-1]
        turned = " (its sides are swapped: was it rotated?)" if swapped else ""
        said = (
            f"the edited image is {_text(size_of(after))} pixels{turned}, the reference"
            f" {_text(size_of(before))}: they cannot be compared as they are; "
        )
        if ignored := ignored_orientation(before, after, stated):
            raise ImageError(said + ignored)
        if swapped:
            raise ImageError(f"{said}make the model return the reference's size, as it stands")
        ranked = fits(before, after, inside, numbers)
        raise UnlikeSizes(said, _best(ranked), _measured(ranked))
    fit = fit_of(resize, size_of(before), size_of(after))
    if fit.stretches and fit.multiple is None and aspect != "any":
        ranked = fits(before, after, inside, numbers)
        raise ImageError(
            f"resize={resize!r} would stretch: the edited image is {_text(fit.edited)} pixels, the"
            f" reference {_text(fit.reference)}, and rounding a side to a multiple of up to"
            f" {MOST_ROUNDED} px does not explain it. If the model is meant to stretch, say"
            f" aspect='any' (in YAML `aspect: any`); {_best(ranked)}. {_measured(ranked)}"
        )
    return fit


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def size_of(image: Array) -> Size:
    """Return the size (width, height) of an image (H, W, 3)."""
    return image.shape[1], image.shape[0]


def told(ranked: list[FitFound]) -> str:
    """Return the PSNR of each mode in words, the first one first."""
    return ", ".join(f"{one.fit.resize} {one.psnr:.1f}" for one in ranked)


def _best(ranked: list[FitFound]) -> str:
    best = ranked[0].fit
    stretched = best.stretches and best.multiple is None
    also = (", aspect='any'", ", `aspect: any`") if stretched else ("", "")
    said = f"resize={best.resize!r}{also[0]}"
    written = f"(in YAML `resize: {best.resize}`{also[1]})"
    if max(one.psnr for one in ranked) > ranked[0].psnr + ALIKE:
        return f"{said} suits these sizes {written}"
    if ranked[-1].psnr < ranked[0].psnr - ALIKE:
        return f"{said} fits best {written}"
    if ranked[0].psnr < _LIKE:
        return f"no mode fits well, is it the same picture? If so, {said} is nearest {written}"
    return f"no mode fits clearly better than {said} {written}"


def _measured(ranked: list[FitFound]) -> str:
    return f"PSNR of the background under each mode, on small copies, in dB: {told(ranked)}"


class _Copies:
    """Small copies of a pair and its background."""

    def __init__(self, before: Array, after: Array, inside: Mask | None):
        share = min(1.0, _COPY_EDGE / max(*size_of(before), *size_of(after)))
        self._before, self._after = _Copy(before, share), _Copy(after, share)
        self._inside = inside

    def psnr(self, fit: Fit) -> float:
        """Return the PSNR of the background under a fit of the whole images, in dB."""
        of = self._before if fit.resize == "reference" else self._after
        size = of.scaled(fit.size)
        one, other = self._before.part(fit.part, size), self._after.part(fit.edited_part, size)
        apart = (one.astype(np.float32) - other).reshape(-1, 3)
        if self._inside is not None:
            edit = Image.fromarray(fit.mask(self._inside)).resize(size, Image.Resampling.NEAREST)
            background = ~np.asarray(edit).ravel()
            apart = apart[background] if background.any() else apart
        apart -= np.median(apart, axis=0)
        mean = float((np.minimum(np.abs(apart), _CUT) ** 2).mean())
        return min(_CEILING, 10 * math.log10(255**2 / mean)) if mean else _CEILING


class _Copy:
    """An image, a share of its size."""

    def __init__(self, image: Array, share: float):
        self._full = size_of(image)
        self._share = share
        self._image = part_of(image, (0, 0, *self._full), self.scaled(self._full))

    def scaled(self, size: Size) -> Size:
        """Return a size of this image's pixels in pixels of the copy."""
        width, height = (max(1, round(side * self._share)) for side in size)
        return width, height

    def part(self, part: Part, size: Size) -> Array:
        """Return a part of the full image, of its copy at another size."""
        small = size_of(self._image)
        across, down = (one / full for one, full in zip(small, self._full, strict=True))
        x1, y1, x2, y2 = part
        ends = min(small[0], x2 * across), min(small[1], y2 * down)
        return part_of(self._image, (x1 * across, y1 * down, *ends), size)
