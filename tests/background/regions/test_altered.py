"""A part of the background that is gone or new stands out; a restyle does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from altered import each_photo
from PIL import Image, ImageFilter, ImageOps
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.background.altered import find_altered
from pytest_editmetrics.config.expect import EXPECTATIONS
from pytest_editmetrics.pipes.drift import DriftPipe

IMAGES = Path(__file__).parents[3] / "fixtures" / "demo" / "images"


def photo(name: str = "astronaut") -> np.ndarray:
    return np.asarray(Image.open(IMAGES / f"{name}.png").convert("RGB"))


def everywhere(image: np.ndarray) -> np.ndarray:
    return np.ones(image.shape[:2], bool)


def without(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    x1, y1, x2, y2 = box
    made = image.copy()
    made[y1:y2, x1:x2] = image[y1:y2, x1:x2].mean((0, 1))
    return made


def restyled(style: str, image: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(image)
    made = {
        "inverted": lambda: ImageOps.invert(picture),
        "posterised": lambda: ImageOps.posterize(picture, 2),
        "equalised": lambda: ImageOps.equalize(picture),
        "grey": lambda: ImageOps.grayscale(picture),
        "median": lambda: picture.filter(ImageFilter.MedianFilter(9)),
        "darker": lambda: picture.point(lambda level: level * level / 400),
    }[style]()
    return np.asarray(made.convert("RGB"))


@pytest.mark.parametrize("name", each_photo(["astronaut", "coffee"]))
@pytest.mark.parametrize(
    "style", ["inverted", "posterised", "equalised", "grey", "median", "darker"]
)
def test_a_restyle_alters_no_part(name, style):
    image = photo(name)
    found = find_altered(image, restyled(style, image), everywhere(image))
    assert 100 * found.share < EXPECTATIONS["generative"].bounds["altered"]


def test_a_part_that_is_gone_is_found_where_it_is():
    image = photo()
    box = (150, 60, 230, 150)
    found = find_altered(image, without(image, box), everywhere(image))
    assert (found.kind, found.told) == ("gone", True)
    assert found.share > 0.01
    for edge, other in zip(found.box, box, strict=True):
        assert abs(edge - other) < 16


def test_what_is_new_is_new():
    image = photo()
    box = (150, 60, 230, 150)
    found = find_altered(without(image, box), image, everywhere(image))
    assert found.kind == "new"
    assert found.share > 0.01


def test_a_larger_loss_is_a_larger_share():
    image = photo()
    shares = [
        find_altered(
            image, without(image, (150, 60, 150 + size, 60 + size)), everywhere(image)
        ).share
        for size in (16, 32, 64, 96)
    ]
    assert shares == sorted(shares)
    assert shares[0] > 0


def test_only_the_measured_pixels_count():
    image = photo()
    mask = everywhere(image)
    mask[40:180, 130:260] = False
    assert find_altered(image, without(image, (150, 60, 230, 150)), mask).share == 0
    tiny = np.zeros_like(mask)
    tiny[:4, :4] = True
    assert find_altered(image, image, tiny) is None


@pytest.mark.parametrize("name", each_photo(["astronaut", "coffee", "cat", "rocket"]))
def test_a_spill_over_most_of_the_background_is_found_beside_what_stayed(name):
    image = np.asarray(Image.fromarray(photo(name)).resize((256, 192)))
    shares = []
    for right in (144, 176, 208):
        made = image.copy()
        made[:, :right] = image[:, :right].mean((0, 1))
        found = find_altered(image, made, everywhere(image))
        assert (found.kind, found.told) == ("gone", True)
        shares.append(found.share)
    assert shares == sorted(shares)


def test_beside_what_stayed_a_background_may_be_drawn_anew():
    image = photo()
    random = np.random.default_rng(0)
    off = [gaussian_filter(random.normal(0, 30, image.shape[:2]), 3) for _ in range(2)]
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    height, width = image.shape[:2]
    rows, columns = (
        np.clip(axis + part, 0, edge - 1).astype(int)
        for axis, part, edge in zip((y, x), off, (height, width), strict=True)
    )
    made = image[rows, columns]
    made[:, : width // 4] = image[:, : width // 4]
    assert not find_altered(image, made, everywhere(image)).told


@pytest.mark.long
def test_where_all_is_drawn_anew_no_part_can_be_told():
    image = photo()
    random = np.random.default_rng(0)
    other = gaussian_filter(random.normal(128, 200, image.shape), (2, 2, 0)).clip(0, 255)
    other = other.round().astype(np.uint8)
    found = find_altered(image, other, everywhere(image))
    assert not found.told
    measured = DriftPipe().measure(image, other, metric="altered")
    assert measured.soft_failure.reason == "redrawn"


def test_a_plain_wall_that_is_drawn_anew_has_nothing_that_is_gone():
    wall = np.full((200, 220, 3), 180, np.uint8)
    noise = gaussian_filter(np.random.default_rng(1).normal(0, 9, wall.shape), (1, 1, 0))
    made = (wall + noise).round().astype(np.uint8)
    assert find_altered(wall, made, everywhere(wall)).share == 0


def test_a_motion_is_undone_before_and_an_edit_that_moved_along_is_no_part():
    image = photo()
    edited = image.copy()
    edited[300:380, 40:160] = 255 - edited[300:380, 40:160]
    moved = np.roll(edited, 4, axis=1)
    box = [(40, 300, 160, 380)]
    kept = DriftPipe().measure(image, moved, box, "outer", metric="altered")
    assert kept.value < 0.1
    gone = DriftPipe().measure(
        image, without(moved, (154, 60, 234, 150)), box, "outer", metric="altered"
    )
    assert gone.value > 0.5
    assert gone.details["became"] == "gone"
