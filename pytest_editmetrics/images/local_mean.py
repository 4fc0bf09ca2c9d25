"""Means around each pixel, of the measured pixels alone."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.masks import Mask

Map: TypeAlias = NDArray[np.float32]


def local_mean(values: Map, mask: Mask | None, sigma: float, least: float = 0.0) -> Map:
    """Return the mean around each pixel, weighted by a Gaussian that ends at 4 sigma.

    What lies outside the mask, or the image, has no weight.

    Args:
        values: float32 (H, W) or (H, W, C).
        mask: boolean (H, W), true where measured; ``None`` for everywhere.
        sigma: of the Gaussian, in pixels.
        least: share of the Gaussian's weight, in [0, 1]: where less is measured, what is missing of
            it counts as 0, so that a few pixels are not taken for a whole neighbourhood.

    Returns:
        float32, as ``values``; 0 outside the mask.

    >>> local_mean(np.array([[1, 7, 7]], np.float32), np.array([[True, False, False]]), 2).tolist()
    [[1.0, 0.0, 0.0]]
    """
    from scipy.ndimage import gaussian_filter

    def blur(of: Map) -> Map:
        spread: Map = gaussian_filter(of, sigma, mode="constant", axes=(0, 1))
        return spread

    weight = np.ones(values.shape[:2], np.float32)
    if mask is not None:
        weight *= mask
    around: Map = np.maximum(blur(weight), np.float32(least))
    around[weight == 0] = np.inf
    if values.ndim == 3:
        weight, around = weight[..., None], around[..., None]
    mean: Map = blur(values * weight) / around
    return mean
