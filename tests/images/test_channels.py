"""Channels taken one after the other give the bits that numpy gives along the axis."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_editmetrics.images.channels import apart, average, highest, pixels_of


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_channels_give_numpys_bits(kind):
    random = np.random.default_rng(5)
    image = (random.random((61, 47, 3)) * 255).astype(kind)
    mask = random.random((61, 47)) < 0.5
    assert average(image).tobytes() == image.mean(axis=2).tobytes()
    assert highest(image).tobytes() == image.max(axis=2).tobytes()
    assert pixels_of(image, mask).tobytes() == image[mask].tobytes()
    one, other = random.integers(0, 256, (2, 9, 9, 3), dtype=np.uint8)
    assert (apart(one, other) == np.abs(one.astype(int) - other)).all()
