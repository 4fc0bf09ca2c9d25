"""Noise of single pixels is called noise, in levels of the channels; what an encoder does is not."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from altered import Picture, each_photo, eight_bit, square_photo
from PIL import Image
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.background.diagnosis import diagnose

PHOTOS = ["astronaut", "cat", "coffee", "rocket"]
WHOLE = np.ones((288, 288), bool)
RANDOM = np.random.default_rng(0)


def encoded(image: Picture, kind: str, quality: int, **options: int) -> Picture:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, quality=quality, **options)
    return np.asarray(Image.open(file).convert("RGB"))


@pytest.mark.parametrize("name", each_photo(PHOTOS))
@pytest.mark.parametrize("sigma", [2, 2.55, 10])
@pytest.mark.parametrize("channels", [1, 3])
def test_noise_is_told_in_levels_of_each_channel(name, sigma, channels):
    noise = RANDOM.normal(0, sigma, (288, 288, channels))
    before = square_photo(name, 288)
    after = eight_bit(before + noise)
    (cause,) = diagnose(before, after, WHOLE).causes
    off = after.astype(float) - before
    assert cause.kind == "noise"
    assert cause.facts["noise"] == pytest.approx(np.sqrt((off**2).mean()), rel=0.03)
    assert re.fullmatch(r"noise \d+\.\d of 255", cause.text)


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_what_an_encoder_changes_is_no_noise(name):
    before = square_photo(name, 288)
    soft = gaussian_filter(before.astype(float), (0.5, 0.5, 0))
    grain = 3 * gaussian_filter(RANDOM.normal(0, 3, before.shape), (1, 1, 0))
    for after in (
        encoded(before, "JPEG", 100),
        encoded(before, "JPEG", 100, subsampling=0),
        encoded(before, "JPEG", 99, subsampling=0),
        encoded(before, "JPEG", 98),
        encoded(before, "JPEG", 98, subsampling=0),
        encoded(before, "JPEG", 90),
        encoded(before, "WEBP", 90),
        eight_bit(soft + RANDOM.normal(0, 1.5, before.shape)),
        eight_bit(before + grain),
        eight_bit(before + RANDOM.normal(0, 1, before.shape)),
        eight_bit(soft),
    ):
        assert "noise" not in {cause.kind for cause in diagnose(before, after, WHOLE).causes}


@pytest.mark.parametrize(
    ("channels", "named"),
    [((2,), "in blue,"), ((0, 1), "in red and green,"), ((0, 1, 2), "in each channel,")],
)
def test_the_channels_that_have_it_are_named(channels, named):
    before = square_photo("coffee", 288) // 2 + 60
    after = before.astype(float)
    for channel in channels:
        after[..., channel] += np.random.default_rng(channel).normal(0, 12, (288, 288))
    cause = diagnose(before, eight_bit(after), WHOLE).causes[0]
    assert cause.kind == "noise"
    assert cause.facts["noise"] == pytest.approx(12, abs=0.3)
    assert named in cause.in_full


@pytest.mark.parametrize("sigma", [3, 6])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_noise_that_black_and_white_cut_off_is_noise(name, sigma):
    photo = square_photo(name, 288)
    inked, lit = photo.copy(), photo.copy()
    inked[:, :100] = np.where(photo[:, :100].mean(axis=2, keepdims=True) < 90, 0, 255)
    lit[:70] = 0
    for before in (inked, lit):
        noise = np.random.default_rng(2).normal(0, sigma, before.shape)
        causes = diagnose(before, eight_bit(before + noise), WHOLE).causes
        assert causes[0].kind == "noise"
        assert causes[0].share > 0.85
        for after in (encoded(before, "JPEG", 95), encoded(before, "WEBP", 80)):
            assert "noise" not in {cause.kind for cause in diagnose(before, after, WHOLE).causes}
