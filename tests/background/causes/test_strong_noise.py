"""Noise is told as noise however much of it black and white cut off."""

from __future__ import annotations

import re

import numpy as np
import pytest
from altered import Picture, as_jpeg, blurred, eight_bit
from outside_an_edit import BOXES, outside, photo

PHOTOS = ["astronaut", "cat", "coffee", "rocket", "retina", "immunohistochemistry"]
MOST = [PHOTOS[0], *(pytest.param(name, marks=pytest.mark.quick(1)) for name in PHOTOS[1:])]


def noisy(image: Picture, sigma: float, channels: int = 3) -> Picture:
    shape = (*image.shape[:2], channels)
    return eight_bit(image + np.random.default_rng(1).normal(0, sigma, shape))


@pytest.mark.quick(2)
@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("sigma", [25, 40, 60])
@pytest.mark.parametrize("name", MOST)
def test_strong_noise_is_told_in_levels_before_it_was_cut_off(name, sigma, box):
    (cause,) = outside(photo(name), lambda one: noisy(one, sigma), box).causes
    assert cause.kind == "noise"
    assert cause.facts["noise"] == pytest.approx(sigma, rel=0.03)
    assert re.fullmatch(r"noise \d+\.\d of 255", cause.text)


@pytest.mark.parametrize("name", MOST)
def test_so_is_a_noise_that_all_channels_share(name):
    (cause,) = outside(photo(name), lambda one: noisy(one, 30, 1)).causes
    assert cause.facts["noise"] == pytest.approx(30, rel=0.04)


@pytest.mark.long
@pytest.mark.parametrize("name", MOST)
def test_what_else_changed_is_no_noise_alone(name):
    image = photo(name)
    random = np.random.default_rng(0)
    for change in (
        lambda one: noisy(eight_bit(one * 0.7), 25),
        lambda one: blurred(noisy(one, 40), 0.7),
        lambda one: as_jpeg(one, 5),
        lambda one: random.permutation(one.reshape(-1, 3)).reshape(one.shape),
        lambda one: eight_bit(one + 30 * (np.indices(one.shape[:2]).sum(0) % 2)[..., None]),
        lambda one: random.integers(0, 256, one.shape, dtype=np.uint8),
    ):
        said = outside(image, change).causes
        assert [cause.kind for cause in said] != ["noise"] or "cut it off" not in said[0].long
