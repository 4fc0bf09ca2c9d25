"""Aligning two images: a whole-pixel guess, then least squares from coarse to fine.

The guess is the best of masked cross-correlation on a small copy (Padfield 2012); of shifts that
correlate nearly alike, as of texture that repeats, the smallest. The refinement is that of Lucas
and Kanade 1981, with the mean of both images' gradients as in Malis 2004, on the measured pixels
alone, gain and offset of the brightness fitted along, outliers without weight (Tukey's biweight).
Both images are smoothed a little first, since interpolating one of them would lessen its noise and
so draw the answer towards half pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.motion import Motion, sampled, sources
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

Floats: TypeAlias = NDArray[np.float64]
Model = Literal["shift", "similarity", "affine", "perspective"]

SMOOTHING = 1.2  # standard deviation in pixels of what both images are smoothed with
UNSURE_PX = 0.1  # what is not known better than this is not told
MATCH = 0.6  # least correlation of what was aligned
NOISE_FLOOR = 0.3  # of 255: rounding to whole levels
NEAR_EQUAL = 0.02  # correlations that differ by less are alike
_COARSE_EDGE = 160
_SHORT = 16  # pixels of a block's edge whose sum of bytes takes two
_FINE_PIXELS = 50_000  # tiles are matched finer
_TUKEY = 6.0
_OVERLAP = 0.4
_BENT = 0.1  # pixels at a corner that a freer motion has to change
_SETTLED = 0.002  # pixels at a corner that a step no longer changes
_FREER: tuple[Model, ...] = ("affine", "perspective")


def brightness(image: Array, scale: int = 1) -> Floats:
    """Return the brightness (ITU-R BT.601, in [0, 255]) of an RGB image, shrunk; (H, W)."""
    kind = np.dtype(np.uint16 if scale <= _SHORT else np.uint32)
    red, green, blue = (
        np.multiply(block_sums(image[..., n], scale, kind), weight / scale**2, dtype=np.float64)
        for n, weight in enumerate((0.299, 0.587, 0.114))
    )
    red += green
    red += blue
    grey: Floats = red
    return grey


def smoothed(image: Array, sigma: float = SMOOTHING) -> Floats:
    """Return the brightness of an RGB image, smoothed; (H, W)."""
    from scipy.ndimage import gaussian_filter

    blurred: Floats = gaussian_filter(brightness(image), sigma, mode="nearest")
    return blurred


def margin(scale: int) -> int:
    """Return how many pixels next to the edit its smoothing and a small shift reach."""
    return max(2, math.ceil(4 / scale))


def eroded(mask: Mask, by: int) -> Mask:
    """Return the pixels further than ``by`` from an unmeasured one and from the image's border."""
    from scipy.ndimage import minimum_filter

    inner: Mask = minimum_filter(mask, size=2 * by + 1, mode="constant", cval=0)
    return inner


@dataclass(frozen=True)
class Level:
    """Two images shrunk ``scale`` times, which pixels are measured, and the size of the whole."""

    scale: int
    before: Floats
    after: Floats
    usable: Mask
    size: tuple[int, int]

    def seen(self, motion: Motion) -> Motion:
        """Return a motion of the whole as these show it."""
        return motion.of_copy(self.scale, *self.size)

    def whole(self, motion: Motion) -> Motion:
        """Return a motion of these as that of the whole."""
        return motion.of_whole(self.scale, *self.size)

    @cached_property
    def pair(self) -> Pair:
        """The images, ready to be aligned."""
        return Pair(self.before, self.after, self.usable)


def align(levels: Sequence[Level]) -> tuple[Motion, bool] | None:
    """Return the motion of all measured pixels, from coarse to fine, and whether it is one of many.

    ``None`` where nothing correlates.
    """
    if not levels:
        return None
    coarsest = levels[0]
    dx, dy, ambiguous = _coarse(coarsest.before, coarsest.after, coarsest.usable)
    fit = refine_through(levels, Motion(dx * coarsest.scale, dy * coarsest.scale))
    return None if fit is None else (fit.motion, ambiguous)


def refine_through(levels: Sequence[Level], start: Motion) -> Fit | None:
    """Refine a motion (of the whole image's pixels) level by level; ``None`` if it fits nothing."""
    fit, hopeless = Fit(start), False
    for level in levels:
        pair, began = level.pair, level.seen(fit.motion)
        turns = min(level.usable.shape) >= 32
        found = stiff = pair.refined(began, "similarity" if turns else "shift")
        bent = turns and found.correlation > MATCH / 2 and pair.bends(found.motion)
        if bent and not hopeless:
            for model in _FREER:
                free = pair.refined(found.motion, model)
                if free.correlation > found.correlation + 0.25 * (1 - found.correlation):
                    found = free
            hopeless = found is stiff and found.correlation < MATCH
        fit = Fit(level.whole(found.motion), found.correlation, found.unsure * level.scale)
    return fit if fit.correlation >= MATCH else None


def levels_of(before: Floats, after: Floats, mask: Mask) -> Iterator[Level]:
    """Give the images from the coarsest copy to the finest that is looked at."""
    longest = max(mask.shape)
    scales = [2**power for power in range(12) if longest / 2**power >= _COARSE_EDGE] or [1]
    if longest / scales[-1] > _COARSE_EDGE:
        scales.append(2 * scales[-1])
    finest = next((s for s in scales if mask.size / s**2 <= _FINE_PIXELS), scales[-1])
    for scale in sorted((s for s in scales if s >= finest), reverse=True):
        usable = eroded(inside_of(mask, scale), margin(scale))
        if np.count_nonzero(usable) >= 256:
            yield Level(scale, shrunk(before, scale), shrunk(after, scale), usable, mask.shape)


def shrunk(image: Floats, scale: int) -> Floats:
    """Return the means of blocks; what fills no block at the right and bottom is left out."""
    if scale == 1:
        return image
    means: Floats = block_sums(image, scale, image.dtype) / scale**2
    return means


def inside_of(mask: Mask, scale: int) -> Mask:
    """Return which blocks lie in a mask wholly."""
    inside: Mask = block_sums(mask, scale, np.dtype(np.uint32)) == scale**2
    return inside


def block_sums(image: NDArray[Any], scale: int, kind: np.dtype[Any]) -> NDArray[Any]:
    """Return the sums of blocks (H, W), whole ones; an axis for the blocks would be slower."""
    if scale == 1:
        return image.astype(kind)
    rows, columns = image.shape[0] // scale, image.shape[1] // scale
    cut = image[: rows * scale, : columns * scale]
    lines = cut[::scale].astype(kind)
    for n in range(1, scale):
        lines += cut[n::scale]
    sums: NDArray[Any] = lines[:, ::scale].copy()
    for n in range(1, scale):
        sums += lines[:, n::scale]
    return sums


def correlations(
    before: Floats, after: Floats, seen: Mask, there: Mask, overlap: float = _OVERLAP
) -> Floats:
    """Return the correlation of what overlaps after each whole shift (Padfield 2012).

    Element (dy, dx), negative ones counted from the end, is of ``after`` moved back by them; -1
    where less than a part of the measured pixels overlaps.
    """
    from scipy.fft import irfft2, next_fast_len, rfft2

    shape = tuple(
        next_fast_len(a + b - 1, True) for a, b in zip(before.shape, after.shape, strict=True)
    )
    centre = float(before[seen].mean()) if seen.any() else 0.0
    f = np.where(seen, before - centre, 0.0)
    g = np.where(there, after - centre, 0.0)
    one, two, three = (np.conj(rfft2(part, shape)) for part in (seen * 1.0, f, f * f))
    four, five, six = (rfft2(part, shape) for part in (there * 1.0, g, g * g))

    def crossed(a: NDArray[np.complex128], b: NDArray[np.complex128]) -> Floats:
        both: Floats = irfft2(a * b, shape)
        return both

    count = np.maximum(crossed(one, four), 1e-9)
    sum_f, sum_g = crossed(two, four), crossed(one, five)
    varied = (crossed(three, four) - sum_f**2 / count) * (crossed(one, six) - sum_g**2 / count)
    size = np.sqrt(np.maximum(varied, 0))
    least = max(1e-6 * float(size.max()), 1e-9)
    found = (crossed(two, five) - sum_f * sum_g / count) / np.maximum(size, least)
    enough = count >= overlap * min(seen.sum(), there.sum())
    return np.where(enough & (size > least), found.clip(-1, 1), -1.0)


def peaks(found: Floats, most: int = 8) -> list[tuple[float, int, int]]:
    """Return the highest local maxima: (correlation, dx, dy), the highest first."""
    from scipy.ndimage import maximum_filter

    found = found.round(6)  # along stripes all are alike
    high = (found == maximum_filter(found, size=5, mode="wrap")) & (found > 0)
    rows, columns = np.nonzero(high)
    order = np.argsort(-found[rows, columns], kind="stable")[:most]
    height, width = found.shape
    return [
        (
            float(found[rows[n], columns[n]]),
            int((columns[n] + width // 2) % width - width // 2),
            int((rows[n] + height // 2) % height - height // 2),
        )
        for n in order
    ]


def _coarse(before: Floats, after: Floats, usable: Mask) -> tuple[float, float, bool]:
    """Return a shift in whole pixels, the smallest of near-equal ones, and whether there are more.

    None unless it explains the image clearly better.
    """
    found = correlations(before, after, usable, usable)
    tops = peaks(found, most=1000)
    if not tops:
        return 0.0, 0.0, False
    best = max(tops)[0]
    alike = [(math.hypot(dx, dy), dx, dy) for high, dx, dy in tops if high >= best - NEAR_EQUAL]
    _, dx, dy = (0.0, 0, 0) if found[0, 0] >= best - NEAR_EQUAL else min(alike)
    ambiguous = best >= MATCH and any(math.hypot(x - dx, y - dy) > 3 for _, x, y in alike)
    return float(dx), float(dy), ambiguous


def correlation_of(one: Floats, other: Floats) -> float:
    """Return the correlation of two lists of values; 0 where one of them is constant, or empty."""
    if not one.size:
        return 0.0
    one, other = one - one.mean(), other - other.mean()
    size = math.sqrt(float((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / size if size > 0 else 0.0


@dataclass(frozen=True)
class Fit:
    """A motion, the correlation of what it aligns, and one standard deviation of its shift."""

    motion: Motion
    correlation: float = 0.0
    unsure: float = math.inf


class Pair:
    """Two images that are aligned by least squares on their usable pixels."""

    def __init__(self, before: Floats, after: Floats, usable: Mask) -> None:
        from scipy.ndimage import spline_filter

        self._size = before.shape
        self._rows, self._columns = np.nonzero(usable)
        self._spline = spline_filter(after, order=3, mode="mirror")
        self._usable = usable
        self._steady = [slope[usable] for slope in slopes(before)]
        self._target = before[usable]
        height, width = before.shape
        self._reach = math.hypot(height, width) / 2
        self._u = (self._columns - (width - 1) / 2) / self._reach
        self._v = (self._rows - (height - 1) / 2) / self._reach

    def bends(self, motion: Motion) -> bool:
        """Tell whether a step towards a freer motion than this one leads anywhere."""
        free = self.refined(motion, _FREER[-1], steps=1).motion
        return free.apart(motion, *self._size) > _BENT

    def refined(self, start: Motion, model: Model, steps: int = 12) -> Fit:
        """Refine a motion by least squares; ``model`` says what of it is fitted."""
        height, width = self._size
        motion, fit = start, partial(Fit, start)
        gain = 1.0
        weights = np.ones(len(self._target))
        for _ in range(steps):
            # a bend too small to be sampled is not seen, so the step is all of it
            sampled_as = motion.shift if motion.still(height, width) else motion
            moved, inside = self._moved(sampled_as)
            seen = inside[self._usable]
            now = moved[self._usable]
            slope_y, slope_x = (
                (gain * slope[self._usable] + steady) / 2
                for slope, steady in zip(slopes(moved), self._steady, strict=True)
            )
            parts = self._columns_of(slope_x, slope_y, model)
            system = np.stack([*parts, now, np.ones_like(now)])
            weighted = system * (weights * seen)
            normal = weighted @ system.T
            solution = _solved(normal, weighted @ self._target)
            gain = float(solution[-2])
            if not 0.2 < gain < 5:
                break
            residual = self._target - solution @ system
            step = solution[: len(parts)]
            last, motion = motion, sampled_as.after(_stepped(step, model, self._reach))
            used = (weights > 0) & seen
            inlying = np.abs(residual[used])
            spread = max(NOISE_FLOOR, 1.4826 * float(np.median(inlying)) if len(inlying) else 0.0)
            fit = partial(self._fit, motion, used, now, normal, spread)
            if motion.apart(last, height, width) < _SETTLED:
                break
            if np.abs(step).max() > max(height, width) / 4:
                return Fit(start)
            weights = np.clip(1 - (residual / (_TUKEY * spread)) ** 2, 0, None) ** 2
        return fit()

    def _fit(self, motion: Motion, used: Mask, now: Floats, normal: Floats, spread: float) -> Fit:
        alike = correlation_of(self._target[used], now[used]) if used.any() else 0.0
        return Fit(motion, alike, unsure_of(normal, spread))

    def _moved(self, motion: Motion) -> tuple[Floats, Mask]:
        """Return the other image moved back, and where it shows what was there."""
        from scipy.ndimage import map_coordinates

        height, width = self._size
        if motion.still(height, width):
            moved = sampled(self._spline, (0, 0, width, height), motion.dx, motion.dy)
            y, x = np.ogrid[:height, :width]
            y, x = y + motion.dy, x + motion.dx
        else:
            (y, x), _ = sources(motion, height, width)
            moved = map_coordinates(self._spline, [y, x], order=3, mode="mirror", prefilter=False)
        return moved, (x >= 1) & (x <= width - 2) & (y >= 1) & (y <= height - 2)

    def _columns_of(self, slope_x: Floats, slope_y: Floats, model: Model) -> list[Floats]:
        u, v = self._u, self._v
        parts = [slope_x, slope_y]
        if model == "similarity":
            parts += [slope_x * u + slope_y * v, slope_y * u - slope_x * v]
        elif model != "shift":
            parts += [slope_x * u, slope_x * v, slope_y * u, slope_y * v]
        if model == "perspective":
            outwards = slope_x * u + slope_y * v
            parts += [-outwards * u, -outwards * v]
        return parts


def _solved(normal: Floats, wanted: Floats) -> Floats:
    """Solve normal equations; what the data do not tell, as a shift along stripes, is 0."""
    squares = np.diag(normal)
    told = squares > 1e-6
    size = np.sqrt(squares[told])
    scaled = normal[np.ix_(told, told)] / np.outer(size, size)
    solution, *_ = np.linalg.lstsq(scaled, wanted[told] / size, rcond=1e-9)
    found = np.zeros(len(normal))
    found[told] = solution / size
    return found


def _stepped(step: Floats, model: Model, size: float) -> Motion:
    dx, dy, *rest = (float(part) for part in step)
    if model == "shift":
        return Motion(dx, dy)
    if model == "similarity":
        grown, turned = (part / size for part in rest)
        return Motion(dx, dy, 1 + grown, -turned, turned, 1 + grown)
    xx, xy, yx, yy, *tilt = (part / size for part in rest)
    return Motion(dx, dy, 1 + xx, xy, yx, 1 + yy, *(part / size for part in tilt))


def unsure_of(normal: Floats, spread: float) -> float:
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


def slopes(image: Floats) -> tuple[Floats, Floats]:
    """Return the slopes down and to the right, per pixel."""
    return np.gradient(image, axis=0), np.gradient(image, axis=1)
