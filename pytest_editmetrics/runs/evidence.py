"""Keep in the run directory what a gate looked at: images, mask, what explains the score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.images.colour import Decoded
from pytest_editmetrics.images.levels import laid_on
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask
from pytest_editmetrics.pipes.explain import Evidence, Heat
from pytest_editmetrics.runs.writing import RunDir

_DIGITS = 6
_PAIR = ("reference", "edited")


def keep_pair(
    run_dir: RunDir,
    gate: Gate,
    images: tuple[Array, Array],
    originals: tuple[Array, Array] | None,
    numbers: tuple[Array, Array] | None,
    mask: Callable[[], Mask],
    evidence: Evidence | None,
) -> Gate:
    """Save what a gate compared and return the gate with its ``images``.

    What cannot be saved or explained is told in ``details["not_kept"]``; the verdict stays.

    Args:
        run_dir: where to.
        gate: as it was judged.
        images: reference and edited image as they were compared, RGB, uint8, (H, W, 3).
        originals: the same before they were brought to one size, if they were.
        numbers: the same by their bare numbers, if a profile makes them others.
        mask: gives the measured pixels, boolean (H, W); may raise what the gate says.
        evidence: what the pipe left behind.
    """
    kept = _Kept(run_dir)
    for key, image in zip(_PAIR, originals or images, strict=True):
        kept.save(key, image)
    if originals is not None:
        kept.both("compared", images)
    if numbers is not None:
        kept.both("numbers", numbers)
    if gate.compares == "region":
        kept.mask(mask)
    if evidence is not None:
        kept.heat(evidence.heat, evidence.patches)
        kept.crops(evidence.crops)
    return kept.told(gate)


def keep_golden(
    run_dir: RunDir,
    gate: Gate,
    image: Decoded,
    golden: Array | None,
    mask: Mask,
    heat: Heat | None,
    *,
    black: bool = False,
) -> Gate:
    """Save what a golden image's gate compared and return the gate with its ``images``.

    Args:
        run_dir: where to.
        gate: as it was judged.
        image: the test's image; it is kept with the profile that it needs.
        golden: the golden image, ``None`` if there is none.
        mask: boolean (H, W), true where compared.
        heat: LPIPS' spatial map, float64 (H, W), if that is what was compared.
        black: whether both are kept as they are seen on black, too.
    """
    kept = _Kept(run_dir)
    kept.save("edited", image.bare, image.icc)
    if golden is not None:
        kept.save("golden", golden)
        if black:
            laid = laid_on(golden, 0), laid_on(image.pixels, 0)
            kept.both("compared", laid, ("golden", "edited"))
    kept.mask(lambda: mask)
    kept.heat(None if heat is None else lambda: heat, None)
    return kept.told(gate)


class _Kept:
    """What was kept of one gate, and what could not be."""

    def __init__(self, run_dir: RunDir):
        self._run_dir = run_dir
        self._images: dict[str, Any] = {}
        self._problems: list[str] = []

    @contextmanager
    def _part(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # whatever it is, the verdict stands
            self._problems.append(f"{what}: {error or type(error).__name__}")

    def save(self, key: str, image: Array, icc: bytes | None = None) -> None:
        with self._part(key):
            self._images[key] = self._run_dir.save_image(image, icc)

    def both(self, key: str, images: Sequence[Array], names: tuple[str, str] = _PAIR) -> None:
        with self._part(key):
            saved = [self._run_dir.save_image(image) for image in images]
            self._images[key] = dict(zip(names, saved, strict=True))

    def mask(self, make: Callable[[], Mask]) -> None:
        with self._part("mask"):
            grey = np.where(make(), 255, 0).astype(np.uint8)
            self._images["mask"] = self._run_dir.save_image(grey)

    def heat(self, spatial: Callable[[], Heat] | None, patches: Callable[[], Heat] | None) -> None:
        heat: dict[str, Any] = {}
        if spatial is not None:
            with self._part("heat map"):
                heat.update(save_heat(self._run_dir, spatial()))
        if patches is not None:
            with self._part("patch costs"):
                heat["patches"] = patch_costs(patches())
        if heat:
            self._images["heat"] = heat

    def crops(self, pairs: Sequence[tuple[Array | None, Array | None]]) -> None:
        with self._part("crops"):
            saved = [
                [self._run_dir.save_image(before), self._run_dir.save_image(after)]
                for before, after in pairs
                if before is not None and after is not None
            ]
            if saved:
                self._images["crops"] = saved

    def told(self, gate: Gate) -> Gate:
        details = gate.details
        if self._problems:
            details = {**details, "not_kept": "; ".join(self._problems)}
        return replace(gate, images=self._images, details=details)


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
