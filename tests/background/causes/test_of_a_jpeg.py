"""What became of a reference that was a JPEG is told as JPEG where it was saved so again."""

from __future__ import annotations

import io

import numpy as np
import pytest
from altered import Picture, as_jpeg
from outside_an_edit import BOXES, outside, photo
from PIL import Image, ImageFilter

PHOTOS = ["coffee", "rocket", "cat", "astronaut", "immunohistochemistry", "motorcycle"]
MOST = [PHOTOS[0], *(pytest.param(name, marks=pytest.mark.quick(1)) for name in PHOTOS[1:])]


def saved_photo(name: str) -> Picture:
    """Return a photo, saved as JPEG."""
    return as_jpeg(photo(name), 85)


def saved(image: Picture, kind: str, quality: int) -> Picture:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def filtered(image: Picture, kernel: ImageFilter.Filter) -> Picture:
    return np.asarray(Image.fromarray(image).filter(kernel))


@pytest.mark.long
@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("name", MOST)
def test_another_encoder_or_a_filter_is_no_jpeg(name, box):
    image = saved_photo(name)
    for change in (
        lambda one: saved(one, "AVIF", 80),
        lambda one: saved(one, "AVIF", 60),
        lambda one: saved(one, "WEBP", 80),
        lambda one: filtered(one, ImageFilter.SHARPEN),
        lambda one: filtered(one, ImageFilter.UnsharpMask(2, 80, 0)),
    ):
        kinds = {cause.kind for cause in outside(image, change, box).causes}
        assert "jpeg" not in kinds


@pytest.mark.quick(2)
@pytest.mark.parametrize("quality", [60, 80, 90])
@pytest.mark.parametrize("name", MOST)
def test_a_jpeg_of_another_quality_is_told(name, quality):
    cause = outside(saved_photo(name), lambda one: as_jpeg(one, quality)).causes[0]
    assert cause.kind == "jpeg"
    assert cause.facts["quality"] == quality
