"""The tone of a background that was blurred, too: a blur draws light and dark together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import block_sums
from pytest_editmetrics.background.tone import Tone, line
from pytest_editmetrics.images.regions import Mask

_CELL = 4  # pixels of a side that are averaged
_SIGMAS = (0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # cells
_LOST = 0.995  # gain of each channel: above it nothing was drawn together
_NEARER = 0.8  # of the difference: what a blur leaves at most, or there is none
_FEW = 64  # cells
_MANY_PIXELS = 400_000  # of more every second row and column is looked at

Planes = NDArray[np.float32]


def tone_beside_a_blur(tone: Tone, before: Planes, after: Planes, mask: Mask) -> Tone:
    """Return a tone without what a blur makes of contrast, where a blur explains it better.

    Args:
        tone: what was fitted without a blur.
        before: float32 (3, H, W), of 255.
        after: the same, aligned with it.
        mask: boolean (H, W), true where measured.

    Returns:
        The tone between ``after`` and ``before`` blurred as comes nearest to it; else ``tone``.
    """
    from scipy.ndimage import gaussian_filter

    if not all(0 < gain < _LOST for gain in tone.gain):
        return tone
    step = 2 if mask.size > _MANY_PIXELS else 1
    whole = _means(mask[::step, ::step].astype(np.float32)) == 1
    if np.count_nonzero(whole) < _FEW:
        return tone
    one, other = (
        np.stack([_means(plane[::step, ::step]) for plane in image]) for image in (before, after)
    )
    best, least = tone, _NEARER * _left(tone, one, other, whole)
    for sigma in _SIGMAS:
        soft = gaussian_filter(one, (0, sigma, sigma), mode="nearest")
        lines = [line(was[whole], is_[whole]) for was, is_ in zip(soft, other, strict=True)]
        red, green, blue = lines
        made = Tone((red[0], green[0], blue[0]), (red[1], green[1], blue[1]))
        if (left := _left(made, soft, other, whole)) < least:
            best, least = made, left
    return best


def _left(tone: Tone, one: Planes, other: Planes, whole: Mask) -> float:
    return float(np.abs(tone.applied(one) - other)[:, whole].mean())


def _means(plane: Planes) -> Planes:
    means: Planes = block_sums(plane, _CELL, plane.dtype) / np.float32(_CELL**2)
    return means
