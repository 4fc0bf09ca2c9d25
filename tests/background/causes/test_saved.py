"""A file changes most where colours are strong and beside the edit: that is no local change."""

from __future__ import annotations

import io

import numpy as np
import pytest
from altered import Picture, each_photo, square_photo
from PIL import Image

from pytest_editmetrics.background.diagnosis import diagnose

PHOTOS = ("astronaut", "cat", "coffee", "rocket")
BOX = np.s_[70:130, 60:140]


def kinds(name: str, changed: Picture | None = None, **options: int) -> list[str]:
    image = square_photo(name, 224)
    edited = image.copy() if changed is None else changed.copy()
    edited[BOX] = 255 - image[BOX][::-1]
    file = io.BytesIO()
    Image.fromarray(edited).save(file, "JPEG", **options)
    mask = np.ones(image.shape[:2], bool)
    mask[BOX] = False
    return [cause.kind for cause in diagnose(image, np.asarray(Image.open(file)), mask).causes]


@pytest.mark.parametrize(
    ("quality", "subsampling"),
    [
        (75, 2),
        (95, 0),
        (99, 2),
        *(pytest.param(q, s, marks=pytest.mark.more) for q in (50, 85, 92, 95) for s in (0, 1, 2)),
    ],
)
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_jpeg_is_one_at_each_quality_and_nothing_else(name, quality, subsampling):
    assert kinds(name, quality=quality, subsampling=subsampling) == ["jpeg"]


@pytest.mark.parametrize("quality", [75, pytest.param(92, marks=pytest.mark.more)])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_seam_and_a_square_are_found_beside_it(name, quality):
    image = square_photo(name, 224)
    around = image.copy()
    around[67:133, 57:143] = np.maximum(image[67:133, 57:143], 40) - 40
    square = image.copy()
    square[160:200, 20:60] = image[160:200, 20:60] // 2 + 100
    assert {"seam", "spill"} & {*kinds(name, around, quality=quality)}
    assert "spill" in kinds(name, square, quality=quality)
