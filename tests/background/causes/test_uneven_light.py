"""Light that is slow across a background is told as such, and nothing else is called so."""

from __future__ import annotations

import re

import numpy as np
import pytest
from altered import Picture, as_jpeg, blurred, each_photo, eight_bit, square_photo
from PIL import Image

from pytest_editmetrics.background.diagnosis import diagnose
from pytest_editmetrics.images.load import Array

PHOTOS = ("astronaut", "cat", "coffee")
ROWS, COLUMNS = np.mgrid[:288, :288] / 143.5 - 1


def photo(name: str) -> Picture:
    return square_photo(name, 288)


def shares(before: Array, after: Array) -> dict[str, float]:
    causes = diagnose(before, after, np.ones(before.shape[:2], bool)).causes
    return {cause.kind: cause.share for cause in causes}


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_vignette_and_a_gradient_are_uneven_light(name):
    image = photo(name)
    vignette = image * (1 - 0.25 * (ROWS**2 + COLUMNS**2))[..., None]
    gradient = image * 0.8 + 25 + (15 * COLUMNS)[..., None]
    for light in (vignette, gradient):
        said = shares(image, eight_bit(light))
        assert said["uneven light"] > 0.1
        assert "re-encoding" not in said


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_vignette_is_named_and_nothing_else(name, power):
    image = photo(name)
    far = ((ROWS**2 + COLUMNS**2) / 2) ** power
    edited = eight_bit(image * (1 - 0.3 * far)[..., None])
    (cause,) = diagnose(image, edited, np.ones(image.shape[:2], bool)).causes
    assert cause.text == "darker toward the corners, by 30 % (a vignette)"


@pytest.mark.parametrize("wide", [(256, 400), (256, 256)])
def test_so_is_one_that_follows_the_frame_and_whose_middle_is_not_measured(wide):
    image = np.asarray(Image.fromarray(photo("astronaut")).resize(wide[::-1]))
    down, across = (np.linspace(-1, 1, edge) ** 2 / 2 for edge in wide)
    edited = eight_bit(image * (1 - 0.3 * (down[:, None] + across))[..., None])
    mask = np.ones(wide, bool)
    mask[51:205, wide[1] // 4 : -wide[1] // 4] = False
    (cause,) = diagnose(image, edited, mask).causes
    assert cause.text == "darker toward the corners, by 30 % (a vignette)"


def saturated(image: Array) -> Picture:
    grey = image.mean(axis=2, keepdims=True)
    return eight_bit(grey + 0.6 * (image - grey))


OTHERS = {
    "JPEG": lambda image: as_jpeg(image, 30),
    "blur": lambda image: blurred(image, 3),
    "noise": lambda image: eight_bit(image + np.random.default_rng(1).normal(0, 6, image.shape)),
    "exposure": lambda image: eight_bit(image * 0.7),
    "gamma": lambda image: eight_bit(255 * (image / 255) ** 0.7),
    "saturation": saturated,
    "few levels": lambda image: image // 32 * 32 + 16,
    "moved": lambda image: np.roll(image, 3, axis=1),
    "another": lambda image: image[::-1],
}


@pytest.mark.quick(2)
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_other_changes_are_not_called_so(name, other):
    assert "uneven light" not in shares(photo(name), OTHERS[other](photo(name)))


@pytest.mark.long
def test_a_gradient_is_seen_beside_what_an_encoder_does():
    image = photo("coffee")
    gradient = image * (1 + 0.15 * COLUMNS)[..., None]
    told = r"uneven light: -1[3-6] % at the left and \+1[3-6] % at the right"
    for kind, made in {
        "jpeg": as_jpeg(eight_bit(gradient), 80),
        "blur": blurred(eight_bit(gradient), 1),
        "shift": np.roll(eight_bit(gradient), 2, axis=0),
    }.items():
        causes = diagnose(image, made, np.ones(image.shape[:2], bool)).causes
        assert any(re.fullmatch(told, cause.text) for cause in causes)
        assert {kind, "uneven light"} == {cause.kind for cause in causes}


def test_so_is_one_of_a_colour():
    image = photo("coffee")
    red, blue = 1 + 0.1 * COLUMNS, 1 - 0.1 * COLUMNS
    edited = eight_bit(image * np.stack([red, np.ones_like(red), blue], axis=-1))
    cause, *_ = diagnose(image, as_jpeg(edited, 95), np.ones(image.shape[:2], bool)).causes
    red, blue = cause.text.removeprefix("uneven light: ").split(", ")
    assert re.fullmatch(r"red -\d+ % at the left and \+\d+ % at the right", red)
    assert re.fullmatch(r"blue -\d+ % at the right and \+\d+ % at the left", blue)


def test_a_vignette_is_seen_beside_a_zoom():
    image = photo("astronaut")
    zoomed = np.asarray(Image.fromarray(image[3:-3, 3:-3]).resize(image.shape[:2], 3))
    edited = eight_bit(zoomed * (1 - 0.125 * (ROWS**2 + COLUMNS**2))[..., None])
    assert {"zoom", "uneven light"} == set(shares(image, edited))


@pytest.mark.parametrize("channel", range(3))
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee", "rocket"]))
def test_one_that_begins_at_nothing_is_told_beside_the_tone_and_no_encoder_is(name, channel):
    """What became white was cut off, and tells nothing of the light."""
    image = square_photo(name, 288)
    light = np.ones((288, 1, 3))
    light[..., channel] += np.linspace(0, 0.2, 288)[:, None]
    found = diagnose(image, eight_bit(image * light), np.ones(image.shape[:2], bool)).causes
    assert {cause.kind for cause in found} == {"uneven light", "colour"}
    of_light = next(cause for cause in found if cause.kind == "uneven light")
    colour = ("red", "green", "blue")[channel]
    told = rf"uneven light: {colour} -(8|9|10) % at the top and \+(8|9|10) % at the bottom"
    assert re.fullmatch(told, of_light.text)
    assert sum(cause.share for cause in found) == pytest.approx(1, abs=0.03)
