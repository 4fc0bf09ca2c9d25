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
    if not layers:
        return total
    import torch
    from torch.nn import functional as F

    for layer in layers:
        values = torch.from_numpy(layer.astype(np.float64))[None, None]
        large = F.interpolate(values, (height, width), mode="bilinear", align_corners=False)
        mean = float(large.mean())
        if mean > 0:
            total += large[0, 0].numpy() * (float(values.mean()) / mean)
    return total
