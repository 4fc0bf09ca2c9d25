"""The statistics of a suite against what is known of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_editmetrics.suites.paired import (
    bootstrap_interval,
    pairs_needed,
    signed_rank_p,
    statistic,
)

changes = st.lists(st.integers(-40, 40).map(lambda n: n / 1000), min_size=1, max_size=9)


def exact_p(values):
    """Every assignment of signs, counted: the definition."""
    moved = np.round([v for v in values if v], 9)
    if not moved.size:
        return 1.0
    ranks = stats.rankdata(np.abs(moved))
    seen = ranks[moved > 0].sum()
    sums = [
        ranks[list(signs)].sum() for signs in itertools.product([False, True], repeat=len(moved))
    ]
    return float(np.mean(np.array(sums) >= seen - 1e-9))


@given(changes)
def test_few_pairs_get_the_exact_distribution_ties_or_not(values):
    assert signed_rank_p(values) == pytest.approx(exact_p(values))


@given(changes, st.sampled_from([0.001, 0.01]))
def test_what_is_allowed_shifts_the_test(values, by):
    assert signed_rank_p(values, by) == pytest.approx(exact_p([round(v - by, 9) for v in values]))


@pytest.mark.parametrize("alpha", [0.5, 0.05, 0.01, 1e-6])
def test_the_number_of_pairs_that_can_reject_at_all(alpha):
    needed = pairs_needed(alpha)
    worse = [0.01 * (n + 1) for n in range(needed)]
    assert signed_rank_p(worse) < alpha
    assert needed == 1 or signed_rank_p(worse[1:]) >= alpha


@pytest.mark.parametrize("number", [14, 30, 60])
@pytest.mark.parametrize("tied", [False, True])
def test_many_pairs_agree_with_scipy(tied, number):
    values = np.random.default_rng(1).normal(0.001, 0.01, number)
    values = np.round(values, 3 if tied else 9)
    values = values[values != 0]
    method = "approx" if tied or number > 50 else "exact"
    theirs = stats.wilcoxon(values, alternative="greater", correction=True, method=method)
    assert signed_rank_p(values.tolist()) == pytest.approx(float(theirs.pvalue))


def test_differences_that_floats_tell_apart_are_ties():
    worse = [0.3 - 0.2, 0.2 - 0.1, 0.7 - 0.6, -(0.9 - 0.8)]
    assert len(set(map(abs, worse))) > 1
    assert signed_rank_p(worse) == signed_rank_p([0.1, 0.1, 0.1, -0.1]) == 0.3125


def test_unchanged_pairs_prove_nothing():
    assert signed_rank_p([0.0] * 100) == 1.0
    assert signed_rank_p([5e-7, -5e-7] * 50) == 1.0
    assert signed_rank_p([0.0] * 97 + [0.1, 0.2, 0.3]) == 0.125


def test_false_alarms_are_as_rare_as_alpha_says():
    random = np.random.default_rng(3)
    alarms = sum(signed_rank_p(random.normal(0, 0.01, 20).tolist()) < 0.05 for _ in range(1000))
    assert 30 <= alarms <= 70


def test_the_interval_is_fixed_and_covers_the_mean_as_often_as_it_says():
    random = np.random.default_rng(5)
    samples = [random.normal(0.002, 0.01, 60).tolist() for _ in range(200)]
    assert bootstrap_interval(samples[0], np.mean) == bootstrap_interval(samples[0], np.mean)
    intervals = [bootstrap_interval(sample, np.mean) for sample in samples]
    assert 180 <= sum(low <= 0.002 <= high for low, high in intervals) <= 198


def test_intervals_of_little():
    assert bootstrap_interval([0.1], np.mean) is None
    assert bootstrap_interval([0.1, 0.1, 0.1], np.median) == pytest.approx((0.1, 0.1))


@pytest.mark.parametrize(
    ("name", "value"), [("mean", 3.0), ("median", 2.5), ("p95", 5.55), ("p5", 1.15)]
)
def test_averages_and_percentiles(name, value):
    assert statistic(name, [1.0, 2.0, 3.0, 6.0]) == pytest.approx(value)
