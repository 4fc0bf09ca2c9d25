"""A background that is a strip of a pixel is diagnosed as any other, and warns of nothing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage import data

from pytest_editmetrics.background.diagnosis import diagnose

MADE = {
    "darker": lambda image: image.point(lambda value: int(value * 0.8)),
    "darker, then a palette": lambda image: MADE["darker"](image).quantize(64).convert("RGB"),
    "a palette": lambda image: image.quantize(32).convert("RGB"),
}


@pytest.mark.quick(2)
@pytest.mark.parametrize("row", [0, -1], ids=["top", "bottom"])
@pytest.mark.parametrize("size", [(64, 64), (300, 200), (512, 512)])
@pytest.mark.parametrize("made", MADE)
def test_a_strip_of_a_pixel(made, size, row):
    image = Image.fromarray(data.coffee()).resize(size)
    edited = np.asarray(MADE[made](image))
    mask = np.zeros(edited.shape[:2], bool)
    mask[row] = True
    assert diagnose(np.asarray(image), edited, mask).causes


def test_one_pixel():
    image = np.asarray(Image.fromarray(data.coffee()).resize((64, 64)))
    mask = np.zeros((64, 64), bool)
    mask[5, 5] = True
    assert diagnose(image, 255 - image, mask).causes
