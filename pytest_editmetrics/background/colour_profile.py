"""Whether a background differs because a colour profile was lost: one picture, read in two ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.diagnosis import MIN_SHARE, Diagnosis, diagnose
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_CLEARLY = 0.5
"""Bare numbers fit clearly better where at most this share of the squared difference is left,"""
_COARSE = 4.0
"""once both are blurred by so many pixels: noise and a small motion are no matter of colours."""


def diagnose_profiles(
    seen: tuple[Array, Array],
    numbers: tuple[Array, Array],
    mask: Mask,
    read: Mapping[str, Mapping[str, Any]],
) -> Diagnosis | None:
    """Return what changed a background whose bare numbers fit clearly better; else ``None``.

    Args:
        seen: reference and edited image as they are seen, RGB, uint8, (H, W, 3).
        numbers: the same by their bare numbers.
        mask: boolean (H, W), true for the background.
        read: what was done to read either image; see ``Loaded``.
    """
    told = profile_lost(seen, numbers, mask, read)
    if told is None:
        return None
    text, advice = told
    rest = diagnose(*numbers, mask)
    left = min(1.0, _squares(*numbers, mask) / _squares(*seen, mask))
    lost = Cause("profile lost", 1 - left, text, {}, f"{text} ({advice})")
    scaled = (replace(cause, share=cause.share * left) for cause in rest.causes)
    kept = (cause for cause in scaled if cause.share >= MIN_SHARE)
    return Diagnosis((lost, *kept), rest.drift, rest.background)


def profile_lost(
    seen: tuple[Array, Array],
    numbers: tuple[Array, Array],
    mask: Mask,
    read: Mapping[str, Mapping[str, Any]],
) -> tuple[str, str] | None:
    """Return which profile was lost and what to do, if bare numbers fit clearly better.

    Takes what ``diagnose_profiles`` does.
    """
    whole = _squares(*seen, mask, _COARSE)
    if not whole or _squares(*numbers, mask, _COARSE) > _CLEARLY * whole:
        return None
    return _text(read)


def _squares(one: Array, other: Array, mask: Mask, blur: float = 0.0) -> float:
    from scipy.ndimage import gaussian_filter

    difference = (one.astype(np.float32) - other) * mask[..., None]
    if blur:
        difference = gaussian_filter(difference, (blur, blur, 0))
    return float((difference.astype(np.float64) ** 2).sum())


def _text(read: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Return what was lost, and what to do."""
    before, after = (_converted(read.get(which, {})) for which in ("reference", "edited"))
    if after is None:
        return (
            f"the reference's profile {before} was lost",
            "convert the reference to sRGB on load, with PIL.ImageCms.profileToProfile, or keep its"
            ' profile on save, with icc_profile=reference.info["icc_profile"]',
        )
    if before is None:
        return (
            f"the edited image is marked {after}, the reference is not, and their numbers are"
            " alike",
            "save the edited image without that profile",
        )
    return (
        f"the edited image is marked {after}, the reference {before}, and their numbers are alike",
        "keep the reference's profile on save",
    )


def _converted(notes: Mapping[str, Any]) -> str | None:
    told = notes.get("colour")
    if not isinstance(told, Mapping) or "done" not in told:
        return None
    return str(told.get("profile"))
