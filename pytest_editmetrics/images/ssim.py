"""Structural similarity, pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import ImageError

if TYPE_CHECKING:
    from pytest_editmetrics.images.regions import Mask

Map: TypeAlias = NDArray[np.float64]

WINDOW = 11


def ssim_map(reference: NDArray[Any], edited: NDArray[Any], data_range: float) -> Map:
    """Return the structural similarity around each pixel, the mean over the channels.

    Wang et al. 2004: Gaussian window of 11 pixels, sigma 1.5, K1 0.01, K2 0.03, population
    covariance; computed by ``skimage.metrics.structural_similarity``.

    Args:
        reference: (H, W) or (H, W, C), at least 11x11 pixels.
        edited: the same.
        data_range: of the values, 255 for uint8.

    Returns:
        float64 (H, W) in [-1, 1], 1 where equal.

    Raises:
        ImageError: the images are smaller than the window.

    >>> black = np.zeros((12, 16, 3), np.uint8)
    >>> ssim_map(black, black, 255).min()
    np.float64(1.0)
    """
    height, width = reference.shape[:2]
    if min(height, width) < WINDOW:
        raise ImageError(
            f"the image is {width}x{height} px; ssim needs at least {WINDOW}x{WINDOW} (its window)"
        )
    from skimage.metrics import structural_similarity

    _, spatial = structural_similarity(
        reference,
        edited,
        channel_axis=2 if reference.ndim == 3 else None,
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    similarity: Map = np.asarray(spatial, np.float64)
    return similarity if similarity.ndim == 2 else similarity.mean(axis=2)


def measured(mask: Mask) -> Mask:
    """Return the pixels whose mean is the similarity of a region.

    The border of 5 pixels, where the window reaches beyond the image, is left out, unless nothing
    else is measured.
    """
    edge = WINDOW // 2
    inside = np.zeros_like(mask)
    inside[edge:-edge, edge:-edge] = True
    inner = mask & inside
    return inner if inner.any() else mask
