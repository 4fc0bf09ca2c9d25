"""How much pixels of two images differ, each pair looked at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.load import Array

Planes = NDArray[np.float32]


def planes(image: Array) -> Planes:
    """Return an image (H, W, 3) as its channels, float32 (3, H, W)."""
    made = np.empty((3, *image.shape[:2]), np.float32)
    for channel in range(3):  # an axis of three is slow
        made[channel] = image[..., channel]
    return made


class Differences:
    """Differences of images (3, H, W), float32; each pair of images is looked at once.

    >>> black, grey = np.zeros((3, 1, 1), np.float32), np.full((3, 1, 1), 2, np.float32)
    >>> Differences().squares(black, grey), Differences().largest(black, grey)
    (array([[12.]], dtype=float32), array([[2.]], dtype=float32))
    """

    def __init__(self) -> None:
        self._squares: list[tuple[Planes, Planes, Planes]] = []
        self._largest: list[tuple[Planes, Planes, Planes]] = []

    def squares(self, one: Planes, other: Planes) -> Planes:
        """Return the squared difference of each pixel, summed over the channels; (H, W)."""
        for a, b, known in self._squares:
            if a is one and b is other:
                return known
        made: Planes = one[0] - other[0]
        made *= made
        room = np.empty_like(made)
        for a, b in zip(one[1:], other[1:], strict=True):
            np.subtract(a, b, out=room)
            room *= room
            made += room
        self._squares.append((one, other, made))
        return made

    def largest(self, one: Planes, other: Planes) -> Planes:
        """Return the difference of each pixel in the channel where it is largest; (H, W)."""
        for a, b, known in self._largest:
            if a is one and b is other:
                return known
        made: Planes = one[0] - other[0]
        np.abs(made, out=made)
        room = np.empty_like(made)
        for a, b in zip(one[1:], other[1:], strict=True):
            np.subtract(a, b, out=room)
            np.maximum(made, np.abs(room, out=room), out=made)
        self._largest.append((one, other, made))
        return made
