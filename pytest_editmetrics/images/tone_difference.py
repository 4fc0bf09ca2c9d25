"""How far the tone of two images differs: CIELAB after a blur in which noise averages out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.local_mean import Map, local_mean
from pytest_editmetrics.images.masks import Mask, bounds, equal_within, without_rim
from pytest_editmetrics.images.srgb import light_of

SIGMA = 8.0
"""In pixels, of the Gaussian over which a tone is averaged."""
BESIDE = 8
"""Pixels beside what is not measured that ``largest_tone`` leaves out."""
FILLED = 0.25
"""Share of the Gaussian that has to be measured there, or what is missing counts as 0."""

# of sRGB; the sums of the rows are the white of D65
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_DARK = (6 / 29) ** 3
_SLOPE = (29 / 6) ** 2 / 3


def lab_of(image: NDArray[Any]) -> Map:
    """Return an image in CIELAB, white D65.

    Args:
        image: sRGB, uint8, (H, W, 3).

    Returns:
        float32 (H, W, 3): L* in [0, 100], a* and b* within about [-108, 99].

    >>> lab_of(np.full((1, 1, 3), 255, np.uint8)).round(2).tolist()
    [[[100.0, 0.0, 0.0]]]
    """
    linear = light_of(np.arange(256) / 255)
    to_relative = (_TO_XYZ / _TO_XYZ.sum(axis=1, keepdims=True)).astype(np.float32)
    relative = linear.astype(np.float32)[image] @ to_relative.T
    bent = np.where(relative > _DARK, np.cbrt(relative), relative * _SLOPE + 4 / 29)
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    lab: Map = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=2, dtype=np.float32)
    return lab


def tone_map(
    reference: NDArray[Any],
    edited: NDArray[Any],
    mask: Mask | None = None,
    sigma: float = SIGMA,
    least: float = 0.0,
) -> Map:
    """Return the difference of tone around each pixel.

    The difference in CIELAB (CIE 1976, white D65) is blurred by a Gaussian, channel by channel,
    and its length (delta E*ab of 1976) taken. The blur is a mean over the measured pixels alone:
    what lies outside the mask, or the image, has no weight.

    Args:
        reference: sRGB, uint8, (H, W, 3).
        edited: the same size.
        mask: boolean (H, W), true where measured; ``None`` for everywhere.
        sigma: of the Gaussian, in pixels; 0 for none.
        least: see ``local_mean``.

    Returns:
        float32 (H, W), 0 where equal and outside the mask.

    >>> black = np.zeros((8, 8, 3), np.uint8)
    >>> float(tone_map(black, np.full_like(black, 255)).max().round(2))
    100.0
    """
    found: Map = np.zeros(reference.shape[:2], np.float32)
    if equal_within(reference, edited, mask):
        return found
    area = slice(None), slice(None)
    if mask is not None and (box := bounds(mask)) is not None:  # what lies outside has no weight
        area = slice(box[1], box[3]), slice(box[0], box[2])
        mask = mask[area]
    difference = lab_of(edited[area]) - lab_of(reference[area])
    if mask is not None:
        difference[~mask] = 0
    if sigma > 0:
        difference = local_mean(difference, mask, sigma, least)
    found[area] = np.sqrt((difference * difference).sum(axis=2))
    return found


def mean_tone(
    reference: NDArray[Any], edited: NDArray[Any], mask: Mask | None = None, sigma: float = SIGMA
) -> float:
    """Return the mean of ``tone_map`` over the measured pixels, of which there is one.

    >>> grey = np.full((8, 8, 3), 100, np.uint8)
    >>> mean_tone(grey, grey)
    0.0
    """
    found = tone_map(reference, edited, mask, sigma)
    return float((found if mask is None else found[mask]).mean(dtype=np.float64))


def largest_tone(
    reference: NDArray[Any], edited: NDArray[Any], mask: Mask
) -> tuple[float, int, int]:
    """Return the largest value of ``tone_map``, and where it is: x and y.

    Eight pixels beside what is not measured are left out (``without_rim``): an encoder mixes the
    colours of both sides there.

    >>> grey = np.full((8, 8, 3), 100, np.uint8)
    >>> largest_tone(grey, grey, np.ones((8, 8), bool))[0]
    0.0
    """
    found = tone_map(reference, edited, without_rim(mask, BESIDE), least=FILLED)
    y, x = np.unravel_index(int(found.argmax()), found.shape)
    return float(found[y, x]), int(x), int(y)
