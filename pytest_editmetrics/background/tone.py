"""How the colours of the background changed: gain and offset of each channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.regions import Mask

_CLIPPED = (4.0, 251.0)
_TUKEY = 6.0
_NOISE_FLOOR = 0.5  # of 255
_MOST_PIXELS = 100_000
_ROUNDS = 8


@dataclass(frozen=True)
class Tone:
    """``edited = gain * reference + offset`` for red, green and blue; offsets of 255."""

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def applied(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return an image (H, W, 3), values of 255, as this tone makes it; clipped to [0, 255].

        >>> Tone((2.0, 1.0, 1.0)).applied(np.full((1, 1, 3), 90, np.float32))[0, 0].tolist()
        [180.0, 90.0, 90.0]
        """
        gain, offset = (np.array(part, np.float32) for part in (self.gain, self.offset))
        toned: NDArray[np.float32] = np.clip(image * gain + offset, 0, 255)
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
        reference: float32 (H, W, 3), values of 255.
        edited: the same, aligned with it.
        mask: boolean (H, W), true where measured.

    Returns:
        The tone; a channel with fewer than 64 pixels that are not clipped, or of one level only,
        keeps gain 1 and gets an offset alone.
    """
    pixels = np.flatnonzero(mask)
    pixels = pixels[:: max(1, len(pixels) // _MOST_PIXELS)]
    before, after = (
        image.reshape(-1, 3)[pixels].astype(np.float64) for image in (reference, edited)
    )
    fits = [_channel(before[:, c], after[:, c]) for c in range(3)]
    red, green, blue = fits
    return Tone((red[0], green[0], blue[0]), (red[1], green[1], blue[1]))


def _channel(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[float, float]:
    low, high = _CLIPPED
    open_ = (before > low) & (before < high) & (after > low) & (after < high)
    if np.count_nonzero(open_) < 64:
        return 1.0, 0.0
    one, other = before[open_], after[open_]
    if one.std() < 2:
        return 1.0, float(np.median(other - one))
    gain, offset = 1.0, float(np.median(other - one))
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
    return gain, offset
