"""Whether a background differs because a colour profile was lost: one picture, read in two ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pytest_editmetrics.background.cause import NAMES, Cause
from pytest_editmetrics.background.diagnosis import MIN_SHARE, Diagnosis, diagnose
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_CLEARLY = 0.5
"""Bare numbers fit clearly better where at most this share of the squared difference is left,"""
_CONVERT = (
    "convert the reference to sRGB on load, with PIL.ImageCms.profileToProfile, or keep its profile"
    ' on save, with icc_profile=reference.info["icc_profile"]'
)
_COARSE = 4.0
"""once both are blurred by so many pixels: noise and a small motion are no matter of colours."""


def diagnose_profiles(
    seen: tuple[Array, Array],
    numbers: tuple[Array, Array],
    mask: Mask,
    read: Mapping[str, Mapping[str, Any]],
    names: tuple[str, str] = NAMES,
) -> Diagnosis | None:
    """Return what changed a background that fits clearly better read in another way; else ``None``.

    Args:
        seen: reference and edited image as they are seen, RGB, uint8, (H, W, 3).
        numbers: the same by their bare numbers.
        mask: boolean (H, W), true for the background.
        read: what was done to read either image; see ``Loaded``.
        names: what the images are called.
    """
    told = profile_lost(seen, numbers, mask, read, names)
    if told is None:
        return None
    rest = diagnose(*told.read_alike, mask)
    left = min(1.0, _squares(*told.read_alike, mask) / _squares(*seen, mask))
    lost = Cause("profile lost", 1 - left, told.text, {}, str(told))
    scaled = (replace(cause, share=cause.share * left) for cause in rest.causes)
    kept = (cause for cause in scaled if cause.share >= MIN_SHARE)
    return Diagnosis((lost, *kept), rest.drift, rest.background)


@dataclass(frozen=True)
class Misread:
    """What became of a profile, what to do, and both images read so that they are alike."""

    text: str
    advice: str
    read_alike: tuple[Array, Array]

    def __str__(self) -> str:
        return f"{self.text} ({self.advice})"


def profile_lost(
    seen: tuple[Array, Array],
    numbers: tuple[Array, Array],
    mask: Mask,
    read: Mapping[str, Mapping[str, Any]],
    names: tuple[str, str] = NAMES,
) -> Misread | None:
    """Return which profile was lost, or stayed after a conversion, if that fits clearly better.

    Of images with the same profile none was lost, however alike their numbers are: a profile
    makes any difference larger in some colours. Takes what ``diagnose_profiles`` does.
    """
    before, after = (_profile(read.get(which, {})) for which in ("reference", "edited"))
    misread = _lost(before, after, numbers, names)
    if before is not None and before == after:
        misread = Misread(
            f"{names[1]} was converted to sRGB and is still marked {after.name}",
            "save it without that profile",
            (seen[0], numbers[1]),
        )
    whole = _squares(*seen, mask, _COARSE)
    if not whole or _squares(*misread.read_alike, mask, _COARSE) > _CLEARLY * whole:
        return None
    return misread


def _squares(one: Array, other: Array, mask: Mask, blur: float = 0.0) -> float:
    from scipy.ndimage import gaussian_filter

    difference = (one.astype(np.float32) - other) * mask[..., None]
    if blur:
        difference = gaussian_filter(difference, (blur, blur, 0))
    return float((difference.astype(np.float64) ** 2).sum())


@dataclass(frozen=True)
class _Profile:
    name: str
    digest: str


def _lost(
    before: _Profile | None,
    after: _Profile | None,
    numbers: tuple[Array, Array],
    names: tuple[str, str],
) -> Misread:
    """Return what became of the profiles of images whose numbers are alike."""
    reference, edited = names
    if after is None:
        return Misread(
            f"{reference}'s profile {before.name if before else None} was lost",
            _CONVERT if names == NAMES else "keep it on save, with icc_profile",
            numbers,
        )
    if before is None:
        return Misread(
            f"{edited} is marked {after.name}, {reference} is not, and their numbers are alike",
            f"save {edited} without that profile",
            numbers,
        )
    one, other = before.name, after.name
    if one == other:
        one, other = (f"{each.name} (sha256 {each.digest})" for each in (before, after))
    return Misread(
        f"{edited} is marked {other}, {reference} {one}, and their numbers are alike",
        f"keep {reference}'s profile on save",
        numbers,
    )


def _profile(notes: Mapping[str, Any]) -> _Profile | None:
    told = notes.get("colour")
    if not isinstance(told, Mapping) or "done" not in told:
        return None
    return _Profile(str(told.get("profile")), str(told.get("sha256")))
