"""What became of a reference that was a JPEG is told as JPEG where it was saved so again."""

from __future__ import annotations

import io

import numpy as np
import pytest
from altered import Picture, as_jpeg
from PIL import Image, ImageFilter
from skimage import data

from pytest_editmetrics.background.diagnosis import Diagnosis, diagnose

PHOTOS = ["coffee", "rocket", "cat", "astronaut", "immunohistochemistry", "motorcycle"]
MOST = [PHOTOS[0], *(pytest.param(name, marks=pytest.mark.quick(1)) for name in PHOTOS[1:])]
BOXES = [(150, 60, 290, 180), pytest.param((20, 30, 60, 60), marks=pytest.mark.quick(1))]


def photo(name: str) -> Picture:
    """Return a photo, saved as JPEG."""
    image = data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()
    return as_jpeg(np.ascontiguousarray(image[:400, :500]), 85)


def saved(image: Picture, kind: str, quality: int) -> Picture:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def filtered(image: Picture, kernel: ImageFilter.Filter) -> Picture:
    return np.asarray(Image.fromarray(image).filter(kernel))


def outside(
    image: Picture, change, box: tuple[int, int, int, int] = (150, 60, 290, 180)
) -> Diagnosis:
    """Diagnose a change of an edited image outside its edit."""
    x1, y1, x2, y2 = box
    edited = image.copy()
    edited[y1:y2, x1:x2] = 255 - edited[y1:y2, x1:x2] // 2
    mask = np.ones(image.shape[:2], bool)
    mask[y1:y2, x1:x2] = False
    return diagnose(image, change(edited), mask)


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("name", MOST)
def test_another_encoder_or_a_filter_is_no_jpeg(name, box):
    image = photo(name)
    for change in (
        lambda one: saved(one, "AVIF", 80),
        lambda one: saved(one, "AVIF", 60),
        lambda one: saved(one, "WEBP", 80),
        lambda one: filtered(one, ImageFilter.SHARPEN),
        lambda one: filtered(one, ImageFilter.UnsharpMask(2, 80, 0)),
    ):
        kinds = {cause.kind for cause in outside(image, change, box).causes}
        assert "jpeg" not in kinds


@pytest.mark.parametrize("quality", [60, 80, 90])
@pytest.mark.parametrize("name", MOST)
def test_a_jpeg_of_another_quality_is_told(name, quality):
    cause = outside(photo(name), lambda one: as_jpeg(one, quality)).causes[0]
    assert cause.kind == "jpeg"
    assert cause.facts["quality"] == quality
