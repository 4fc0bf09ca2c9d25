"""The measure of structure held to its definition written out, and to what it has to see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.images.local_mean import local_mean
from pytest_editmetrics.images.structure_difference import structure_map


def noisy(seed: int, size: tuple[int, int] = (48, 40)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def mean_around(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """A weighted mean in float64, the image in the middle of nothing."""
    edge = 40
    wide = np.pad(weight, edge)
    total = gaussian_filter(wide, sigma, mode="wrap")
    found = gaussian_filter(np.pad(values, edge) * wide, sigma, mode="wrap") / np.maximum(
        total, 1e-300
    )
    return found[edge:-edge, edge:-edge] * (weight > 0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.booleans())
def test_the_map_is_its_definition(seed: int, whole: bool) -> None:
    before, after = noisy(seed), noisy(seed + 1)
    mask = np.ones(before.shape[:2], bool)
    if not whole:
        mask[9:30, 5:25] = False
    weight, planes = mask.astype(float), []
    for channel in range(3):
        difference = after[..., channel].astype(float) - before[..., channel]
        fine, coarse = (mean_around(difference, weight, sigma) for sigma in (1, 8))
        planes.append(abs(fine - coarse))
    expected = mean_around(np.mean(planes, axis=0), weight, 8)
    found = structure_map(before, after, None if whole else mask)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_tone_alone_is_no_structure_and_a_shift_is() -> None:
    smooth = gaussian_filter(noisy(1, (64, 64)).astype(float), (3, 3, 0))
    before = np.clip((smooth - 127) * 4 + 127, 10, 240).astype(np.uint8)
    assert structure_map(before, before).max() == 0
    assert structure_map(before, before + np.uint8(9)).max() < 0.01
    assert structure_map(before, np.roll(before, 1, 1)).max() > 3
    noise = np.random.default_rng(0).normal(0, 1, before.shape)
    assert structure_map(before, np.round(before + noise).astype(np.uint8)).max() < 0.5


def test_what_lies_outside_the_mask_does_not_leak_in() -> None:
    before, after = noisy(3), noisy(4)
    mask = np.zeros(before.shape[:2], bool)
    mask[10:30, 10:30] = True
    other = after.copy()
    other[~mask] = 255 - other[~mask]
    np.testing.assert_array_equal(
        structure_map(before, after, mask), structure_map(before, other, mask)
    )


def test_few_pixels_are_not_taken_for_a_neighbourhood() -> None:
    mask = np.zeros((40, 40), bool)
    mask[20, 20] = True
    one = mask.astype(float)
    assert local_mean(one, mask, 8.0)[20, 20] == pytest.approx(1, abs=1e-5)
    weight = gaussian_filter(one, 8.0)[20, 20]
    assert local_mean(one, mask, 8.0, least=0.1)[20, 20] == pytest.approx(weight / 0.1, rel=1e-3)
