"""What vignettes and gradients of light are fitted to: means of cells of a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import block_sums

FEW = 64
"""Cells: fewer tell nothing."""
SILENT = 1.0
"""Of 255, squared: a line that leaves less explains all."""
_CELL = 8  # pixels of a side

Floats = NDArray[np.float64]


def cell_means(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of whole cells of a plane (H, W): (H // 8, W // 8).

    >>> cell_means(np.ones((17, 9), np.float32)).tolist()
    [[1.0], [1.0]]
    """
    means: NDArray[np.float32] = block_sums(plane, _CELL, plane.dtype) / np.float32(_CELL**2)
    return means


def fitted(known: Floats, wanted: Floats) -> tuple[Floats, float]:
    """Return the sum of known values (n, cells) nearest to others, and the mean square left.

    >>> factors, left = fitted(np.array([[1.0, 2.0], [1.0, 1.0]]), np.array([3.0, 5.0]))
    >>> factors.round(6).tolist(), round(left, 6)
    ([2.0, 1.0], 0.0)
    """
    found = np.linalg.lstsq(known.T, wanted, rcond=None)[0]
    return found, float(np.square(found @ known - wanted).mean())
