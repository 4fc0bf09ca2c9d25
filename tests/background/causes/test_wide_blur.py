"""A wide blur, as a safety checker leaves it, is a blur; another picture that was blurred is not."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, blurred, each_photo, square_photo
from parameters import first_of
from PIL import Image, ImageFilter

from pytest_editmetrics.background.diagnosis import diagnose
from pytest_editmetrics.images.load import Array

PHOTOS = ("astronaut", "cat", "coffee", "rocket")
BOX = (slice(130, 270), slice(160, 290))


def photo(name: str) -> Picture:
    return square_photo(name, 384)


def kinds(before: Array, after: Array) -> list[str]:
    mask = np.ones(before.shape[:2], bool)
    mask[BOX] = False
    return [cause.kind for cause in diagnose(before, after, mask).causes]


def edited(image: Picture) -> Picture:
    made = image.copy()
    made[BOX] = 255 - made[BOX][::-1]
    return made


@pytest.mark.quick(1)
@pytest.mark.parametrize("sigma", first_of(2, [5, 12, 3, 7, 9]))
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_wide_blur_is_no_drawing(name, sigma):
    said = kinds(photo(name), blurred(edited(photo(name)), sigma))
    assert "blur" in said
    assert "redrawn" not in said


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_nor_is_one_of_boxes(name):
    soft = Image.fromarray(edited(photo(name))).filter(ImageFilter.BoxBlur(8))
    assert "redrawn" not in kinds(photo(name), np.asarray(soft))


@pytest.mark.long
@pytest.mark.parametrize("sigma", first_of(2, [0, 9, 2, 5, 12]))
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_another_picture_is_one_however_blurred(name, sigma):
    other = photo(PHOTOS[PHOTOS.index(name) - 1])
    assert "redrawn" in kinds(photo(name), blurred(other, sigma) if sigma else other)


@pytest.mark.long
@pytest.mark.parametrize("sigma", first_of(1, [2, 0, 5]))
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_so_is_what_was_drawn_anew_and_blurred(name, sigma):
    image = photo(name)
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[:384, :384]
    bend = [np.kron(random.integers(-5, 6, (24, 24)), np.ones((16, 16), int)) for _ in "yx"]
    drawn = image[(rows + bend[0]).clip(0, 383), (columns + bend[1]).clip(0, 383)]
    assert kinds(image, blurred(drawn, sigma) if sigma else drawn)[0] in ("redrawn", "spill")
