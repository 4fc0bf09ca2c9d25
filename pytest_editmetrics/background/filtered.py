"""One filter for all of the background: how far it was blurred or sharpened everywhere."""

from __future__ import annotations

import numpy as np

from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.images.regions import Mask

_SIGMAS = (1.0, 0.5, 0.7, 1.4, 2.0, 2.8)
WIDEST = max(_SIGMAS)
_HOPELESS = 0.3  # of the squared difference: explained by the first of these at least
_SILENT = 0.3  # of 255: less is rounding
_LEAST = 0.5  # of the squared difference that a filter has to explain


def as_filtered(toned: Planes, aligned: Planes, steady: Mask) -> tuple[Planes, float] | None:
    """Return the first image, blurred or sharpened as the second one is, where it is, and a sigma.

    The filter adds ``a (x - G x)`` to an image ``x``, with the Gaussian ``G`` and the amount ``a``
    (-1: ``G`` itself) that come nearest to the difference over ``steady``, by least squares.

    Args:
        toned: float32 (3, H, W), of 255.
        aligned: the same.
        steady: boolean (H, W), the pixels that tell, without what changed locally.
    """
    from scipy.ndimage import gaussian_filter

    grey = toned.mean(axis=0)
    off = (aligned.mean(axis=0) - grey)[steady].astype(np.float64)
    energy = float(off @ off)
    if energy <= _SILENT**2 * off.size:
        return None
    explained, sigma, amount = 0.0, 0.0, 0.0
    for width in _SIGMAS:
        detail = (grey - gaussian_filter(grey, width, truncate=3))[steady].astype(np.float64)
        size, common = float(detail @ detail), float(detail @ off)
        if size and common**2 / size > explained:
            explained, sigma, amount = common**2 / size, width, common / size
        if explained < _HOPELESS * energy:
            return None
    if explained < _LEAST * energy:
        return None
    detail = toned - gaussian_filter(toned, (0, sigma, sigma), truncate=3)
    filtered: Planes = np.clip(toned + np.float32(amount) * detail, 0, 255)
    return filtered, sigma


def sharpened(toned: Planes, aligned: Planes, mask: Mask) -> Planes:
    """Return the first image sharpened as comes nearest to the second one.

    Args:
        toned: float32 (3, H, W), of 255.
        aligned: the same.
        mask: boolean (H, W), true where measured.
    """
    from scipy.ndimage import gaussian_filter

    grey = toned.mean(axis=0)
    off = (aligned.mean(axis=0) - grey)[mask].astype(np.float64)
    best, sigma, amount = 0.0, _SIGMAS[0], 0.0
    for width in _SIGMAS:
        detail = (grey - gaussian_filter(grey, width, truncate=3))[mask].astype(np.float64)
        size, common = float(detail @ detail), float(detail @ off)
        if size and common > 0 and common**2 / size > best:
            best, sigma, amount = common**2 / size, width, common / size
    detail = toned - gaussian_filter(toned, (0, sigma, sigma), truncate=3)
    sharp: Planes = np.clip(toned + np.float32(amount) * detail, 0, 255)
    return sharp
