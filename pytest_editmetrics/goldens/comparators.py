"""How far an image lies from its golden image: over the whole measured region, and at its worst.

A small defect in a large image disappears in the mean, so each comparator also scores every square
tile of the image, tiles overlapping by half, and gives the worst; ``tone`` and ``structure``, which
are means around each pixel, give the worst of these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.config.golden_images import DISTANCE, TILE_SIZE, Comparator, better
from pytest_editmetrics.images.ground import HIDES, LEVELS, Ground
from pytest_editmetrics.images.levels import Array, laid_on
from pytest_editmetrics.images.regions import Box, Mask
from pytest_editmetrics.images.replaced_numbers import check_numbers
from pytest_editmetrics.images.ssim import measured, ssim_map
from pytest_editmetrics.images.structure_difference import structure_map
from pytest_editmetrics.images.tone_difference import tone_map
from pytest_editmetrics.measurement import Measurement
from pytest_editmetrics.pipes.pixels.spec import PSNR_CEILING

Map: TypeAlias = NDArray[np.float64]
# of golden and image, RGB: the measurement, and where they differ, (H, W) in its unscaled unit
Lpips: TypeAlias = Callable[[Array, Array], tuple[Measurement, Map]]

MODES = {2: "grey", 3: "RGB", 4: "RGBA"}
_AROUND = 24  # pixels to each side: most of what a mean with a Gaussian of sigma 8 px is of
_LEAST = 0.1  # of that Gaussian: so much counts as measured, so that noise on few pixels is noise


@dataclass(frozen=True)
class Tile:
    """The worst place: its box ``(x1, y1, x2, y2)`` in image pixels, half-open, and its score.

    ``ground`` is what shows it of transparent images.
    """

    box: Box
    value: float
    ground: Ground = "white"


@dataclass(frozen=True)
class Comparison:
    """What a comparator found; if the LPIPS pipe was used, its measurement and spatial map.

    ``ground`` is what shows it of transparent images: black only where white hides most of it.
    """

    value: float
    tile: Tile
    measurement: Measurement | None = None
    heat: Map | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    ground: Ground = "white"


def kind(pixels: Array) -> str:
    """Return the mode of an image: ``grey``, ``RGB`` or ``RGBA``.

    >>> kind(np.zeros((2, 3, 4), np.uint8))
    'RGBA'
    """
    return MODES[2 if pixels.ndim == 2 else pixels.shape[2]]


def unlike(golden: Array, image: Array) -> str | None:
    """Say why two images cannot be compared at all; ``None`` if size, mode and alpha agree.

    >>> unlike(np.zeros((2, 3), np.uint8), np.zeros((4, 3), np.uint8))
    'the image is 3x4 px, its golden 3x2 px'
    """
    if image.shape[:2] != golden.shape[:2]:
        return f"the image is {_size(image)} px, its golden {_size(golden)} px"
    if image.ndim != golden.ndim or image.shape != golden.shape:
        alpha = {"RGBA": " (with alpha)", "RGB": " (no alpha)"}
        one, other = (f"{kind(part)}{alpha.get(kind(part), '')}" for part in (image, golden))
        return f"the image is {one}, its golden {other}"
    return None


def _size(image: Array) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"


def compare(
    comparator: Comparator,
    golden: Array,
    image: Array,
    mask: Mask,
    *,
    tile: int = TILE_SIZE,
    distance: int = DISTANCE,
    lpips: Lpips | None = None,
) -> Comparison:
    """Score an image against its golden.

    - ``exact``: share of measured pixels, in [0, 1], that differ in any channel.
    - ``pixel``: share of measured pixels, in [0, 1], that differ by more than ``distance`` in a
      channel.
    - ``ssim``: structural similarity, 1 for equal images (Wang et al. 2004: Gaussian window of 11
      pixels, sigma 1.5, K1 0.01, K2 0.03, population covariance), mean over the RGB channels and
      the measured pixels, a border of 5 pixels left out; without a mask this is the number of
      ``skimage.metrics.structural_similarity``.
    - ``psnr``: 10 log10(255² / mean squared error) over the channels and the measured pixels, in
      dB, at most 100, which equal images have.
    - ``lpips``: the value of the given pipe, in its units, 0 for equal images.
    - ``tone``: mean of ``tone_map``, in units of CIELAB.
    - ``structure``: mean of ``structure_map``, in levels of 255.

    Pixels outside the mask are taken from the golden. All but ``exact`` lay an image with alpha on
    white and on black, and the worse of the two counts. A tile's score is the mean over all of its
    pixels, those outside the mask counting as equal; for ``lpips`` it is the mean of the spatial
    map, so its unit is that of the value before the division by the measured fraction; for
    ``psnr`` it is that of the mean squared error. Tiles have an edge of ``tile`` pixels (the
    image's, if it is smaller), start every half tile, and the last ones end at the border.
    ``tone`` and ``structure`` give the largest value of their map, and the 48 px around it.

    Args:
        comparator: see above.
        golden: uint8, (H, W), (H, W, 3) or (H, W, 4).
        image: the same; see ``unlike``.
        mask: boolean (H, W), true where measured, at least one pixel.
        tile: edge of a tile in pixels.
        distance: channel distance, 0 to 254, that ``pixel`` allows.
        lpips: computes LPIPS; needed by that comparator only.

    Raises:
        ImageError: the image is too small for the comparator.
        EditMetricsError: what ``lpips`` raises; or a function that comparators call is mocked.

    >>> black, white = np.zeros((9, 9, 3), np.uint8), np.full((9, 9, 3), 255, np.uint8)
    >>> compare("exact", black, white, np.ones((9, 9), bool)).value
    1.0
    """
    check_numbers(comparator)
    if comparator in ("exact", "pixel"):
        return _counted(comparator, golden, image, mask, tile, distance)
    composite = np.where(mask if image.ndim == 2 else mask[..., None], image, golden)
    pairs = zip(_views(golden), _views(composite), strict=True)
    if comparator == "lpips":
        assert lpips is not None
        found = [_lpips(lpips, before, after, tile) for before, after in pairs]
    elif comparator == "ssim":
        found = [_ssim(before, after, mask, tile) for before, after in pairs]
    elif comparator == "psnr":
        found = [_psnr(before, after, mask, tile) for before, after in pairs]
    else:
        far = tone_map if comparator == "tone" else structure_map
        whole = None if mask.all() else mask
        found = [_around(far(before, after, whole, least=_LEAST), mask) for before, after in pairs]
    return _worse(found, comparator)


def _worse(found: list[Comparison], comparator: str) -> Comparison:
    sign = 1 if better(comparator) == "lower" else -1
    worst = max(found, key=lambda one: sign * one.value)
    tile = max((one.tile for one in found), key=lambda tile: sign * tile.value)
    maps = [one.heat for one in found if one.heat is not None]
    return replace(
        worst,
        tile=replace(tile, ground=_shown_on([one.tile.value for one in found], comparator)),
        heat=np.maximum.reduce(maps) if maps else None,
        ground=_shown_on([one.value for one in found], comparator),
    )


def _shown_on(values: list[float], comparator: str) -> Ground:
    """Return what shows a difference, given what was found on white and, with alpha, on black.

    >>> _shown_on([0.1, 0.3], "tone"), _shown_on([0.2, 0.3], "tone"), _shown_on([40, 30], "psnr")
    ('black', 'white', 'black')
    """
    if comparator == "ssim":
        values = [1 - value for value in values]
    elif comparator == "psnr":
        values = [10 ** (-value / 10) for value in values]
    white, *black = values
    return "black" if black and black[0] > HIDES * white else "white"


def seen(pixels: Array, ground: Ground = "white") -> Array:
    """Return an image as one sees it: RGB, alpha laid on a ground.

    >>> seen(np.zeros((1, 1, 4), np.uint8)).tolist()
    [[[255, 255, 255]]]
    """
    return _views(pixels)[-1 if ground == "black" else 0]


def _views(pixels: Array) -> list[Array]:
    """Return an image as one sees it, RGB; with alpha, on white and on black."""
    if pixels.ndim == 2:
        return [np.repeat(pixels[..., None], 3, axis=2)]
    if pixels.shape[2] == 3:
        return [pixels]
    return [laid_on(pixels, level) for level in LEVELS.values()]


def _counted(
    comparator: str, golden: Array, image: Array, mask: Mask, tile: int, distance: int
) -> Comparison:
    details: dict[str, Any] = {"largest": 0}
    if comparator == "pixel":
        details["distance"] = distance
    if np.array_equal(golden, image):
        rows, columns = (min(tile, edge) for edge in mask.shape)
        return Comparison(0.0, Tile((0, 0, columns, rows), 0.0), details=details)
    distance = 0 if comparator == "exact" else distance
    views = zip(_views(golden), _views(image), strict=True)
    on_each = [_channel_distance(one, other) for one, other in views]
    ground = _shown_on([float(((one > distance) & mask).sum()) for one in on_each], comparator)
    if comparator == "exact" and len(on_each) > 1:  # colours that alpha hides count, too
        on_each = [_channel_distance(golden, image)]
    difference = np.maximum.reduce(on_each)
    beyond = (difference > distance) & mask
    share = float(beyond.sum() / mask.sum())
    details["largest"] = int(difference[mask].max())
    worst = replace(_worst(beyond.astype(np.float64), tile), ground=ground)
    return Comparison(share, worst, details=details, ground=ground)


def _channel_distance(one: Array, other: Array) -> Array:
    difference = np.maximum(one, other) - np.minimum(one, other)
    if difference.ndim == 2:
        return difference
    return reduce(np.maximum, (difference[..., channel] for channel in range(one.shape[2])))


def _ssim(golden: Array, image: Array, mask: Mask, tile: int) -> Comparison:
    similarity = ssim_map(golden, image, 255)
    value = float(similarity[measured(mask)].mean(dtype=np.float64))
    lost = _worst(np.where(mask, 1 - similarity, 0.0), tile)
    return Comparison(value, Tile(lost.box, 1 - lost.value))


def _psnr(golden: Array, image: Array, mask: Mask, tile: int) -> Comparison:
    squared = ((image.astype(np.float64) - golden) ** 2).mean(axis=2)
    worst = _worst(np.where(mask, squared, 0.0), tile)
    return Comparison(_decibels(squared[mask].mean()), Tile(worst.box, _decibels(worst.value)))


def _decibels(squared: float) -> float:
    return PSNR_CEILING if squared <= 0 else min(PSNR_CEILING, 10 * math.log10(255**2 / squared))


def _around(far: NDArray[np.float32], mask: Mask) -> Comparison:
    """Return the mean of a map of means around each pixel, and its largest value."""
    y, x = (int(at) for at in np.unravel_index(int(far.argmax()), far.shape))
    height, width = far.shape
    box = (
        max(0, x - _AROUND),
        max(0, y - _AROUND),
        min(width, x + _AROUND),
        min(height, y + _AROUND),
    )
    return Comparison(float(far[mask].mean(dtype=np.float64)), Tile(box, float(far[y, x])))


def _lpips(lpips: Lpips, golden: Array, image: Array, tile: int) -> Comparison:
    measurement, spatial = lpips(golden, image)
    assert measurement.value is not None
    worst = _worst(spatial, tile)
    return Comparison(measurement.value, worst, measurement, spatial, dict(measurement.details))


def _worst(scores: Map, size: int) -> Tile:
    """Return the tile with the highest mean of ``scores``, the first in reading order."""
    height, width = scores.shape
    rows, columns = min(size, height), min(size, width)
    tops, lefts = _starts(height, rows), _starts(width, columns)
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = scores.cumsum(axis=0).cumsum(axis=1)
    low, high = np.ix_(tops, lefts), np.ix_(tops + rows, lefts + columns)
    total = sums[high] - sums[low[0], high[1]] - sums[high[0], low[1]] + sums[low]
    means = total / (rows * columns)
    worst = int(np.where(np.isnan(means), np.inf, means).argmax())
    row, column = np.unravel_index(worst, means.shape)
    left, top = int(lefts[column]), int(tops[row])
    box = (left, top, left + columns, top + rows)
    return Tile(box, float(scores[top : top + rows, left : left + columns].mean()))


def _starts(length: int, size: int) -> NDArray[np.intp]:
    starts = list(range(0, length - size, max(1, size // 2)))
    return np.array([*starts, length - size])
