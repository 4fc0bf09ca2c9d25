"""Do proposed bounds keep what they promise? ``editmetrics calibrate`` on simulated sets of runs.

For each distribution and number of runs 2,000 sets are drawn, each gets its bound, and the share of
bounds whose true coverage, by the distribution, reaches the stated one is printed. Where the
distribution is what the bound assumes, that share must lie within 2 points of the stated
confidence, else the command ends with exit status 1. The other rows tell what becomes of it
elsewhere, and how often the test for two groups speaks.

    python benchmarks/calibration.py            # two minutes
    python benchmarks/calibration.py --sets 200
"""

from __future__ import annotations

import argparse
import math
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pytest_editmetrics.calibration.bimodality import LEVEL, two_groups
from pytest_editmetrics.calibration.tolerance import Scale, is_normal, scale_of, tolerance_bound
from pytest_editmetrics.measurement import Better

COVERAGE, CONFIDENCE = 0.99, 0.95
POINTS = 2.0
SIZES = (5, 10, 30, 300)
SETS = 2000
UNBOUNDED = (-math.inf, math.inf)
Values = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Values]


@dataclass(frozen=True)
class World:
    """A metric whose values over runs are known: how to draw them, and the share up to a bound.

    ``assumed`` tells that the distribution is the one that a bound from few runs assumes.
    """

    name: str
    assumed: bool
    draw: Draw
    inside: Callable[[float], float]
    better: Better = "lower"
    limits: tuple[float, float] = (0.0, math.inf)
    start: float = 0.005


def _started(name: str, better: Better, typical: float, start: float, spread: float) -> World:
    """Return values whose distance to the metric's best value plus ``start`` is log-normal."""
    best = 0.0 if better == "lower" else 1.0
    sign = 1 if better == "lower" else -1
    known = stats.lognorm(spread, scale=typical + start)
    return World(
        name,
        True,
        lambda random, n: best + sign * (known.rvs(n, random_state=random) - start),
        lambda bound: float(known.cdf(sign * (bound - best) + start)),
        better,
        (0.0, math.inf) if better == "lower" else (-1.0, 1.0),
        start,
    )


def _plain(name: str, assumed: bool, known: stats.rv_continuous, **more: object) -> World:
    def draw(random: np.random.Generator, n: int) -> Values:
        drawn: Values = known.rvs(n, random_state=random)
        return drawn

    return World(name, assumed, draw, lambda bound: float(known.cdf(bound)), **more)  # type: ignore[arg-type]


def _two_models(name: str, apart: float) -> World:
    """Return a metric of two states, as a kernel that is sometimes chosen: equal halves."""
    spread = 0.1
    shift = apart * spread
    halves = [stats.norm(1.0, spread), stats.norm(1.0 + shift, spread)]
    return World(
        name,
        False,
        lambda random, n: random.normal(1.0 + shift * random.integers(0, 2, n), spread),
        lambda bound: float(np.mean([half.cdf(bound) for half in halves])),
        limits=UNBOUNDED,
        start=0.0,
    )


WORLDS = (
    _started("lpips near 0.03, log-normal", "lower", 0.03, 0.005, 0.2),
    _started("lpips near 0.003, log-normal", "lower", 0.003, 0.005, 0.1),
    _started("sam_clip_cls_sim near 0.91, log-normal", "higher", 0.91 - 0.82, 0.02, 0.15),
    _plain("no best value, normal", True, stats.norm(1.0, 0.1), limits=UNBOUNDED, start=0.0),
    _plain("lpips, normal, spread 10 %", False, stats.norm(0.03, 0.003)),
    _plain("lpips, gamma, spread 50 %", False, stats.gamma(4.0, scale=0.0075)),
    _plain("lpips, exponential", False, stats.expon(scale=0.03)),
    _plain("no best value, Student t 5", False, stats.t(5), limits=UNBOUNDED, start=0.0),
    _two_models("two groups 6 spreads apart", 6.0),
    _two_models("two groups 10 spreads apart", 10.0),
)


@dataclass(frozen=True)
class Told:
    """Percent of the simulated sets that are told to be two groups, or not to be normal."""

    grouped: float
    odd: float


def _sets(world: World, n: int, sets: int, seed: int) -> Iterator[tuple[list[float], Scale]]:
    random = np.random.default_rng([seed, n, zlib.crc32(world.name.encode())])
    for _ in range(sets):
        values = world.draw(random, n).tolist()
        yield values, scale_of(values, world.better, world.limits, world.start)


def reached(world: World, n: int, sets: int = SETS, seed: int = 1) -> float:
    """Return the percent of ``sets`` sets of ``n`` runs whose bound has the stated coverage."""
    shares = {"coverage": COVERAGE, "confidence": CONFIDENCE}
    bounds = (tolerance_bound(*one, **shares).value for one in _sets(world, n, sets, seed))
    return 100 * sum(world.inside(bound) >= COVERAGE for bound in bounds) / sets


def told(world: World, n: int, sets: int = SETS, seed: int = 1) -> Told:
    """Return how often the warnings about a distribution are given."""
    grouped = odd = 0
    for values, scale in _sets(world, n, sets, seed):
        grouped += two_groups([scale.forward(value) for value in values]) is not None
        odd += not is_normal(values, scale)
    return Told(100 * grouped / sets, 100 * odd / sets)


def main() -> int:
    """Print the tables; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", type=int, default=SETS, help=f"default: {SETS}")
    sets = parser.parse_args().sets
    print(
        f"{sets} sets each; stated: coverage {100 * COVERAGE:g} %, confidence"
        f" {100 * CONFIDENCE:g} %\n"
    )
    heads = " | ".join(f"{n} runs" for n in SIZES)
    print(f"| bounds that reach the coverage, % | as assumed | {heads} |")
    print("| --- | --- " + "| --- " * len(SIZES) + "|")
    missed = []
    for world in WORLDS:
        cells = []
        for n in SIZES:
            share = reached(world, n, sets)
            wrong = world.assumed and abs(share - 100 * CONFIDENCE) > POINTS
            missed += [f"{world.name}, {n} runs: {share:.1f} %"] if wrong else []
            cells.append(f"{share:.1f}{' MISSED' if wrong else ''}")
        print(f"| {world.name} | {'yes' if world.assumed else ''} | {' | '.join(cells)} |")
    warned = {world: [told(world, n, sets) for n in SIZES] for world in WORLDS}
    for title, shares in (
        (
            "told to be two groups",
            {world: [one.grouped for one in warned[world]] for world in warned},
        ),
        ("told not to be normal", {world: [one.odd for one in warned[world]] for world in warned}),
    ):
        print(f"\n| {title} (level {100 * LEVEL:g} %), % | {heads} |")
        print("| --- " + "| --- " * len(SIZES) + "|")
        for world, row in shares.items():
            print(f"| {world.name} | {' | '.join(f'{share:.1f}' for share in row)} |")
    for line in missed:
        print(f"MISSED: {line}, more than {POINTS:g} points from {100 * CONFIDENCE:g} %")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
