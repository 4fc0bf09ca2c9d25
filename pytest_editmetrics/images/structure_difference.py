"""How far the structure of two images differs: what moved, was blurred, drawn or encoded anew."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.local_mean import Map, local_mean
from pytest_editmetrics.images.regions import Mask

FINE = 1.0
COARSE = 8.0


def structure_map(
    reference: NDArray[Any], edited: NDArray[Any], mask: Mask | None = None, least: float = 0.0
) -> Map:
    """Return how far the structure differs around each pixel, in levels of 255.

    The difference of the images between two Gaussians (sigma 1 px, below which noise averages out,
    less sigma 8 px, above which it is tone), its absolute value averaged over the channels and,
    with a Gaussian of sigma 8 px, over the measured pixels around. What lies outside the mask has
    no weight.

    Args:
        reference: sRGB, uint8, (H, W, 3).
        edited: the same size.
        mask: boolean (H, W), true where measured; ``None`` for everywhere.
        least: see ``local_mean``.

    Returns:
        float32 (H, W), in [0, 255], 0 where equal and outside the mask.

    >>> edge = np.zeros((8, 8, 3), np.uint8)
    >>> edge[:, 4:] = 255
    >>> structure_map(edge, edge).max(), structure_map(edge, np.roll(edge, 1, 1)).max() > 10
    (np.float32(0.0), np.True_)
    """
    difference = edited.astype(np.float32) - reference
    if mask is not None:
        difference[~mask] = 0
    if not difference.any():
        return np.zeros(difference.shape[:2], np.float32)
    detail = local_mean(difference, mask, FINE) - local_mean(difference, mask, COARSE)
    return local_mean(np.abs(detail).mean(axis=2), mask, COARSE, least)
