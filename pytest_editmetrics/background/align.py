"""Aligning two images: a whole-pixel guess, then least squares from coarse to fine.

The guess is masked phase correlation on a small copy (Padfield 2012,
``skimage.registration.phase_cross_correlation``). The refinement is that of Lucas and Kanade 1981,
with the mean of both images' gradients as in Malis 2004, on the measured pixels alone, gain and
offset of the brightness fitted along, outliers without weight (Tukey's biweight). Both images are
smoothed a little first, since interpolating one of them would lessen its noise and so draw the
answer towards half pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.motion import Motion
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

Floats: TypeAlias = NDArray[np.float64]

SMOOTHING = 1.2  # standard deviation in pixels of what both images are smoothed with
UNSURE_PX = 0.1  # what is not known better than this is not told
MATCH = 0.6  # least correlation of what was aligned
NOISE_FLOOR = 0.3  # of 255: rounding to whole levels
_COARSE_EDGE = 160
_FINE_PIXELS = 800_000
_TUKEY = 6.0


def smoothed(image: Array) -> Floats:
    """Return the brightness (ITU-R BT.601, in [0, 255]) of an RGB image, smoothed; (H, W)."""
    from scipy.ndimage import gaussian_filter

    grey = image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    blurred: Floats = gaussian_filter(grey, SMOOTHING, mode="nearest")
    return blurred


def margin(scale: int) -> int:
    """Return how many pixels next to the edit its smoothing and a small shift reach."""
    return max(2, math.ceil(4 / scale))


def eroded(mask: Mask, by: int) -> Mask:
    """Return the pixels further than ``by`` from an unmeasured one and from the image's border."""
    from scipy.ndimage import minimum_filter

    inner: Mask = minimum_filter(mask, size=2 * by + 1, mode="constant", cval=0)
    return inner


def align(before: Floats, after: Floats, mask: Mask) -> Motion | None:
    """Return the motion of all measured pixels, from coarse to fine."""
    levels = list(_levels(before, after, mask))
    if not levels:
        return None
    scale, one, other, usable = levels[0]
    fit = Fit(Motion(*_coarse(one, other, usable)))
    for number, (factor, one, other, usable) in enumerate(levels):
        if number:
            fit = Fit(_scaled(fit.motion, scale / factor))
        scale = factor
        height, width = one.shape
        fit = refined(one, other, usable, fit.motion, turning=min(height, width) >= 32)
    if fit.correlation < MATCH or fit.unsure * scale > UNSURE_PX:
        return None
    return _scaled(fit.motion, scale)


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
        usable = eroded(_shrunk(mask.astype(np.float64), scale) == 1, margin(scale))
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
class Fit:
    """A motion, the correlation of what it aligns, and one standard deviation of its shift."""

    motion: Motion
    correlation: float = 0.0
    unsure: float = math.inf


def refined(
    before: Floats, after: Floats, usable: Mask, start: Motion, *, turning: bool, steps: int = 12
) -> Fit:
    """Refine a motion by least squares; ``turning`` fits zoom and rotation too."""
    from scipy.ndimage import map_coordinates, spline_filter

    height, width = before.shape
    rows, columns = np.nonzero(usable)
    spline = spline_filter(after, order=3, mode="mirror")
    steady_y, steady_x = (slope[usable] for slope in slopes(before))
    all_y, all_x = (axis.astype(np.float64) for axis in np.mgrid[:height, :width])
    size = math.hypot(height, width) / 2
    u, v = (columns - (width - 1) / 2) / size, (rows - (height - 1) / 2) / size
    target = before[usable]

    motion, fit = start, Fit(start)
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
            for slope, steady in zip(slopes(moved), (steady_y, steady_x), strict=True)
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
        spread = max(NOISE_FLOOR, 1.4826 * float(np.median(inlying)) if len(inlying) else 0.0)
        used = (weights > 0) & seen
        fit = Fit(
            motion,
            _correlation(target[used], now[used]) if used.any() else 0.0,
            unsure_of(normal, spread),
        )
        far = max(abs(step[0]), abs(step[1]), *(abs(value) for value in step[2:]))
        if far < 0.002:
            break
        if far > max(height, width) / 4:
            return Fit(start)
        weights = np.clip(1 - (residual / (_TUKEY * spread)) ** 2, 0, None) ** 2
    return fit


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
