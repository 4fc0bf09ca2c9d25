"""What may be done where the images of a pair differ in size: the modes by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pytest_editmetrics.errors import InputError, did_you_mean

Resize = Literal["reference", "edited", "crop-center", "crop-top-left", "pad"]
Aspect = Literal["rounded", "any"]

RESIZES: Mapping[Resize, str] = {
    "reference": "the edited image is brought to the reference's size",
    "edited": "the reference and its regions are brought to the edited image's size",
    "crop-center": "the middle of the reference, of the edited image's aspect, is brought to its"
    " size",
    "crop-top-left": "the top left part of the reference, of the edited image's aspect, is brought"
    " to its size",
    "pad": "the edited image's padding is left out, and the reference brought to the size of the"
    " rest",
}
"""What each mode does, for readers."""
ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
NOT_RESIZED = "none"
"""How a golden says that the images were of one size."""


def check_resize(resize: Any) -> None:
    """Raise ``InputError``, naming the nearest, unless it is a mode or ``None``."""
    if resize is not None and not (isinstance(resize, str) and resize in RESIZES):
        raise InputError(f"there is no resize mode {resize!r}{did_you_mean(resize, RESIZES)}")


def check_aspect(aspect: Any) -> None:
    """Raise ``InputError`` unless it is ``rounded``, ``any`` or ``None``."""
    if aspect is not None and not (isinstance(aspect, str) and aspect in ASPECTS):
        raise InputError(f"aspect cannot be {aspect!r}{did_you_mean(aspect, ASPECTS)}")
