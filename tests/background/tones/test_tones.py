"""What a change of tone is called: an exposure, a contrast, or colours."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, blurred, each_photo, eight_bit, square_photo
from parameters import first_of
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.background.diagnosis import Cause, diagnose

PHOTOS = ["astronaut", "cat", "coffee", "rocket"]


def first(name: str, gain: object, offset: float = 0) -> Cause:
    image = square_photo(name, 288)
    made = eight_bit(image * np.asarray(gain) + offset)
    return diagnose(image, made, np.ones((288, 288), bool)).causes[0]


@pytest.mark.quick(2)
@pytest.mark.parametrize("gain", [0.8, 0.86, 0.95, 1.1])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_gain_about_the_middle_is_a_contrast(name, gain):
    middle = float(np.median(square_photo(name, 288)))
    cause = first(name, gain, (1 - gain) * middle)
    assert (cause.kind, cause.text) == ("contrast", f"contrast {100 * (gain - 1):+.0f} %")
    assert cause.facts["gain"] == pytest.approx([gain] * 3, abs=0.02)


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_studio_levels_are_a_contrast(name):
    """Whatever the mean: it need not be where the two cross."""
    cause = first(name, 219 / 255, 16)
    assert cause.text == "contrast -14 %"
    assert cause.in_full.startswith("contrast changed (gain 0.8")


@pytest.mark.quick(1)
@pytest.mark.parametrize("lit", [lambda image: image * 0.35, lambda image: 165 + image * 0.35])
@pytest.mark.parametrize("gain", [0.7, 0.8, 219 / 255, 1.15])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_so_is_a_gain_about_the_middle_of_a_picture_that_has_no_light_or_no_dark(name, gain, lit):
    image = eight_bit(lit(square_photo(name, 288)))
    made = eight_bit(128 + gain * (image - 128.0))
    (cause,) = diagnose(image, made, np.ones((288, 288), bool)).causes
    assert cause.text == f"contrast {100 * (gain - 1):+.0f} %"
    for shifted in (image * (1 + (gain - 1) / 2), image + 40 * (gain - 1)):
        (cause,) = diagnose(image, eight_bit(shifted), np.ones((288, 288), bool)).causes
        assert cause.kind == "exposure"


@pytest.mark.quick(2)
@pytest.mark.parametrize("gain", [0.8, 0.9, 0.95, 0.98, 1.04])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_all_darker_or_lighter_is_an_exposure(name, gain):
    assert first(name, gain).kind == "exposure"
    assert first(name, 1, 200 * (gain - 1)).kind == "exposure"


@pytest.mark.parametrize("offset", [-50, 15])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_an_exposure_is_as_large_as_it_is_seen(name, offset):
    """What reaches black or white goes no farther."""
    image = square_photo(name, 288)
    seen = float((eight_bit(image + float(offset)) - image.astype(float)).mean())
    told = first(name, 1, offset).text
    assert told.startswith("exposure ")
    assert float(told.split()[1]) == pytest.approx(seen, abs=0.6)


@pytest.mark.quick(1)
@pytest.mark.parametrize("gain", [0.05, 0.15])
@pytest.mark.parametrize("name", each_photo(["astronaut", "coffee", "rocket"]))
def test_what_is_washed_out_is_of_less_contrast_and_what_went_to_black_is_darker(name, gain):
    assert first(name, gain, 255 * (1 - gain)).text == f"contrast {100 * (gain - 1):.0f} %"
    assert first(name, 0.3, 0).kind == "exposure"


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_gains_of_their_own_are_colours(name):
    middle = float(np.median(square_photo(name, 288)))
    assert first(name, [0.9, 1, 1.1], 0).kind == "colour"
    assert first(name, [0.8, 0.9, 1], 0.1 * middle).kind == "colour"


def grainy_wall(seed: int, fine: float, colour: object) -> Picture:
    """A plain wall, lighter to one side, with a faint texture of its own."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(0, 1, (288, 288)), 4)
    light = 120 + np.linspace(0, 25, 288) + fine * noise / noise.std()
    return eight_bit(light[..., None] + np.asarray(colour, float) * np.ones(3))


@pytest.mark.long
@pytest.mark.parametrize("fine", first_of(1, [3, 4]))
@pytest.mark.parametrize("cast", first_of(1, [16, 30]))
def test_a_cast_on_a_wall_whose_faint_texture_was_drawn_anew_is_a_cast(fine, cast):
    before = grainy_wall(1, 2, (6, 0, -6))
    after = grainy_wall(2, fine, (6 + cast, 0, -6 - cast))
    causes = diagnose(before, after, np.ones((288, 288), bool)).causes
    assert causes[0].kind == "colour"
    assert causes[0].share > 0.8


@pytest.mark.long
def test_the_texture_of_a_wall_drawn_anew_without_a_cast_is_no_tone():
    causes = diagnose(grainy_wall(1, 2, 0), grainy_wall(2, 4, 0), np.ones((288, 288), bool)).causes
    assert [cause.kind for cause in causes] == ["redrawn"]


TOLD_TONES = {"exposure", "contrast", "colour"}


@pytest.mark.quick(2)
@pytest.mark.parametrize("sigma", [2, 3, 5])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_blur_is_no_change_of_tone(name, sigma):
    """It draws light and dark together, of each channel as much as it has fine contrasts."""
    image = square_photo(name, 288)
    causes = diagnose(image, blurred(image, sigma), np.ones((288, 288), bool)).causes
    assert causes[0].kind == "blur"
    assert not TOLD_TONES & {cause.kind for cause in causes}


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_tone_beside_a_blur_is_told(name):
    image = square_photo(name, 288)
    mean = image.mean()
    made = eight_bit((blurred(image, 3) - mean) * 0.8 + mean)
    causes = diagnose(image, made, np.ones((288, 288), bool)).causes
    contrast = next(cause for cause in causes if cause.kind == "contrast")
    assert contrast.facts["gain"] == pytest.approx([0.8] * 3, abs=0.03)
    made = eight_bit(blurred(image, 3) * [0.9, 1, 1.0])
    causes = diagnose(image, made, np.ones((288, 288), bool)).causes
    assert {cause.kind for cause in causes} == {"blur", "colour"}


def test_channels_that_change_each_about_its_mean_say_their_gains():
    image = square_photo("coffee", 288).astype(float)
    mean = image.mean((0, 1))
    made = eight_bit((image - mean) * [0.8, 1.2, 1] + mean)
    (cause, *_) = diagnose(eight_bit(image), made, np.ones((288, 288), bool)).causes
    assert cause.kind == "contrast"
    assert cause.text.startswith("contrast of each channel changed (red -2")
