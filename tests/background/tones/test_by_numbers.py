"""Colours that were changed in the bare numbers of a profile are told by what was done there."""

from __future__ import annotations

import io

import icc
import numpy as np
import pytest
from altered import Picture, each_photo, eight_bit, square_photo
from parameters import first_of
from PIL import Image

from pytest_editmetrics.background.colour_profile import diagnose_profiles
from pytest_editmetrics.images.load import numbers_of, read_encoded

ADOBE = icc.rgb_profile("Adobe RGB by hand", icc.ADOBE, icc.gamma(2.19921875))
P3 = icc.rgb_profile("P3 by hand", icc.P3, icc.srgb_curve)
PHOTOS = ["cat", "coffee", "astronaut", "rocket"]
WHOLE = np.ones((192, 192), bool)
CHANGES = {
    "channels": lambda picture: picture[..., ::-1],
    "gamma": lambda picture: eight_bit(255 * (picture / 255) ** 1.3),
    "exposure": lambda picture: eight_bit(picture + 15.0),
    "contrast": lambda picture: eight_bit(128 + 0.8 * (picture - 128.0)),
    "nothing": lambda picture: picture,
}


def read(picture: Picture, profile: bytes | None):
    file = io.BytesIO()
    told = {} if profile is None else {"icc_profile": profile}
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "PNG", **told)
    return read_encoded(file.getvalue(), "image")


def kinds(one, other) -> list[str]:
    numbers = numbers_of(one, other)
    assert numbers is not None
    notes = {"reference": one.notes, "edited": other.notes}
    found = diagnose_profiles((one.pixels, other.pixels), numbers, WHOLE, notes)
    return [cause.kind for cause in found.causes]


@pytest.mark.quick(1)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("profile", first_of(1, [ADOBE, P3]), ids=["Adobe RGB", "P3"])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_change_of_colours_is_told_wherever_it_was_made(name, profile, change):
    made, picture = CHANGES[change], square_photo(name, 192)
    reference = read(picture, profile)
    tone = {"exposure", "contrast"}
    for edited, lost in (
        (read(made(picture), profile), False),
        (read(made(picture), None), True),
        (read(made(reference.pixels), None), False),  # rightly converted first
    ):
        found = kinds(reference, edited)
        assert ("profile lost" in found) == lost
        others = [kind for kind in found if kind != "profile lost"]
        if change == "nothing":
            assert others in ([], ["unexplained"], ["almost-nothing"])
        else:
            assert others[0] == change or {change, others[0]} <= tone
