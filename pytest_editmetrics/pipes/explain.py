"""What explains a measurement: where LPIPS differs, which patches moved the EMD, SAM's crops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.load import Array

if TYPE_CHECKING:
    from pytest_editmetrics.background.drift import Drift

Heat: TypeAlias = NDArray[np.float64]


@dataclass
class Evidence:
    """Given to a pipe's ``measure``, which puts in what it has; nothing is computed before a call.

    - ``heat()``: LPIPS' spatial map, see ``spatial_map``.
    - ``patches()``: what moving the mass to each patch of the edited image costs, float64 (rows,
      columns), NaN where a patch was not measured; the costs add up to ``emd``.
    - ``drift``: how far the background moved.
    - ``crops``: the objects that SAM isolated, (reference, edited) for each pair, RGB, uint8,
      (H, W, 3); ``None`` where it found none.
    """

    heat: Callable[[], Heat] | None = None
    patches: Callable[[], Heat] | None = None
    drift: Drift | None = None
    crops: list[tuple[Array | None, Array | None]] = field(default_factory=list)


def spatial_map(layers: Sequence[NDArray[np.float32]], height: int, width: int) -> Heat:
    """Return where two images differ: the sum of LPIPS' layers, each enlarged to the image.

    Args:
        layers: float32 (h, w), the weighted squared differences of each layer.
        height: of the images, in pixels.
        width: of the images, in pixels.

    Returns:
        float64 (height, width). Its mean is the unscaled distance: enlarging (bilinear, as the
        package ``lpips`` does for ``spatial=True``) changes a layer's mean a little, which is
        scaled back.
    """
    total: Heat = np.zeros((height, width))
    for layer in layers:
        values = layer.astype(np.float64)
        large = _enlarged(values, height, width)
        mean = float(large.mean())
        if not mean and values.any():  # of a layer that is larger than the image some cells are
            large = _gathered(values, height, width)  # nobody's middle
            mean = float(large.mean())
        if mean > 0:
            total += large * (float(values.mean()) / mean)
    return total


def _enlarged(layer: Heat, height: int, width: int) -> Heat:
    """Enlarge as ``torch.nn.functional.interpolate`` does, bilinear, corners not aligned.

    To the last bits: what was kept of a pair is shown in a session that does not import torch.
    """
    before, after, share = _between(layer.shape[1], width)
    rows = layer[:, before] * (1 - share) + layer[:, after] * share
    before, after, share = _between(layer.shape[0], height)
    share = share[:, None]
    large: Heat = rows[before] * (1 - share) + rows[after] * share
    return large


def _gathered(layer: Heat, height: int, width: int) -> Heat:
    """Return the sums of a layer's cells that lie in each pixel."""
    rows, columns = (
        np.arange(cells) * pixels // cells
        for cells, pixels in zip(layer.shape, (height, width), strict=True)
    )
    sums: Heat = np.zeros((height, width))
    np.add.at(sums, (rows[:, None], columns), layer)
    return sums


def _between(cells: int, pixels: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Heat]:
    """Return the cells before and after each pixel's middle, and the share of the one after it."""
    middle = np.maximum((np.arange(pixels) + 0.5) * (cells / pixels) - 0.5, 0)
    before = np.minimum(middle.astype(np.intp), cells - 1)
    return before, np.minimum(before + 1, cells - 1), middle - before
