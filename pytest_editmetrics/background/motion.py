"""How a background moved as a whole, and undoing it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.regions import Box, Mask

KindT = TypeVar("KindT", bound=np.floating[Any])
_STIFF = 0.02  # pixels that shifts of one image differ by and are still one shift
_WHOLE = 0.005  # pixels that a shift may be off whole ones
_TAPS = 7  # pixels on either side: what lies farther counts less than a ten-thousandth
_HORIZON = 0.05  # nearer to it nothing is seen
_NEAR = 4.0  # pixels over which a tilted motion's bend is told


@dataclass(frozen=True)
class Motion:
    """A motion of a plane: where the content of the reference lies in the edited image.

    What is (u, v) pixels right of and below the centre of the reference is
    ``(xx u + xy v + dx, yx u + yy v + dy) / (1 + tilt_x u + tilt_y v)`` from the centre of the
    edited image; without a tilt that is an affine motion, with one a homography.
    """

    dx: float = 0.0
    dy: float = 0.0
    xx: float = 1.0
    xy: float = 0.0
    yx: float = 0.0
    yy: float = 1.0
    tilt_x: float = 0.0
    tilt_y: float = 0.0

    @classmethod
    def similar(
        cls, dx: float = 0.0, dy: float = 0.0, zoom: float = 1.0, rotation: float = 0.0
    ) -> Motion:
        """Return a shift in pixels with a zoom (a factor) and a rotation (degrees, clockwise)."""
        cosine, sine = (zoom * turned(math.radians(rotation)) for turned in (math.cos, math.sin))
        return cls(dx, dy, cosine, -sine, sine, cosine)

    @property
    def px(self) -> float:
        """Length of the shift at the centre of the image, in pixels."""
        return math.hypot(self.dx, self.dy)

    @property
    def tilted(self) -> bool:
        """Whether it is no affine motion: one side came nearer than the other."""
        return bool(self.tilt_x or self.tilt_y)

    @property
    def mirrored(self) -> bool:
        """Whether left and right were exchanged (upside down is that, and turned by half)."""
        xx, xy, yx, yy = self._linear
        return xx * yy < xy * yx

    @property
    def zoom(self) -> float:
        """By what factor lengths grew at the centre, the geometric mean of both directions."""
        xx, xy, yx, yy = self._linear
        return math.sqrt(abs(xx * yy - xy * yx))

    @property
    def _linear(self) -> tuple[float, float, float, float]:
        """How the content at the centre is stretched and turned."""
        return (
            self.xx - self.dx * self.tilt_x,
            self.xy - self.dx * self.tilt_y,
            self.yx - self.dy * self.tilt_x,
            self.yy - self.dy * self.tilt_y,
        )

    @property
    def rotation(self) -> float:
        """Degrees, clockwise as seen, after the mirror if there is one."""
        side = -1 if self.mirrored else 1
        xx, xy, yx, yy = self._linear
        return math.degrees(math.atan2(side * yx - xy, side * xx + yy))

    @property
    def scales(self) -> tuple[float, float, float]:
        """Scale of x, scale of y, and shear: what is left of the motion without its rotation.

        >>> [round(part, 3) for part in Motion(xx=1.02, yy=0.99).scales]
        [1.02, 0.99, 0.0]
        """
        side = -1 if self.mirrored else 1
        angle = math.radians(self.rotation)
        cosine, sine = math.cos(angle), math.sin(angle)
        xx, xy, yx, yy = self._linear
        scale_x = side * (cosine * xx + sine * yx)
        scale_y = cosine * yy - sine * xy
        shear = cosine * xy + sine * yy
        return scale_x, scale_y, shear

    def at(self, x: Any, y: Any, height: int, width: int) -> tuple[Any, Any]:
        """Return the shift (dx, dy) in pixels at a point of an image of that size.

        >>> Motion(dx=1.0, xx=1.5).at(99.5, 49.5, height=100, width=100)
        (26.0, 0.0)
        """
        u, v = x - (width - 1) / 2, y - (height - 1) / 2
        if self.tilted:
            near = np.maximum(1 + self.tilt_x * u + self.tilt_y * v, _HORIZON)
            return (
                (self.dx + self.xx * u + self.xy * v) / near - u,
                (self.dy + self.yx * u + self.yy * v) / near - v,
            )
        return (
            self.dx + (self.xx - 1) * u + self.xy * v,
            self.dy + self.yx * u + (self.yy - 1) * v,
        )

    def after(self, first: Motion) -> Motion:
        """Return the motion that ``first`` and then this one make."""
        (xx, xy, dx), (yx, yy, dy), (tilt_x, tilt_y, one) = self._matrix @ first._matrix
        numbers = (dx, dy, xx, xy, yx, yy, tilt_x, tilt_y)
        return Motion(*(float(number / one) for number in numbers))

    @property
    def _matrix(self) -> NDArray[np.float64]:
        return np.array(
            [
                [self.xx, self.xy, self.dx],
                [self.yx, self.yy, self.dy],
                [self.tilt_x, self.tilt_y, 1],
            ]
        )

    def scaled(self, factor: float) -> Motion:
        """Return the motion of an image whose size is so many times this one's."""
        return replace(
            self,
            dx=self.dx * factor,
            dy=self.dy * factor,
            tilt_x=self.tilt_x / factor,
            tilt_y=self.tilt_y / factor,
        )

    def of_whole(self, scale: int, height: int, width: int) -> Motion:
        """Return the motion of a copy, shrunk so many times, in pixels of the whole image.

        What fills no block is left out at the right and bottom, so the copy's centre lies aside,
        and what is mirrored or turned about the one is not so about the other.

        >>> Motion(xx=-1.0).of_whole(8, 100, 110).dx
        -6.0
        """
        x, y = ((edge % scale) / 2 for edge in (width, height))
        return Motion(-x, -y).after(self.scaled(scale)).after(Motion(x, y))

    def of_copy(self, scale: int, height: int, width: int) -> Motion:
        """Return the motion of the whole image, of that size, in pixels of such a copy."""
        x, y = ((edge % scale) / 2 for edge in (width, height))
        return Motion(x, y).after(self).after(Motion(-x, -y)).scaled(1 / scale)

    def corners(self, height: int, width: int) -> tuple[tuple[float, float], ...]:
        """Return the shifts (dx, dy) of the corners, clockwise from the top left, in pixels."""
        right, bottom = width - 1, height - 1
        places = ((0, 0), (right, 0), (right, bottom), (0, bottom))
        shifts = (self.at(x, y, height, width) for x, y in places)
        return tuple((float(dx), float(dy)) for dx, dy in shifts)

    def farthest(self, height: int, width: int) -> float:
        """Return the longest shift of a corner, in pixels."""
        return max(math.hypot(dx, dy) for dx, dy in self.corners(height, width))

    def apart(self, other: Motion, height: int, width: int) -> float:
        """Return how far apart two motions put a corner, the farthest, in pixels."""
        corners = zip(self.corners(height, width), other.corners(height, width), strict=True)
        return max(math.dist(*shifts) for shifts in corners)

    @property
    def shift(self) -> Motion:
        """The shift at the centre alone."""
        return Motion(self.dx, self.dy)

    def still(self, height: int, width: int) -> bool:
        """Tell whether it is a shift alone, to what anybody could measure."""
        return self.bend(height, width) * max(height, width) / 2 < _STIFF

    def bend(self, height: int, width: int) -> float:
        """Return by how much shifts differ over a distance at most, in pixels a pixel."""
        if not self.tilted:
            return math.hypot(self.xx - 1, self.xy, self.yx, self.yy - 1)
        return max(
            math.hypot(x1 - x2, y1 - y2) / edge
            for (x1, y1), (x2, y2), edge in (
                (self.at(x, y, height, width), self.at(x + i, y + j, height, width), _NEAR)
                for x in (0, width - 1)
                for y in (0, height - 1)
                for i, j in ((_NEAR, 0.0), (0.0, _NEAR))
            )
        )


def sources(motion: Motion, height: int, width: int) -> tuple[NDArray[np.float64], Mask]:
    """Return where each pixel moved to, (2, H, W) rows and columns, and where that is inside."""
    y, x = (axis.astype(np.float64) for axis in np.ogrid[:height, :width])
    dx, dy = motion.at(x, y, height, width)
    where = np.stack(np.broadcast_arrays(y + dy, x + dx))
    inside = (where[0] >= 0) & (where[0] <= height - 1) & (where[1] >= 0) & (where[1] <= width - 1)
    return where, inside


def warped(image: NDArray[np.float32], motion: Motion) -> tuple[NDArray[np.float32], Mask]:
    """Undo a motion.

    Args:
        image: float32 (3, H, W), the edited image.
        motion: as found.

    Returns:
        float32 (3, H, W), each pixel taken from where it moved to (cubic splines), and boolean
        (H, W), false where that lies outside the image.
    """
    from scipy.ndimage import map_coordinates

    height, width = image.shape[1:]
    if motion.still(height, width):
        y, x = np.ogrid[:height, :width]
        rows, columns = (
            (axis + by >= 0) & (axis + by <= edge - 1)
            for axis, by, edge in ((y, motion.dy, height), (x, motion.dx, width))
        )
        return np.stack([_shifted(plane, motion.dx, motion.dy) for plane in image]), rows & columns
    where, inside = sources(motion, height, width)
    channels = [map_coordinates(plane, where, order=3, mode="nearest") for plane in image]
    return np.stack(channels).astype(np.float32), inside


def _shifted(plane: NDArray[np.float32], dx: float, dy: float) -> NDArray[np.float32]:
    """Return an image moved by (dx, dy), by cubic splines; along an axis of whole pixels, as is."""
    from scipy.ndimage import correlate1d

    for axis, by in ((0, dy), (1, dx)):
        whole = math.floor(by + _WHOLE)
        if abs(by - whole) > _WHOLE:
            taps = _cardinal_weights(by - whole)
            plane = correlate1d(plane, taps, axis, mode="mirror")
        if whole:
            there = np.clip(np.arange(plane.shape[axis]) + whole, 0, plane.shape[axis] - 1)
            plane = plane.take(there, axis)
    return plane


def _cardinal_weights(t: float) -> NDArray[np.float64]:
    """Return the weights of the pixels around a place between two, as cubic splines weigh them.

    Those of the coefficients, and those that make coefficients of pixels, in one.
    """
    pole = math.sqrt(3) - 2
    of_pixels = math.sqrt(3) * pole ** np.abs(np.arange(-_TAPS, _TAPS + 1))
    weights = np.convolve(of_pixels, _spline_weights(t))
    # one more on the left, so that the pixel itself lies in the middle
    kernel: NDArray[np.float64] = np.concatenate([[0.0], weights]) / weights.sum()
    return kernel


def sampled(field: NDArray[KindT], box: Box, dx: float, dy: float) -> NDArray[KindT]:
    """Return a box of an image moved by (dx, dy), from its cubic spline coefficients."""
    x1, y1, x2, y2 = box
    whole_x, whole_y = math.floor(dx), math.floor(dy)
    left, top = x1 + whole_x - 1, y1 + whole_y - 1
    right, bottom = x2 + whole_x + 2, y2 + whole_y + 2
    height, width = field.shape
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        part = field[top:bottom, left:right]
    else:
        part = field[
            np.ix_(
                np.clip(np.arange(top, bottom), 0, height - 1),
                np.clip(np.arange(left, right), 0, width - 1),
            )
        ]
    down, across = _spline_weights(dy - whole_y), _spline_weights(dx - whole_x)
    rows, columns = y2 - y1, x2 - x1
    lines = np.zeros((rows, part.shape[1]), field.dtype)
    for n, weight in enumerate(down):
        lines += weight * part[n : n + rows]
    moved = np.zeros((rows, columns), field.dtype)
    for n, weight in enumerate(across):
        moved += weight * lines[:, n : n + columns]
    return moved


def _spline_weights(t: float) -> tuple[float, float, float, float]:
    return (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
