"""How the colours of the background changed: gain and offset of each channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import block_sums, correlation_of
from pytest_editmetrics.images.regions import Mask

_CLIPPED = (4.0, 251.0)
_TUKEY = 6.0
_NOISE_FLOOR = 0.5  # of 255
_CELL = 8  # pixels of a side that are averaged: noise would draw a gain towards 0
_RANGE = 24.0  # of 255 that the values have to span, else a gain is not told
_FEW = 16  # cells
_FEW_PIXELS = 64
_MANY_PIXELS = 400_000  # of more every second row and column is looked at
_ROUNDS = 8
_LEAST_GAIN = 0.1  # less is no tone: nothing of the channel is left,
_WASHED_OUT = 0.95  # unless it is still seen, washed out: correlation of before and after
_INVERTED = -0.6  # correlation of before and after


@dataclass(frozen=True)
class Tone:
    """``edited = gain * reference + offset`` for red, green and blue; offsets of 255."""

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def applied(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return an image (3, H, W), values of 255, as this tone makes it; clipped to [0, 255].

        >>> Tone((2.0, 1.0, 1.0)).applied(np.full((3, 1, 1), 90, np.float32)).ravel().tolist()
        [180.0, 90.0, 90.0]
        """
        if self == Tone():
            return planes
        gain, offset = (
            np.array(part, np.float32)[:, None, None] for part in (self.gain, self.offset)
        )
        toned: NDArray[np.float32] = np.clip(planes * gain + offset, 0, 255)
        return toned

    def shifts(self, level: tuple[float, float, float]) -> tuple[float, float, float]:
        """Return by how much each channel of a colour changes, of 255."""
        red, green, blue = (
            (gain - 1) * value + offset
            for gain, offset, value in zip(self.gain, self.offset, level, strict=True)
        )
        return red, green, blue


def fit_tone(reference: NDArray[np.float32], edited: NDArray[np.float32], mask: Mask) -> Tone:
    """Fit the change of tone of the measured pixels; outliers get no weight (Tukey's biweight).

    Args:
        reference: float32 (3, H, W), values of 255.
        edited: the same, aligned with it.
        mask: boolean (H, W), true where measured.

    Returns:
        The tone, fitted to means of 8 x 8 pixels; a channel whose values span less than 24 levels
        keeps gain 1 and gets an offset alone, as one with too few pixels that are not clipped does.
    """
    step = 2 if mask.size > _MANY_PIXELS else 1
    seen = mask[::step, ::step]
    cells = [
        _cells(before[::step, ::step], after[::step, ::step], seen)
        for before, after in zip(reference, edited, strict=True)
    ]
    inverted = all(
        len(one) >= _FEW and correlation_of(one, other) < _INVERTED for one, other in cells
    )
    red, green, blue = (line(one, other, inverted=inverted) for one, other in cells)
    return Tone((red[0], green[0], blue[0]), (red[1], green[1], blue[1]))


def _cells(
    before: NDArray[np.float32], after: NDArray[np.float32], mask: Mask
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what a channel of cells was and is; of pixels where they fill too few cells."""
    low, high = _CLIPPED
    open_ = mask & (before > low) & (before < high) & (after > low) & (after < high)
    if np.count_nonzero(open_) < _FEW_PIXELS:
        return np.zeros(0), np.zeros(0)
    covered = _sums(open_.astype(np.float32))
    whole = covered >= _CELL**2 / 2
    if np.count_nonzero(whole) < _FEW:
        return before[open_].astype(np.float64), after[open_].astype(np.float64)
    one, other = (
        _sums(np.where(open_, plane, 0))[whole].astype(np.float64) / covered[whole]
        for plane in (before, after)
    )
    return one, other


def _sums(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    return block_sums(plane, _CELL, plane.dtype)


def line(
    one: NDArray[np.float64], other: NDArray[np.float64], *, inverted: bool = False
) -> tuple[float, float]:
    """Return gain and offset of one channel, from what cells were and what they are."""
    if not len(one):
        return 1.0, 0.0
    gain, offset = 1.0, float(np.median(other - one))
    if np.ptp(np.percentile(one, (3, 97))) < _RANGE:
        return gain, offset
    if inverted:
        gain = -float(other.std() / one.std())
        offset = float(np.median(other - gain * one))
    for _ in range(_ROUNDS):
        residual = other - gain * one - offset
        spread = max(_NOISE_FLOOR, 1.4826 * float(np.median(np.abs(residual))))
        weights = np.clip(1 - (residual / (_TUKEY * spread)) ** 2, 0, None) ** 2
        total = weights.sum()
        if total <= 0:
            break
        mean_one, mean_other = (weights @ one) / total, (weights @ other) / total
        varied = weights @ (one - mean_one) ** 2
        if varied <= 0:
            break
        last = gain
        gain = float((weights @ ((one - mean_one) * (other - mean_other))) / varied)
        offset = float(mean_other - gain * mean_one)
        if abs(gain - last) < 1e-5:
            break
    faint = not inverted and gain < _LEAST_GAIN
    if faint and correlation_of(one, other) < _WASHED_OUT:
        return 1.0, float(np.median(other - one))
    return gain, offset
