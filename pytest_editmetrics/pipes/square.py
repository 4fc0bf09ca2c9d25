"""Pad a crop to a square and bring it to a model's input size, as OpenCV would."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.load import Array

_CUBIC = -0.75


def pad_to_square(crop: Array, colour: tuple[int, int, int], size: int) -> Array:
    """Centre ``crop`` on a square of ``colour`` and resize that to ``size`` pixels.

    Args:
        crop: RGB, uint8, (H, W, 3).
        colour: of the padding, three values in [0, 255].
        size: edge of the result, in pixels.

    Returns:
        RGB, uint8, (size, size, 3): shrunk like OpenCV's ``INTER_AREA``, enlarged like its
        ``INTER_CUBIC``.

    >>> pad_to_square(np.zeros((1, 3, 3), np.uint8), (9, 9, 9), 3)[:, 0, 0].tolist()
    [9, 0, 9]
    """
    height, width = crop.shape[:2]
    edge = max(height, width)
    square = np.full((edge, edge, 3), colour, dtype=np.uint8)
    top, left = (edge - height) // 2, (edge - width) // 2
    square[top : top + height, left : left + width] = crop
    if edge == size:
        return square
    weights = area_weights(edge, size) if edge > size else cubic_weights(edge, size)
    pixels = np.einsum("ir,rcx,jc->ijx", weights, square, weights, optimize=True)
    resized: Array = np.rint(np.clip(pixels, 0, 255)).astype(np.uint8)
    return resized


def area_weights(source: int, target: int) -> NDArray[np.float64]:
    """Return the (target, source) matrix that averages: each row weighs pixels by their overlap.

    >>> area_weights(3, 2).round(2).tolist()
    [[0.67, 0.33, 0.0], [0.0, 0.33, 0.67]]
    """
    edges = np.arange(target + 1) * (source / target)
    start, end = edges[:-1, None], edges[1:, None]
    pixel = np.arange(source)
    overlap = np.minimum(end, pixel + 1) - np.maximum(start, pixel)
    weights: NDArray[np.float64] = np.clip(overlap, 0, None) * (target / source)
    return weights


def cubic_weights(source: int, target: int) -> NDArray[np.float64]:
    """Return the (target, source) matrix of cubic convolution (a = -0.75) with the border repeated.

    >>> cubic_weights(2, 4).sum(axis=1).round(6).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    position = (np.arange(target) + 0.5) * (source / target) - 0.5
    first = np.floor(position).astype(int)
    weights = np.zeros((target, source))
    for offset in (-1, 0, 1, 2):
        pixel = np.clip(first + offset, 0, source - 1)
        np.add.at(weights, (np.arange(target), pixel), _cubic(position - (first + offset)))
    return weights


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.abs(distance)
    near = (_CUBIC + 2) * x**3 - (_CUBIC + 3) * x**2 + 1
    far = _CUBIC * x**3 - 5 * _CUBIC * x**2 + 8 * _CUBIC * x - 4 * _CUBIC
    weights: NDArray[np.float64] = np.where(x <= 1, near, np.where(x < 2, far, 0.0))
    return weights
