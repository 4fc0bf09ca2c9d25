"""How much a model changes by itself, learnt from an image of which most may have been edited.

What was edited is not known here, so nothing may be learnt from a mean or a median: the background
may be a fifth of the frame. It is the part that changed least and alike: where differences have
their lowest clear peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.images.channels import average, highest

Floats = NDArray[np.float32]
KindT = TypeVar("KindT", bound=np.generic)

CELL = 4
"""Pixels along the edge of a cell, over which differences are averaged."""

FLOOR = 1.5  # of 255: less is rounding
_PROOF = 0.05  # of the cells that could tell, identical in every pixel: nothing was encoded anew
_TOLD = 0.25  # of a cell, neither black nor white
_BLACK = 4  # of 255
_TEXTURE = 0.3  # of 255: the least slope of what is not flat
_TONE = 24  # of 255: a model's own change of tone is less
_STEP = 3  # of 255
_GAIN = 0.12
_VARIED = 12.0  # of 255, standard deviation: enough to tell a gain
_FEW = 40  # cells
_MOST = 6.0  # of 255, smoothed: more is no noise
_STEEPEST = 0.25  # of the local slope
_PEAK = 0.2  # of the highest peak
_APART = 1.0  # a logarithm: so far below the highest clear peak a flatter one is another group
_VALLEY = 0.5  # of the flatter peak: between the two there is less
_AROUND = 0.08  # of all values: so many make a group
_BIN, _WIDTH = 0.04, 0.12  # of a logarithm
_HIGHEST_MIDDLE = 0.3
_ANOTHER = 2.1  # a logarithm: what changed least changed far more than any model does by itself
_LEAST_SPREAD, _MOST_SPREAD = 0.12, 0.35


@dataclass(frozen=True)
class Changed:
    """What changed beyond a change of tone that all of the background shares.

    ``difference`` is edited less reference, float32 (H, W, 3), and ``smooth`` its largest channel,
    without what encoding scatters, (H, W). ``expected`` is how much a cell of the background
    changes, (rows, columns). ``level`` is how far a cell lies beyond it, a logarithm; the
    background's is ``middle``, give or take ``spread``. ``proof`` tells that pixels of it are
    identical, so that nothing was encoded anew; ``background`` that there is any at all.
    """

    difference: Floats
    smooth: Floats
    expected: Floats
    level: Floats
    middle: float
    spread: float
    proof: bool
    background: bool


def changed(reference: NDArray[np.uint8], edited: NDArray[np.uint8]) -> Changed:
    """Learn what the background changed by, and how far each cell lies beyond it.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same.
    """
    before, after = reference.astype(np.float32), edited.astype(np.float32)
    slope = _slope(before)
    proof = _is_proof(reference, edited, cells(slope) > _TEXTURE)
    difference = after - before if proof else _without_tone(before, after)
    smooth = smoothed(difference, 2)
    amount = cells(smooth)
    expected = np.zeros_like(amount)
    if not proof:
        flatter: Floats = np.asarray(np.minimum(slope, _slope(after)))
        expected = _expected(amount, cells(flatter))
    level = np.log((amount + FLOOR) / (expected + FLOOR))
    peak = _lowest_peak(level)
    middle = min(_HIGHEST_MIDDLE, peak)
    below = level[level < middle]
    spread = float(np.sqrt(np.mean((below - middle) ** 2))) if below.size else 0.0
    spread = min(_MOST_SPREAD, max(_LEAST_SPREAD, spread))
    return Changed(difference, smooth, expected, level, middle, spread, proof, peak < _ANOTHER)


def smoothed(difference: Floats, sigma: float) -> Floats:
    """Return the largest channel of a difference (H, W, 3) without its finest detail, (H, W)."""
    return highest(np.abs(gaussian_filter(difference, (sigma, sigma, 0))))


def cells(values: Floats) -> Floats:
    """Return the mean over each cell of (H, W); what is cut off at the border is continued."""
    height, width = values.shape
    rows, columns = -(-height // CELL), -(-width // CELL)
    padded = np.pad(values, ((0, rows * CELL - height), (0, columns * CELL - width)), mode="edge")
    mean: Floats = padded.reshape(rows, CELL, columns, CELL).mean(axis=(1, 3))
    return mean


def pixels(of_cells: NDArray[KindT], shape: tuple[int, ...]) -> NDArray[KindT]:
    """Return what is known of cells for each pixel of (H, W)."""
    return np.repeat(np.repeat(of_cells, CELL, axis=0), CELL, axis=1)[: shape[0], : shape[1]]


def _is_proof(
    reference: NDArray[np.uint8], edited: NDArray[np.uint8], textured: NDArray[np.bool_]
) -> bool:
    """Tell whether cells are identical that a model would have changed, had it changed anything.

    Black and white stay what they are under many changes, and so does what is flat.
    """
    told = ~highest((reference <= _BLACK) | (reference >= 255 - _BLACK))
    equal = ~highest(reference != edited)
    same = equal | ~told
    fit = (cells(np.asarray(told, np.float32)) >= _TOLD) & textured
    if not fit.any():  # black lines on white: what of them stayed was not blurred
        grey = average(reference.astype(np.float32))
        fit, same = cells(grey**2) - cells(grey) ** 2 > 1, equal
    if not fit.any():
        fit = np.ones_like(fit)
    alike = fit & (cells(np.asarray(same, np.float32)) >= 1)
    return bool(alike.sum() >= _PROOF * fit.sum())


def _slope(image: Floats) -> Floats:
    """Return how steep an image is around each pixel, (H, W)."""
    down, across = np.gradient(gaussian_filter(average(image), 0.7))
    slope: Floats = gaussian_filter(np.hypot(down, across), 3)
    return slope


def _without_tone(before: Floats, after: Floats) -> Floats:
    """Return the difference without a gain and an offset of each channel.

    They are those on which most cells agree in all channels at once: a recoloured area, however
    large, does so less, since its colours are others.
    """
    one = np.stack([cells(before[..., channel]).ravel() for channel in range(3)])
    other = np.stack([cells(after[..., channel]).ravel() for channel in range(3)])
    gain, offset = np.ones(3), np.zeros(3)
    apart = other - one
    near = apart[:, (np.abs(apart) < _TONE).all(axis=0)]
    if near.shape[1] >= _FEW:
        bins = 2 * _TONE // _STEP
        place = ((near + _TONE) / _STEP).astype(int).clip(0, bins - 1)
        flat = np.ravel_multi_index(tuple(place), (bins,) * 3)
        counts = np.bincount(flat, minlength=bins**3).reshape((bins,) * 3).astype(np.float32)
        counts = gaussian_filter(counts, 1.0, mode="constant")
        peak = np.unravel_index(int(counts.argmax()), counts.shape)
        offset = (np.array(peak) + 0.5) * _STEP - _TONE
        for reach in (8, 6, 5, 4, 4):
            rest = np.abs(other - gain[:, None] * one - offset[:, None])
            agree = (rest < reach).all(axis=0)
            if agree.sum() < _FEW:
                break
            for channel in range(3):
                x, y = one[channel][agree], other[channel][agree]
                if x.std() > _VARIED:
                    fitted = float(np.cov(x, y, bias=True)[0, 1] / x.var())
                    gain[channel] = min(1 + _GAIN, max(1 - _GAIN, fitted))
                offset[channel] = float((y - gain[channel] * x).mean())
    toned: Floats = after - before * gain.astype(np.float32) - offset.astype(np.float32)
    return toned


def _expected(amount: Floats, slope: Floats) -> Floats:
    """Return by how much a cell of its slope changes in the background: blur grows with it."""
    middle = float(np.median(slope))
    calm, busy = slope <= middle, slope > max(1.0, middle)
    base = min(_MOST, max(0.0, float(np.exp(_lowest_peak(np.log(amount[calm] + 0.5)))) - 0.5))
    steep = 0.0
    if busy.sum() > _FEW:
        share = (np.maximum(amount[busy] - base, 0) + 0.5) / (slope[busy] + 1)
        steep = min(_STEEPEST, max(0.0, float(np.exp(_lowest_peak(np.log(share)))) - 0.1))
    expected: Floats = (base + steep * slope).astype(np.float32)
    return expected


def _lowest_peak(values: Floats) -> float:
    """Return the lowest clear peak of a distribution.

    One that is far below the highest is clear however flat it is, if enough lies around it: an
    edit that changed all of its pixels alike makes a peak that dwarfs the background's.
    """
    values = values.ravel()
    least = float(values.min())
    bins = int((float(values.max()) - least) / _BIN) + 1
    counts = np.bincount(((values - least) / _BIN).astype(int).clip(0, bins - 1), minlength=bins)
    high = gaussian_filter(np.pad(counts.astype(np.float64), 10), _WIDTH / _BIN)[9:-9]
    inner = high[1:-1]
    tops = np.flatnonzero((inner >= high[:-2]) & (inner >= high[2:]) & (inner > 0))
    clear = tops[inner[tops] >= _PEAK * inner.max()][0]
    for top in tops[tops <= clear - _APART / _BIN]:
        valley = top + int(inner[top:clear].argmin())
        deep = inner[valley] <= _VALLEY * inner[top]
        if deep and counts[: valley + 1].sum() >= _AROUND * values.size:
            clear = top
            break
    return least + (int(clear) + 0.5) * _BIN
