"""Whether a background became darker toward the corners of the picture: a vignette."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.background.light_cells import FEW, SILENT, Floats, cell_means, fitted
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_LEFT = 0.25  # of the square that one line of brightness leaves, at most
_DARKER = 0.03  # of the light in the middle
_STEPS = np.linspace(0, 1, 17)  # from the middle to the corners, squared


def find_vignette(before: Planes, after: Planes, mask: Mask) -> tuple[Cause, Array] | None:
    """Return a vignette, without its share, and the reference with it, RGB, uint8, (H, W, 3).

    Its light is one and falls with the square of the distance from the middle, and its square,
    and explains most of what a line of brightness leaves.

    Args:
        before: float32 (3, H, W), of 255.
        after: the same.
        mask: boolean (H, W), true for the background.
    """
    height, width = mask.shape
    whole = cell_means(mask.astype(np.float32)) == 1
    if np.count_nonzero(whole) < FEW:
        return None
    was, is_ = (
        cell_means((image[0] + image[1] + image[2]) / np.float32(3))[whole].astype(np.float64)
        for image in (before, after)
    )
    line = fitted(np.stack([was, np.ones_like(was)]), is_)[1]
    if line < SILENT:
        return None
    found = [_fallen(far, cell_means(far)[whole], was, is_) for far in _far(height, width)]
    left, darker, gain = min(found, key=lambda one: one[0])
    if left > _LEFT * line or darker < _DARKER:
        return None
    made = np.clip(np.rint(before * gain), 0, 255).astype(np.uint8)
    text = f"darker toward the corners, by {100 * darker:.0f} % (a vignette)"
    cause = Cause("uneven light", 1.0, text, {"darker": round(darker, 3)})
    return cause, np.ascontiguousarray(np.moveaxis(made, 0, 2))


def _fallen(
    far: NDArray[np.float32], at: NDArray[np.float32], was: Floats, is_: Floats
) -> tuple[float, float, NDArray[np.float32]]:
    """Return the square that a vignette leaves, how much darker the corners are, and the light.

    Where its light does not fall all the way, as one that an edit area hides the middle of seems
    to, the square of the distance alone is taken.
    """
    found = math.inf, 0.0, far
    for terms in ([was, was * at, was * at**2], [was, was * at]):
        light, left = fitted(np.stack(terms), is_)
        if light[0] <= 0:
            continue
        second = light[2] if len(light) > 2 else 0.0
        falls = 1 + (light[1] * _STEPS + second * _STEPS**2) / light[0]
        darker = 1 - float(falls[-1])
        if (np.diff(falls) <= _DARKER * abs(darker)).all():
            gain = 1 + (light[1] * far + second * far**2) / light[0]
            return left, darker, gain.astype(np.float32)
    return found


def _far(height: int, width: int) -> Iterator[NDArray[np.float32]]:
    """Give how far pixels are from the middle, squared: 1 in the corners; (H, W).

    In pixels, as of a lens, and in sides of the picture, as a filter may count.
    """
    y, x = (np.arange(edge, dtype=np.float32) - (edge - 1) / 2 for edge in (height, width))
    for across, down in ((1, 1), (width, height)):
        squares = (y[:, None] / np.float32(down)) ** 2 + (x / np.float32(across)) ** 2
        yield squares / squares.max()
