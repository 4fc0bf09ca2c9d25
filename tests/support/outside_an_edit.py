"""The diagnosis of what became of a picture outside an edit, whatever was done to all of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from altered import Picture
from skimage import data

from pytest_editmetrics.background.diagnosis import Diagnosis, diagnose

BOX = (150, 60, 290, 180)
BOXES = [BOX, pytest.param((20, 30, 60, 60), marks=pytest.mark.quick(1))]


def photo(name: str) -> Picture:
    """Return 400 rows and at most 500 columns of a photo of scikit-image."""
    image = data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()
    return np.ascontiguousarray(image[400:800, 400:900] if name == "retina" else image[:400, :500])


def outside(
    image: Picture, change: Callable[[Picture], Picture], box: tuple[int, int, int, int] = BOX
) -> Diagnosis:
    """Diagnose a change of an edited image outside its edit."""
    x1, y1, x2, y2 = box
    edited = image.copy()
    edited[y1:y2, x1:x2] = 255 - edited[y1:y2, x1:x2] // 2
    mask = np.ones(image.shape[:2], bool)
    mask[y1:y2, x1:x2] = False
    return diagnose(image, change(edited), mask)
