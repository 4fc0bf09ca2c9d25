"""Whether a background that matches nowhere is drawn anew, laid out as before, or another one."""

from __future__ import annotations

import math

import numpy as np

from pytest_editmetrics.background.align import Floats, brightness, correlation_of, shrunk, slopes
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

KEPT = 0.58
"""Unrelated photos are less alike than that, 95 of 100 of them."""

_EDGE = 256
_SIGMA = 6.0
_CHANCE = 0.13  # correlation of lines that no two unrelated pictures of a whole frame have
_BORDER = 3  # whose steepness is less, whatever the picture


def layout_kept(reference: Array, edited: Array, mask: Mask) -> float:
    """Return how alike two pictures are laid out, in [0, 1], whatever became of tone and texture.

    The largest of three over the measured pixels of a copy of 256 px: the correlation of the
    smoothed brightness, its sign left out; that of the smoothed steepness; and, as of a line
    drawing, that of where edges run, which of unrelated pictures is next to nothing, so that 0.13
    (of a whole frame) counts as ``KEPT``, if it is twice what a mirrored or upside-down picture
    has.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same.
        mask: boolean (H, W), true where measured.

    >>> picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    >>> round(layout_kept(picture, 255 - picture, np.ones((96, 96), bool)), 2)
    1.0
    """
    from scipy.ndimage import gaussian_filter

    scale = max(1, math.ceil(max(mask.shape) / _EDGE))
    seen = shrunk(mask.astype(np.float64), scale) > 0.5
    if min(seen.shape) < 4 * _BORDER or np.count_nonzero(seen) < 16:
        return 0.0
    seen = seen[_BORDER:-_BORDER, _BORDER:-_BORDER]
    images = [brightness(image, scale) for image in (reference, edited)]
    sigma = _SIGMA * max(seen.shape) / _EDGE

    def alike(one: Floats, other: Floats) -> float:
        inner = (image[_BORDER:-_BORDER, _BORDER:-_BORDER] for image in (one, other))
        a, b = (gaussian_filter(image, sigma, mode="nearest")[seen] for image in inner)
        return abs(correlation_of(a, b))

    steep = [np.hypot(*slopes(gaussian_filter(image, 1.0, mode="nearest"))) for image in images]
    one, other = (_lines(image, sigma) for image in steep)
    of_lines = _telling(one, other, seen) * KEPT
    return max(alike(*images), alike(*steep), min(1.0, of_lines))


def _lines(steep: Floats, sigma: float) -> Floats:
    """Return where edges run, however steep, without what a larger area has of them."""
    from scipy.ndimage import gaussian_filter

    inner = steep[_BORDER:-_BORDER, _BORDER:-_BORDER]
    capped = np.minimum(inner, np.percentile(inner, 90))
    fine, coarse = (gaussian_filter(capped, s, mode="nearest") for s in (sigma / 2, sigma))
    lines: Floats = fine - coarse
    return lines


def _telling(one: Floats, other: Floats, seen: Mask) -> float:
    """Return how surely lines run alike, in what unrelated pictures have at most.

    0 where a mirrored one, or one on its head, has half as much.
    """
    alike = correlation_of(one[seen], other[seen])
    for turned in (other[:, ::-1], other[::-1], other[::-1, ::-1]):
        if 2 * correlation_of(one[seen], turned[seen]) > alike:
            return 0.0
    return alike / _CHANCE * math.sqrt(np.count_nonzero(seen)) / _EDGE
