"""A tone that is no line is undone as a curve: it is no local change, and a gamma is said."""

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

from pytest_editmetrics.background.diagnosis import Cause, diagnose
from pytest_editmetrics.background.drift import measure_drift

PHOTOS = ["astronaut", "cat", "coffee", "rocket"]
OUTSIDE = np.ones((288, 288), bool)
OUTSIDE[80:170, 90:190] = False


def photo(name: str) -> Picture:
    return square_photo(name, 288)


def causes(before: Picture, after: Picture) -> tuple[Cause, ...]:
    return diagnose(before, after, OUTSIDE).causes


def raised(image: Picture, power: float) -> Picture:
    return eight_bit(255 * (image / 255) ** power)


def srgb_twice(image: Picture) -> Picture:
    value = image / 255
    return eight_bit(
        255 * np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    )


@pytest.mark.parametrize("power", [0.4545, 0.7, 1.4, 2.2])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_gamma_is_the_only_cause(name, power):
    (cause,) = causes(photo(name), raised(photo(name), power))
    assert cause.kind == "gamma"
    assert cause.facts["gamma"] == pytest.approx(power, rel=0.04)
    assert cause.share > 0.98


@pytest.mark.long
@pytest.mark.parametrize("power", [0.7, 0.85, 1.2])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_gamma_is_told_beside_an_encoder(name, power):
    made = as_jpeg(raised(photo(name), power), 90)
    (gamma,) = (cause for cause in causes(photo(name), made) if cause.kind == "gamma")
    assert gamma.facts["gamma"] == pytest.approx(power, rel=0.05)
    for toned in (
        eight_bit(photo(name) * 1.2),
        eight_bit(photo(name) - 20.0),
        eight_bit(photo(name) * 0.85 + 25),
        eight_bit(photo(name) * [1.15, 1, 0.85]),
    ):
        kinds = {cause.kind for cause in causes(photo(name), as_jpeg(toned, 90))}
        assert "gamma" not in kinds


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_linear_light_is_about_a_gamma_and_nothing_moved(name):
    value = square_photo(name, 700) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    image, made = square_photo(name, 700), eight_bit(255 * linear)
    whole = np.ones((700, 700), bool)
    for edited in (made, as_jpeg(raised(image, 2.2), 85)):
        drift = measure_drift(image, edited, whole)
        found = diagnose(image, edited, whole, drift).causes
        assert (drift.moved_share, found[0].kind) == (0, "gamma")
        assert "moved-part" not in {cause.kind for cause in found}


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_srgb_encoded_twice_spills_nowhere(name):
    found = {cause.kind: cause.share for cause in causes(photo(name), srgb_twice(photo(name)))}
    assert "spill" not in found
    assert found.get("gamma", 0) + found.get("exposure", 0) > 0.9


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_spill_beside_a_gamma_is_told(name):
    made = raised(photo(name), 0.6)
    made[200:250, 20:80] = 255 - made[200:250, 20:80]
    (spill,) = (cause for cause in causes(photo(name), made) if cause.kind == "spill")
    assert spill.facts["boxes"][0] == pytest.approx([20, 200, 80, 250], abs=4)


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_other_changes_are_no_gamma(name):
    image = photo(name)
    bars = image.copy()
    bars[:, :30] = 0
    lighter = image.copy()
    lighter[image.min(axis=2) > 120] = 235  # of light parts alone
    for made in (
        eight_bit(image * 0.8 + 20),
        eight_bit(image * [0.9, 1, 1.1]),
        eight_bit(image * 1.3),
        as_jpeg(image, 40),
        blurred(image, 2),
        smoothed_and_grained(image, 1.5, 2),
        image // 32 * 32,
        255 - image,
        bars,
        lighter,
        photo(PHOTOS[PHOTOS.index(name) - 1]),
    ):
        assert "gamma" not in {cause.kind for cause in causes(image, made)}


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_light_part_that_alone_changed_is_local(name):
    image = photo(name)
    made = image.copy()
    part = np.zeros((288, 288), bool)
    part[170:, 60:220] = True
    made[part] = eight_bit(made[part] * 0.6 + 90.0)
    assert causes(image, made)[0].kind == "spill"
    assert causes(image, as_jpeg(made, 90))[0].kind == "spill"


def s_curve(image: Picture) -> Picture:
    level = image / 255
    return eight_bit(255 * (level - 0.5 * np.sin(2 * np.pi * level) / (2 * np.pi)))


@pytest.mark.parametrize("encoded", [False, True], ids=["", "jpeg"])
@pytest.mark.parametrize("name", each_photo(["coffee", "astronaut"]))
def test_a_curve_alike_in_all_channels_is_told_by_what_it_does_to_levels(name, encoded):
    made = s_curve(photo(name))
    (curve, *others) = causes(photo(name), as_jpeg(made, 80) if encoded else made)
    assert curve.text.startswith("tones changed by a curve (shadows -")
    assert curve.kind in ("contrast", "exposure")
    assert {cause.kind for cause in others} <= {"jpeg"}
    was, became = zip(*curve.facts["curve"], strict=True)
    assert became == pytest.approx(s_curve(np.array(was)), abs=3)


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_other_changes_are_no_curve(name):
    image = photo(name)
    for made in (
        eight_bit(image * 0.8),
        eight_bit(image * [1.15, 1, 0.85]),
        blurred(image, 2),
        as_jpeg(image, 30),
        smoothed_and_grained(image, 1, 5),
        np.roll(image, 2, axis=1),
        raised(image, 0.8),
    ):
        assert not any("curve" in cause.text for cause in causes(image, made))
