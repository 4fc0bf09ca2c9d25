"""Keep in the run directory what a gate looked at: images, mask, what explains the score."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.gates import Gate
from pytest_editmetrics.images import Array
from pytest_editmetrics.measurement import MASK_MODE
from pytest_editmetrics.pipes.explain import Evidence, Heat
from pytest_editmetrics.regions import Mask, region_mask
from pytest_editmetrics.rundir import RunDir

_DIGITS = 6


def measured_mask(gate: Gate, height: int, width: int) -> Mask:
    """Return which pixels of an image a gate measured, boolean (height, width).

    Raises:
        RegionError: the gate's boxes make no sense, which is what its error says.
    """
    if gate.scope is None or gate.compares == "objects":
        return np.ones((height, width), dtype=bool)
    mode = MASK_MODE[gate.scope]  # type: ignore[index]
    return region_mask(gate.region.get("coords"), mode, height, width)


def keep_pair(
    run_dir: RunDir, gate: Gate, reference: Array, edited: Array, evidence: Evidence | None
) -> Gate:
    """Save what a gate compared and return the gate with its ``images``.

    What cannot be saved or explained is told in ``details["not_kept"]``; the verdict stays.

    Args:
        run_dir: where to.
        gate: as it was judged.
        reference: RGB, uint8, (H, W, 3).
        edited: RGB, uint8, as the model made it: of its own size, if it was resized to be measured.
        evidence: what the pipe left behind.
    """
    images: dict[str, Any] = {}
    problems: list[str] = []
    evidence = evidence or Evidence()

    @contextmanager
    def part(what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # whatever it is, the verdict stands
            problems.append(f"{what}: {error or type(error).__name__}")

    with part("images"):
        images["reference"] = run_dir.save_image(reference)
        images["edited"] = run_dir.save_image(edited)
    if gate.compares == "region" and "edited" in images:
        with part("mask"):
            mask = _mask(gate, *reference.shape[:2])
            if mask is not None:
                images["mask"] = run_dir.save_image(mask)
    heat: dict[str, Any] = {}
    if evidence.heat is not None:
        with part("heat map"):
            heat.update(save_heat(run_dir, evidence.heat()))
    if evidence.patches is not None:
        with part("patch costs"):
            heat["patches"] = patch_costs(evidence.patches())
    if heat:
        images["heat"] = heat
    with part("crops"):
        pairs = [pair for pair in evidence.crops if pair[0] is not None and pair[1] is not None]
        saved = [[run_dir.save_image(crop) for crop in pair if crop is not None] for pair in pairs]
        if saved:
            images["crops"] = saved
    details = {**gate.details, "not_kept": "; ".join(problems)} if problems else gate.details
    return replace(gate, images=images, details=details)


def save_heat(run_dir: RunDir, heat: Heat) -> dict[str, Any]:
    """Save LPIPS' spatial map, float64 (H, W), as 8-bit grey and return ``lpips`` and ``max``.

    Raises:
        EditMetricsError: it holds NaN or infinity.
    """
    if not np.isfinite(heat).all():
        raise EditMetricsError("it holds NaN or infinity")
    largest = float(heat.max())
    levels = heat * (255 / largest) if largest > 0 else heat
    return {"lpips": run_dir.save_image(np.rint(levels).astype(np.uint8)), "max": largest}


def patch_costs(costs: Heat) -> dict[str, Any]:
    """Return transport costs, float64 (rows, columns), as JSON-ready values: null where NaN.

    >>> patch_costs(np.array([[0.5, np.nan]]))
    {'rows': 1, 'columns': 2, 'cost': [[0.5, None]]}
    """
    if np.isinf(costs).any() or np.isnan(costs).all():
        raise EditMetricsError("they hold NaN or infinity")
    cost = [[None if np.isnan(v) else round(float(v), _DIGITS) for v in row] for row in costs]
    return {"rows": costs.shape[0], "columns": costs.shape[1], "cost": cost}


def _mask(gate: Gate, height: int, width: int) -> Array | None:
    try:
        mask = measured_mask(gate, height, width)
    except EditMetricsError:
        return None
    grey: Array = np.where(mask, 255, 0).astype(np.uint8)
    return grey
