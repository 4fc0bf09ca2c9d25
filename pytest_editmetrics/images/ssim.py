"""Structural similarity, pixel by pixel."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.replaced_files import check_importable

if TYPE_CHECKING:
    from pytest_editmetrics.images.regions import Mask

Map: TypeAlias = NDArray[np.float64]

WINDOW = 11
SIGMA = 1.5
_BAND = 256  # rows


def ssim_map(
    reference: NDArray[Any],
    edited: NDArray[Any],
    data_range: float,
    window: int = WINDOW,
    sigma: float = SIGMA,
) -> Map:
    """Return the structural similarity around each pixel, the mean over the channels.

    Wang et al. 2004: Gaussian window of 11 pixels, sigma 1.5, K1 0.01, K2 0.03, population
    covariance; computed by ``skimage.metrics.structural_similarity``, and here for another window.

    Args:
        reference: (H, W) or (H, W, C), not smaller than the window.
        edited: the same.
        data_range: of the values, 255 for uint8.
        window: edge of the window in pixels, odd.
        sigma: of the window, in pixels.

    Returns:
        float64 (H, W) in [-1, 1], 1 where equal.

    Raises:
        ImageError: the images are smaller than the window.

    >>> black = np.zeros((12, 16, 3), np.uint8)
    >>> ssim_map(black, black, 255).min()
    np.float64(1.0)
    """
    height, width = reference.shape[:2]
    if min(height, width) < window:
        raise ImageError(
            f"the image is {width}x{height} px; ssim needs at least {window}x{window} (its window)"
        )
    found: Map = np.empty((height, width))
    edge = window // 2
    ends = np.linspace(0, height, max(1, height // _BAND) + 1).astype(int).tolist()
    for top, bottom in pairwise(ends):  # all at once takes 160 bytes a pixel
        above, below = max(0, top - edge), min(height, bottom + edge)
        one, other = reference[above:below], edited[above:below]
        if (window, sigma) == (WINDOW, SIGMA):
            part = _usual_window(one, other, data_range)
        else:
            part = _other_window(one, other, data_range, window, sigma)
        found[top:bottom] = part[top - above : bottom - above]
    return found


def _usual_window(reference: NDArray[Any], edited: NDArray[Any], data_range: float) -> Map:
    check_importable("skimage.metrics._structural_similarity")
    from skimage.metrics import structural_similarity

    _, spatial = structural_similarity(
        reference,
        edited,
        channel_axis=2 if reference.ndim == 3 else None,
        data_range=data_range,
        gaussian_weights=True,
        sigma=SIGMA,
        use_sample_covariance=False,
        full=True,
    )
    similarity: Map = np.asarray(spatial, np.float64)
    return similarity if similarity.ndim == 2 else similarity.mean(axis=2)


def _other_window(
    reference: NDArray[Any], edited: NDArray[Any], data_range: float, window: int, sigma: float
) -> Map:
    from scipy.ndimage import gaussian_filter

    def mean(values: Map) -> Map:
        axes = (0, 1)
        blurred: Map = gaussian_filter(values, sigma, axes=axes, radius=window // 2)
        return blurred

    x, y = reference.astype(np.float64), edited.astype(np.float64)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    ux, uy = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - ux * ux, mean(y * y) - uy * uy, mean(x * y) - ux * uy
    above = (2 * ux * uy + c1) * (2 * vxy + c2)
    similarity: Map = above / ((ux**2 + uy**2 + c1) * (vx + vy + c2))
    return similarity if similarity.ndim == 2 else similarity.mean(axis=2)


def measured(mask: Mask, window: int = WINDOW) -> Mask:
    """Return the pixels whose mean is the similarity of a region.

    The border, where the window reaches beyond the image (5 pixels of 11), is left out, unless
    nothing else is measured.
    """
    edge = window // 2
    inside = np.zeros_like(mask)
    inside[edge:-edge, edge:-edge] = True
    inner = mask & inside
    return inner if inner.any() else mask
