"""The motion that most tiles follow: a similarity, or what is freer where that fits better.

An affine motion, as of an axis that was stretched, or a homography, as of a side that came nearer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pytest_editmetrics.background.align import Floats
from pytest_editmetrics.background.motion import Motion
from pytest_editmetrics.background.tiles import TileShift

_FEW = 6
_MANY = 9  # tiles that a perspective is told from
_FREEDOM = 8  # of a perspective
_TILE_NOISE = 0.02  # pixels that tiles differ by although nothing moved
_BETTER = 0.7  # of the similarity's residual is what an affine motion has to reach
_TOGETHER = 0.5  # pixels that tiles which share a shift differ by
_NOTABLE = 0.15  # pixels at the farthest tile that an affine motion has to change


def motion_of(tiles: Sequence[TileShift], start: Motion, height: int, width: int) -> Motion:
    """Return the motion that most tiles follow, each with the weight of what it is sure of.

    ``tiles`` are measured ones and edges; ``start`` is the motion that they were matched under,
    which is kept where they are too few to say more. A part that moved alone bends a fit of all:
    so the tiles that share the commonest shift are fitted alone, too, and what more tiles follow
    is taken. So is the start: of few tiles no motion as free as it may be fitted.
    """
    kept = _shifted(tiles, start, height, width)
    if len(tiles) < _FEW or not any(tile.status == "measured" for tile in tiles):
        return kept
    found = _fitted(tiles, height, width)
    alike = _commonest(tiles)
    others = [_fitted(alike, height, width)] if _FEW <= len(alike) < len(tiles) else []
    for other in (*others, kept):
        if _following(other, tiles, height, width) > 1.1 * _following(found, tiles, height, width):
            found = other
    return found


def _fitted(tiles: Sequence[TileShift], height: int, width: int) -> Motion:
    size = math.hypot(height, width) / 2
    u, v = (
        np.array([tile.centre[axis] - (edge - 1) / 2 for tile in tiles]) / size
        for axis, edge in ((0, width), (1, height))
    )
    similar, off_similar = _fit(tiles, _similar_columns(u, v))
    dx, dy, grown, turned = (float(value) for value in similar)
    grown, turned = grown / size, turned / size
    found = Motion(dx, dy, 1 + grown, -turned, turned, 1 + grown)
    if len(tiles) < 2 * _FEW or min(np.ptp(u), np.ptp(v)) * size < 0.3 * min(height, width):
        return found
    affine, off_affine = _fit(tiles, _affine_columns(u, v))
    dx, dy, xx, xy, yx, yy = (float(value) for value in affine)
    free = Motion(dx, dy, 1 + xx / size, xy / size, yx / size, 1 + yy / size)
    off = off_similar
    if _notable(free, found, tiles, height, width) and off_affine < _BETTER * off:
        found, off = free, off_affine
    if len(tiles) < _MANY or off < _TILE_NOISE:
        return found
    shifts = (np.array([getattr(tile, axis) for tile in tiles]) / size for axis in ("dx", "dy"))
    tilted, off_tilted = _fit(tiles, _tilted_columns(u, v, *shifts))
    dx, dy, xx, xy, yx, yy, *tilt = (float(value) for value in tilted)
    nearer = Motion(
        dx, dy, 1 + xx / size, xy / size, yx / size, 1 + yy / size, *(t / size**2 for t in tilt)
    )
    # of few tiles a freer motion leaves less, whatever it is
    off_tilted *= 2 * len(tiles) / (2 * len(tiles) - _FREEDOM)
    if _notable(nearer, found, tiles, height, width) and off_tilted < _BETTER * off:
        return nearer
    return found


def _notable(
    free: Motion, stiff: Motion, tiles: Sequence[TileShift], height: int, width: int
) -> bool:
    """Tell whether two motions put any tile at places that differ by more than tiles do."""
    return (
        max(
            math.dist(_at(free, tile, height, width), _at(stiff, tile, height, width))
            for tile in tiles
        )
        > _NOTABLE
    )


def _commonest(tiles: Sequence[TileShift]) -> list[TileShift]:
    """Return the tiles whose shifts lie nearest together."""
    shifts = np.array([(tile.dx, tile.dy) for tile in tiles])
    apart = np.hypot(*(shifts[:, None, :] - shifts[None, :, :]).transpose(2, 0, 1))
    middle = int((apart < _TOGETHER).sum(axis=1).argmax())
    return [tile for n, tile in enumerate(tiles) if apart[middle, n] < _TOGETHER]


def _following(motion: Motion, tiles: Sequence[TileShift], height: int, width: int) -> int:
    return sum(
        math.dist(_at(motion, tile, height, width), (tile.dx, tile.dy)) < _TOGETHER / 2
        for tile in tiles
    )


def _at(motion: Motion, tile: TileShift, height: int, width: int) -> tuple[float, float]:
    dx, dy = motion.at(*tile.centre, height, width)
    return float(dx), float(dy)


def _shifted(tiles: Sequence[TileShift], start: Motion, height: int, width: int) -> Motion:
    """Return the motion that few tiles were matched under, moved to where they are."""
    sure = [tile for tile in tiles if tile.status == "measured"]
    if not sure:
        return _of_edges(tiles) if tiles else start
    places = [_at(start, tile, height, width) for tile in sure]
    dx, dy = (
        float(np.median(part))
        for part in zip(
            *((tile.dx - x, tile.dy - y) for tile, (x, y) in zip(sure, places, strict=True)),
            strict=True,
        )
    )
    return replace(start, dx=start.dx + dx, dy=start.dy + dy)


def _of_edges(tiles: Sequence[TileShift]) -> Motion:
    """Return the shift that edges agree on, along which nothing is known: the shortest."""
    normals = np.array([tile.normal for tile in tiles])
    along = np.array(
        [tile.dx * nx + tile.dy * ny for tile, (nx, ny) in zip(tiles, normals, strict=True)]
    )
    (dx, dy), *_ = np.linalg.lstsq(normals, along, rcond=0.2)
    return Motion(float(dx), float(dy))


def components(tiles: Sequence[TileShift]) -> int:
    """Return how many components of a shift these tiles tell: 2, 1 (along edges not), or 0."""
    if any(tile.status == "measured" for tile in tiles):
        return 2
    normals = np.array([tile.normal for tile in tiles if tile.normal is not None])
    if not len(normals):
        return 0
    values = np.linalg.svd(normals, compute_uv=False)
    return 2 if len(values) > 1 and values[1] > 0.2 * values[0] else 1


def _similar_columns(u: Floats, v: Floats) -> tuple[Floats, Floats]:
    nought, one = np.zeros_like(u), np.ones_like(u)
    return np.stack([one, nought, u, -v], axis=1), np.stack([nought, one, v, u], axis=1)


def _affine_columns(u: Floats, v: Floats) -> tuple[Floats, Floats]:
    nought, one = np.zeros_like(u), np.ones_like(u)
    across = np.stack([one, nought, u, v, nought, nought], axis=1)
    down = np.stack([nought, one, nought, nought, u, v], axis=1)
    return across, down


def _tilted_columns(u: Floats, v: Floats, dx: Floats, dy: Floats) -> tuple[Floats, Floats]:
    """Return the columns of a homography, ``shift = affine - tilt (u, v) where it went to``."""
    across, down = _affine_columns(u, v)
    tilt_x, tilt_y = (
        -np.stack([u * (place + shift), v * (place + shift)], axis=1)
        for place, shift in ((u, dx), (v, dy))
    )
    return np.hstack([across, tilt_x]), np.hstack([down, tilt_y])


def _fit(tiles: Sequence[TileShift], columns: tuple[Floats, Floats]) -> tuple[Floats, float]:
    """Return the parameters by least lengths, and the mean residual in pixels."""
    across, down = columns
    rows, target, sure = [], [], []
    for n, tile in enumerate(tiles):
        weight = 1 / math.hypot(tile.unsure, _TILE_NOISE)
        if tile.normal is None:
            rows += [across[n], down[n]]
            target += [tile.dx, tile.dy]
            sure += [weight, weight]
        else:
            nx, ny = tile.normal
            rows.append(nx * across[n] + ny * down[n])
            target.append(nx * tile.dx + ny * tile.dy)
            sure.append(weight)
    system, wanted, weights = np.array(rows), np.array(target), np.array(sure)
    start = weights.copy()
    for _ in range(20):
        solution, *_ = np.linalg.lstsq(system * weights[:, None], wanted * weights, rcond=1e-4)
        off = np.abs(wanted - system @ solution) * start
        weights = start / np.sqrt(np.maximum(off, 1))  # the sum of lengths, not of squares
    apart = np.abs(wanted - system @ solution)
    return solution, float(np.mean(np.minimum(apart, 3 * np.median(apart) + 1e-9)))
