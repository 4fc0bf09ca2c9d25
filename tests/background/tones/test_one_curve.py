"""One curve that all channels share is a change of tone, whichever colours a picture has."""

from __future__ import annotations

import numpy as np
import pytest
from altered import as_jpeg, eight_bit
from outside_an_edit import BOXES, outside, photo

PHOTOS = ["retina", "coffee", "astronaut", "cat", "rocket", "immunohistochemistry"]
MOST = [PHOTOS[0], *(pytest.param(name, marks=pytest.mark.quick(1)) for name in PHOTOS[1:])]
AT = np.arange(256) / 255
CURVES = {
    "inverse S": 0.5 + 2.4 * (AT - 0.5) ** 3 + 0.4 * (AT - 0.5),
    "filmic": AT * (2.51 * AT + 0.03) / (AT * (2.43 * AT + 0.59) + 0.14),
    "S": 3 * AT**2 - 2 * AT**3,
}


@pytest.mark.quick(2)
@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("name", MOST)
def test_a_curve_alike_in_all_channels_is_told_as_a_curve(name, curve, box):
    levels = eight_bit(255 * CURVES[curve])
    (cause,) = outside(photo(name), lambda image: levels[image], box).causes
    assert cause.kind in ("contrast", "exposure")
    assert cause.text.startswith("tones changed by a curve")
    assert cause.share > 0.99


@pytest.mark.quick(1)
@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("name", MOST)
def test_what_is_cut_off_is_told_with_its_level(name, box):
    image = photo(name)
    high, low = (int(at) for at in np.percentile(image, (90, 25)))
    (lights,) = outside(image, lambda edited: np.minimum(edited, high), box).causes
    assert lights.text == f"lights cut off at {high} of 255"
    (shadows,) = outside(image, lambda edited: np.maximum(edited, low), box).causes
    assert shadows.text == f"shadows cut off at {low} of 255"
    assert {lights.kind, shadows.kind} == {"exposure"}


@pytest.mark.long
@pytest.mark.parametrize("name", MOST)
def test_lines_powers_and_what_differs_by_channel_keep_their_names(name):
    image = photo(name)
    random = np.random.default_rng(0)
    for change, kinds in (
        (lambda one: eight_bit(one * 0.9), {"exposure"}),
        (lambda one: eight_bit((one - 128.0) * 0.8 + 128), {"contrast", "exposure"}),
        (lambda one: eight_bit(255 * (one / 255) ** 0.8), {"gamma"}),
        (lambda one: eight_bit(one * np.array([1, 0.95, 0.9])), {"colour"}),
        (lambda one: eight_bit(one + random.normal(0, 8, one.shape)), {"noise"}),
        (lambda one: as_jpeg(one, 60), {"jpeg"}),
    ):
        cause = outside(image, change, (150, 60, 290, 180)).causes[0]
        assert cause.kind in kinds
        assert "curve" not in cause.text
        assert "cut off" not in cause.text
