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


@pytest.mark.parametrize("number", [14, 50, 120])
def test_many_pairs_without_ties_agree_with_scipy(number):
    values = np.random.default_rng(1).normal(0.001, 0.01, number)
    theirs = stats.wilcoxon(values, alternative="greater", method="exact")
    assert signed_rank_p(values.tolist()) == pytest.approx(float(theirs.pvalue))


@pytest.mark.parametrize(("number", "decimals"), [(14, 2), (14, 3), (15, 2)])
def test_ties_agree_with_every_permutation(number, decimals):
    values = np.round(np.random.default_rng(number).normal(0.004, 0.01, number), decimals)
    assert signed_rank_p(values.tolist()) == pytest.approx(exact_p(values))


@pytest.mark.parametrize("number", [40, 300])
def test_many_ties_agree_with_drawn_permutations(number):
    random = np.random.default_rng(number)
    values = np.round(random.normal(0.001, 0.01, number), 2)
    moved = values[values != 0]
    ranks = stats.rankdata(np.abs(moved))
    drawn = (random.random((40_000, moved.size)) < 0.5) @ ranks
    share = float(np.mean(drawn >= ranks[moved > 0].sum() - 1e-9))
    assert signed_rank_p(values.tolist()) == pytest.approx(share, abs=0.012)


def test_beyond_some_hundreds_of_pairs_it_goes_on_smoothly():
    random = np.random.default_rng(2)
    values = np.round(random.normal(0.0006, 0.01, 501), 3)
    values = values[values != 0]
    exact = signed_rank_p(values[:500].tolist())
    theirs = stats.wilcoxon(values[:500], alternative="greater", correction=True, method="approx")
    assert exact != theirs.pvalue
    assert exact == pytest.approx(float(theirs.pvalue), rel=0.02)
    many = np.concatenate([values, values])
    theirs = stats.wilcoxon(many, alternative="greater", correction=True, method="approx")
    assert signed_rank_p(many.tolist()) == pytest.approx(float(theirs.pvalue))


def test_a_p_of_almost_nothing_is_not_zero():
    assert signed_rank_p([0.01] * 400) == 2.0**-400
    assert signed_rank_p([-0.01] * 400) == 1.0


def test_differences_that_floats_tell_apart_are_ties():
    worse = [0.3 - 0.2, 0.2 - 0.1, 0.7 - 0.6, -(0.9 - 0.8)]
    assert len(set(map(abs, worse))) > 1
    assert signed_rank_p(worse) == signed_rank_p([0.1, 0.1, 0.1, -0.1]) == 0.3125


def test_unchanged_pairs_prove_nothing():
    assert signed_rank_p([0.0] * 100) == 1.0
    assert signed_rank_p([5e-7, -5e-7] * 50) == 1.0
    assert signed_rank_p([0.0] * 97 + [0.1, 0.2, 0.3]) == 0.125


@pytest.mark.slow
@pytest.mark.parametrize("decimals", [None, 2, 9])
@pytest.mark.parametrize(("number", "alpha"), [(18, 0.01), (50, 0.05)])
def test_false_alarms_are_at_most_as_frequent_as_alpha_says(number, alpha, decimals):
    """With one size of change the normal distribution gives 1.54 % for 1 %, 5.95 % for 5 %."""
    random = np.random.default_rng(3)
    samples = random.normal(0, 0.01, (3000, number))
    samples = np.sign(samples) / 100 if decimals is None else np.round(samples, decimals)
    alarms = np.mean([signed_rank_p(sample.tolist()) < alpha for sample in samples])
    assert 0.3 * alpha <= alarms <= alpha + 2.5 * np.sqrt(alpha / 3000)


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
