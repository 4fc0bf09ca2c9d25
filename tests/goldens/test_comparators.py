"""Each comparator against what it claims, and the worst tile against defects that a mean hides."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pytest_editmetrics.config.golden_images import TILE_TOLERANCE, TOLERANCE
from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.goldens import comparators
from pytest_editmetrics.goldens.comparators import compare, kind, seen, unlike
from pytest_editmetrics.images.regions import region_mask
from pytest_editmetrics.measurement import Measurement
from pytest_editmetrics.pipes.explain import Evidence
from pytest_editmetrics.pipes.lpips import LPIPSPipe

COMPARATORS = ("exact", "pixel", "ssim", "psnr", "lpips", "tone", "structure")
PERFECT = {"ssim": 1.0, "psnr": 100.0}


@pytest.fixture(scope="module")
def lpips():
    pipe = LPIPSPipe(device="cpu")

    def measure(golden, image):
        evidence = Evidence()
        measurement = pipe.measure(golden, image, evidence=evidence)
        return measurement, evidence.heat()

    return measure


def photo(width, height, seed=0):
    """A smooth picture with some texture, so that it is neither flat nor noise."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    grain = rng.integers(-6, 7, (height, width, 1))
    return (smooth + grain).clip(0, 255).astype(np.uint8)


def everywhere(image):
    return np.ones(image.shape[:2], dtype=bool)


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("comparator", "corner"),
    [
        *(
            (comparator, corner)
            for comparator in ("exact", "pixel", "ssim")
            for corner in ((500, 500), (0, 0), (1000, 1000))
        ),
        *((comparator, (52, 52)) for comparator in COMPARATORS),  # astride tiles side by side
    ],
)
def test_a_24_px_defect_in_1024_px_passes_the_mean_and_fails_by_its_tile(lpips, comparator, corner):
    golden = photo(1024, 1024)
    image = golden.copy()
    top, left = corner
    image[top : top + 24, left : left + 24] = 255 - image[top : top + 24, left : left + 24]
    found = compare(comparator, golden, image, everywhere(image), lpips=lpips)
    higher = comparator in PERFECT
    mean, tile = TOLERANCE[comparator], TILE_TOLERANCE[comparator]
    if comparator != "exact":  # which allows nothing
        assert (found.value > mean) if higher else (found.value < mean)
    assert (found.tile.value < tile) if higher else (found.tile.value > tile)
    x1, y1, x2, y2 = found.tile.box
    assert x1 <= left <= left + 24 <= x2
    assert y1 <= top <= top + 24 <= y2
    edge = 48 if comparator in ("tone", "structure") else 64
    assert (x2 - x1, y2 - y1) == (edge, edge)


def test_psnr_is_that_of_skimage_and_its_tile_that_of_the_tile():
    golden = photo(160, 128)
    image = np.clip(
        golden.astype(int) + np.random.default_rng(2).integers(-9, 10, golden.shape), 0, 255
    ).astype(np.uint8)
    image[:64, :64] = 255 - image[:64, :64]
    found = compare("psnr", golden, image, everywhere(image))
    assert found.value == pytest.approx(peak_signal_noise_ratio(golden, image), abs=1e-9)
    assert found.tile.box == (0, 0, 64, 64)
    of_tile = peak_signal_noise_ratio(golden[:64, :64], image[:64, :64])
    assert found.tile.value == pytest.approx(of_tile, abs=1e-9)


@pytest.mark.parametrize("comparator", COMPARATORS)
def test_equal_images_score_perfectly_in_every_mode(lpips, comparator):
    rgb = photo(80, 70)
    alpha = np.arange(80 * 70, dtype=np.uint8).reshape(70, 80, 1)
    for image in (rgb, rgb[..., 0], np.concatenate([rgb, alpha], axis=2)):
        found = compare(comparator, image, image.copy(), everywhere(image), lpips=lpips)
        perfect = PERFECT.get(comparator, 0.0)
        assert found.value == pytest.approx(perfect, abs=1e-12)
        assert found.tile.value == pytest.approx(perfect, abs=1e-12)


def test_exact_counts_every_pixel_that_differs_at_all():
    golden = np.zeros((10, 20, 3), np.uint8)
    image = golden.copy()
    image[0, :3, 1] = 1
    found = compare("exact", golden, image, everywhere(image))
    assert found.value == 3 / 200
    assert found.details == {"largest": 1}


def test_pixel_counts_what_lies_beyond_the_distance_only():
    golden = np.full((10, 20, 3), 100, np.uint8)
    image = golden.copy()
    image[0, :3] = 108  # at the distance, in every channel
    image[1, :2, 2] = 91  # beyond it, in one
    found = compare("pixel", golden, image, everywhere(image), distance=8)
    assert found.value == 2 / 200
    assert compare("pixel", golden, image, everywhere(image), distance=7).value == 5 / 200
    assert compare("pixel", golden, image, everywhere(image), distance=9).value == 0


def test_ssim_without_a_mask_is_scikit_images_number():
    golden, image = photo(90, 60), photo(90, 60, seed=1)
    expected = structural_similarity(
        golden, image, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    found = compare("ssim", golden, image, everywhere(image))
    assert found.value == pytest.approx(expected, abs=1e-12)


def test_ssim_of_an_image_smaller_than_its_window_says_so():
    image = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(ImageError, match=r"40x10 px; ssim needs at least 11x11"):
        compare("ssim", image, image, everywhere(image))


@pytest.mark.parametrize("comparator", COMPARATORS)
@pytest.mark.parametrize("mode", ["inner", "outer"])
def test_what_lies_outside_the_measured_region_does_not_count(lpips, comparator, mode):
    golden = photo(96, 96)
    mask = region_mask([(32, 32, 64, 64)], mode, 96, 96)
    image = np.where(mask[..., None], golden, 255 - golden)
    found = compare(comparator, golden, image, mask, lpips=lpips)
    perfect = PERFECT.get(comparator, 0.0)
    assert found.value == pytest.approx(perfect, abs=1e-12)
    assert found.tile.value == pytest.approx(perfect, abs=1e-12)
    image = np.where(mask[..., None], 255 - golden, golden)
    found = compare(comparator, golden, image, mask, lpips=lpips)
    assert abs(found.value - perfect) > 0.2


@pytest.mark.parametrize("comparator", ["exact", "pixel"])
def test_shares_are_of_the_measured_pixels(comparator):
    golden = np.zeros((100, 100, 3), np.uint8)
    image = golden.copy()
    image[:10, :10] = 200
    mask = region_mask([(0, 0, 20, 10)], "inner", 100, 100)
    assert compare(comparator, golden, image, mask).value == 0.5
    assert compare(comparator, golden, image, everywhere(image)).value == 0.01


@pytest.mark.parametrize("comparator", COMPARATORS)
def test_a_change_of_alpha_that_white_hides_is_seen(lpips, comparator):
    golden = np.full((64, 64, 4), 255, np.uint8)
    image = golden.copy()
    image[16:48, 16:48, 3] = 0
    found = compare(comparator, golden, image, everywhere(image), lpips=lpips)
    assert abs(found.value - PERFECT.get(comparator, 0.0)) > 0.1


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((30, 40, 3), None),
        ((40, 30, 3), "the image is 30x40 px, its golden 40x30 px"),
        ((30, 40, 4), "the image is RGBA (with alpha), its golden RGB (no alpha)"),
        ((30, 40), "the image is grey, its golden RGB (no alpha)"),
    ],
)
def test_size_mode_and_alpha_come_first(shape, says):
    assert unlike(np.zeros((30, 40, 3), np.uint8), np.zeros(shape, np.uint8)) == says


def test_lpips_is_the_pipes_number_with_its_map(lpips):
    golden, image = photo(80, 64), photo(80, 64, seed=1)
    measurement, heat = lpips(golden, image)
    found = compare("lpips", golden, image, everywhere(image), lpips=lpips, tile=1000)
    assert found.value == measurement.value
    assert found.tile.value == pytest.approx(measurement.value, rel=1e-5)  # one tile is the whole
    assert found.tile.box == (0, 0, 80, 64)
    assert found.heat.shape == heat.shape == (64, 80)


def test_a_nan_of_the_pipe_stays_one_and_names_a_tile():
    def broken(golden, image):
        heat = np.zeros(golden.shape[:2])
        heat[5, 70] = math.nan
        return Measurement("lpips", math.nan), heat

    image = photo(100, 40)
    found = compare("lpips", image, image, everywhere(image), lpips=broken)
    assert math.isnan(found.value)
    assert math.isnan(found.tile.value)
    assert found.tile.box[2] > 70


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 150), st.integers(1, 150), st.integers(8, 80), st.integers(0, 2**32 - 1))
def test_the_worst_tile_is_the_worst_of_all_tiles(height, width, size, seed):
    rng = np.random.default_rng(seed)
    golden = np.zeros((height, width), np.uint8)
    image = (rng.random((height, width)) < 0.05).astype(np.uint8) * 255
    found = compare("exact", golden, image, everywhere(image), tile=size)
    rows, columns = min(size, height), min(size, width)

    def starts(length, edge):
        return sorted({*range(0, length - edge, size // 2), length - edge})

    worst = max(
        (image[y : y + rows, x : x + columns] > 0).mean()
        for y in starts(height, rows)
        for x in starts(width, columns)
    )
    assert found.tile.value == pytest.approx(worst)
    x1, y1, x2, y2 = found.tile.box
    assert 0 <= x1 < x2 <= width
    assert 0 <= y1 < y2 <= height
    assert (image[y1:y2, x1:x2] > 0).mean() == pytest.approx(worst)


def test_kind_and_seen():
    grey = np.full((2, 2), 7, np.uint8)
    assert kind(grey) == "grey"
    assert seen(grey).tolist() == [[[7, 7, 7]] * 2] * 2


@pytest.mark.parametrize("channels", [None, 3, 4])
@pytest.mark.parametrize("comparator", ["exact", "pixel"])
@pytest.mark.parametrize("tile", [4, 64])
def test_equal_images_are_what_comparing_each_pixel_finds(monkeypatch, comparator, channels, tile):
    random = np.random.default_rng(3)
    shape = (9, 13) if channels is None else (9, 13, channels)
    image = random.integers(0, 256, shape, dtype=np.uint8)
    mask = random.random((9, 13)) > 0.5
    quick = compare(comparator, image, image.copy(), mask, tile=tile)
    monkeypatch.setattr(comparators, "check_numbers", lambda comparator: None)
    monkeypatch.setattr(np, "array_equal", lambda *arrays: False)
    assert quick == compare(comparator, image, image.copy(), mask, tile=tile)


@pytest.mark.parametrize("channels", [None, 3, 4])
def test_the_largest_difference_is_that_of_a_channel(channels):
    random = np.random.default_rng(4)
    shape = (9, 13) if channels is None else (9, 13, channels)
    golden, image = random.integers(0, 256, (2, *shape), dtype=np.uint8)
    mask = random.random((9, 13)) > 0.5
    distance = np.abs(golden.astype(int) - image.astype(int)).reshape(9, 13, -1).max(axis=2)
    found = compare("exact", golden, image, mask)
    assert found.details["largest"] == distance[mask].max()
    assert found.value == (distance[mask] > 0).mean()
