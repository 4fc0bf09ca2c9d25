"""Whether a bound that one run recorded holds for the next, of a model whose noise is another.

    python benchmarks/rerun_noise.py [--runs 20] [--quick]

The four photos of ``fixtures/`` and a drawn picture with grain are recoloured in a box, get noise
of sigma 0.5 or 1 that differs from run to run, and are saved as JPEG 92 or as they are. Each run is
recorded in turn, with the metric's default margin, and all others are held to it. Prints for each
metric how many lie beyond, and how far the values of a picture lie apart; exit status 1 if more
than one in 200 lies beyond. ``--quick`` measures the metrics of pixels only.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from made_faults import as_jpeg, eight_bit
from made_images import Array, Box, photos
from numpy.typing import NDArray

from pytest_editmetrics.goldens.recording import recorded_bound
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.pipes.drift import DriftPipe
from pytest_editmetrics.pipes.lpips import LPIPSPipe
from pytest_editmetrics.pipes.pixels import PixelPipe
from pytest_editmetrics.pipes.registry import PipeRegistry

SIDE = 384
WAYS = ((0.5, 92), (1.0, 92), (0.5, None), (1.0, None))
COLOURS = {"blue": (0.4, 0.6, 1.6), "green": (0.5, 1.5, 0.5)}
PIXELS = ("beyond_detail", "beyond_detail_max", "tone", "unedit_max_diff")
MOTION = ("drift_px", "zoom", "warp_px", "moved_share", "altered")
ALLOWED = 1 / 200


def grained(side: int = 160, grain: float = 4.5) -> Array:
    """Return a slope with grain, in which what differs is as much as the detail that there is."""
    rows, columns = np.mgrid[:side, :side]
    slope = np.stack([60 + rows / 3, 80 + columns / 3, 100 + (rows + columns) / 5], axis=2)
    drawn = slope + np.random.default_rng(9).normal(0, grain, (side, side, 1))
    return eight_bit(drawn)


def recoloured(reference: Array, box: Box, colour: str) -> NDArray[np.float64]:
    """Return the picture with another colour in the box."""
    x1, y1, x2, y2 = box
    edited = reference.astype(np.float64)
    grey = edited[y1:y2, x1:x2] @ (0.299, 0.587, 0.114)
    edited[y1:y2, x1:x2] = grey[..., None] * COLOURS[colour]
    return edited


def rerun(edited: NDArray[np.float64], seed: int, sigma: float, quality: int | None) -> Array:
    """Return what one run makes: noise of its own, and a file of it."""
    noise = np.random.default_rng(seed).normal(0, sigma, edited.shape)
    pixels = eight_bit(edited + noise)
    return pixels if quality is None else as_jpeg(pixels, quality)


def measured(runs: int, pipes: dict[Any, tuple[str, ...]]) -> Iterator[dict[str, list[float]]]:
    """Give the values of the runs of each picture, edit and way, by metric."""
    for reference in (*photos(SIDE).values(), grained()):
        height, width = reference.shape[:2]
        box = (width * 3 // 8 + 1, height * 3 // 8, width * 5 // 8, height * 5 // 8 + 3)
        for colour in COLOURS:
            edited = recoloured(reference, box, colour)
            for sigma, quality in WAYS:
                made = [rerun(edited, seed, sigma, quality) for seed in range(runs)]
                yield {
                    metric: [pipe(reference, one, [box], "outer", metric) for one in made]
                    for pipe, metrics in pipes.items()
                    for metric in metrics
                }


def main() -> int:
    """Print the table; return 1 if a metric fails too often."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20, help="runs of each picture (20)")
    parser.add_argument("--quick", action="store_true", help="metrics of pixels only")
    args = parser.parse_args()
    pipes: dict[Any, tuple[str, ...]] = {PixelPipe(): PIXELS}
    if not args.quick:
        pipes |= {DriftPipe(): MOTION, LPIPSPipe(): ("lpips",)}
    found = list(measured(args.runs, pipes))
    registry, failed = PipeRegistry(), False
    print("| metric | margin | beyond a recorded bound | values apart, at most | from 0 |")
    print("| --- | --- | --- | --- | --- |")
    for name in found[0]:
        metric = registry.metric(name)
        beyond = pairs = jumps = 0
        apart = 0.0
        for group in found:
            values = group[name]
            apart = max(apart, max(values) - min(values))
            jumps += min(values) == 0 < max(values)
            pairs += len(values) * (len(values) - 1)
            for value in values:
                bound = recorded_bound(value, metric, metric.margin)
                held = Threshold(metric.bound_kind, bound, "golden", "")
                beyond += sum(not held.holds(other) for other in values)
        failed = failed or beyond > ALLOWED * pairs
        margin = f"{metric.margin.relative * 100:g} % or {metric.margin.absolute:g}"
        print(f"| {name} | {margin} | {beyond} of {pairs} | {apart:.3g} | {jumps} |", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
