"""A mirrored or turned picture is told at any size: copies of it leave out what fills no block."""

from __future__ import annotations

import numpy as np
import pytest
from altered import PHOTOS, Picture, each_photo
from parameters import first_of
from PIL import Image

from pytest_editmetrics.background.diagnosis import diagnose
from pytest_editmetrics.background.motion import Motion

SIZES = [(550, 880), (933, 1400), (463, 743), (743, 463)]
TURNS = {
    "left and right": ("mirrored", lambda image: image[:, ::-1]),
    "up and down": ("mirrored", lambda image: image[::-1]),
    "half a turn": ("rotation", lambda image: image[::-1, ::-1]),
}


def photo(name: str, width: int, height: int) -> Picture:
    """Return the middle of a photo."""
    image = Image.open(PHOTOS / f"{name}.png").convert("RGB")
    scale = min(image.width / width, image.height / height)
    x, y = (image.width - scale * width) / 2, (image.height - scale * height) / 2
    box = (x, y, image.width - x, image.height - y)
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, box))


@pytest.mark.long
@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("size", first_of(1, SIZES))
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee", "rocket"]))
def test_what_was_mirrored_or_turned_is_not_drawn_anew(name, size, turn):
    kind, made = TURNS[turn]
    image = photo(name, *size)
    edited = np.ascontiguousarray(made(image))
    cause = diagnose(image, edited, np.ones(image.shape[:2], bool)).causes[0]
    assert cause.kind == kind
    assert cause.share > 0.95


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_a_motion_of_a_copy_is_that_of_the_whole(scale):
    height, width = 101, 55
    motion = Motion.similar(3, -2, 1.2, 170).after(Motion(xx=-1.0))
    copy = motion.of_copy(scale, height, width)
    back = copy.of_whole(scale, height, width)
    assert motion.apart(back, height, width) < 1e-9
    middle = (scale - 1) / 2  # of a block
    dx, dy = copy.at(3, 5, height // scale, width // scale)
    at = motion.at(3 * scale + middle, 5 * scale + middle, height, width)
    assert (dx * scale, dy * scale) == pytest.approx(at)
