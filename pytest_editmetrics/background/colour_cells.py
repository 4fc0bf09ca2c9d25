"""What the colours of a background were and are, averaged over small squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import block_sums
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.images.regions import Mask

_CELL = 4  # pixels of a side that are averaged: noise and what an encoder changes are less so
_MANY_PIXELS = 400_000  # of more every second row and column is looked at
FEW = 64


@dataclass(frozen=True)
class ColourCells:
    """The mean colours, (3, cells), of squares that are measured as a whole."""

    before: NDArray[np.float64]
    after: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.before.shape[1])


def colour_cells(before: Planes, after: Planes, mask: Mask) -> ColourCells:
    """Average two aligned images (3, H, W), of 255, over squares of 4 pixels.

    >>> grey = np.full((3, 8, 8), 9, np.float32)
    >>> colour_cells(grey, grey + 1, np.ones((8, 8), bool)).after.tolist()[0]
    [10.0, 10.0, 10.0, 10.0]
    """
    step = 2 if mask.size > _MANY_PIXELS else 1
    whole = _sums(mask[::step, ::step].astype(np.float32)) == _CELL**2
    one, other = (
        np.stack([_sums(plane[::step, ::step])[whole] for plane in image]).astype(np.float64)
        / _CELL**2
        for image in (before, after)
    )
    return ColourCells(one, other)


def _sums(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    return block_sums(plane, _CELL, plane.dtype)
