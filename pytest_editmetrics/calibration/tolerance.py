"""One-sided tolerance bounds: beyond which value at most a stated share of all runs will lie.

A bound of coverage ``p`` and confidence ``c`` is computed from a sample so that in a share ``c`` of
all samples at least a share ``p`` of the whole distribution lies inside it.

Sources: Krishnamoorthy and Mathew, *Statistical Tolerance Regions* (2009), section 2.2, for the
normal bound; Hahn and Meeker, *Statistical Intervals* (1991), section 5.4, for the one from order
statistics; both also in ISO 16269-6 and, the first, the NIST/SEMATECH e-Handbook, 7.2.6.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, stdev
from typing import Literal

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.measurement import Better

Method = Literal["normal", "order-statistic", "constant"]

_TOO_FEW = 2.0
"""A normal bound this many times as far out as that of unlimited runs comes from too few."""

_LEAST_FOR_SHAPE = 8


@dataclass(frozen=True)
class Scale:
    """How values are counted before a normal distribution is assumed.

    With a ``limit``, the best value there is, it is ``log(distance to the limit + start)``;
    ``start`` is a distance that means nothing yet, so that values near the limit count linearly.
    Without a limit values count as they are.
    """

    better: Better
    limit: float | None = None
    start: float = 0.0

    def forward(self, value: float) -> float:
        """Return the value on the scale, on which higher is worse."""
        sign = 1.0 if self.better == "lower" else -1.0
        if self.limit is None:
            return sign * value
        return math.log(sign * (value - self.limit) + self.start)

    def back(self, scaled: float) -> float:
        """Return the value that ``forward`` takes to ``scaled``."""
        sign = 1.0 if self.better == "lower" else -1.0
        if self.limit is None:
            return sign * scaled
        distance = math.inf if scaled > 700 else math.exp(scaled) - self.start
        return self.limit + sign * distance


@dataclass(frozen=True)
class ToleranceBound:
    """A bound in the metric's units, and how it was found.

    ``factor`` is how many standard deviations it lies from the mean, on ``scale`` (``normal``);
    ``rank`` which of the worst values it is, from 1 (``order-statistic``).
    """

    value: float
    method: Method
    scale: Scale
    factor: float | None = None
    rank: int | None = None


def scale_of(
    values: Sequence[float], better: Better, limits: tuple[float, float], start: float
) -> Scale:
    """Return the scale for values of a metric whose range is ``limits``.

    It is logarithmic if the metric has a best value, and ``start`` is above 0 or no value is the
    best one.

    >>> scale_of([0.1, 0.2], "lower", (0.0, math.inf), 0.005)
    Scale(better='lower', limit=0.0, start=0.005)
    >>> scale_of([0.1, 0.0], "lower", (0.0, math.inf), 0.0)
    Scale(better='lower', limit=None, start=0.0)
    """
    limit = limits[0] if better == "lower" else limits[1]
    nearest = min(values) - limit if better == "lower" else limit - max(values)
    if not math.isfinite(limit) or nearest + start <= 0:
        return Scale(better)
    return Scale(better, limit, start)


def tolerance_bound(
    values: Sequence[float], scale: Scale, *, coverage: float = 0.99, confidence: float = 0.95
) -> ToleranceBound:
    """Return the bound inside which at least ``coverage`` of all values lie, with ``confidence``.

    With ``assumption_free_runs`` values or more it is one of the values and needs no assumption of
    their distribution. With fewer it is ``mean + k s`` on the scale, with
    ``k = t'(confidence; n - 1, z sqrt(n)) / sqrt(n)``, where ``t'`` is the quantile of the
    noncentral t distribution and ``z`` the normal quantile of the coverage: exact for values that
    are normal on the scale. Values that do not differ give themselves, ``constant``.

    Args:
        values: at least two finite numbers, independent of each other.
        scale: see ``scale_of``.
        coverage: share of the distribution, 0.8 <= coverage < 1.
        confidence: 0.5 <= confidence < 1.

    Raises:
        InputError: fewer than two values, or a share out of its range.

    >>> bound = tolerance_bound([1.0, 2.0, 3.0, 4.0, 5.0], Scale("lower"))
    >>> round(bound.factor, 3), round(bound.value, 3)
    (5.741, 12.077)
    >>> bound = tolerance_bound(range(400), Scale("lower"))
    >>> bound.method, bound.rank, bound.value
    ('order-statistic', 1, 399.0)
    """
    check_shares(coverage, confidence)
    if len(values) < 2:
        raise InputError(f"a tolerance bound needs at least 2 values, not {len(values)}")
    if min(values) == max(values):
        return ToleranceBound(float(values[0]), "constant", scale)
    if rank := worst_rank(len(values), coverage, confidence):
        by_rank = sorted(values, reverse=scale.better == "lower")
        return ToleranceBound(float(by_rank[rank - 1]), "order-statistic", scale, rank=rank)
    factor = normal_factor(len(values), coverage, confidence)
    scaled = [scale.forward(value) for value in values]
    reached = fmean(scaled) + factor * stdev(scaled)
    return ToleranceBound(scale.back(reached), "normal", scale, factor=factor)


def check_shares(coverage: float, confidence: float) -> None:
    """Raise ``InputError`` for a coverage or confidence that no bound is computed for."""
    for name, share, least in (("coverage", coverage, 0.8), ("confidence", confidence, 0.5)):
        if not least <= share < 1:
            raise InputError(f"{name} is {share:g}; give a share of at least {least:g}, below 1")


@lru_cache(maxsize=256)
def normal_factor(n: int, coverage: float, confidence: float) -> float:
    """Return ``k`` of the one-sided normal tolerance bound ``mean + k s`` of ``n`` values.

    >>> round(normal_factor(10, 0.99, 0.95), 3)  # Krishnamoorthy and Mathew, table B1
    3.981
    """
    from scipy.stats import nct, norm

    root = math.sqrt(n)
    return float(nct.ppf(confidence, n - 1, root * norm.ppf(coverage)) / root)


@lru_cache(maxsize=256)
def worst_rank(n: int, coverage: float, confidence: float) -> int:
    """Return which of the ``n`` worst values is a tolerance bound, 1 for the worst; 0 for none.

    The ``r``-th worst is one if ``r`` or more of ``n`` values lie among the worst ``1 - coverage``
    of the distribution with a probability of at least ``confidence``; how many do is
    ``Binomial(n, 1 - coverage)``.

    >>> [worst_rank(n, 0.99, 0.95) for n in (298, 299, 472, 473)]
    [0, 1, 1, 2]
    """
    from scipy.stats import binom

    if n < assumption_free_runs(coverage, confidence):
        return 0
    rank = 1
    while binom.sf(rank, n, 1 - coverage) >= confidence:
        rank += 1
    return rank


def assumption_free_runs(coverage: float, confidence: float) -> int:
    """Return from how many values on a bound needs no assumption of their distribution.

    >>> assumption_free_runs(0.99, 0.95), assumption_free_runs(0.9, 0.9)
    (299, 22)
    """
    return math.ceil(math.log(1 - confidence) / math.log(coverage) - 1e-9)


def enough_runs(coverage: float, confidence: float) -> int:
    """Return how many values bring a normal bound to at most twice the distance of unlimited ones.

    >>> enough_runs(0.99, 0.95), enough_runs(0.95, 0.95)
    (7, 8)
    """
    from scipy.stats import norm

    least, most = 2, assumption_free_runs(coverage, confidence)
    limit = _TOO_FEW * float(norm.ppf(coverage))
    while least < most and normal_factor(least, coverage, confidence) > limit:
        least += 1
    return least


def is_normal(values: Sequence[float], scale: Scale, level: float = 0.01) -> bool:
    """Tell whether the test of Shapiro and Wilk lets values pass as normal on the scale.

    ``level`` is how often it refuses values that are; fewer than 8, or equal ones, always pass.
    """
    if len(values) < _LEAST_FOR_SHAPE or min(values) == max(values):
        return True
    from scipy.stats import shapiro

    return bool(shapiro([scale.forward(value) for value in values]).pvalue >= level)
