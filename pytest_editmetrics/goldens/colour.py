"""The colour profile of a golden image: kept where its pixels need it, missed where it went."""

from __future__ import annotations

from typing import Any

from pytest_editmetrics.images.colour import Decoded
from pytest_editmetrics.images.colour_words import Colour
from pytest_editmetrics.images.pixels import encode
from pytest_editmetrics.images.profiles import described


def encode_golden(image: Decoded, image_format: str) -> tuple[bytes, str]:
    """Return the bytes of a golden image and its suffix; see ``images.pixels.encode``.

    Grey and RGB of 8 bit stay as they are, with their profile. CMYK, Lab, 16 bit and transparent
    grey are kept as they are seen, in sRGB: a file of their numbers would not show the same.
    """
    return encode(image.bare, image_format, image.icc)


def told(image: Decoded, colour: Colour) -> dict[str, Any]:
    """Return what a gate's details tell of how its image was read."""
    notes = {"read": {"edited": image.notes}} if image.notes else {}
    return notes if colour == "seen" else {**notes, "colour": colour}


def other_profile(golden: bytes | None, image: bytes | None) -> str | None:
    """Say how the profile of an image is another than its golden's; sRGB's counts as none.

    >>> other_profile(None, None) is None
    True
    """
    before, after = described(golden), described(image)
    if before == after:
        return None
    if after is None:
        return f"the image lost the colour profile of its golden, {before}"
    if before is None:
        return f"the image has a colour profile, {after}, its golden has none"
    return f"the image has the colour profile {after}, its golden {before}"
