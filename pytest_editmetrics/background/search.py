"""Looking for a background that moved far: any shift, angle, zoom from 0.4 to 2.5, mirrored or not.

Every angle and zoom of a grid is tried on a small copy by masked cross-correlation, which finds the
best shift of each; the best few are then refined as small motions are, first on a small copy, which
tells which of them are worth more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import (
    MATCH,
    Floats,
    Level,
    Model,
    correlations,
    eroded,
    inside_of,
    margin,
    peaks,
    shrunk,
)
from pytest_editmetrics.background.motion import Motion
from pytest_editmetrics.images.regions import Mask

_EDGE = 56
_NARROWEST = 16
_MOST = 2 * _EDGE**2
_ANGLES = 40
_ZOOMS = tuple(0.4 * 1.2**n for n in range(11))  # to 2.5
_NEARER = (0.1, 0.25)  # by what share a side of the frame is nearer than the middle
_LONGER = (1.12, 1.3)  # by what factor one axis is longer
_LEAST = 0.3
_KEPT = 8
_OVERLAP = 0.3
_UNSEEN = -1e6  # the value of what is not measured
_SMALLEST = 32  # pixels of the shorter side of a copy that starts are compared on
_STEPS = 8
_PROMISING = MATCH - 0.1  # on the small copy, where what is alike correlates by no less
_SAME = 2.0  # pixels: so near to a motion tiles are found from it


def likeliest(
    before: Floats, after: Floats, mask: Mask, level: Level, known: Sequence[Motion]
) -> list[Motion]:
    """Return motions that may be that of the whole, the likeliest first, each once.

    Args:
        before: the brightness of the reference, smoothed, (H, W).
        after: that of the edited image.
        mask: boolean (H, W), true where measured.
        level: the coarsest copy that motions are refined on.
        known: motions that were tried already; what correlates less is no likelier.
    """
    starts: list[tuple[Motion, Model]] = [
        *((motion, "similarity") for motion in candidates(before, after, mask)),
        *((motion, "affine") for motion in stretches()),
        *((motion, "perspective") for motion in tilts(*before.shape)),
    ]
    small = _halved(level, mask)
    fits = [small.pair.refined(small.seen(motion), model, _STEPS) for motion, model in starts]
    fits.sort(key=lambda fit: -fit.correlation)
    found: list[Motion] = []
    for fit in fits:
        motion = small.whole(fit.motion)
        if fit.correlation < _PROMISING or _among(motion, known, *before.shape):
            break
        if not _among(motion, found, *before.shape):
            found.append(motion)
    return found


def _among(motion: Motion, others: Sequence[Motion], height: int, width: int) -> bool:
    return any(_apart(motion, other, height, width) <= _SAME for other in others)


def _halved(level: Level, mask: Mask) -> Level:
    """Return a copy of half the size; the same where that would be too small."""
    scale = 2 * level.scale
    usable = eroded(inside_of(mask, scale), margin(scale))
    if min(usable.shape) < _SMALLEST or np.count_nonzero(usable) < 256:
        return level
    copies = shrunk(level.before, 2), shrunk(level.after, 2)
    return Level(scale, *copies, usable, mask.shape)


def candidates(before: Floats, after: Floats, mask: Mask) -> list[Motion]:
    """Return motions that may be that of the whole, the likeliest first.

    Args:
        before: the brightness of the reference, smoothed, (H, W).
        after: that of the edited image.
        mask: boolean (H, W), true where measured.
    """
    # a panorama is looked at larger, until its shorter side shows something
    scale = max(1, min(math.ceil(max(before.shape) / _EDGE), min(before.shape) // _NARROWEST))
    one, other = (_levelled(shrunk(image, scale)) for image in (before, after))
    seen = shrunk(mask.astype(np.float64), scale) > 0.5
    if min(one.shape) < _NARROWEST or one.size > _MOST or np.count_nonzero(seen) < 64:
        return []
    everywhere = np.ones_like(seen)
    shifts = peaks(correlations(one, other, seen, everywhere, _OVERLAP), 4)
    area = float(seen.sum())
    # a shift alone is the likeliest
    found = [(1.1 * _surely(high, area / 2), Motion(dx, dy)) for high, dx, dy in shifts]
    grid = _Grid(one, other, seen)
    for mirrored in (False, True):
        for turn in range(_ANGLES):
            found += grid.best(360 * turn / _ANGLES, mirrored)
    found.sort(key=lambda pair: -pair[0])
    kept: list[Motion] = []
    for _, motion in found:
        if len(kept) == _KEPT:
            break
        if all(_apart(motion, known, *one.shape) > 6 for known in kept):
            kept.append(motion)
    return [motion.of_whole(scale, *before.shape) for motion in kept]


def tilts(height: int, width: int) -> list[Motion]:
    """Return perspectives, either side or a corner nearer, that no turn and zoom leads to."""
    return [
        Motion(tilt_x=2 * near * right / width, tilt_y=2 * near * down / height)
        for near in _NEARER
        for right in (-1, 0, 1)
        for down in (-1, 0, 1)
        if right or down
    ]


def stretches() -> list[Motion]:
    """Return motions that stretch or squeeze one axis, which no turn and zoom leads to."""
    return [
        motion
        for by in _LONGER
        for factor in (by, 1 / by)
        for motion in (Motion(xx=factor), Motion(yy=factor))
    ]


def _levelled(image: Floats) -> Floats:
    """Return an image without its slow changes of brightness."""
    from scipy.ndimage import gaussian_filter

    levelled: Floats = image - gaussian_filter(image, _EDGE / 6, mode="nearest")
    return levelled


class _Grid:
    """Correlates a reference, turned and zoomed, with all shifts of the edited image."""

    def __init__(self, one: Floats, other: Floats, seen: Mask) -> None:
        from scipy.fft import next_fast_len, rfft2

        self._size = one.shape
        self._shape = tuple(next_fast_len(edge + edge // 2, True) for edge in one.shape)
        levelled = (other - other.mean()).astype(np.float32)
        parts = np.stack([np.ones_like(levelled), levelled, levelled**2])
        self._other = rfft2(parts, self._shape)
        # shifts to half of the frame; negative ones are counted from the end
        self._shifts = [np.arange(-(edge // 2), edge // 2 + 1) for edge in one.shape]
        self._held = [_marked(_blurred(one, 0.5 / zoom), seen) for zoom in _ZOOMS]

    def best(self, angle: float, mirrored: bool) -> list[tuple[float, Motion]]:
        """Return the best shift for each zoom at an angle, with its correlation."""
        from scipy.fft import irfft2, rfft2
        from scipy.ndimage import affine_transform

        centre = (np.array(self._size) - 1) / 2
        motions, moved = [], []
        for held, zoom in zip(self._held, _ZOOMS, strict=True):
            motion = Motion.similar(0, 0, zoom, angle)
            if mirrored:
                motion = motion.after(Motion(xx=-1.0))
            inverse = np.linalg.inv(np.array([[motion.yy, motion.yx], [motion.xy, motion.xx]]))
            offset = centre - inverse @ centre
            motions.append(motion)
            moved.append(affine_transform(held, inverse, offset, order=1, cval=_UNSEEN))
        images = np.stack(moved)
        seen = (images > _UNSEEN / 1000).astype(np.float32)
        counts = seen.sum(axis=(1, 2))
        means = (images * seen).sum(axis=(1, 2)) / np.maximum(counts, 1)
        f = (images - means[:, None, None]) * seen
        one, two, three = (np.conj(rfft2(part, self._shape)) for part in (seen, f, f * f))
        four, five, six = self._other
        pairs = np.stack([one * four, two * four, one * five, three * four, one * six, two * five])
        crossed = irfft2(pairs, self._shape)[:, :, self._shifts[0][:, None], self._shifts[1]]
        count, sum_f, sum_g, square_f, square_g, both = crossed
        count = np.maximum(count, 1)
        varied = (square_f - sum_f**2 / count) * (square_g - sum_g**2 / count)
        size = np.sqrt(np.maximum(varied, 1e-3 * varied.max(axis=(1, 2), keepdims=True) + 1e-6))
        found = (both - sum_f * sum_g / count) / size
        zooms = np.array(_ZOOMS)[:, None, None]
        seen_of_before = count / np.maximum(1, zooms**2)
        enough = (count >= _OVERLAP * counts[:, None, None]) & (seen_of_before >= 60)
        score = np.where(enough & (found > _LEAST), _surely(found, seen_of_before), 0)
        best = []
        for motion, sure in zip(motions, score, strict=True):
            at = int(sure.argmax())
            if sure.flat[at] > 0:
                row, column = divmod(at, len(self._shifts[1]))
                dy, dx = float(self._shifts[0][row]), float(self._shifts[1][column])
                best.append((float(sure.flat[at]), Motion(dx, dy).after(motion)))
        return best


def _surely(correlation: Any, count: Any) -> Any:
    """Return a correlation in standard deviations of what chance makes of so many pixels."""
    return np.arctanh(np.clip(correlation, 0, 0.99)) * np.sqrt(count)


def _marked(image: Floats, seen: Mask) -> NDArray[np.float32]:
    marked: NDArray[np.float32] = np.where(seen, image, _UNSEEN).astype(np.float32)
    return marked


def _blurred(image: Floats, sigma: float) -> Floats:
    from scipy.ndimage import gaussian_filter

    blurred: Floats = gaussian_filter(image, sigma) if sigma > 0.6 else image
    return blurred


def _apart(one: Motion, other: Motion, height: int, width: int) -> float:
    """Return how far two motions put a point of the picture apart, on average over five."""
    points = [(x, y) for x in (0, width - 1) for y in (0, height - 1)] + [(width / 2, height / 2)]
    off = []
    for x, y in points:
        ax, ay = one.at(x, y, height, width)
        bx, by = other.at(x, y, height, width)
        off.append(math.hypot(ax - bx, ay - by))
    return sum(off) / len(off)
