"""Colours that were mixed between channels are said to be; what else changes colours is not."""

from __future__ import annotations

import numpy as np
import pytest
from altered import (
    Picture,
    as_jpeg,
    blurred,
    each_photo,
    eight_bit,
    smoothed_and_grained,
    square_photo,
)
from parameters import first_of
from PIL import Image

from pytest_editmetrics.background.diagnosis import Cause, diagnose

PHOTOS = ["astronaut", "cat", "coffee", "rocket"]
LUMA = np.array([0.299, 0.587, 0.114])
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
OUTSIDE = np.ones((288, 288), bool)
OUTSIDE[80:170, 90:190] = False


def photo(name: str) -> Picture:
    return square_photo(name, 288)


def causes(before: Picture, after: Picture) -> tuple[Cause, ...]:
    return diagnose(before, after, OUTSIDE).causes


def saturated(image: Picture, strength: float) -> Picture:
    grey = (image @ LUMA)[..., None]
    return eight_bit(grey + (image - grey) * strength)


def of_another_hue(image: Picture) -> Picture:
    turned = np.asarray(Image.fromarray(image).convert("HSV")).copy()
    turned[..., 0] += 12
    return np.asarray(Image.fromarray(turned, "HSV").convert("RGB"))


@pytest.mark.parametrize("strength", [0.3, 0.6, 0.9, 1.3])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_saturation_is_told_in_percent(name, strength):
    (cause, *others) = causes(photo(name), saturated(photo(name), strength))
    assert cause.kind == "colours mixed"
    assert cause.text.startswith("saturation ")
    assert cause.facts["saturation"] == pytest.approx(strength, abs=0.04)
    assert cause.share > 0.9
    assert others == []


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_an_exposure_and_what_else_changed_are_told_beside_it(name):
    (cause, *_) = causes(photo(name), eight_bit(saturated(photo(name), 0.6) * 0.8))
    assert cause.text.startswith("saturation -40 %, exposure -")
    found = {of.kind for of in causes(photo(name), as_jpeg(saturated(photo(name), 0.5), 80))}
    assert "colours mixed" in found
    assert found <= {"colours mixed", "jpeg"}
    found = {of.kind for of in causes(photo(name), np.roll(saturated(photo(name), 0.5), 2, 1))}
    assert found == {"colours mixed", "shift"}


@pytest.mark.long
@pytest.mark.parametrize("quality", first_of(1, [75, 50]))
@pytest.mark.parametrize("strength", [0.7, 0.85])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_saturation_is_told_beside_all_that_an_encoder_changes(name, strength, quality):
    image = photo(name)
    less = saturated(image, strength)
    for after in (as_jpeg(less, quality), smoothed_and_grained(less, 1, 2)):
        mixed = [cause for cause in causes(image, after) if cause.kind == "colours mixed"]
        assert mixed[0].facts["saturation"] == pytest.approx(strength, abs=0.04)
    for made in (image * [1.05, 1, 0.95], image * 0.9, 255 * (image / 255) ** 0.8, image * 1.0):
        found = {cause.kind for cause in causes(image, as_jpeg(eight_bit(made), quality))}
        assert "colours mixed" not in found


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_another_hue_and_sepia_are_told_as_a_mix(name):
    for made in (of_another_hue(photo(name)), eight_bit(photo(name) @ SEPIA.T)):
        cause = causes(photo(name), made)[0]
        assert cause.text.startswith("colours mixed between channels (as by a hue, ")
        assert cause.share > 0.8


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_other_changes_are_no_mix(name):
    image = photo(name)
    spilled = image.copy()
    spilled[170:240, 90:240] = spilled[170:240, 90:240, ::-1]
    for made in (
        eight_bit(image * [0.9, 1, 1.1]),
        eight_bit(image * 0.8 + 20),
        as_jpeg(image, 30),
        blurred(image, 2),
        255 - image,
        image[..., ::-1],
        spilled,
        np.asarray(Image.fromarray(image).quantize(32).convert("RGB")),
        eight_bit(255 * (image / 255) ** 0.7),
        image // 32 * 32,
        image[:, ::-1],
        photo(PHOTOS[PHOTOS.index(name) - 1]),
    ):
        assert "colours mixed" not in {cause.kind for cause in causes(image, made)}


def test_a_wall_of_one_colour_has_a_cast_and_no_mix():
    noise = np.random.default_rng(0).normal(0, 2, (288, 288, 3))
    wall = eight_bit(np.array([150, 120, 90]) + noise)
    assert causes(wall, saturated(wall, 0.5))[0].kind == "colour"


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_another_hue_is_told_beside_jpeg(name):
    kinds = {one.kind for one in causes(photo(name), as_jpeg(of_another_hue(photo(name)), 80))}
    assert kinds == {"colours mixed", "jpeg"}


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_contrast_is_told_beside_a_saturation(name):
    image = photo(name) * 0.6 + 51  # none becomes black or white
    made = eight_bit(saturated(eight_bit(128 + (image - 128) * 1.15), 1.2))
    (cause, *_) = causes(eight_bit(image), made)
    assert cause.text == "saturation +20 %, contrast +15 %"
