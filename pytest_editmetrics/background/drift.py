"""How far the background moved: shift, zoom and rotation, of the whole and tile by tile.

The shift is found to a whole pixel by masked phase correlation on a small copy (Padfield 2012,
``skimage.registration.phase_cross_correlation``), then refined on the measured pixels alone by
least squares (Lucas and Kanade 1981, with the mean of both images' gradients as in Malis 2004),
from coarse to fine, with gain and offset of the brightness fitted along and outliers given no
weight (Tukey's biweight). Both images are smoothed a little first, since interpolating one of them
would lessen its noise and so draw the answer towards half pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images import Array
from pytest_editmetrics.regions import Box, Mask

Floats: TypeAlias = NDArray[np.float64]
Status = Literal["measured", "flat", "unmatched", "hidden"]

SMOOTHING = 1.2  # standard deviation in pixels of what both images are smoothed with
UNSURE_PX = 0.1  # a tile that is not known better than this is flat
_MATCH = 0.6  # least correlation of what was aligned
_COARSE_EDGE = 160
_FINE_PIXELS = 800_000
_NOISE_FLOOR = 0.3  # of 255: rounding to whole levels
_TUKEY = 6.0
_FEW_TILES = 6
_TILE_NOISE = 0.02  # pixels that tiles differ by although nothing moved


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
        texture or nothing matches.

    >>> picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    >>> moved = np.roll(picture, 3, axis=1)
    >>> round(measure_drift(picture, moved, np.ones((96, 96), bool)).motion.dx, 1)
    3.0
    """
    before, after = smoothed(reference), smoothed(edited)
    usable = _eroded(mask, _margin(1))
    same = not (reference[usable] != edited[usable]).any()
    motion = Motion() if same else _whole(before, after, mask)
    if motion is None:
        return Drift(None, tuple(_tiles_without(before, usable)))
    tiles = tuple(_tiles(before, after, usable, motion, same))
    measured = [tile for tile in tiles if tile.status == "measured"]
    if not measured:
        return Drift(None, tiles)
    return Drift(_of_tiles(measured, motion, *mask.shape), tiles)


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


def smoothed(image: Array) -> Floats:
    """Return the brightness (ITU-R BT.601, in [0, 255]) of an RGB image, smoothed; (H, W)."""
    from scipy.ndimage import gaussian_filter

    grey = image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    blurred: Floats = gaussian_filter(grey, SMOOTHING, mode="nearest")
    return blurred


def _margin(scale: int) -> int:
    """Return how many pixels next to the edit its smoothing and a small shift reach."""
    return max(2, math.ceil(4 / scale))


def _eroded(mask: Mask, by: int) -> Mask:
    """Return the pixels further than ``by`` from an unmeasured one and from the image's border."""
    from scipy.ndimage import minimum_filter

    eroded: Mask = minimum_filter(mask, size=2 * by + 1, mode="constant", cval=0)
    return eroded


def _whole(before: Floats, after: Floats, mask: Mask) -> Motion | None:
    """Return the motion of all measured pixels, from coarse to fine."""
    levels = list(_levels(before, after, mask))
    if not levels:
        return None
    scale, one, other, usable = levels[0]
    fit = _Fit(Motion(*_coarse(one, other, usable)))
    for number, (factor, one, other, usable) in enumerate(levels):
        if number:
            fit = _Fit(_scaled(fit.motion, scale / factor))
        scale = factor
        height, width = one.shape
        fit = _refined(one, other, usable, fit.motion, turning=min(height, width) >= 32)
    if fit.correlation < _MATCH or fit.unsure * scale > UNSURE_PX:
        return None
    return _scaled(fit.motion, scale)


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


def _scaled(motion: Motion, factor: float) -> Motion:
    return Motion(motion.dx * factor, motion.dy * factor, motion.zoom, motion.rotation)


def _levels(
    before: Floats, after: Floats, mask: Mask
) -> Iterator[tuple[int, Floats, Floats, Mask]]:
    """Give (scale, before, after, usable) from the coarsest to the finest that is looked at."""
    longest = max(mask.shape)
    scales = [2**power for power in range(12) if longest / 2**power >= _COARSE_EDGE] or [1]
    if longest / scales[-1] > _COARSE_EDGE:
        scales.append(2 * scales[-1])
    finest = next((s for s in scales if mask.size / s**2 <= _FINE_PIXELS), scales[-1])
    for scale in sorted((s for s in scales if s >= finest), reverse=True):
        usable = _eroded(_shrunk(mask.astype(np.float64), scale) == 1, _margin(scale))
        if np.count_nonzero(usable) >= 256:
            yield scale, _shrunk(before, scale), _shrunk(after, scale), usable


def _shrunk(image: Floats, scale: int) -> Floats:
    """Return the means of blocks; what fills no block at the right and bottom is left out."""
    if scale == 1:
        return image
    rows, columns = image.shape[0] // scale, image.shape[1] // scale
    blocks = image[: rows * scale, : columns * scale].reshape(rows, scale, columns, scale)
    means: Floats = blocks.mean(axis=(1, 3))
    return means


def _coarse(before: Floats, after: Floats, usable: Mask) -> tuple[float, float]:
    """Return a shift in whole pixels; none unless it explains the image clearly better."""
    from skimage.registration import phase_cross_correlation

    with np.errstate(divide="ignore", invalid="ignore"):
        found = phase_cross_correlation(
            before, after, reference_mask=usable, moving_mask=usable, overlap_ratio=0.5
        )
    dy, dx = (-int(value) for value in found[0])

    def correlation(dx: int, dy: int) -> float:
        moved = np.roll(after, (-dy, -dx), axis=(0, 1))
        seen = usable & np.roll(usable, (-dy, -dx), axis=(0, 1))
        return _correlation(before[seen], moved[seen]) if seen.any() else 0.0

    if correlation(dx, dy) > correlation(0, 0) + 0.02:
        return float(dx), float(dy)
    return 0.0, 0.0


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = math.sqrt(float((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / size if size > 0 else 0.0


@dataclass(frozen=True)
class _Fit:
    """A motion, the correlation of what it aligns, and one standard deviation of its shift."""

    motion: Motion
    correlation: float = 0.0
    unsure: float = math.inf


def _refined(
    before: Floats, after: Floats, usable: Mask, start: Motion, *, turning: bool, steps: int = 12
) -> _Fit:
    """Refine a motion by least squares; ``turning`` fits zoom and rotation too."""
    from scipy.ndimage import map_coordinates, spline_filter

    height, width = before.shape
    rows, columns = np.nonzero(usable)
    spline = spline_filter(after, order=3, mode="mirror")
    steady_y, steady_x = (slope[usable] for slope in _slopes(before))
    all_y, all_x = (axis.astype(np.float64) for axis in np.mgrid[:height, :width])
    size = math.hypot(height, width) / 2
    u, v = (columns - (width - 1) / 2) / size, (rows - (height - 1) / 2) / size
    target = before[usable]

    motion, fit = start, _Fit(start)
    gain = 1.0
    weights = np.ones(len(target))
    for _ in range(steps):
        dx, dy = motion.at(all_x, all_y, height, width)
        x, y = all_x + dx, all_y + dy
        seen = ((x >= 1) & (x <= width - 2) & (y >= 1) & (y <= height - 2))[usable]
        moved = map_coordinates(spline, [y, x], order=3, mode="mirror", prefilter=False)
        now = moved[usable]
        slope_y, slope_x = (
            (gain * slope[usable] + steady) / 2
            for slope, steady in zip(_slopes(moved), (steady_y, steady_x), strict=True)
        )
        columns_of = [slope_x, slope_y]
        if turning:
            columns_of += [slope_x * u + slope_y * v, slope_y * u - slope_x * v]
        system = np.stack([*columns_of, now, np.ones_like(now)], axis=1)
        weighted = system * (weights * seen)[:, None]
        normal = weighted.T @ system
        try:
            solution = np.linalg.solve(normal, weighted.T @ target)
        except np.linalg.LinAlgError:
            return fit
        gain = float(solution[-2])
        if not 0.2 < gain < 5:
            return fit
        residual = target - system @ solution
        # the shift that explains the difference is that of the edited image's content, so it adds
        step = solution[: len(columns_of)]
        zoom = motion.zoom + (step[2] / size if turning else 0.0)
        rotation = motion.rotation + (math.degrees(step[3] / size) if turning else 0.0)
        motion = Motion(
            float(motion.dx + step[0]), float(motion.dy + step[1]), float(zoom), float(rotation)
        )
        inlying = np.abs(residual[seen & (weights > 0)])
        spread = max(_NOISE_FLOOR, 1.4826 * float(np.median(inlying)) if len(inlying) else 0.0)
        used = (weights > 0) & seen
        fit = _Fit(
            motion,
            _correlation(target[used], now[used]) if used.any() else 0.0,
            _unsure(normal, spread),
        )
        far = max(abs(step[0]), abs(step[1]), *(abs(value) for value in step[2:]))
        if far < 0.002:
            break
        if far > max(height, width) / 4:
            return _Fit(start)
        weights = np.clip(1 - (residual / (_TUKEY * spread)) ** 2, 0, None) ** 2
    return fit


def _unsure(normal: Floats, spread: float) -> float:
    """Return one standard deviation of the shift, the worse direction, in pixels.

    Smoothing correlates the noise of neighbours, over about ``4 pi s^2`` pixels.
    """
    try:
        covariance = np.linalg.inv(normal)
    except np.linalg.LinAlgError:
        return math.inf
    largest = float(np.linalg.eigvalsh(covariance[:2, :2]).max())
    if not largest > 0:
        return math.inf
    return spread * math.sqrt(largest * 4 * math.pi * SMOOTHING**2)


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
        fit = _refined(before[top:bottom, left:right], moved, within, start, turning=False)
        unsure = _texture(before, usable, box)
        away = math.hypot(fit.motion.dx - start.dx, fit.motion.dy - start.dy)
        if unsure > UNSURE_PX:
            yield TileShift(box, "flat")
        elif fit.correlation < _MATCH or away > room / 2:
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
    gradient_y, gradient_x = _slopes(before[y1:y2, x1:x2])
    seen = usable[y1:y2, x1:x2]
    slopes = np.stack([gradient_x[seen], gradient_y[seen]], axis=1)
    return _unsure(slopes.T @ slopes, _NOISE_FLOOR)


def _slopes(image: Floats) -> tuple[Floats, Floats]:
    """Return the slopes down and to the right, per pixel."""
    return np.gradient(image, axis=0), np.gradient(image, axis=1)


def _cut(image: Floats, box: Box) -> Floats:
    """Return a part of an image; what lies beyond its border repeats the border."""
    x1, y1, x2, y2 = box
    rows = np.clip(np.arange(y1, y2), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(x1, x2), 0, image.shape[1] - 1)
    return image[np.ix_(rows, columns)]
