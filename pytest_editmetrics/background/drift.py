"""How far the background moved, as a whole and tile by tile.

The whole is aligned first (``align``), then each tile alone, from where the whole puts it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from pytest_editmetrics.background.align import (
    MATCH,
    NOISE_FLOOR,
    UNSURE_PX,
    Floats,
    align,
    eroded,
    margin,
    refined,
    slopes,
    smoothed,
    unsure_of,
)
from pytest_editmetrics.background.motion import Motion
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Box, Mask

Status = Literal["measured", "flat", "unmatched", "hidden"]

_FEW_TILES = 6
_TILE_NOISE = 0.02  # pixels that tiles differ by although nothing moved


@dataclass(frozen=True)
class TileShift:
    """How far one tile moved, in pixels, and how sure that is (one standard deviation).

    ``flat``: too little texture to tell; ``unmatched``: textured, but what is there now is
    something else; ``hidden``: mostly edited, so not looked at. Only ``measured`` tiles have
    a shift.
    """

    box: Box
    status: Status
    dx: float = 0.0
    dy: float = 0.0
    unsure: float = 0.0

    @property
    def px(self) -> float:
        """Length of the shift in pixels."""
        return math.hypot(self.dx, self.dy)


@dataclass(frozen=True)
class Drift:
    """What ``measure_drift`` found; ``motion`` is ``None`` where it could not be told."""

    motion: Motion | None
    tiles: tuple[TileShift, ...]

    @property
    def median(self) -> tuple[float, float]:
        """The medians of the tiles' dx and dy, in pixels; of at least one measured tile."""
        tiles = self.measured
        return (
            float(np.median([tile.dx for tile in tiles])),
            float(np.median([tile.dy for tile in tiles])),
        )

    @property
    def measured(self) -> tuple[TileShift, ...]:
        """The tiles whose shift is known."""
        return tuple(tile for tile in self.tiles if tile.status == "measured")


def measure_drift(reference: Array, edited: Array, mask: Mask) -> Drift:
    """Find how the measured part of an image moved.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same.
        mask: boolean (H, W), true for the background; pixels near its border are left out.

    Returns:
        The motion, good to some hundredths of a pixel where there is texture, and that of every
        tile (a sixth of the shorter side, 48 to 128 px). ``motion`` is ``None`` where nothing has
        texture, or where more tiles do not match than do.

    >>> picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    >>> moved = np.roll(picture, 3, axis=1)
    >>> round(measure_drift(picture, moved, np.ones((96, 96), bool)).motion.dx, 1)
    3.0
    """
    before, after = smoothed(reference), smoothed(edited)
    usable = eroded(mask, margin(1))
    same = not (reference[usable] != edited[usable]).any()
    motion = Motion() if same else align(before, after, mask)
    if motion is None:
        return Drift(None, tuple(_tiles_without(before, usable)))
    tiles = tuple(_tiles(before, after, usable, motion, same))
    measured = [tile for tile in tiles if tile.status == "measured"]
    if not measured or len(measured) < sum(tile.status == "unmatched" for tile in tiles):
        return Drift(None, tiles)
    return Drift(_of_tiles(measured, motion, *mask.shape), tiles)


def _of_tiles(tiles: list[TileShift], start: Motion, height: int, width: int) -> Motion:
    """Return the motion that most tiles follow, each with the weight of what it is sure of."""
    if len(tiles) < _FEW_TILES:
        return start
    size = math.hypot(height, width) / 2
    u = np.array([(tile.box[0] + tile.box[2] - width) / 2 / size for tile in tiles])
    v = np.array([(tile.box[1] + tile.box[3] - height) / 2 / size for tile in tiles])
    nought, one = np.zeros_like(u), np.ones_like(u)
    system = np.concatenate(
        [np.stack([one, nought, u, -v], axis=1), np.stack([nought, one, v, u], axis=1)]
    )
    target = np.array([tile.dx for tile in tiles] + [tile.dy for tile in tiles])
    sure = np.array([1 / math.hypot(tile.unsure, _TILE_NOISE) for tile in tiles] * 2)
    weights = sure.copy()
    for _ in range(20):
        solution, *_ = np.linalg.lstsq(system * weights[:, None], target * weights, rcond=None)
        off = np.abs(target - system @ solution) * sure
        weights = sure / np.sqrt(np.maximum(off, 1))  # the sum of lengths, not of squares
    dx, dy, grown, turned = (float(value) for value in solution)
    return Motion(dx, dy, 1 + grown / size, math.degrees(turned / size))


def _boxes(height: int, width: int) -> Iterator[Box]:
    """Give tiles that cover the image; the last of a row or column ends at the border."""
    edge = min(max(48, min(height, width) // 6), 128)
    across, down = max(1, round(width / edge)), max(1, round(height / edge))
    xs = np.linspace(0, width, across + 1).astype(int)
    ys = np.linspace(0, height, down + 1).astype(int)
    for top, bottom in pairwise(ys):
        for left, right in pairwise(xs):
            yield int(left), int(top), int(right), int(bottom)


def _tiles(
    before: Floats, after: Floats, usable: Mask, motion: Motion, same: bool
) -> Iterator[TileShift]:
    height, width = before.shape
    for box in _boxes(height, width):
        x1, y1, x2, y2 = box
        if usable[y1:y2, x1:x2].sum() < 0.3 * (x2 - x1) * (y2 - y1):
            yield TileShift(box, "hidden")
            continue
        dx, dy = (float(d) for d in motion.at((x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2, height, width))
        if same:
            unsure = _texture(before, usable, box)
            yield TileShift(box, "flat" if unsure > UNSURE_PX else "measured", 0.0, 0.0, unsure)
            continue
        whole_x, whole_y = round(dx), round(dy)
        room = 8
        top, left = max(0, y1 - room), max(0, x1 - room)
        bottom, right = min(height, y2 + room), min(width, x2 + room)
        moved = _cut(after, (left + whole_x, top + whole_y, right + whole_x, bottom + whole_y))
        within = np.zeros((bottom - top, right - left), bool)
        within[y1 - top : y2 - top, x1 - left : x2 - left] = usable[y1:y2, x1:x2]
        start = Motion(dx - whole_x, dy - whole_y)
        fit = refined(before[top:bottom, left:right], moved, within, start, turning=False)
        unsure = _texture(before, usable, box)
        away = math.hypot(fit.motion.dx - start.dx, fit.motion.dy - start.dy)
        if unsure > UNSURE_PX:
            yield TileShift(box, "flat")
        elif fit.correlation < MATCH or away > room / 2:
            yield TileShift(box, "unmatched")
        elif fit.unsure > UNSURE_PX:
            yield TileShift(box, "flat")
        else:
            found_x, found_y = fit.motion.dx + whole_x, fit.motion.dy + whole_y
            yield TileShift(box, "measured", found_x, found_y, fit.unsure)


def _tiles_without(before: Floats, usable: Mask) -> Iterator[TileShift]:
    """Give the tiles of an image whose motion as a whole could not be told."""
    for box in _boxes(*before.shape):
        x1, y1, x2, y2 = box
        hidden = usable[y1:y2, x1:x2].sum() < 0.3 * (x2 - x1) * (y2 - y1)
        flat = not hidden and _texture(before, usable, box) > UNSURE_PX
        yield TileShift(box, "hidden" if hidden else "flat" if flat else "unmatched")


def _texture(before: Floats, usable: Mask, box: Box) -> float:
    """Return how sure a shift of a tile could be at best, from its texture alone."""
    x1, y1, x2, y2 = box
    gradient_y, gradient_x = slopes(before[y1:y2, x1:x2])
    seen = usable[y1:y2, x1:x2]
    system = np.stack([gradient_x[seen], gradient_y[seen]], axis=1)
    return unsure_of(system.T @ system, NOISE_FLOOR)


def _cut(image: Floats, box: Box) -> Floats:
    """Return a part of an image; what lies beyond its border repeats the border."""
    x1, y1, x2, y2 = box
    rows = np.clip(np.arange(y1, y2), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(x1, x2), 0, image.shape[1] - 1)
    return image[np.ix_(rows, columns)]
