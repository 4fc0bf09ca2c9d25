from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pytest_editmetrics.errors import ImageError, InputError
from pytest_editmetrics.pipes.drift import pipe as drift
from pytest_editmetrics.pipes.drift.pipe import DriftPipe
from pytest_editmetrics.pipes.lpips import LPIPSPipe
from pytest_editmetrics.pipes.pixels import PixelPipe
from pytest_editmetrics.pipes.pixels.spec import PSNR_CEILING, SPEC

BOX = [(8, 4, 24, 20)]


def pair(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    reference = random.integers(0, 256, (40, 48, 3), dtype=np.uint8)
    edited = (reference.astype(int) + random.integers(-9, 10, reference.shape)).clip(0, 255)
    return reference, edited.astype(np.uint8)


def test_psnr_of_the_whole_image_is_that_of_skimage() -> None:
    reference, edited = pair()
    value = PixelPipe()(reference, edited, metric="unedit_psnr")
    assert value == pytest.approx(peak_signal_noise_ratio(reference, edited), abs=1e-9)


@given(st.integers(0, 99), st.sampled_from(["inner", "outer"]))
def test_psnr_is_over_the_measured_pixels_only(seed: int, mode: str) -> None:
    reference, edited = pair(seed)
    inside = np.zeros((40, 48), bool)
    inside[4:20, 8:24] = True
    mask = inside if mode == "inner" else ~inside
    other = edited.copy()
    other[~mask] = 0
    value = PixelPipe()(reference, edited, BOX, mode, metric="unedit_psnr")
    assert value == PixelPipe()(reference, other, BOX, mode, metric="unedit_psnr")
    error = (reference[mask].astype(float) - edited[mask]) ** 2
    assert value == pytest.approx(10 * math.log10(255**2 / error.mean()), abs=1e-9)


def test_psnr_of_equal_pixels_is_finite() -> None:
    reference, _ = pair()
    assert PixelPipe()(reference, reference, metric="unedit_psnr") == PSNR_CEILING
    nearly = np.full((2000, 2000, 3), 255, np.uint8)
    one = nearly.copy()
    one[0, 0, 0] = 254
    assert PixelPipe()(nearly, one, metric="unedit_psnr") == PSNR_CEILING


def test_pie_bench_counts_what_it_does_not_measure() -> None:
    reference, edited = pair()
    ours = PixelPipe()(reference, edited, BOX, "outer", metric="unedit_psnr")
    theirs = PixelPipe()(reference, edited, BOX, "outer", metric="pie_bench_psnr")
    mask = np.ones((40, 48, 1))
    mask[4:20, 8:24] = 0
    expected = peak_signal_noise_ratio(reference / 255 * mask, edited / 255 * mask, data_range=1)
    assert theirs == pytest.approx(expected, abs=1e-9)
    assert theirs > ours


def test_ssim_of_the_whole_image_is_that_of_skimage() -> None:
    reference, edited = pair()
    value = PixelPipe()(reference, edited, metric="unedit_ssim")
    expected = structural_similarity(
        reference, edited, channel_axis=2, gaussian_weights=True, use_sample_covariance=False,
        data_range=255,
    )  # fmt: skip
    assert value == pytest.approx(expected, abs=1e-6)


def test_ssim_outside_does_not_see_the_edit() -> None:
    reference, _ = pair()
    edited = reference.copy()
    edited[4:20, 8:24] = 0
    assert PixelPipe()(reference, edited, BOX, "outer", metric="unedit_ssim") == 1.0
    assert PixelPipe()(reference, edited, BOX, "inner", metric="unedit_ssim") < 0.5


def test_the_largest_difference_is_in_levels() -> None:
    reference, _ = pair()
    edited = reference.copy()
    edited[0, 0, 1] = 255 if reference[0, 0, 1] < 128 else 0
    edited[5, 9] = 255 - edited[5, 9]
    measurement = PixelPipe().measure(reference, edited, BOX, "outer", metric="unedit_max_diff")
    assert measurement.value == abs(int(reference[0, 0, 1]) - int(edited[0, 0, 1]))
    assert measurement.details["changed_pixels"] == 1
    assert measurement.weights == ()


def test_lightness_forgives_a_change_of_tone_but_not_of_structure() -> None:
    y, x = np.mgrid[:64, :64]
    grey = (128 + 60 * np.sin(x / 5) * np.cos(y / 7)).astype(np.uint8)
    reference = np.repeat(grey[..., None], 3, axis=2)
    darker = (reference * 0.7 + 10).astype(np.uint8)
    flipped = reference[:, ::-1].copy()
    box = [(8, 8, 56, 56)]
    measure = lambda edited: PixelPipe()(reference, edited, box, "inner", metric="l_channel_ssim")  # noqa: E731
    assert measure(darker) > 0.97
    assert measure(flipped) < 0.7


@pytest.mark.parametrize("metric", sorted(metric.name for metric in SPEC.metrics))
def test_an_empty_region_is_a_soft_failure(metric: str) -> None:
    reference, edited = pair()
    measurement = PixelPipe().measure(reference, edited, [], "inner", metric=metric)
    assert measurement.value is None
    assert measurement.soft_failure is not None
    assert measurement.soft_failure.reason == "empty-region"


def test_ssim_of_an_image_smaller_than_its_window_is_an_error() -> None:
    small = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(ImageError, match="40x10 px; ssim needs at least 11x11"):
        PixelPipe()(small, small, metric="unedit_ssim")


def test_pie_bench_lpips_refuses_a_net_that_no_table_is_of() -> None:
    with pytest.raises(InputError, match=r"net squeeze. In editmetrics.yaml: metric_configs"):
        LPIPSPipe().measure(*pair(), metric="pie_bench_lpips")


def test_drift_without_texture_is_a_soft_failure() -> None:
    flat = np.full((96, 96, 3), 9, np.uint8)
    for metric in ("drift_px", "zoom"):
        measurement = DriftPipe().measure(flat, flat, metric=metric)
        assert measurement.soft_failure is not None
        assert measurement.soft_failure.reason == "no-texture"


def test_drift_of_another_picture_is_a_soft_failure() -> None:
    random = np.random.default_rng(0)
    one, other = (random.integers(0, 256, (96, 96, 3), dtype=np.uint8) for _ in range(2))
    measurement = DriftPipe().measure(one, other, metric="drift_px")
    assert measurement.soft_failure is not None
    assert measurement.soft_failure.reason == "no-match"


def test_a_background_that_is_mostly_another_picture_has_no_drift() -> None:
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (288, 288, 3), dtype=np.uint8)
    edited = picture.copy()
    edited[:96, 96:] = random.integers(0, 256, (96, 192, 3))
    little = DriftPipe().measure(picture, edited, metric="drift_px")
    assert little.value == pytest.approx(0, abs=0.05)
    assert [96, 0, 144, 48] in little.details["unmatched"]
    edited[96:] = random.integers(0, 256, (192, 288, 3))
    most = DriftPipe().measure(picture, edited, metric="drift_px")
    assert most.soft_failure is not None
    assert most.soft_failure.reason == "no-match"


def test_drift_tells_where_it_moved_most() -> None:
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    measurement = DriftPipe().measure(picture, np.roll(picture, 2, axis=1), metric="drift_px")
    assert measurement.value == pytest.approx(2, abs=0.05)
    assert measurement.details["moved_most"][0][4] == pytest.approx(2, abs=0.1)
    assert measurement.details["tiles"] == {"measured": 4}


def test_drift_and_zoom_of_a_pair_are_measured_once(monkeypatch):
    calls = []
    measure = drift.measure_drift
    monkeypatch.setattr(drift, "measure_drift", lambda *args: calls.append(0) or measure(*args))
    picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    moved = np.roll(picture, 2, axis=1)
    pipe = DriftPipe()
    assert pipe(picture, moved, metric="drift_px") == pytest.approx(2, abs=0.05)
    assert pipe(picture, moved, metric="zoom") < 0.001
    assert len(calls) == 1
    assert pipe(picture, picture, metric="drift_px") == 0
    assert pipe(picture, moved, [(0, 0, 30, 30)], "outer", metric="drift_px") > 1.9
    assert len(calls) == 3
