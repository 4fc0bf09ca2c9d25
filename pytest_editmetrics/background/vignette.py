"""Whether a background became darker toward the corners of the picture: a vignette."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import block_sums
from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_CELL = 8  # pixels of a side that are averaged
_FEW = 64  # cells
_LEFT = 0.25  # of the square that one line of brightness leaves, at most
_SILENT = 1.0  # of 255, squared: a line that leaves less explains all
_DARKER = 0.03  # of the light in the middle
_STEPS = np.linspace(0, 1, 17)  # from the middle to the corners, squared

Floats = NDArray[np.float64]


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
    whole = _means(mask.astype(np.float32)) == 1
    if np.count_nonzero(whole) < _FEW:
        return None
    was, is_ = (
        _means((image[0] + image[1] + image[2]) / np.float32(3))[whole].astype(np.float64)
        for image in (before, after)
    )
    far = _far(height, width)
    at = _means(far)[whole].astype(np.float64)
    line = _left(np.stack([was, np.ones_like(was)]), is_)[1]
    light, left = _left(np.stack([was, was * at, was * at**2]), is_)
    if line < _SILENT or left > _LEFT * line or light[0] <= 0:
        return None
    falls = 1 + (light[1] * _STEPS + light[2] * _STEPS**2) / light[0]
    darker = 1 - float(falls[-1])
    if darker < _DARKER or (np.diff(falls) > _DARKER * darker).any():
        return None
    gain = 1 + (light[1] * far + light[2] * far**2) / light[0]
    made = np.clip(np.rint(before * gain.astype(np.float32)), 0, 255).astype(np.uint8)
    text = f"darker toward the corners, by {100 * darker:.0f} % (a vignette)"
    cause = Cause("uneven light", 1.0, text, {"darker": round(darker, 3)})
    return cause, np.ascontiguousarray(np.moveaxis(made, 0, 2))


def _far(height: int, width: int) -> NDArray[np.float32]:
    """Return how far pixels are from the middle, squared: 1 in the corners; (H, W)."""
    y, x = (np.arange(edge, dtype=np.float32) - (edge - 1) / 2 for edge in (height, width))
    squares = y[:, None] ** 2 + x**2
    far: NDArray[np.float32] = squares / squares.max()
    return far


def _left(known: Floats, wanted: Floats) -> tuple[Floats, float]:
    """Return the sum of known values (n, cells) nearest to others, and the square that is left."""
    found = np.linalg.lstsq(known.T, wanted, rcond=None)[0]
    return found, float(np.square(found @ known - wanted).mean())


def _means(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    means: NDArray[np.float32] = block_sums(plane, _CELL, plane.dtype) / np.float32(_CELL**2)
    return means
