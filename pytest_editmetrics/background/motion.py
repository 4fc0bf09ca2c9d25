"""How a background moved as a whole, and undoing it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask


@dataclass(frozen=True)
class Motion:
    """A similarity: a point at (x, y) of the reference is at (x + dx, y + dy) of the edited image.

    ``dx`` (to the right) and ``dy`` (down) are pixels at the centre of the image; ``zoom`` is a
    factor, above 1 where the content grew, ``rotation`` in degrees, clockwise as seen.
    """

    dx: float = 0.0
    dy: float = 0.0
    zoom: float = 1.0
    rotation: float = 0.0

    @property
    def px(self) -> float:
        """Length of the shift at the centre of the image, in pixels."""
        return math.hypot(self.dx, self.dy)

    def at(self, x: Any, y: Any, height: int, width: int) -> tuple[Any, Any]:
        """Return the shift (dx, dy) in pixels at a point of an image of that size.

        >>> Motion(1.0, 0.0, zoom=1.01).at(99.5, 49.5, height=100, width=100)
        (1.5, 0.0)
        """
        u, v = x - (width - 1) / 2, y - (height - 1) / 2
        grown, turned = self.zoom - 1, math.radians(self.rotation)
        return self.dx + grown * u - turned * v, self.dy + turned * u + grown * v

    def farthest(self, height: int, width: int) -> float:
        """Return the longest shift of a corner, in pixels."""
        corners = [(x, y) for x in (0, width - 1) for y in (0, height - 1)]
        return max(math.hypot(*self.at(x, y, height, width)) for x, y in corners)


def warped(image: Array, motion: Motion) -> tuple[NDArray[np.float32], Mask]:
    """Undo a motion.

    Args:
        image: RGB, uint8, (H, W, 3), the edited image.
        motion: as found.

    Returns:
        float32 (H, W, 3), each pixel taken from where it moved to (cubic splines), and boolean
        (H, W), false where that lies outside the image.
    """
    from scipy.ndimage import map_coordinates

    height, width = image.shape[:2]
    y, x = (axis.astype(np.float64) for axis in np.mgrid[:height, :width])
    dx, dy = motion.at(x, y, height, width)
    where = np.stack([y + dy, x + dx])
    inside = (where[0] >= 0) & (where[0] <= height - 1) & (where[1] >= 0) & (where[1] <= width - 1)
    channels = [
        map_coordinates(image[..., channel].astype(np.float32), where, order=3, mode="nearest")
        for channel in range(3)
    ]
    return np.stack(channels, axis=2).astype(np.float32), inside
