"""Pictures that are written in haste hold the pixels that they were given."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pytest_editmetrics.images.png import quickly

RANDOM = np.random.default_rng(0)
PICTURES = {
    "noise": RANDOM.integers(0, 256, (17, 23, 3), dtype=np.uint8),
    "flat": np.full((40, 300, 3), 200, np.uint8),
    "a slope": np.add.outer(np.arange(64), np.arange(48))[..., None].repeat(3, 2).astype(np.uint8),
    "one pixel": np.array([[[1, 2, 3]]], np.uint8),
}


@pytest.mark.parametrize("name", PICTURES)
def test_another_decoder_reads_the_same_pixels(name: str) -> None:
    with Image.open(io.BytesIO(quickly(PICTURES[name]))) as image:
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image), PICTURES[name])
