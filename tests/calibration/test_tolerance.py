"""Tolerance bounds: the published factors, and that they keep what they promise."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_editmetrics.calibration.bimodality import two_groups
from pytest_editmetrics.calibration.tolerance import (
    Scale,
    assumption_free_runs,
    enough_runs,
    is_normal,
    normal_factor,
    scale_of,
    tolerance_bound,
    worst_rank,
)
from pytest_editmetrics.errors import InputError

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import calibration

LPIPS = (0.0, math.inf)
COSINE = (-1.0, 1.0)
ANY = (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("n", "coverage", "factor"),
    # one-sided factors for 95 % confidence, as printed in tables of normal tolerance limits
    [(5, 0.90, 3.407), (5, 0.95, 4.203), (5, 0.99, 5.741), (10, 0.99, 3.981), (30, 0.99, 3.064)],
)
def test_the_factors_are_the_published_ones(n, coverage, factor):
    assert normal_factor(n, coverage, 0.95) == pytest.approx(factor, abs=6e-4)


@pytest.mark.parametrize("n", [2, 100, 10_000, 200_000])
def test_factors_of_any_size_are_numbers_that_come_down_to_the_quantile(n):
    factor = normal_factor(n, 0.9999, 0.99)
    assert stats.norm.ppf(0.9999) < factor < 300


@pytest.mark.parametrize(("coverage", "confidence", "n"), [(0.99, 0.95, 299), (0.9, 0.9, 22)])
def test_from_so_many_runs_on_the_worst_value_is_the_bound(coverage, confidence, n):
    assert assumption_free_runs(coverage, confidence) == n
    assert 1 - coverage**n >= confidence > 1 - coverage ** (n - 1)
    values = np.random.default_rng(1).random(n).tolist()
    shares = {"coverage": coverage, "confidence": confidence}
    upper = tolerance_bound(values, Scale("lower"), **shares)
    lower = tolerance_bound(values, Scale("higher"), **shares)
    assert (upper.method, upper.rank, upper.value) == ("order-statistic", 1, max(values))
    assert (lower.method, lower.rank, lower.value) == ("order-statistic", 1, min(values))
    assert tolerance_bound(values[1:], Scale("lower"), **shares).method == "normal"


@pytest.mark.parametrize("n", [299, 472, 473, 1000, 5000])
def test_the_rank_is_the_largest_that_keeps_the_confidence(n):
    rank = worst_rank(n, 0.99, 0.95)
    # the coverage of the r-th worst of n values has a beta distribution
    kept = [stats.beta.sf(0.99, n - r + 1, r) for r in (rank, rank + 1)]
    assert kept[0] >= 0.95 > kept[1]


def test_a_small_spread_far_from_the_best_value_counts_as_it_is():
    values = [100.0, 100.1, 100.3, 99.8, 99.9]
    near = tolerance_bound(values, scale_of(values, "lower", LPIPS, 0.5)).value
    assert near == pytest.approx(tolerance_bound(values, Scale("lower")).value, rel=2e-4)


def test_tiny_values_of_many_sizes_give_a_tiny_bound():
    values = [1e-7, 1e-6, 3e-5, 2e-6, 1e-5]
    assert tolerance_bound(values, scale_of(values, "lower", LPIPS, 0.005)).value < 3e-4


def test_a_bound_of_a_similarity_lies_below_its_values_and_comes_from_their_distance_to_one():
    values = [0.91, 0.92, 0.90, 0.915, 0.93]
    scale = scale_of(values, "higher", COSINE, 0.02)
    found = tolerance_bound(values, scale).value
    distances = [1 - value for value in values]
    mirrored = tolerance_bound(distances, scale_of(distances, "lower", LPIPS, 0.02)).value
    assert found == pytest.approx(1 - mirrored)
    assert found < min(values)


def test_a_value_at_the_best_without_a_start_counts_as_it_is():
    assert scale_of([0.0, 0.1], "lower", LPIPS, 0.0).limit is None
    assert scale_of([0.0, 0.1], "lower", LPIPS, 0.005).limit == 0.0
    assert scale_of([1.0, 0.9], "higher", COSINE, 0.0).limit is None
    assert scale_of([3.0, 4.0], "higher", LPIPS, 0.5).limit is None


@given(
    st.lists(st.floats(0, 100), min_size=2, max_size=30),
    st.sampled_from(["lower", "higher"]),
    st.sampled_from([LPIPS, ANY]),
)
def test_a_bound_is_no_better_than_the_middle_and_shifts_nothing_back(values, better, limits):
    scale = scale_of(values, better, limits, 0.005)
    for value in values:
        assert scale.back(scale.forward(value)) == pytest.approx(value, abs=1e-9)
    bound = tolerance_bound(values, scale)
    middle = scale.back(float(np.mean([scale.forward(value) for value in values])))
    sign = 1 if better == "lower" else -1
    assert sign * (bound.value - middle) >= -1e-9


def test_equal_values_have_no_spread():
    assert tolerance_bound([0.3] * 400, Scale("lower")).method == "constant"
    assert tolerance_bound([0.3, 0.3], Scale("higher")).value == 0.3


@pytest.mark.parametrize("shares", [(1.0, 0.95), (0.5, 0.95), (0.99, 1.0), (float("nan"), 0.9)])
def test_a_share_that_makes_no_sense_is_refused(shares):
    with pytest.raises(InputError, match="give a share of at least"):
        tolerance_bound([1, 2], Scale("lower"), coverage=shares[0], confidence=shares[1])


def test_one_value_has_no_bound():
    with pytest.raises(InputError, match="at least 2 values, not 1"):
        tolerance_bound([1.0], Scale("lower"))


def test_enough_runs_are_those_that_halve_the_way():
    n = enough_runs(0.99, 0.95)
    limit = 2 * stats.norm.ppf(0.99)
    assert normal_factor(n, 0.99, 0.95) <= limit < normal_factor(n - 1, 0.99, 0.95)


@pytest.mark.slow
@pytest.mark.parametrize("n", calibration.SIZES)
def test_bounds_keep_the_stated_confidence(n):
    """The claim of docs/how-to/calibrate.md with another seed; 2 points are 4 standard errors."""
    for world in calibration.WORLDS:
        if world.assumed:
            share = calibration.reached(world, n, seed=5)
            assert share == pytest.approx(95, abs=calibration.POINTS), world.name


def test_a_bound_that_is_too_near_would_be_found(monkeypatch):
    monkeypatch.setattr(
        calibration,
        "tolerance_bound",
        lambda *args, **shares: tolerance_bound(*args, coverage=0.97),
    )
    assert calibration.reached(calibration.WORLDS[0], 10) < 100 * 0.95 - calibration.POINTS


# two groups


def test_two_groups_are_told_in_any_order_and_scale():
    values = [5.0, 1.1, 0.9, 4.9, 1.0, 5.1, 1.05]
    assert two_groups(values) == ((0.9, 1.0, 1.05, 1.1), (4.9, 5.0, 5.1))
    scaled = two_groups([1e-6 * value - 3 for value in values])
    assert scaled is not None
    assert [len(group) for group in scaled] == [4, 3]


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 9.0], [2.0] * 9])
def test_too_few_or_equal_values_are_no_groups(values):
    assert two_groups(values) is None


@pytest.mark.parametrize("n", [5, 10, 30])
def test_normal_values_are_called_two_groups_as_rarely_as_stated(n):
    random = np.random.default_rng(2)
    told = sum(two_groups(random.standard_normal(n).tolist()) is not None for _ in range(1500))
    # 15 are expected; more than 29 has a probability of 0.0004
    assert 3 <= told <= 29


def test_two_clear_groups_are_found():
    random = np.random.default_rng(3)
    for _ in range(20):
        values = [*random.normal(0, 1, 6), *random.normal(12, 1, 6)]
        assert two_groups(values) is not None


def test_shapes():
    random = np.random.default_rng(4)
    assert is_normal(random.standard_normal(50).tolist(), Scale("lower"))
    assert not is_normal(random.exponential(1.0, 50).tolist(), Scale("lower"))
    assert is_normal([1.0, 1.0, 1.0, 9.0], Scale("lower"))
    assert is_normal([2.0] * 10, Scale("lower"))
