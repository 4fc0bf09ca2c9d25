"""What a change of tone is called: an exposure, a contrast, or colours."""

from __future__ import annotations

import numpy as np
import pytest
from altered import eight_bit, square_photo

from pytest_editmetrics.background.diagnosis import Cause, diagnose

PHOTOS = ["astronaut", "cat", "coffee", "rocket"]


def first(name: str, gain: object, offset: float = 0) -> Cause:
    image = square_photo(name, 288)
    made = eight_bit(image * np.asarray(gain) + offset)
    return diagnose(image, made, np.ones((288, 288), bool)).causes[0]


@pytest.mark.parametrize("gain", [0.8, 0.86, 0.95, 1.1])
@pytest.mark.parametrize("name", PHOTOS)
def test_a_gain_about_the_middle_is_a_contrast(name, gain):
    middle = float(np.median(square_photo(name, 288)))
    cause = first(name, gain, (1 - gain) * middle)
    assert (cause.kind, cause.text) == ("contrast", f"contrast {100 * (gain - 1):+.0f} %")
    assert cause.facts["gain"] == pytest.approx([gain] * 3, abs=0.02)


@pytest.mark.parametrize("name", ["coffee", "cat", "astronaut"])
def test_studio_levels_are_a_contrast(name):
    """Whatever the mean: it need not be where the two cross."""
    cause = first(name, 219 / 255, 16)
    assert cause.text == "contrast -14 %"
    assert cause.in_full.startswith("contrast changed (gain 0.8")


@pytest.mark.parametrize("gain", [0.8, 0.9, 0.95, 0.98, 1.04])
@pytest.mark.parametrize("name", PHOTOS)
def test_all_darker_or_lighter_is_an_exposure(name, gain):
    assert first(name, gain).kind == "exposure"
    assert first(name, 1, 200 * (gain - 1)).kind == "exposure"


@pytest.mark.parametrize("name", PHOTOS)
def test_gains_of_their_own_are_colours(name):
    middle = float(np.median(square_photo(name, 288)))
    assert first(name, [0.9, 1, 1.1], 0).kind == "colour"
    assert first(name, [0.8, 0.9, 1], 0.1 * middle).kind == "colour"
