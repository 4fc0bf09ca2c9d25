"""A bound that one run records holds for the next, of a model whose noise is another."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from pytest_editmetrics.goldens.recording import recorded_bound
from pytest_editmetrics.images.detail import largest_beyond_detail
from pytest_editmetrics.pipes.registry import PipeRegistry

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from rerun_noise import grained, recoloured, rerun

BOX = (60, 60, 100, 100)


def test_what_jumps_from_0_stays_inside_its_margin():
    """JPEG beside a saturated edit: what goes beyond the detail is 0, or above 1."""
    reference = grained()
    edited = recoloured(reference, BOX, "green")
    mask = np.ones(reference.shape[:2], bool)
    mask[60:100, 60:100] = False
    values = [
        largest_beyond_detail(reference, rerun(edited, seed, sigma, 92), mask)[0]
        for sigma in (0.5, 1.0)
        for seed in range(12)
    ]
    metric = PipeRegistry().metric("beyond_detail_max")
    assert min(values) == 0
    assert max(values) > recorded_bound(0.0, metric, replace(metric.margin, absolute=1.0))
    assert max(values) < recorded_bound(0.0, metric, metric.margin)
