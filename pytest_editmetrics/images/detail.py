"""How far two images differ beyond the fine detail of the first, tone left aside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.local_mean import Map, local_mean
from pytest_editmetrics.images.masks import Mask, equal_within, without_rim
from pytest_editmetrics.images.tone_difference import SIGMA as TONE

FINE = 1.5
"""Sigma in pixels of the Gaussian that takes the fine detail off the reference."""
AROUND = 4.0
"""Sigma in pixels of the Gaussian over which difference and detail are averaged."""
BESIDE = 2
"""Pixels beside what is not measured that ``largest_beyond_detail`` leaves out."""


def beyond_detail_map(
    reference: NDArray[Any], edited: NDArray[Any], mask: Mask | None = None
) -> Map:
    """Return by how much the difference around each pixel exceeds the detail of the reference.

    ``sqrt(max(0, E - D))``. ``E`` is the mean square of the difference less its mean around
    (sigma 8, the tone), ``D`` the mean square of the reference less its blurred self (sigma 1.5):
    either is a mean over the channels, and over the measured pixels around (Gaussian, sigma 4). An
    encoder that loses all fine detail changes as much as there was, and gets 0.

    Args:
        reference: uint8, (H, W, 3).
        edited: the same size.
        mask: boolean (H, W), true where measured; ``None`` for everywhere.

    Returns:
        float32 (H, W), levels of 255; 0 where equal and outside the mask.

    >>> grey = np.full((8, 8, 3), 100, np.uint8)
    >>> float(beyond_detail_map(grey, grey + 9).max().round(3))  # a tone
    0.0
    """
    from scipy.ndimage import gaussian_filter

    if equal_within(reference, edited, mask):
        return np.zeros(reference.shape[:2], np.float32)
    before = reference.astype(np.float32)
    difference = edited.astype(np.float32) - before
    difference -= local_mean(difference, mask, TONE)
    fine = before - gaussian_filter(before, FINE, mode="nearest", axes=(0, 1))
    over = _square(difference) - _square(fine)
    left: Map = np.sqrt(np.maximum(local_mean(over, mask, AROUND), 0))
    return left


def beyond_detail(reference: NDArray[Any], edited: NDArray[Any], mask: Mask | None = None) -> float:
    """Return the root mean square of ``beyond_detail_map`` over the measured pixels.

    >>> grey = np.full((8, 8, 3), 100, np.uint8)
    >>> beyond_detail(grey, grey)
    0.0
    """
    found = beyond_detail_map(reference, edited, mask)
    measured = found.ravel() if mask is None else found[mask]
    return float(np.sqrt(np.mean(np.square(measured, dtype=np.float64))))


def largest_beyond_detail(
    reference: NDArray[Any], edited: NDArray[Any], mask: Mask
) -> tuple[float, int, int]:
    """Return the largest value of ``beyond_detail_map``, and where it is: x and y.

    Two pixels beside what is not measured are left out, since JPEG halves the resolution of the
    colours, and mixes those of both sides (``without_rim``).

    >>> grey = np.full((8, 8, 3), 100, np.uint8)
    >>> largest_beyond_detail(grey, grey, np.ones((8, 8), bool))[0]
    0.0
    """
    found = beyond_detail_map(reference, edited, without_rim(mask, BESIDE))
    y, x = np.unravel_index(int(found.argmax()), found.shape)
    return float(found[y, x]), int(x), int(y)


def _square(image: NDArray[np.float32]) -> Map:
    squares: Map = np.einsum("hwc,hwc->hw", image, image) / image.shape[2]
    return squares
