"""What is done with the colours of an image: its profile is applied, left aside, or ignored."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pytest_editmetrics.images.colour_words import Colour
from pytest_editmetrics.images.levels import Array, Notes
from pytest_editmetrics.images.profiles import (
    Profile,
    digest_of,
    fits,
    lab_picture,
    profile_of,
)
from pytest_editmetrics.images.stated import stated

IGNORED = "ignored"
"""What the notes of an image hold where its profile, or what stands for one, was not applied."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """The pixels of an image, uint8: grey (H, W), RGB or RGBA (H, W, C), as they are measured.

    ``numbers`` are those that its bare numbers would be, where they differ; ``icc`` is the profile
    that a file of these numbers has to carry to show these pixels; ``notes`` say what was done.
    """

    pixels: Array
    numbers: Array | None = None
    icc: bytes | None = None
    notes: Notes = field(default_factory=dict)

    @property
    def bare(self) -> Array:
        """What a file holds that shows these pixels: with ``icc`` the numbers, else the pixels."""
        return self.pixels if self.numbers is None or self.icc is None else self.numbers


class Colours:
    """The colours of one image.

    Args:
        image: as Pillow opened it.
        data: the bytes of its file, if there is one.
        what: what to call it in an error.
        notes: what is done is added to them.
        colour: how colours are read.
        held: whether it is a PIL image of the user's.

    Raises:
        ImageError: see ``profile_of``.
    """

    def __init__(
        self,
        image: Image.Image,
        data: bytes | None,
        what: str,
        notes: Notes,
        colour: Colour,
        held: bool = False,
    ):
        found = stated(image, data, held)
        self._what, self._icc = what, found.icc
        self._profile: Profile | None = None
        if found.icc is not None and colour == "numbers":
            notes["colour"] = {"sha256": digest_of(found.icc), "done": "profile left aside"}
        elif found.icc is not None:
            self._profile = profile = profile_of(found.icc, image.mode, what)
            told = {"profile": profile.name, "sha256": profile.digest}
            if profile.ignored is not None:
                notes["colour"] = {**told, IGNORED: profile.ignored}
            elif not profile.is_srgb:
                notes["colour"] = {**told, "done": "converted to sRGB"}
        elif found.ignored is not None and colour == "seen":
            notes["colour"] = {"profile": found.name, IGNORED: found.ignored}

    def shown(
        self, levels: Array, exact: Callable[[], NDArray[np.float32]] | None = None
    ) -> Decoded:
        """Return levels as they are measured; ``exact`` gives them as they were before rounding."""
        applied = None if self._profile is None else self._profile.shown
        if applied is None:
            return Decoded(levels, icc=self._kept(levels) if self._profile is None else None)
        pixels = applied(levels if exact is None else exact())
        if np.array_equal(pixels, levels):
            return Decoded(levels, icc=self._kept(levels))
        return Decoded(pixels, levels, self._kept(levels) if exact is None else None)

    def picture(self, image: Image.Image) -> Decoded | None:
        """Return an image, upright, that has no levels of its own; ``None`` for any other."""
        applied = None if self._profile is None else self._profile.picture
        if applied is not None:
            pixels = np.ascontiguousarray(applied(image))
            bare = None if image.mode == "LAB" else np.ascontiguousarray(image.convert("RGB"))
            return Decoded(pixels, bare)
        if image.mode == "LAB":
            return Decoded(np.ascontiguousarray(lab_picture(image, self._what)))
        return None

    def _kept(self, levels: Array) -> bytes | None:
        return self._icc if self._icc is not None and fits(self._icc, levels) else None


def warn_of_ignored(what: str, notes: Mapping[str, Any], stacklevel: int = 2) -> None:
    """Warn where an image states colours that were not applied; ``what`` names the image."""
    told = notes.get("colour", {})
    if IGNORED in told:
        warnings.warn(
            f"{what}: its colour profile ({told['profile']}) is not applied, its numbers are taken"
            f" for sRGB: {told[IGNORED]}",
            stacklevel=stacklevel + 1,
        )
