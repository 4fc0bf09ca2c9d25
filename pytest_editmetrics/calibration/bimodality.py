"""Do values fall in two groups? A test for small samples of one number each.

The test of Engelman and Hartigan, *Percentage points of a test for clusters*, Journal of the
American Statistical Association 64 (1969): of all ways to cut the ordered values in two, the
largest share of the variation that lies between the parts, against what normal values give.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pytest_editmetrics.report.numbers import significant

LEVEL = 0.01
"""The share of normal samples that are told to be two groups."""

_DRAWS = 1999
_SEED = 20_250_211


def two_groups(
    values: Sequence[float], level: float = LEVEL
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return the lower and the upper group of values that one normal distribution hardly gives.

    Args:
        values: finite numbers; fewer than 3, or equal ones, are never two groups.
        level: how often normal values may be called two groups. The null distribution is drawn
            1,999 times with a fixed seed, so the same values give the same answer (a Monte Carlo
            test, whose level is exact over seeds).

    >>> two_groups([1.0, 1.1, 0.9, 1.05, 5.0, 5.1, 4.9])
    ((0.9, 1.0, 1.05, 1.1), (4.9, 5.0, 5.1))
    >>> two_groups([1.0, 1.1, 0.9, 1.05, 1.3, 1.2, 0.95]) is None
    True
    """
    ordered = sorted(values)
    if len(ordered) < 3 or ordered[0] == ordered[-1]:
        return None
    import numpy as np

    share, cut = _best_cut(np.asarray(ordered, dtype=np.float64))
    drawn = _drawn(len(ordered))
    above = len(drawn) - bisect_left(drawn, share)
    if (1 + above) / (1 + len(drawn)) > level:
        return None
    return tuple(ordered[:cut]), tuple(ordered[cut:])


def _best_cut(ordered: Any) -> tuple[float, int]:
    """Return the largest share of the variation between two parts, and where the cut lies."""
    import numpy as np

    n = len(ordered)
    centred = ordered - ordered.mean()
    sizes = np.arange(1, n)
    between = np.cumsum(centred)[:-1] ** 2 * n / (sizes * (n - sizes))
    best = int(np.argmax(between))
    return float(between[best] / np.sum(centred**2)), best + 1


@lru_cache(maxsize=64)
def _drawn(n: int) -> tuple[float, ...]:
    import numpy as np

    random = np.random.default_rng(_SEED + n)
    return tuple(sorted(_best_cut(np.sort(random.standard_normal(n)))[0] for _ in range(_DRAWS)))


def two_groups_text(values: Mapping[str, float], forward: Callable[[float], float]) -> str | None:
    """Return which runs' values, on the scale of ``forward``, lie in which group; else ``None``."""
    scaled = {name: forward(value) for name, value in values.items()}
    groups = two_groups(list(scaled.values()))
    if groups is None:
        return None
    lower = [name for name, value in scaled.items() if value <= groups[0][-1]]
    upper = [name for name in scaled if name not in lower]
    return "the values fall in two groups: " + " and ".join(
        f"{len(names)} from {significant(min(values[name] for name in names), 4)} to"
        f" {significant(max(values[name] for name in names), 4)} ({_listed(names)})"
        for names in (lower, upper)
    )


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
