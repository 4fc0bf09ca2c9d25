"""A filter changes most where there is most to change, and is not local for that."""

from __future__ import annotations

import numpy as np
import pytest
from altered import PHOTOS, Picture, each_photo, eight_bit
from PIL import Image, ImageFilter

from pytest_editmetrics.background.diagnosis import Diagnosis, diagnose

FILTERS = {
    "blur 1": ("blur", ImageFilter.GaussianBlur(1)),
    "blur 2": ("blur", ImageFilter.GaussianBlur(2)),
    "box": ("blur", ImageFilter.BoxBlur(2)),
    "smooth": ("blur", ImageFilter.SMOOTH),
    "sharpen": ("sharpening", ImageFilter.SHARPEN),
    "unsharp mask": ("sharpening", ImageFilter.UnsharpMask(2, 80, 0)),
}
BOX = (250, 60, 330, 120)


def photo(name: str) -> Picture:
    """Return a photo as it is; the rocket stands before a sky without any structure."""
    return np.asarray(Image.open(next(PHOTOS.glob(f"{name}.*"))).convert("RGB"))


def filtered(image: Picture, kernel: ImageFilter.Filter) -> Picture:
    return np.asarray(Image.fromarray(image).filter(kernel))


def outside_of(image: Picture, edited: Picture) -> Diagnosis:
    return diagnose(image, edited, np.ones(image.shape[:2], bool))


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee", "rocket"]))
@pytest.mark.parametrize("made", FILTERS)
def test_a_filter_of_the_whole_is_no_local_change(made: str, name: str) -> None:
    kind, kernel = FILTERS[made]
    image = photo(name)
    causes = outside_of(image, filtered(image, kernel)).causes
    assert causes[0].kind == kind
    assert causes[0].share > 0.9
    assert "spill" not in {cause.kind for cause in causes}


@pytest.mark.long
@pytest.mark.parametrize("made", FILTERS)
def test_what_was_changed_besides_is_found_and_nothing_else(made: str) -> None:
    x1, y1, x2, y2 = BOX
    image = photo("rocket")
    edited = filtered(image, FILTERS[made][1]).copy()
    edited[y1:y2, x1:x2] = eight_bit(edited[y1:y2, x1:x2] * 0.6 + 90.0)
    (spill,) = [cause for cause in outside_of(image, edited).causes if cause.kind == "spill"]
    left, top, right, bottom = spill.facts["boxes"][0]
    assert abs(left - x1) <= 8
    assert abs(top - y1) <= 8
    assert abs(right - x2) <= 8
    assert abs(bottom - y2) <= 8


def test_a_part_that_alone_was_blurred_is_local() -> None:
    image = photo("astronaut")
    edited = image.copy()
    edited[200:300, 200:300] = filtered(image, ImageFilter.GaussianBlur(3))[200:300, 200:300]
    assert [cause.kind for cause in outside_of(image, edited).causes] == ["spill"]


@pytest.mark.quick(1)
@pytest.mark.parametrize(("radius", "percent"), [(2, 200), (5, 150), (5, 300), (10, 150)])
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee", "rocket"]))
def test_a_strong_sharpening_is_no_drawing(name: str, radius: int, percent: int) -> None:
    image = photo(name)
    edited = filtered(image, ImageFilter.UnsharpMask(radius, percent, 0))
    kinds = [cause.kind for cause in outside_of(image, edited).causes]
    assert "redrawn" not in kinds
    assert kinds[0] == "sharpening" or percent > 150 or radius > 5  # what is cut off is no filter


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee", "rocket"]))
def test_what_was_drawn_anew_and_sharpened_is_a_drawing(name: str) -> None:
    image = photo(name)
    random = np.random.default_rng(3)
    height, width = image.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    shape = -(-height // 16), -(-width // 16)
    bend = [np.kron(random.integers(-5, 6, shape), np.ones((16, 16), int)) for _ in "yx"]
    down, right = (by[:height, :width] for by in bend)
    drawn = image[(rows + down).clip(0, height - 1), (columns + right).clip(0, width - 1)]
    edited = filtered(drawn, ImageFilter.UnsharpMask(5, 150, 0))
    assert outside_of(image, edited).causes[0].kind in ("redrawn", "spill")
