"""Colour channels of whole images, taken one after the other.

An axis of three makes numpy begin again for each pixel: ten times slower, for the same bits.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.masks import Mask

KindT = TypeVar("KindT", bound=np.generic)


def average(image: NDArray[KindT]) -> NDArray[KindT]:
    """Return the mean of the channels of a floating-point image (H, W, 3), (H, W).

    >>> average(np.array([[[1.0, 2.0, 6.0]]])).tolist()
    [[3.0]]
    """
    red, green, blue = _planes(image)
    mean: NDArray[KindT] = ((red + green) + blue) / 3
    return mean


def highest(image: NDArray[KindT]) -> NDArray[KindT]:
    """Return the largest channel of each pixel of (H, W, 3), (H, W).

    >>> highest(np.array([[[1, 7, 3]]])).tolist()
    [[7]]
    """
    red, green, blue = _planes(image)
    largest: NDArray[KindT] = np.maximum(np.maximum(red, green), blue)
    return largest


def pixels_of(image: NDArray[KindT], mask: Mask) -> NDArray[KindT]:
    """Return the pixels of (H, W, 3) in a mask (H, W), as ``image[mask]``: (N, 3).

    >>> pixels_of(np.arange(12).reshape(2, 2, 3), np.eye(2, dtype=bool)).tolist()
    [[0, 1, 2], [9, 10, 11]]
    """
    return image.reshape(-1, 3).take(np.flatnonzero(mask), axis=0)


def apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return by how much two images of 8 bit differ, of any one shape.

    >>> apart(np.array([3, 250], np.uint8), np.array([250, 3], np.uint8)).tolist()
    [247, 247]
    """
    difference: NDArray[np.uint8] = np.maximum(one, other) - np.minimum(one, other)
    return difference


def as_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colours of an image (H, W), (H, W, 3) or (H, W, 4), (H, W, 3).

    >>> as_rgb(np.full((1, 1), 7, np.uint8)).tolist()
    [[[7, 7, 7]]]
    """
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(pixels[..., :3])


def with_rgb(pixels: NDArray[np.uint8], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image of the kind of ``pixels``, its alpha too, in other colours (H, W, 3).

    >>> with_rgb(np.zeros((1, 1, 4), np.uint8), np.full((1, 1, 3), 7, np.uint8)).tolist()
    [[[7, 7, 7, 0]]]
    """
    if pixels.ndim == 2:
        grey: NDArray[np.uint8] = average(colours.astype(np.float64)).round().astype(np.uint8)
        return grey
    return np.concatenate([colours, pixels[..., 3:]], axis=2)


def _planes(image: Any) -> tuple[Any, Any, Any]:
    return image[..., 0], image[..., 1], image[..., 2]
