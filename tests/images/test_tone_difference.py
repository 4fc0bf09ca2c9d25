"""The measure of tone held to scikit-image's CIELAB and to a blur written out here."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2lab

from pytest_editmetrics.images import detail, tone_difference
from pytest_editmetrics.images.local_mean import local_mean
from pytest_editmetrics.images.tone_difference import (
    BESIDE,
    FILLED,
    lab_of,
    largest_tone,
    mean_tone,
    tone_map,
)
from pytest_editmetrics.pipes.pixels.spec import TONE_CEILING


def noisy(seed: int, size: tuple[int, int] = (40, 33)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def blurred_by_hand(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """A weighted mean with one Gaussian matrix per axis, ended at four standard deviations."""

    def matrix(length: int) -> np.ndarray:
        apart = np.subtract.outer(np.arange(length), np.arange(length))
        reach = int(4 * sigma + 0.5)
        return np.where(abs(apart) <= reach, np.exp(-(apart**2) / (2 * sigma**2)), 0)

    down, across = matrix(values.shape[0]), matrix(values.shape[1])
    total = np.maximum(down @ weight @ across.T, 1e-300)
    planes = [down @ (values[..., one] * weight) @ across.T / total for one in range(3)]
    return np.stack(planes, axis=2)


def test_lab_is_that_of_skimage() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3, indexing="ij"), axis=-1)
    image = grid.reshape(-1, 52, 3).astype(np.uint8)
    np.testing.assert_allclose(lab_of(image), rgb2lab(image), atol=0.03)


@given(st.integers(0, 99), st.floats(0.7, 12), st.sampled_from(["all", "around", "within"]))
def test_the_map_is_a_mean_of_the_measured_pixels(seed: int, sigma: float, where: str) -> None:
    before, after = noisy(seed), noisy(seed + 1)
    mask = np.full(before.shape[:2], where != "within")
    if where != "all":
        mask[7:30, 5:20] = where == "within"
    blurred = blurred_by_hand(rgb2lab(after) - rgb2lab(before), mask.astype(float), sigma)
    expected = np.where(mask, np.linalg.norm(blurred, axis=2), 0)
    found = tone_map(before, after, None if where == "all" else mask, sigma)
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert mean_tone(before, after, mask, sigma) == pytest.approx(expected[mask].mean(), abs=0.03)


@given(st.integers(0, 99), st.floats(0.7, 12))
def test_a_part_has_to_the_bit_what_it_has_as_one_of_the_whole_image(
    seed: int, sigma: float
) -> None:
    before, after = noisy(seed), noisy(seed + 1)
    mask = np.zeros(before.shape[:2], bool)
    mask[7:30, 5:20] = mask[3, 30] = True
    difference = np.where(mask[..., None], lab_of(after) - lab_of(before), np.float32(0))
    mean = local_mean(difference, mask, sigma)
    found = tone_map(before, after, mask, sigma)
    np.testing.assert_array_equal(found, np.sqrt((mean * mean).sum(axis=2)))


@pytest.mark.parametrize(
    ("module", "name"), [(detail, "beyond_detail_map"), (tone_difference, "tone_map")]
)
def test_what_differs_outside_alone_is_computed_to_be_what_is_returned_at_once(
    module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = noisy(1), noisy(1)
    after[7:30, 5:20] += 99
    mask = (before == after).all(axis=2)
    at_once = getattr(module, name)(before, after, mask)
    monkeypatch.setattr(module, "equal_within", lambda *_: False)
    computed = getattr(module, name)(before, after, mask)
    np.testing.assert_array_equal(at_once, computed)
    assert not computed.any()
    assert computed.dtype == at_once.dtype


@given(st.integers(0, 99), st.integers(0, 32), st.integers(0, 39), st.integers(1, 30))
def test_the_largest_is_that_of_what_lies_further_off_the_edit_area(
    seed: int, x: int, y: int, edge: int
) -> None:
    before, after = noisy(seed), noisy(seed + 1)
    mask = np.ones(before.shape[:2], bool)
    mask[y : y + edge, x : x + edge] = False
    down, across = (np.arange(length) for length in mask.shape)
    for rim in (BESIDE, BESIDE // 2, BESIDE // 4, 1, 0):
        rows = (down >= y - rim) & (down < y + edge + rim)
        columns = (across >= x - rim) & (across < x + edge + rim)
        inner = ~(rows[:, None] & columns)
        if inner.sum() >= mask.sum() / 4:
            break
    weight = inner.astype(float)
    blurred = blurred_by_hand(rgb2lab(after) - rgb2lab(before), weight, 8)
    share = blurred_by_hand(np.repeat(weight[..., None], 3, 2), np.ones(weight.shape), 8)[..., 0]
    for axis in (0, 1):  # what lies outside the image is not measured either
        share = share * spread_inside(mask.shape[axis], 8, axis)
    expected = np.linalg.norm(blurred, axis=2) * np.minimum(1, share / FILLED)
    expected[~inner] = 0
    value, at_x, at_y = largest_tone(before, after, mask)
    assert value == pytest.approx(expected.max(), abs=0.05)
    assert expected[at_y, at_x] == pytest.approx(expected.max(), abs=0.05)


def spread_inside(length: int, sigma: float, axis: int) -> np.ndarray:
    """Return which share of a Gaussian around each place along an axis lies inside the image."""
    reach = int(4 * sigma + 0.5)
    far = np.arange(-reach, reach + 1)
    bell = np.exp(-(far**2) / (2 * sigma**2))
    inside = [bell[(at + far >= 0) & (at + far < length)].sum() for at in range(length)]
    return np.expand_dims(np.array(inside) / bell.sum(), 1 - axis)


def test_what_lies_outside_the_mask_does_not_leak_in() -> None:
    before = noisy(3)
    after = np.clip(before.astype(int) + 4, 0, 255).astype(np.uint8)
    mask = np.zeros(before.shape[:2], bool)
    mask[10:30, 10:30] = True
    other = after.copy()
    other[~mask] = 255 - other[~mask]
    np.testing.assert_array_equal(tone_map(before, after, mask), tone_map(before, other, mask))


def test_a_flat_difference_is_itself_at_every_pixel_of_any_region() -> None:
    before, after = np.full((50, 40, 3), 90, np.uint8), np.full((50, 40, 3), (99, 90, 81), np.uint8)
    apart = np.linalg.norm(rgb2lab(after[0, 0]) - rgb2lab(before[0, 0]))
    mask = np.zeros((50, 40), bool)
    mask[0, 0] = mask[20:22] = True
    for region in (None, mask):
        assert mean_tone(before, after, region) == pytest.approx(apart, abs=0.02)
    assert largest_tone(before, after, np.ones((50, 40), bool))[0] == pytest.approx(apart, abs=0.02)


def test_noise_averages_out_and_tone_does_not() -> None:
    before = np.full((128, 128, 3), 120, np.uint8)
    noise = np.random.default_rng(0).normal(0, 3, before.shape)
    noisy_one = np.round(before + noise).astype(np.uint8)
    toned = np.full_like(before, 123)
    assert mean_tone(before, noisy_one) < 0.2
    assert mean_tone(before, toned) > 1
    assert mean_tone(before, noisy_one, sigma=0) > 2


def test_one_pixel_and_no_difference() -> None:
    one = np.full((1, 1, 3), 7, np.uint8)
    assert largest_tone(one, one, np.ones((1, 1), bool))[0] == 0
    assert mean_tone(one, one + 1, np.ones((1, 1), bool)) > 0


def test_a_part_counts_for_itself_however_much_plain_ground_lies_around_it() -> None:
    values = []
    for size in (128, 512):
        before = np.full((size, size, 3), 255, np.uint8)
        before[40:88, 40:88] = (180, 120, 60)
        after = before.copy()
        after[40:88, 40:88] = (126, 84, 42)
        mask = np.ones((size, size), bool)
        mask[4:20, 4:20] = False
        values.append((largest_tone(before, after, mask), mean_tone(before, after, mask)))
    (small, mean), (large, diluted) = values
    assert small[0] == pytest.approx(large[0], abs=0.01)
    assert small[0] > 12
    assert all(40 <= at < 88 for at in small[1:])
    assert diluted < mean / 10


def test_no_two_colours_lie_farther_apart_than_the_largest_bound() -> None:
    corners = np.array(np.meshgrid(*[(0, 255)] * 3)).reshape(3, -1).T[None].astype(np.uint8)
    lab = rgb2lab(corners)[0]
    farthest = np.linalg.norm(lab[:, None] - lab[None], axis=2).max()
    assert farthest <= TONE_CEILING <= farthest + 0.02
