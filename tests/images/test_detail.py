"""What differs beyond the fine detail of the reference, held to the formula written out here."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pytest_editmetrics.images.detail import (
    beyond_detail,
    beyond_detail_map,
    largest_beyond_detail,
)


def noisy(seed: int, size: tuple[int, int] = (40, 33)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def gaussian(length: int, sigma: float) -> np.ndarray:
    apart = np.subtract.outer(np.arange(length), np.arange(length))
    reach = int(4 * sigma + 0.5)
    return np.where(abs(apart) <= reach, np.exp(-(apart**2) / (2 * sigma**2)), 0)


def mean_by_hand(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    down, across = (gaussian(length, sigma) for length in weight.shape)
    total = np.maximum(down @ weight @ across.T, 1e-300)
    flat = values.reshape(*weight.shape, -1)
    planes = [down @ (flat[..., c] * weight) @ across.T / total for c in range(flat.shape[2])]
    return np.stack(planes, axis=2).reshape(values.shape)


def blurred_by_hand(image: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian to whose border pixels the image is continued, by sums over its shifts."""
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    for axis in (0, 1):
        pad = [(reach, reach) if one == axis else (0, 0) for one in range(3)]
        wide = np.pad(image, pad, mode="edge")
        length = image.shape[axis]
        image = sum(
            w * np.take(wide, np.arange(k, k + length), axis) for k, w in enumerate(weights)
        )
    return image


@given(st.integers(0, 99), st.booleans())
def test_the_map_is_the_formula(seed: int, whole: bool) -> None:
    before, after = noisy(seed), noisy(seed + 1)
    mask = np.ones(before.shape[:2], bool)
    if not whole:
        mask[7:30, 5:20] = False
    weight, old = mask.astype(float), before.astype(float)
    difference = after - old
    difference -= mean_by_hand(difference, weight, 8)
    fine = old - blurred_by_hand(old, 1.5)
    over = mean_by_hand((difference**2).mean(2) - (fine**2).mean(2), weight, 4)
    expected = np.where(mask, np.sqrt(np.maximum(over, 0)), 0)
    found = beyond_detail_map(before, after, None if whole else mask)
    np.testing.assert_allclose(found, expected, atol=0.05)
    root = float(np.sqrt((expected[mask] ** 2).mean()))
    assert beyond_detail(before, after, mask) == pytest.approx(root, abs=0.02)


@given(st.integers(0, 99), st.integers(-40, 40))
def test_a_tone_is_nothing_and_detail_that_is_lost_is_little(seed: int, by: int) -> None:
    flat = np.full((40, 40, 3), 120, np.uint8)
    assert beyond_detail(flat, flat + np.int8(by).astype(np.uint8)) < 0.01
    leaves = noisy(seed, (48, 48))
    lost = np.broadcast_to(leaves.mean((0, 1)).round().astype(np.uint8), leaves.shape)
    assert beyond_detail(leaves, lost) < 0.4 * float((leaves - leaves.mean((0, 1))).std())


@given(st.integers(0, 50), st.floats(1.05, 4))
def test_more_of_a_difference_is_no_less(seed: int, factor: float) -> None:
    before = np.full((30, 30, 3), 128, np.uint8)
    off = np.random.default_rng(seed).normal(0, 8, before.shape)
    weak, strong = (
        (before + part).clip(0, 255).round().astype(np.uint8) for part in (off, factor * off)
    )
    assert beyond_detail(before, strong) >= beyond_detail(before, weak) - 0.2


def test_what_is_not_measured_does_not_count() -> None:
    before = noisy(0)
    mask = np.ones(before.shape[:2], bool)
    mask[10:20, 10:20] = False
    after, other = before.copy(), before.copy()
    after[10:20, 10:20], other[10:20, 10:20] = 0, 255
    after[0:3], other[0:3] = 7, 7
    assert beyond_detail(before, after, mask) == beyond_detail(before, other, mask) > 0


def test_the_largest_lies_where_it_is_and_colours_that_jpeg_mixes_at_the_edit_are_none() -> None:
    before = np.full((96, 96, 3), 235, np.uint8)
    edited = before.copy()
    edited[9:41, 9:41] = (255, 0, 0)
    mask = np.ones((96, 96), bool)
    mask[9:41, 9:41] = False
    file = io.BytesIO()
    Image.fromarray(edited).save(file, "JPEG", quality=90)
    clean = np.asarray(Image.open(file))
    assert largest_beyond_detail(before, clean, mask)[0] < 6
    assert beyond_detail_map(before, clean, mask).max() > 10
    spilled = clean.copy()
    spilled[70:78, 60:68] = 120
    value, x, y = largest_beyond_detail(before, spilled, mask)
    assert value > 30
    assert (60 <= x < 68, 70 <= y < 78) == (True, True)
    beside = np.zeros((96, 96), bool)
    beside[:, :1] = True
    assert (
        largest_beyond_detail(before, np.zeros_like(before), beside)[0] < 0.001
    )  # all of it a tone


def test_a_background_between_specks_is_measured_though_few_of_its_pixels_lie_far_from_them() -> (
    None
):
    before = noisy(0, (96, 96))
    mask = np.ones((96, 96), bool)
    mask[::4, ::4] = False
    mask[44:52, 44:52] = True
    edited = before.copy()
    edited[10:30, 10:30] = 255 - edited[10:30, 10:30]
    assert largest_beyond_detail(before, before, mask)[0] == 0
    value, x, y = largest_beyond_detail(before, edited, mask)
    assert value > 30
    assert (10 <= x < 30, 10 <= y < 30) == (True, True)
