"""The statistics of a suite: averages, a paired test, and how sure an average is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.suites.pairs import NOISE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
_RESAMPLES = 2_000
_SEED = 0
_AT_ONCE = 1 << 22
_DECIMALS = 9
_EXACT = 500
"""Up to as many pairs the distribution of the signed ranks is computed, ties or not."""


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

    One-sided (F. Wilcoxon, Biometrics Bulletin 1, 1945). Pairs that moved by ``by`` (to 1e-6)
    are left out, as Wilcoxon does; with none left p is 1. Up to 500 pairs p is the exact share of
    all assignments of signs whose sum of ranks is as large, given the ties that there are; beyond
    it is normal, corrected for ties and continuity.

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
    if moved.size > _EXACT:
        # named, since releases of scipy choose differently
        found = stats.wilcoxon(moved, alternative="greater", correction=True, method="approx")
        return float(found.pvalue)
    doubled = np.rint(2 * stats.rankdata(np.abs(moved))).astype(np.int64)
    return _share_as_large(doubled, int(doubled[moved > 0].sum()))


def _share_as_large(ranks: NDArray[np.int64], seen: int) -> float:
    """Return the share of all subsets of whole-number ranks whose sum is at least ``seen``.

    Each rank in turn is in a subset or not, each with probability one half.
    """
    import numpy as np

    share = np.zeros(int(ranks.sum()) + 1)
    share[0] = 1.0
    reached = 0
    for rank in np.sort(ranks):
        halved = share[: reached + 1] / 2
        share[: reached + 1] = halved
        share[rank : rank + reached + 1] += halved
        reached += int(rank)
    return min(1.0, float(share[seen:].sum()))


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
