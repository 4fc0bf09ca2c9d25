"""How far each tile of the background moved, from where the whole puts it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from pytest_editmetrics.background.align import (
    MATCH,
    NEAR_EQUAL,
    NOISE_FLOOR,
    SMOOTHING,
    UNSURE_PX,
    Floats,
    correlation_of,
    correlations,
    peaks,
    slopes,
)
from pytest_editmetrics.background.motion import Motion, sampled, sources
from pytest_editmetrics.images.regions import Box, Mask

Status = Literal["measured", "edge", "flat", "unmatched", "hidden"]

_STEPS = 12
_TUKEY = 6.0
_STILL = 0.01  # pixels: a step so short is the last, the next one would be its square
_STRAY = 0.5  # pixels from there: so far it is asked whether it moved at all
_ROOM = 4.0  # pixels that a tile may lie from where the whole puts it
_SEEN = 0.3  # of a tile: of less nothing is told
_EDGE_UNSURE = 0.05  # an edge is believed only where it is this sure and this alike
_EDGE_MATCH = 0.9
_FAINT = 0.02  # pixels that the texture of a photo is surer than
_FAR = 32  # and that one which shows something else there is looked for
_FAR_MATCH = 0.85
_MOST_LOOKED_FOR = 32
_BENT = 0.1  # pixels that shifts may differ by between a tile's centre and its corner
_EQUAL = 2.0  # of 255, smoothed: a good encoder changes less
_ALMOST_ALL = 0.95  # of the pixels of a tile
_FEW_STAYED = 3  # tiles
_MANY_STAYED = 0.2  # of the tiles of texture


@dataclass(frozen=True)
class TileShift:
    """How far one tile moved, in pixels, and how sure that is (one standard deviation).

    ``edge``: the shift is known along ``normal`` alone, as of stripes; ``flat``: too little texture
    to tell; ``unmatched``: textured, but what is there now is something else; ``hidden``: mostly
    edited, or moved out of the frame, so not looked at. Only ``measured`` tiles and edges have a
    shift.
    """

    box: Box
    status: Status
    dx: float = 0.0
    dy: float = 0.0
    unsure: float = 0.0
    normal: tuple[float, float] | None = None

    @property
    def px(self) -> float:
        """Length of the shift in pixels."""
        return math.hypot(self.dx, self.dy)

    @property
    def centre(self) -> tuple[float, float]:
        """Where its middle lies, x and y."""
        x1, y1, x2, y2 = self.box
        return (x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2


def boxes(height: int, width: int, scale: int = 1) -> Iterator[Box]:
    """Give tiles that cover the image; the last of a row or column ends at the border."""
    edge = min(max(48, min(height, width) * scale // 6), 128) / scale
    across, down = max(1, round(width / edge)), max(1, round(height / edge))
    xs = np.linspace(0, width, across + 1).astype(int)
    ys = np.linspace(0, height, down + 1).astype(int)
    for top, bottom in pairwise(ys):
        for left, right in pairwise(xs):
            yield int(left), int(top), int(right), int(bottom)


class Tiles:
    """The tiles of a pair of smoothed images, ready to be matched under one motion or another.

    ``scale`` is how many pixels of the whole image one of these is.
    """

    def __init__(self, before: Floats, after: Floats, usable: Mask, scale: int = 1) -> None:
        self._before, self._after, self._usable = before, after, usable
        self._slopes = slopes(before)
        self._scale = scale
        self._boxes = list(boxes(before.shape[0], before.shape[1], scale))
        self._texture = {
            box: self._best(box, usable[box[1] : box[3], box[0] : box[2]]) for box in self._boxes
        }

    def _best(self, box: Box, seen: Mask) -> tuple[Status, float, tuple[float, float]]:
        """Return what is seen of a tile could tell at best, by texture, how surely, and whither."""
        x1, y1, x2, y2 = box
        if np.count_nonzero(seen) < _SEEN * seen.size:
            return "hidden", math.inf, (1.0, 0.0)
        down, right = (slope[y1:y2, x1:x2][seen] for slope in self._slopes)
        cross = float(right @ down)
        normal = np.array([[float(right @ right), cross], [cross, float(down @ down)]])
        sure, unsure, along = _directions(normal, NOISE_FLOOR)
        if unsure <= UNSURE_PX:
            return "measured", unsure, along
        return ("edge", sure, along) if sure <= UNSURE_PX else ("flat", unsure, along)

    @property
    def textured(self) -> bool:
        """Whether any tile shows a shift."""
        return any(best[0] in ("measured", "edge") for best in self._texture.values())

    @property
    def clear(self) -> bool:
        """Whether any tile has texture as a photo has, and no mere steps or noise of an encoder."""
        return any(
            status in ("measured", "edge") and unsure <= _FAINT
            for status, unsure, _ in self._texture.values()
        )

    @property
    def stayed(self) -> bool:
        """Whether many tiles of texture are as they were, whatever became of the others."""
        equal = np.abs(self._before - self._after) <= _EQUAL
        known = same = 0
        for (x1, y1, x2, y2), (status, _, _) in self._texture.items():
            if status in ("measured", "edge"):
                known += 1
                within = equal[y1:y2, x1:x2][self._usable[y1:y2, x1:x2]]
                same += bool(within.mean() >= _ALMOST_ALL)
        return same >= max(_FEW_STAYED, _MANY_STAYED * known)

    def faint(self, tiles: list[TileShift]) -> int:
        """Return how many tiles of little texture, as of grain, match too faintly."""
        return sum(
            tile.status == "flat" and _FAINT < self._texture[tile.box][1] <= UNSURE_PX
            for tile in tiles
        )

    def out_of_sight(self, tiles: list[TileShift]) -> int:
        """Return how many tiles of texture a motion put where they cannot be seen."""
        return sum(
            tile.status == "hidden" and self._texture[tile.box][0] in ("measured", "edge")
            for tile in tiles
        )

    def gone(self, tiles: list[TileShift]) -> bool:
        """Tell whether no tile of clear texture was found, and more left sight than changed."""
        clear = [
            tile.status
            for tile in tiles
            for status, unsure, _ in [self._texture[tile.box]]
            if status in ("measured", "edge") and unsure <= _FAINT
        ]
        found = {"measured", "edge"} & set(clear)
        return not found and clear.count("hidden") > clear.count("unmatched")

    def still(self) -> list[TileShift]:
        """Return the tiles of two equal images."""
        return [
            TileShift(box, status, 0.0, 0.0, unsure, along if status == "edge" else None)
            if status in ("measured", "edge")
            else TileShift(box, status)
            for box, (status, unsure, along) in self._texture.items()
        ]

    def lost(self) -> list[TileShift]:
        """Return the tiles where nothing could be found again."""
        return [
            TileShift(box, "unmatched" if status in ("measured", "edge") else status)
            for box, (status, _, _) in self._texture.items()
        ]

    def matched(self, motion: Motion) -> list[TileShift]:
        """Return the tiles, each matched from where a motion of the whole puts it."""
        from scipy.ndimage import map_coordinates, spline_filter

        height, width = self._before.shape
        spline = spline_filter(self._after, order=3, mode="mirror")
        largest = max(max(x2 - x1, y2 - y1) for x1, y1, x2, y2 in self._boxes)
        if motion.bend(height, width) * largest / 2 <= _BENT:
            field, inside, rest = spline, np.ones((height, width), np.bool_), None
            back = self._after
        else:
            where, inside = sources(motion, height, width)
            back = map_coordinates(spline, where, order=3, mode="mirror", prefilter=False)
            field, rest = spline_filter(back, order=3, mode="mirror"), motion
        found = self._from(field, inside, motion if rest is None else Motion(), back)
        if rest is None:
            return found
        for n, tile in enumerate(found):
            if tile.status in ("measured", "edge"):
                x, y = tile.centre
                dx, dy = rest.at(x + tile.dx, y + tile.dy, height, width)
                found[n] = replace(tile, dx=float(dx + tile.dx), dy=float(dy + tile.dy))
        return found

    def _from(self, field: Floats, inside: Mask, motion: Motion, image: Floats) -> list[TileShift]:
        """Return the tiles as they lie in an image, ``field`` its spline coefficients."""
        height, width = image.shape
        found = []
        for box in self._boxes:
            status = self._texture[box][0]
            if status in ("hidden", "flat"):
                found.append(TileShift(box, status))
                continue
            x1, y1, x2, y2 = box
            dx, dy = motion.at((x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2, height, width)
            found.append(self._match(field, inside, box, (float(dx), float(dy))))
        self._look_farther(found, field, inside, motion, image)
        return found

    def _look_farther(
        self,
        tiles: list[TileShift],
        field: Floats,
        inside: Mask,
        motion: Motion,
        image: Floats,
    ) -> None:
        """Look for unmatched tiles farther away, where most of the others are where they belong."""
        lost = [n for n, tile in enumerate(tiles) if tile.status == "unmatched"]
        if not 0 < len(lost) <= sum(tile.status in ("measured", "edge") for tile in tiles):
            return
        height, width = self._before.shape
        reach = _FAR
        for n in lost[:_MOST_LOOKED_FOR]:
            x1, y1, x2, y2 = tiles[n].box
            dx, dy = (round(float(d)) for d in motion.at(*tiles[n].centre, height, width))
            left, top = max(0, x1 + dx - reach), max(0, y1 + dy - reach)
            right, bottom = min(width, x2 + dx + reach), min(height, y2 + dy + reach)
            if right - left < 16 or bottom - top < 16:
                continue
            there = inside[top:bottom, left:right]
            seen = self._usable[y1:y2, x1:x2]
            around = image[top:bottom, left:right]
            tops = peaks(correlations(self._before[y1:y2, x1:x2], around, seen, there, 0.9))
            if not tops or tops[0][0] < _FAR_MATCH:
                continue
            if len(tops) > 1 and tops[1][0] > tops[0][0] - NEAR_EQUAL:
                continue
            start = float(tops[0][1] + left - x1), float(tops[0][2] + top - y1)
            tile = self._match(field, inside, tiles[n].box, start)
            if tile.status == "measured":
                tiles[n] = tile

    def _match(
        self, field: Floats, inside: Mask, box: Box, start: tuple[float, float]
    ) -> TileShift:
        """Fit the shift of one tile by least squares; ``field`` holds spline coefficients."""
        x1, y1, x2, y2 = box
        height, width = field.shape
        usable = self._usable[y1:y2, x1:x2] & inside[y1:y2, x1:x2]
        dx, dy = start
        rows, columns = np.arange(y1, y2)[:, None], np.arange(x1, x2)[None, :]
        steady_y, steady_x = (slope[y1:y2, x1:x2] for slope in self._slopes)
        target = self._before[y1:y2, x1:x2]
        system = np.ones((4, target.size))
        slope_x, slope_y, now, _ = (part.reshape(target.shape) for part in system)
        gain, weights = 1.0, usable.astype(np.float64)
        for _ in range(_STEPS):
            seen = (
                (columns + dx >= 1)
                & (columns + dx <= width - 2)
                & (rows + dy >= 1)
                & (rows + dy <= height - 2)
            )
            around = sampled(field, (x1 - 1, y1 - 1, x2 + 1, y2 + 1), dx, dy)
            now[:] = around[1:-1, 1:-1]
            _halfway(around[1:-1, 2:], around[1:-1, :-2], gain, steady_x, slope_x)
            _halfway(around[2:, 1:-1], around[:-2, 1:-1], gain, steady_y, slope_y)
            used = weights * seen
            count = float(used.sum())
            if count < 64:
                return TileShift(box, "hidden")
            weighted = system * used.ravel()
            normal = weighted @ system.T
            right = weighted @ target.ravel()
            try:
                rest = np.linalg.inv(normal[2:, 2:])
            except np.linalg.LinAlgError:
                return TileShift(box, "flat")
            reduced = normal[:2, :2] - normal[:2, 2:] @ rest @ normal[2:, :2]
            towards = right[:2] - normal[:2, 2:] @ rest @ right[2:]
            values, vectors = np.linalg.eigh(reduced)
            known = values > values[-1] * 1e-3
            step = vectors @ np.where(known, vectors.T @ towards / np.maximum(values, 1e-12), 0)
            gain, offset = (float(part) for part in rest @ (right[2:] - normal[2:, :2] @ step))
            if not 0.2 < gain < 5:
                return self._unmatched(box, usable & seen)
            residual = target - step[0] * slope_x
            for part in (step[1] * slope_y, gain * now, offset):
                residual -= part
            dx, dy = dx + float(step[0]), dy + float(step[1])
            kept = used > 0
            spread = max(NOISE_FLOOR, 1.4826 * float(np.median(np.abs(residual[kept]))))
            far = float(np.abs(step).max())
            if far < _STILL:
                break
            if math.hypot(dx - start[0], dy - start[1]) > 2 * _ROOM:
                return self._unmatched(box, usable & seen)
            residual /= _TUKEY * spread
            residual *= residual
            weights = np.maximum(np.subtract(1, residual, out=residual), 0, out=residual)
            weights *= weights
            weights *= usable
        sure, unsure, along = _directions(reduced, spread)
        correlation = correlation_of(target[kept], now[kept])
        if correlation < MATCH or math.hypot(dx - start[0], dy - start[1]) > _ROOM:
            return self._unmatched(box, usable & seen)
        if unsure <= UNSURE_PX:
            if math.hypot(dx - start[0], dy - start[1]) >= _STRAY and _stayed(
                target, now, sampled(field, box, *start), kept
            ):
                dx, dy = start
            return TileShift(box, "measured", dx, dy, unsure)
        if sure <= _EDGE_UNSURE and correlation >= _EDGE_MATCH:
            component = (dx - start[0]) * along[0] + (dy - start[1]) * along[1]
            at = start[0] + component * along[0], start[1] + component * along[1]
            return TileShift(box, "edge", *at, sure, along)
        return TileShift(box, "flat")

    def _unmatched(self, box: Box, seen: Mask) -> TileShift:
        """Return a tile that matches nothing, if what is left in sight of it has texture."""
        status = self._best(box, seen)[0]
        return TileShift(box, "unmatched" if status in ("measured", "edge") else status)


def _stayed(target: Floats, now: Floats, there: Floats, kept: Mask) -> bool:
    """Tell whether a tile is more alike where it was looked for first than where it was found.

    By the order of its levels alone, which no curve of tone changes: undone as a gain and an
    offset, a curve may look like a small move.
    """
    was, found, first = (
        np.unique(part[kept], return_inverse=True)[1].astype(np.float64)
        for part in (target, now, there)
    )
    return correlation_of(was, first) > correlation_of(was, found)


def _halfway(ahead: Floats, behind: Floats, gain: float, steady: Floats, out: Floats) -> None:
    """Write the mean of an image's slope, times ``gain``, and of the one that does not move."""
    np.subtract(ahead, behind, out=out)
    out *= gain
    out /= 2
    out += steady
    out /= 2


def _directions(normal: Floats, spread: float) -> tuple[float, float, tuple[float, float]]:
    """Return how sure a shift is in its best and in its worst direction, and the best.

    One standard deviation, in pixels; smoothing correlates the noise of neighbours, over about
    ``4 pi s^2`` pixels.
    """
    values, vectors = np.linalg.eigh(normal)
    area = 4 * math.pi * SMOOTHING**2
    worst, best = (
        spread * math.sqrt(area / value) if value > 0 else math.inf
        for value in (float(values[0]), float(values[1]))
    )
    return best, worst, (float(vectors[0, 1]), float(vectors[1, 1]))
