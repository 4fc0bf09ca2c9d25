"""How often does the paired test reject an equal model? Simulated, with ties and without.

For each number of pairs, kind of ties and alpha, runs of an equal model are drawn (each change is
as likely worse as better) and the share that the test rejects is printed. A share above alpha by
more than three standard errors of the simulation ends the command with exit status 1. Beside it, in
brackets, stands the normal distribution with the corrections for ties and continuity; it informs.

    python benchmarks/paired.py              # some minutes
    python benchmarks/paired.py --sets 2000
"""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from scipy import stats

from pytest_editmetrics.suites.paired import signed_rank_p

ALPHAS = (0.05, 0.01, 0.001)
SIZES = (6, 10, 14, 18, 30, 50, 100, 300)
TIES: dict[str, int | None] = {"none": 9, "some": 3, "heavy": 2, "all": None}
"""Decimals to which changes, standard deviation 0.01, are rounded; or all are of one size."""


def drawn(random: np.random.Generator, pairs: int, decimals: int | None) -> tuple[float, ...]:
    """Return the changes of an equal model, in order."""
    changes = random.normal(0, 0.01, pairs)
    sized = np.sign(changes) / 100 if decimals is None else np.round(changes, decimals)
    return tuple(np.sort(sized).tolist())


exact_p = lru_cache(maxsize=1000)(signed_rank_p)


@lru_cache(maxsize=1000)
def normal_p(changes: tuple[float, ...]) -> float:
    """Return the p-value of the normal distribution, corrected for ties and continuity."""
    moved = [change for change in changes if change]
    if not moved:
        return 1.0
    found = stats.wilcoxon(moved, alternative="greater", correction=True, method="approx")
    return float(found.pvalue)


def rows(sets: int, kinds: list[str]) -> Iterator[tuple[str, bool]]:
    """Yield the lines of the table, and whether each keeps its promise."""
    for ties in kinds:
        decimals = TIES[ties]
        for pairs in SIZES:
            random = np.random.default_rng(pairs)
            samples = [drawn(random, pairs, decimals) for _ in range(sets)]
            exact = np.array([exact_p(sample) for sample in samples])
            normal = np.array([normal_p(sample) for sample in samples])
            shares = [float((exact < alpha).mean()) for alpha in ALPHAS]
            held = all(
                share <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / sets)
                for share, alpha in zip(shares, ALPHAS, strict=True)
            )
            cells = [
                f"{100 * share:.2f} ({100 * float((normal < alpha).mean()):.2f})"
                for share, alpha in zip(shares, ALPHAS, strict=True)
            ]
            yield f"| {ties} | {pairs} | {' | '.join(cells)} |", held


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", type=int, default=10_000, help="runs drawn for each row")
    parser.add_argument("--ties", nargs="+", choices=list(TIES), default=list(TIES))
    args = parser.parse_args()
    warnings.filterwarnings("ignore", module="scipy")
    heads = " | ".join(f"alpha {100 * alpha:g} %" for alpha in ALPHAS)
    print(f"| ties | pairs | {heads} |")
    print("| --- | --- | --- | --- | --- |")
    broken = 0
    for line, held in rows(args.sets, args.ties):
        print(line, flush=True)
        broken += not held
    if broken:
        print(f"{broken} rows reject more often than alpha says", file=sys.stderr)
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
