"""A scene that suites under test import: a picture, its edit, and what may happen to it."""

from __future__ import annotations

import pytest

SCENE = """
import io
import os

import numpy as np
import pytest
from PIL import Image

BOX = [(20, 24, 60, 64)]


def scene():
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(30, 220, (24, 24, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((128, 128), Image.Resampling.BICUBIC))


def edited():
    made = scene().copy()
    made[24:64, 20:60] = 255 - made[24:64, 20:60]
    return made


def noisy(image):
    noise = np.random.default_rng(int(os.environ["SEED"])).normal(0, 1, image.shape)
    return (image + noise).clip(0, 255).round().astype(np.uint8)


def jpeg(image, quality=40):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
"""


@pytest.fixture
def scene(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite whose tests may do ``from scene import *``."""
    pytester.makepyfile(scene=SCENE)
    pytester.makeini("[pytest]\npythonpath = .\n")
    return pytester
