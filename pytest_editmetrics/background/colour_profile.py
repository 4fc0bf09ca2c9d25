"""Whether a background differs because a colour profile was lost: one picture, read in two ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_editmetrics.background.cause import NAMES, Cause
from pytest_editmetrics.background.diagnosis import Diagnosis, diagnose
from pytest_editmetrics.background.drift import Drift
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_CLEARLY = 0.5
"""Bare numbers fit clearly better where at most this share of the squared difference is left,"""
_LITTLE = 0.1  # of the squared difference: a profile that leaves less explains all
_EXACT = ("channels", "gamma")
_OF_COLOURS = (*_EXACT, "greyscale", "exposure", "contrast", "colour")
_VAGUE = ("colours mixed", "uneven light", "unexplained", "re-encoding", "redrawn")
_NEARLY_ALL = 0.95  # of the difference: so much is a change of colours that is the only one
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
    drift: Drift | None = None,
) -> Diagnosis:
    """Return what changed a background of which a profile made other colours.

    It may have been lost; and a change of colours is one of what is seen, or of the bare numbers,
    as where channels were exchanged in a file that kept its profile: whichever explains it.

    Args:
        seen: reference and edited image as they are seen, RGB, uint8, (H, W, 3).
        numbers: the same by their bare numbers.
        mask: boolean (H, W), true for the background.
        read: what was done to read either image; see ``Loaded``.
        names: what the images are called.
        drift: what ``measure_drift`` found of what is seen, if it is known already.
    """
    told = profile_lost(seen, numbers, mask, read, names)
    left = 1.0
    if told is not None:
        left = min(1.0, _squares(*told.read_alike, mask) / _squares(*seen, mask))
        if left < _LITTLE:
            return _told(told, 1 - left, diagnose(*told.read_alike, mask))
    as_seen = diagnose(*seen, mask, drift)
    named = _plain(as_seen, _OF_COLOURS)
    if named > 1 - left:
        told = None
    first = as_seen.causes[0].kind if as_seen.causes else None
    if first in _OF_COLOURS or first in _VAGUE:
        by_numbers = diagnose(*numbers, mask, as_seen.drift)
        kinds = [kind for kind in (_EXACT if named else _OF_COLOURS) if kind != first]
        if _plain(by_numbers, kinds) > max(named, 1 - left):
            before, after = (_profile(read.get(which, {})) for which in ("reference", "edited"))
            if before == after:
                return by_numbers
            own, changed = _squares(seen[0], numbers[0], mask), _squares(*numbers, mask)
            share = own / (own + changed)
            return _told(_lost(before, after, numbers, names), share, by_numbers)
    if told is None:
        return as_seen
    return _told(told, 1 - left, diagnose(*told.read_alike, mask))


def _told(told: Misread, share: float, rest: Diagnosis) -> Diagnosis:
    return rest.beside(Cause("profile lost", share, told.text, {}, str(told)))


def _plain(found: Diagnosis, kinds: Sequence[str]) -> float:
    """Return the share of the first cause, if it is of these kinds and nearly all; else 0."""
    if not found.causes or found.causes[0].kind not in kinds:
        return 0.0
    share = found.causes[0].share
    return share if share >= _NEARLY_ALL else 0.0


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
