"""The statistics of a suite: averages, a paired test, and how sure an average is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_editmetrics.suites.compare import NOISE

CONFIDENCE = 0.95
_RESAMPLES = 2_000
_SEED = 0
_AT_ONCE = 1 << 22
_DECIMALS = 9
_EXACT = 13
"""Up to as many pairs, ties get the exact distribution of 2 ** 13 signs."""
_EXACT_UNTIED = 50


def statistic(name: str, values: Sequence[float]) -> float:
    """Return ``mean``, ``median`` or a percentile (``p95``) of values.

    A percentile between two values is interpolated linearly, as numpy does by default.

    >>> statistic("p95", [0.0, 1.0, 2.0, 3.0, 4.0])
    3.8
    """
    import numpy as np

    if name == "mean":
        return float(np.mean(values))
    return float(np.percentile(values, 50 if name == "median" else int(name[1:])))


def pairs_needed(alpha: float) -> int:
    """Return how many pairs the one-sided test needs to reach ``p < alpha`` at all.

    If all of n pairs are worse, p is ``2 ** -n``.

    >>> pairs_needed(0.05), pairs_needed(0.01)
    (5, 7)
    """
    needed = 1
    while 0.5**needed >= alpha:
        needed += 1
    return needed


def signed_rank_p(worse_by: Sequence[float], by: float = 0.0) -> float:
    """Return the p-value of Wilcoxon's signed-rank test that pairs are worse by more than ``by``.

    One-sided (F. Wilcoxon, Biometrics Bulletin 1, 1945). Pairs that moved by just ``by`` (to 1e-6)
    are left out, as Wilcoxon does; with none left p is 1. The distribution is exact for up to 50
    pairs without ties and up to 13 with ties, beyond it is normal, corrected for ties and
    continuity.

    Args:
        worse_by: the change of each pair, positive is worse.
        by: what is allowed, of at least 0.

    >>> signed_rank_p([0.01, 0.02, 0.03, 0.04, 0.05]), signed_rank_p([0.0, 0.0])
    (0.03125, 1.0)
    """
    import numpy as np
    from scipy import stats

    shifted = np.round(np.asarray(worse_by, dtype=np.float64) - by, _DECIMALS)
    moved = shifted[np.abs(shifted) > NOISE]
    if moved.size == 0:
        return 1.0
    tied = np.unique(np.abs(moved)).size < moved.size
    if not tied or moved.size > _EXACT:
        # named, since releases of scipy choose differently
        method = "exact" if not tied and moved.size <= _EXACT_UNTIED else "approx"
        found = stats.wilcoxon(moved, alternative="greater", correction=True, method=method)
        return float(found.pvalue)

    def positive_ranks(changes: Any, axis: int) -> Any:
        ranks = stats.rankdata(np.abs(changes), axis=axis)
        return np.where(changes > 0, ranks, 0.0).sum(axis=axis)

    exact = stats.permutation_test(
        (moved,), positive_ranks, permutation_type="samples", vectorized=True, alternative="greater"
    )
    return float(exact.pvalue)


def bootstrap_interval(values: Sequence[float], average: Any) -> tuple[float, float] | None:
    """Return the 95 % percentile bootstrap interval of an average; ``None`` for a single value.

    Equal values give equal intervals: the resamples are drawn from a fixed seed. (B. Efron, Annals
    of Statistics 7, 1979.)

    Args:
        values: float.
        average: as ``numpy.mean``, which takes ``axis``.
    """
    if len(values) < 2:
        return None
    import numpy as np
    from scipy import stats

    found = stats.bootstrap(
        (np.asarray(values, dtype=np.float64),),
        average,
        n_resamples=_RESAMPLES,
        batch=max(1, _AT_ONCE // len(values)),
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        random_state=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(found.low), float(found.high)
