from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.background.layout import KEPT, layout_kept

PHOTOS = Path(__file__).parents[3] / "fixtures" / "demo" / "images"
NAMES = ("astronaut", "cat", "coffee", "rocket")
ALL = np.ones((256, 256), bool)


def photo(name: str) -> Image.Image:
    return Image.open(PHOTOS / f"{name}.png").convert("RGB").resize((256, 256))


def wobbled(image: Image.Image) -> NDArray[np.uint8]:
    """Draw every pixel from somewhere near: nothing is where it was, all is laid out alike."""
    random = np.random.default_rng(0)
    off = [gaussian_filter(random.normal(0, 30, (256, 256)), 3) for _ in range(2)]
    y, x = (
        np.clip(axis + part, 0, 255).astype(int)
        for axis, part in zip(np.mgrid[:256, :256], off, strict=True)
    )
    return np.asarray(image)[y, x]


RESTYLES: dict[str, Callable[[Image.Image], object]] = {
    "inverted": ImageOps.invert,
    "night": lambda image: image.point([int((n / 255) ** 2 * 90) for n in range(256)] * 3),
    "posterised": lambda image: ImageOps.posterize(image, 2),
    "oil paint": lambda image: image.filter(ImageFilter.ModeFilter(9)),
    "drawn anew": wobbled,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("style", RESTYLES)
def test_a_restyle_keeps_the_layout(style: str, name: str) -> None:
    image = photo(name)
    restyled = np.asarray(RESTYLES[style](image))
    assert layout_kept(np.asarray(image), restyled, ALL) > KEPT


def inked(image: Image.Image) -> NDArray[np.uint8]:
    """Draw black lines where it gets darker."""
    grey = np.asarray(image.convert("L")).astype(float)
    darker = gaussian_filter(grey, 1) - gaussian_filter(grey, 2.5) < -3
    return np.repeat(np.where(darker, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def contours(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.convert("L").filter(ImageFilter.CONTOUR).convert("RGB"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("drawn", [inked, contours])
def test_a_line_drawing_keeps_the_layout_unless_it_is_mirrored(
    drawn: Callable[[Image.Image], NDArray[np.uint8]], name: str
) -> None:
    image = photo(name)
    lines = drawn(image)
    assert layout_kept(np.asarray(image), lines, ALL) > KEPT
    assert layout_kept(np.asarray(image), lines[:, ::-1], ALL) < KEPT
    assert layout_kept(np.asarray(image), lines[::-1], ALL) < KEPT
    other = np.asarray(photo(NAMES[NAMES.index(name) - 1]))
    assert layout_kept(other, lines, ALL) < KEPT


@pytest.mark.parametrize("one", NAMES)
@pytest.mark.parametrize("other", NAMES)
def test_other_pictures_are_laid_out_otherwise(one: str, other: str) -> None:
    if one != other:
        a, b = np.asarray(photo(one)), np.asarray(photo(other))
        assert layout_kept(a, b, ALL) < KEPT


def test_noise_has_no_layout() -> None:
    random = np.random.default_rng(0)
    a, b = (random.integers(0, 256, (256, 256, 3), dtype=np.uint8) for _ in range(2))
    assert layout_kept(a, b, ALL) < KEPT
    assert layout_kept(a[:8, :8], a[:8, :8], ALL[:8, :8]) == 0


@pytest.mark.parametrize("left", [1, 2])
@pytest.mark.parametrize("axis", [0, 1], ids=["rows", "columns"])
def test_of_a_row_or_two_nothing_is_told_nor_warned_of(axis: int, left: int):
    image = np.asarray(photo("cat"))
    mask = np.zeros(image.shape[:2], bool)
    np.moveaxis(mask, axis, 0)[-left:] = True
    assert 0 <= layout_kept(image, 255 - image, mask) < KEPT
