"""Noise of single pixels is called noise, in levels of the channels; what an encoder does is not."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from altered import Picture, as_jpeg, blurred, each_photo, eight_bit, square_photo
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


def sharpened(image: Picture) -> Picture:
    return eight_bit(image + 0.8 * (image - blurred(image, 1).astype(float)))


@pytest.mark.quick(2)
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


@pytest.mark.long
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


@pytest.mark.quick(1)
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


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_noise_is_told_beside_the_jpeg_it_was_saved_as(name):
    image = square_photo(name, 288)
    grained = eight_bit(image + np.random.default_rng(3).normal(0, 6, image.shape))
    causes = {one.kind: one for one in diagnose(image, as_jpeg(grained, 85), WHOLE).causes}
    assert set(causes) == {"noise", "jpeg"}
    assert causes["noise"].facts["noise"] == pytest.approx(6, rel=0.15)


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_jpeg_alone_or_beside_a_blur_or_sharpening_is_no_noise(name):
    image = square_photo(name, 288)
    for made in (image, blurred(image, 1), sharpened(image), np.roll(image, 2, axis=1)):
        for quality in (60, 85):
            causes = diagnose(image, as_jpeg(made, quality), WHOLE).causes
            assert "noise" not in {one.kind for one in causes}


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_jpeg_before_that_jpeg_is_no_noise(name):
    """It takes detail off; of a soft, grained picture it leaves as much as a noise would."""
    grain = np.random.default_rng(0).normal(0, 1, (288, 288, 1))
    image = eight_bit(blurred(square_photo(name, 288), 4) + grain)
    padded = np.pad(image, ((4, 8), (4, 8), (0, 0)), mode="edge")
    once = np.ascontiguousarray(as_jpeg(padded, 60)[4:292, 4:292])
    causes = diagnose(image, as_jpeg(once, 70), WHOLE).causes
    assert causes[0].kind == "jpeg"
    assert "noise" not in {one.kind for one in causes}


@pytest.mark.parametrize("name", each_photo([name for name in PHOTOS if name != "rocket"]))
def test_a_sharpening_is_told_beside_jpeg_and_noise(name):
    image = eight_bit(square_photo(name, 288) * 0.6 + 51)  # nothing is cut off
    sharp = sharpened(image)
    noisy = eight_bit(sharp + np.random.default_rng(3).normal(0, 4, image.shape))
    for made, kind in ((as_jpeg(sharp, 80), "jpeg"), (noisy, "noise")):
        kinds = {one.kind for one in diagnose(image, made, WHOLE).causes}
        assert kinds == {"sharpening", kind}
