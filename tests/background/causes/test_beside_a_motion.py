"""What is left beside a motion is resampling only where something was resampled."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, as_jpeg, blurred, each_photo, eight_bit, square_photo
from PIL import Image
from scipy.ndimage import shift

from pytest_editmetrics.background.diagnosis import diagnose
from pytest_editmetrics.images.load import Array

PHOTOS = ("astronaut", "cat", "coffee")
HALVES = (0.5, 2.5, 0)


def photo(name: str) -> Picture:
    return square_photo(name, 288)


def told(before: Array, after: Array) -> dict[str, str]:
    causes = diagnose(before, after, np.ones(before.shape[:2], bool)).causes
    return {cause.kind: cause.in_full for cause in causes}


def moved(image: Array, order: int) -> Picture:
    return eight_bit(shift(image.astype(float), HALVES, order=order, mode="nearest"))


def turned(image: Picture) -> Picture:
    return np.asarray(Image.fromarray(image).rotate(-0.8, Image.Resampling.BICUBIC))


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_blur_beside_a_motion_is_a_blur(name):
    before = photo(name)
    for after in (np.roll(before, 2, axis=1), moved(before, 3), turned(before)):
        said = told(before, blurred(after, 1.5))
        assert "blur" in said
        assert "unexplained" not in said


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_so_is_jpeg_beside_whole_pixels(name):
    assert list(told(photo(name), as_jpeg(np.roll(photo(name), 3, axis=1), 40))) == [
        "shift",
        "jpeg",
    ]


@pytest.mark.quick(1)
@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_what_resampling_leaves_is_no_blur(name, order):
    said = told(photo(name), moved(photo(name), order))
    assert set(said) <= {"shift", "unexplained"}
    assert "resampling" in said.get("unexplained", "resampling")


def test_nothing_is_said_of_resampling_where_nothing_moved():
    before = photo("coffee")
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, before.shape)
    said = told(before, eight_bit(np.floor(before + noise)))
    assert not any("resampling" in text for text in said.values())
