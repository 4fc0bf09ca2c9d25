"""A picture that was resized to what a model takes, and back, is told as that, with the size."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, as_jpeg, blurred, eight_bit, smoothed_and_grained
from PIL import Image
from skimage import data

from pytest_editmetrics.background.diagnosis import Diagnosis, diagnose

PHOTOS = ["rocket", "astronaut", "coffee", "cat", "motorcycle", "hubble_deep_field"]
MOST = [PHOTOS[0], *(pytest.param(name, marks=pytest.mark.quick(1)) for name in PHOTOS[1:])]
BOX = (150, 60, 290, 180)
FILTERS = Image.Resampling


def photo(name: str) -> Picture:
    """Return a photo whose sides are no multiples of 8."""
    image = data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()
    picture = Image.fromarray(image).crop((0, 0, min(image.shape[1], 511), 383))
    if name == "hubble_deep_field":
        picture = Image.fromarray(image[300:683, 300:811])
    return np.asarray(picture)[: picture.height // 2 * 2 - 1]


def edited_in(image: Picture, box: tuple[int, int, int, int]) -> Picture:
    x1, y1, x2, y2 = box
    made = image.copy()
    made[y1:y2, x1:x2] = eight_bit(255.0 - image[y1:y2, x1:x2] * 0.7)
    return made


def resized(image: Picture, size: tuple[int, int], how: Image.Resampling) -> Picture:
    picture = Image.fromarray(image)
    return np.asarray(picture.resize(size, how).resize(picture.size, how))


def resized_in_linear_light(image: Picture, size: tuple[int, int]) -> Picture:
    value = image / np.float32(255)
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    planes = [Image.fromarray(plane) for plane in np.moveaxis(light.astype(np.float32), 2, 0)]
    back = [one.resize(size, FILTERS.LANCZOS).resize(one.size, FILTERS.LANCZOS) for one in planes]
    light = np.stack([np.asarray(one) for one in back], axis=2).clip(0, 1)
    return eight_bit(
        255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    )


def outside(
    image: Picture, edited: Picture, box: tuple[int, int, int, int] | None = BOX
) -> Diagnosis:
    mask = np.ones(image.shape[:2], bool)
    if box is not None:
        mask[box[1] : box[3], box[0] : box[2]] = False
    return diagnose(image, edited, mask)


def multiple(image: Picture, of: int) -> tuple[int, int]:
    """Return the size below, in multiples."""
    height, width = image.shape[:2]
    return (width - 1) // of * of, (height - 1) // of * of


@pytest.mark.parametrize("box", [BOX, pytest.param((20, 30, 60, 60), marks=pytest.mark.quick(1))])
@pytest.mark.parametrize("of", [8, pytest.param(64, marks=pytest.mark.quick(1))])
@pytest.mark.parametrize("name", MOST)
def test_resizing_to_a_multiple_and_back_is_told_with_the_size(name, of, box):
    image = photo(name)
    size = multiple(image, of)
    causes = outside(image, resized(edited_in(image, box), size, FILTERS.LANCZOS), box).causes
    assert [cause.kind for cause in causes] == ["resampled"]
    assert causes[0].text == f"resized to {size[0]} x {size[1]} and back"
    assert causes[0].facts["size"] == list(size)
    assert causes[0].share > 0.9


@pytest.mark.quick(1)
@pytest.mark.parametrize("how", [FILTERS.BICUBIC, FILTERS.LANCZOS])
@pytest.mark.parametrize("name", MOST[:5])
def test_so_is_a_larger_size_and_one_of_another_filter(name, how):
    image = photo(name)
    width, height = multiple(image, 8)
    size = (width + 8, height + 8) if how == FILTERS.LANCZOS else (width * 3 // 4, height * 3 // 4)
    (cause,) = outside(image, resized(edited_in(image, BOX), size, how)).causes
    assert cause.text == f"resized to {size[0]} x {size[1]} and back"


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", MOST)
def test_so_is_one_in_linear_light(name):
    image = photo(name)
    size = multiple(image, 16)
    causes = outside(image, resized_in_linear_light(edited_in(image, BOX), size)).causes
    assert causes[0].text == f"resized to {size[0]} x {size[1]} and back in linear light"
    assert "spill" not in {cause.kind for cause in causes}


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", ["rocket", "coffee", "cat"])
def test_what_changed_besides_is_told_beside_it(name):
    image = photo(name)
    size = multiple(image, 8)
    edited = resized(edited_in(image, BOX), size, FILTERS.LANCZOS)
    edited = edited.copy()
    edited[300:320, 400:420] = eight_bit(edited[300:320, 400:420] * 0.5 + 90.0)
    kinds = {cause.kind for cause in outside(image, edited).causes}
    assert kinds == {"spill", "resampled"}


@pytest.mark.long
@pytest.mark.parametrize("name", PHOTOS)
def test_what_was_not_resized_is_not_told_so(name):
    image = photo(name)
    random = np.random.default_rng(0)
    for change in (
        lambda one: blurred(one, 0.6),
        lambda one: blurred(one, 2),
        lambda one: as_jpeg(one, 60),
        lambda one: as_jpeg(one, 90),
        lambda one: smoothed_and_grained(one, 1, 1.5),
        lambda one: eight_bit(one + random.normal(0, 6, one.shape)),
        lambda one: eight_bit(one + 0.8 * (one - blurred(one, 1).astype(float))),
        lambda one: eight_bit(one * 1.1),
    ):
        causes = outside(image, change(edited_in(image, BOX))).causes
        assert "resampled" not in {cause.kind for cause in causes}
