"""How far the background moved, as a whole and tile by tile.

The whole is aligned first (``align``), then each tile alone, from where the whole puts it
(``tiles``). Where most tiles match nothing, or something else as well, the whole is looked for far
and wide (``search``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

import numpy as np

from pytest_editmetrics.background.agree import components, motion_of
from pytest_editmetrics.background.align import (
    SMOOTHING,
    Floats,
    Level,
    align,
    brightness,
    correlation_of,
    eroded,
    inside_of,
    levels_of,
    margin,
    refine_through,
    slopes,
)
from pytest_editmetrics.background.motion import Motion
from pytest_editmetrics.background.search import likeliest
from pytest_editmetrics.background.tiles import Status, Tiles, TileShift
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

Lost = Literal["flat", "gone", "unmatched"]

_MOST_PIXELS = 600_000  # of a copy that is looked at
_FOUND: tuple[Status, ...] = ("measured", "edge")
_TRIED = 3  # motions that the search found
_HARDLY_ANY = 0.1  # of the tiles that are found: if so few are not, no other motion is tried
_FEW = 3  # tiles: so few are not believed against the whole
_FLAT = 1.0  # level of brightness
_BLURRED = 0.85  # of the slopes
_REACH = 8  # pixels around what is not seen that tell what stands in its place
_AGAIN = 1.0  # pixels that a better motion puts corners elsewhere: tiles are matched under it
_APART = 1.0  # pixels from where the whole puts it: that tile moved alone
_INVERTED = -0.6  # correlation of what has its tones inverted
_TOGETHER = 0.5  # pixels that tiles of one part differ by
_MANY = 5  # tiles around one, itself included, that must be known to tell what it does
_LOOSE = 0.5  # pixels off the motion of the whole: half of the tiles farther each go their own way
_AS_MANY = 0.75  # of the tiles that fit a motion: if so many fit none at all, it is chance


@dataclass(frozen=True)
class Drift:
    """What ``measure_drift`` found.

    ``motion`` is ``None`` where it could not be told: ``lost`` says whether both images are flat,
    what has texture went out of sight, or nothing matches. ``ambiguous`` tells that the texture
    repeats, so that other shifts fit as well, and ``components`` is 1 where only one of a shift is
    known, as of stripes.
    """

    motion: Motion | None
    tiles: tuple[TileShift, ...]
    size: tuple[int, int] = (1, 1)
    ambiguous: bool = False
    components: int = 2
    lost: Lost | None = None

    @property
    def median(self) -> tuple[float, float]:
        """The medians of the tiles' dx and dy, in pixels; of at least one measured tile."""
        tiles = self.measured
        if not tiles and self.motion is not None:
            return self.motion.dx, self.motion.dy
        return (
            float(np.median([tile.dx for tile in tiles])),
            float(np.median([tile.dy for tile in tiles])),
        )

    @property
    def measured(self) -> tuple[TileShift, ...]:
        """The tiles whose shift is known."""
        return tuple(tile for tile in self.tiles if tile.status == "measured")

    @property
    def apart(self) -> tuple[TileShift, ...]:
        """The tiles that moved otherwise than the whole, by a pixel or more."""
        if self.motion is None:
            return ()
        return tuple(tile for tile in self.measured if self._off(tile) >= _APART)

    @property
    def part(self) -> tuple[TileShift, ...]:
        """The tiles that moved together, otherwise than the whole; none if they do not agree.

        At most half of the measured ones: of more the median says where they went.
        """
        tiles = self.apart
        if not tiles:
            return ()
        dx, dy = (
            float(np.median(part))
            for part in zip(*((tile.dx, tile.dy) for tile in tiles), strict=True)
        )
        together = tuple(t for t in tiles if math.hypot(t.dx - dx, t.dy - dy) < _TOGETHER)
        most = len(self.measured) / 2
        return together if max(2, len(tiles) / 2) <= len(together) <= most else ()

    def _off(self, tile: TileShift) -> float:
        assert self.motion is not None
        dx, dy = self.motion.at(*tile.centre, *self.size)
        return math.hypot(tile.dx - dx, tile.dy - dy)

    @property
    def loose(self) -> bool:
        """Whether most tiles lie far from the motion of the whole, each its own way."""
        return bool(self.measured) and median(map(self._off, self.measured)) > _LOOSE

    @property
    def moved_share(self) -> float:
        """Which share of the measured tiles moved together, otherwise than the whole."""
        return len(self.part) / len(self.measured) if self.measured else 0.0

    @property
    def warp_px(self) -> float:
        """The longest move of a measured part of the background, in pixels.

        That of the motion of the whole at the corners of the measured tiles, or of the median of
        neighbouring tiles, whichever is longer.
        """
        assert self.motion is not None
        longest = 0.0
        for tile in self.tiles:
            if tile.status in _FOUND:
                x1, y1, x2, y2 = tile.box
                for x, y in ((x1, y1), (x2 - 1, y1), (x1, y2 - 1), (x2 - 1, y2 - 1)):
                    longest = max(longest, math.hypot(*self.motion.at(x, y, *self.size)))
        return max([longest, *(math.hypot(dx, dy) for dx, dy in self._around())])

    def _around(self) -> Iterator[tuple[float, float]]:
        """Give the median shift of the tiles around each, where most of them are known."""
        lefts = {left: n for n, left in enumerate(sorted({tile.box[0] for tile in self.tiles}))}
        tops = {top: n for n, top in enumerate(sorted({tile.box[1] for tile in self.tiles}))}
        known = {(lefts[tile.box[0]], tops[tile.box[1]]): tile for tile in self.measured}
        for x, y in known:
            near = [
                known[x + i, y + j]
                for i in (-1, 0, 1)
                for j in (-1, 0, 1)
                if (x + i, y + j) in known
            ]
            if len(near) >= _MANY:
                yield median(tile.dx for tile in near), median(tile.dy for tile in near)


def measure_drift(reference: Array, edited: Array, mask: Mask) -> Drift:
    """Find how the measured part of an image moved.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same.
        mask: boolean (H, W), true for the background; pixels near its border are left out.

    Returns:
        The motion, good to some hundredths of a pixel where there is texture, and that of every
        tile (a sixth of the shorter side, 48 to 128 px). ``motion`` is ``None`` where both images
        are flat, or where more tiles do not match than do, wherever they are looked for.

    >>> picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    >>> moved = np.roll(picture, 3, axis=1)
    >>> round(measure_drift(picture, moved, np.ones((96, 96), bool)).motion.dx, 1)
    3.0
    """
    size = mask.shape
    scale = 1
    while mask.size / scale**2 > _MOST_PIXELS:
        scale *= 2
    before = _smoothed(brightness(reference, scale))
    inside = inside_of(mask, scale)
    usable = eroded(inside, margin(scale))
    after = _smoothed(brightness(edited, scale))
    if _alike(reference, edited, mask):
        tiles = Tiles(before, before, usable, scale)
        if not tiles.textured:
            return _told(Drift(None, tuple(tiles.still()), lost="flat"), scale, size)
        return _told(_drift(tiles.still(), Motion(), before.shape), scale, size)
    if usable.any():
        if np.ptp(after[usable]) < _FLAT:
            tiles = Tiles(before, after, usable, scale)
            if tiles.textured:  # which nothing shows, wherever it is looked for
                return _told(Drift(None, tuple(tiles.lost()), lost="unmatched"), scale, size)
        if correlation_of(before[usable], after[usable]) < _INVERTED:
            after = 255 - after
    as_sharp = before, after
    before, after = _alike_sharp(before, after, usable)
    tiles = Tiles(before, after, usable, scale)
    if not tiles.textured:
        lost: Lost = "unmatched" if Tiles(after, before, usable, scale).clear else "flat"
        return _told(Drift(None, tuple(tiles.still()), lost=lost), scale, size)
    levels = list(levels_of(before, after, inside))
    aligned = align(levels)
    found = None if aligned is None else _nearby(tiles, *aligned, before.shape)
    softened = before is not as_sharp[0] or after is not as_sharp[1]
    if _doubtful(tiles, found):
        # what entered at the border, or is black, may have made one look softer
        sharp = Tiles(*as_sharp, usable, scale)
        if aligned is not None and softened:
            again = _nearby(sharp, *aligned, before.shape)
            found = again if _known(again) > _known(found) else found
        if sharp.stayed:
            still = _drift(sharp.matched(Motion()), Motion(), before.shape)
            found = still if _known(still) > _known(found) else found
    if levels and _doubtful(tiles, found):
        known = [] if aligned is None else [aligned[0]]
        starts = likeliest(before, after, inside, levels[0], known)
        wide = _wide(tiles, levels[:1], starts, before.shape)
        if wide is not None and _known(wide) > _known(found):
            found = wide
    if found is None or found.lost in ("gone", "unmatched"):
        found = Drift(None, tuple(tiles.lost()), lost="unmatched" if found is None else found.lost)
    return _told(found, scale, size)


def _doubtful(tiles: Tiles, found: Drift | None) -> bool:
    """Tell whether nothing was found, or less than went out of sight."""
    if found is None or found.motion is None:
        return True
    return tiles.out_of_sight(list(found.tiles)) > _known(found)


def _known(found: Drift | None) -> int:
    """Return how many tiles tell the motion."""
    return 0 if found is None or found.motion is None else _count(list(found.tiles), *_FOUND)


def _alike(reference: Array, edited: Array, mask: Mask) -> bool:
    """Tell whether no pixel of the background differs, but near its border."""
    kept = eroded(mask, margin(1))
    # an axis of three is slow
    return not any(((reference[..., n] != edited[..., n]) & kept).any() for n in range(3))


def _smoothed(image: Floats) -> Floats:
    from scipy.ndimage import gaussian_filter

    blurred: Floats = gaussian_filter(image, SMOOTHING, mode="nearest")
    return blurred


def _alike_sharp(before: Floats, after: Floats, usable: Mask) -> tuple[Floats, Floats]:
    """Return both images, the sharper one blurred until its slopes are as the other's."""
    from scipy.ndimage import gaussian_filter

    def steepness(image: Floats) -> float:
        values = image[usable]
        spread = float(values.var()) if values.size else 0.0
        if spread < 1:
            return 0.0
        down, right = (slope[usable] for slope in slopes(image))
        return math.sqrt(float((down**2).mean() + (right**2).mean()) / spread)

    one, other = steepness(before), steepness(after)
    if min(one, other) == 0 or min(one, other) >= _BLURRED * max(one, other):
        return before, after
    sharp, wanted = (before, other) if one > other else (after, one)
    filled = _without_unseen(sharp, usable)
    low, high, blurred = 0.0, 8.0, sharp
    for _ in range(5):
        sigma = (low + high) / 2
        blurred = gaussian_filter(filled, sigma, mode="nearest")
        low, high = (sigma, high) if steepness(blurred) > wanted else (low, sigma)
    # farther in, what is not seen may be background that came from elsewhere, so it is kept
    farther = eroded(~usable, _REACH)
    blurred[farther] = gaussian_filter(sharp, sigma, mode="nearest")[farther]
    return (blurred, after) if one > other else (before, blurred)


def _without_unseen(image: Floats, seen: Mask) -> Floats:
    """Return an image with the mean of what is seen around in place of what is not.

    Else a blur would carry an edit into the background beside it.
    """
    from scipy.ndimage import uniform_filter

    size = 2 * _REACH + 1
    share = uniform_filter(seen.astype(np.float64), size, mode="nearest")
    around = uniform_filter(np.where(seen, image, 0), size, mode="nearest")
    far = np.full_like(image, image[seen].mean())
    near = np.divide(around, share, out=far, where=share > 0.5 / size**2)
    return np.where(seen, image, near)


def _nearby(tiles: Tiles, motion: Motion, ambiguous: bool, size: tuple[int, int]) -> Drift:
    matched = tiles.matched(motion)
    if not _agreed(matched):
        if tiles.gone(matched):
            return Drift(None, tuple(matched), lost="gone")
        # what correlates and is too faint to tell a shift is no other picture
        faint = tiles.faint(matched) >= max(1, _count(matched, "unmatched"))
        return Drift(None, tuple(matched), lost="flat" if faint else "unmatched")
    found = _drift(matched, motion, size)
    if found.motion is not None and _between(motion, found.motion, *size) > _AGAIN:
        found = _again(tiles, found, size)
    if found.loose:
        found = _stiller(tiles, found, size)
    return replace(found, ambiguous=ambiguous and found.components == 2)


def _stiller(tiles: Tiles, found: Drift, size: tuple[int, int]) -> Drift:
    """Return what tiles tell from where they were, if about as many are found there.

    A background that was drawn anew has lines near wherever they are looked for, so each motion
    that a fit begins with finds itself again: the smaller one is no worse.
    """
    matched = tiles.matched(Motion())
    if not _agreed(matched) or _count(matched, *_FOUND) < _AS_MANY * _count(
        list(found.tiles), *_FOUND
    ):
        return found
    still = _drift(matched, Motion(), size)
    return min(still, found, key=lambda drift: drift.warp_px)


def _wide(
    tiles: Tiles, levels: Sequence[Level], starts: Sequence[Motion], size: tuple[int, int]
) -> Drift | None:
    best: Drift | None = None
    for start in starts[:_TRIED]:
        fit = refine_through(levels, start)
        if fit is None:
            continue
        matched = tiles.matched(fit.motion)
        if not _agreed(matched, least=_FEW):
            continue
        found = _again(tiles, _drift(matched, fit.motion, size), size)
        if best is None or len(found.measured) > len(best.measured):
            best = found
        if _count(matched, "unmatched") <= _HARDLY_ANY * _count(matched, *_FOUND):
            break
    return best


def _between(one: Motion, other: Motion, height: int, width: int) -> float:
    """Return how far apart two motions put a corner, each but for its shift."""
    corners = zip(one.corners(height, width), other.corners(height, width), strict=True)
    apart = [(ax - bx, ay - by) for (ax, ay), (bx, by) in corners]
    return max(math.dist(apart[0], shift) for shift in apart[1:])


def _again(tiles: Tiles, found: Drift, size: tuple[int, int]) -> Drift:
    """Return what tiles tell that are matched once more, from where the motion puts them."""
    assert found.motion is not None
    matched = tiles.matched(found.motion)
    return _drift(matched, found.motion, size) if _agreed(matched, least=_FEW) else found


def _agreed(tiles: list[TileShift], least: int = 1) -> bool:
    return _count(tiles, *_FOUND) >= max(least, _count(tiles, "unmatched"))


def _count(tiles: list[TileShift], *statuses: Status) -> int:
    return sum(tile.status in statuses for tile in tiles)


def _drift(tiles: list[TileShift], start: Motion, size: tuple[int, int]) -> Drift:
    found = [tile for tile in tiles if tile.status in _FOUND]
    motion = motion_of(found, start, *size)
    return Drift(motion, tuple(tiles), size, components=components(found))


def _told(drift: Drift, scale: int, size: tuple[int, int]) -> Drift:
    """Return what was found of a copy in pixels of the whole image."""
    height, width = size
    if scale == 1:
        return replace(drift, size=size)
    motion = drift.motion
    if motion is not None:
        motion = motion.of_whole(scale, height, width)
    tiles = tuple(
        replace(
            tile,
            box=(x1 * scale, y1 * scale, x2 * scale, y2 * scale),
            dx=tile.dx * scale,
            dy=tile.dy * scale,
            unsure=tile.unsure * scale,
        )
        for tile in drift.tiles
        for x1, y1, x2, y2 in [tile.box]
    )
    return replace(drift, motion=motion, tiles=tiles, size=size)
