"""Whether a background has but a few colours, or levels of its channels: a palette, fewer bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.differences import planes
from pytest_editmetrics.background.mixed import Mix, fit_mix
from pytest_editmetrics.errors import counted
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_PALETTE = 256  # colours: more are no palette's
_MOST_LEVELS = 64  # of a channel: 6 bits
_TIMES = 2  # as many colours, or levels of each channel, has the reference at least
_SAMPLE = 16_384  # pixels
_SMOOTH = 2.0  # pixels: dithering keeps means
_TOLERANCE = 1.5  # times what the nearest colour differs by: no palette is searched exactly,
_SILENT = 4.0  # of 255, and a little more
_NARROWER = 0.3  # of how far colours lie from a line: a sepia filter has few for that
_SAME_TONE = 2.0  # of 255, squared: what another tone differs by, at least
_OF_COARSE = 0.25  # of the square that the nearest colours differ by: their means are not exact
_OF_LEFT = 0.3  # of the square that a mix leaves: what it changes, at least; a palette alone less
_LEAST_MIX, _MOST_MIX = 0.55, 4.0  # how strong colours may have been of what they became
_OF_A_TONE = 0.8  # of the square of means that a tone leaves: what a mix leaves at most
_LEAST_GAIN = 0.4
_FEWEST_LEVELS = 8  # of a channel, that tell a tone
_BLURS = (0.7, 1.0, 1.5, 2.0, 3.0, 4.0)  # pixels
_OF_A_BLUR = 0.5  # of the squared difference: a blur leaves less, or was none
_CHANNELS = ("red", "green", "blue")

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """Levels that lie evenly apart: how many, which is nearest to each of 256, float32 (256,).

    ``cut_off`` is by how much a level may be darker where lower bits were cut off.
    """

    count: int
    nearest: Floats
    cut_off: float = 0.0


@dataclass(frozen=True)
class FewColours:
    """How few colours (n, 3) a background has, or levels of each channel."""

    text: str
    facts: Mapping[str, Any]
    colours: Array
    grids: tuple[Grid, ...] = ()

    def cause(self, share: float) -> Cause:
        """Return the cause that this is."""
        return Cause("few colours", share, self.text, self.facts)

    def undone(self, reference: Array, edited: Array, mask: Mask) -> tuple[Array, Array]:
        """Return the edited image, as the reference where too few colours explain the difference.

        What had another tone before it lost its colours keeps that; the reference is returned as
        well, with that where it is a mix of channels.

        Args:
            reference: RGB, uint8, (H, W, 3).
            edited: the same.
            mask: boolean (H, W), true for the background.
        """
        after = planes(edited)
        toned, known = self._toned(reference, edited, mask), reference
        if not self.grids and (mixed := _mixed(reference, toned, edited, mask)) is not None:
            toned = known = mixed
        before = planes(toned)
        off = np.abs(_smooth(after - before))
        may = np.float32(_TOLERANCE) * _smooth(np.abs(self._near(toned) - before)).max(axis=0)
        explained = off.max(axis=0) <= may + np.float32(max(_SILENT, self._cut_off))
        made: Array = np.where(explained[..., None], toned, edited)
        return made, known

    @property
    def _cut_off(self) -> float:
        return max((grid.cut_off for grid in self.grids), default=0.0)

    def _near(self, image: Array) -> Floats:
        """Return the nearest colours of all that there are, float32 (3, H, W)."""
        if self.grids:
            return np.stack([grid.nearest[image[..., n]] for n, grid in enumerate(self.grids)])
        return planes(_nearest(image, self.colours))

    def _toned(self, reference: Array, edited: Array, mask: Mask) -> Array:
        """Return the reference with the tone that the other one had, if that is no palette's.

        A line of each channel: a colour that stands for many is their mean, so that without
        another tone the means of what became one level lie on it.
        """
        if any(grid.count < _FEWEST_LEVELS for grid in self.grids):
            return reference
        before, after = planes(reference), planes(edited) + np.float32(self._cut_off / 2)
        coarse = np.square(self._near(reference) - before)[:, mask].mean()
        lines, off = [], 0.0
        for was, is_ in zip(before, after, strict=True):
            gain, offset = _line(is_[mask], was[mask])
            if not _LEAST_GAIN < gain < 1 / _LEAST_GAIN:
                return reference
            off += float(np.square(gain * is_[mask] + offset - is_[mask]).mean()) / 3
            lines.append((was - np.float32(offset)) / np.float32(gain))
        if off <= max(_SAME_TONE, _OF_COARSE * float(coarse)):
            return reference
        return eight_bit(np.stack(lines))


def _mixed(reference: Array, toned: Array, edited: Array, mask: Mask) -> Array | None:
    """Return the reference with the mix of channels that came before a palette; ``None`` if none.

    As of a tone, what is fitted is how what became one colour was: a colour of a palette is the
    mean of all that it stands for, unless they were mixed. ``toned`` has a tone of each channel: a
    mix explains more.
    """
    before, after = planes(reference), planes(edited)
    was, is_ = (image[:, mask].astype(np.float64) for image in (before, after))
    back = fit_mix(is_, was)
    made = back.matrix @ is_ + back.offset[:, None]
    left, off = (float(np.square(made - one).mean()) for one in (was, is_))
    sizes = np.linalg.svd(back.matrix, compute_uv=False)
    if off <= max(_SAME_TONE, _OF_LEFT * left) or sizes[-1] < _LEAST_MIX or sizes[0] > _MOST_MIX:
        return None
    forth: NDArray[np.float64] = np.linalg.inv(back.matrix).astype(np.float64)
    mixed = eight_bit(Mix(forth, -forth @ back.offset).applied(before))

    def apart(image: Array) -> float:
        return float(np.square(_smooth(planes(image) - after))[:, mask].mean())

    return mixed if apart(mixed) < _OF_A_TONE * apart(toned) else None


def _smooth(image: Floats) -> Floats:
    from scipy.ndimage import gaussian_filter

    made: Floats = gaussian_filter(image, (0, _SMOOTH, _SMOOTH), truncate=2)
    return made


def eight_bit(image: Floats) -> Array:
    """Return (3, H, W), of 255, rounded, as RGB, uint8, (H, W, 3)."""
    levels: Array = np.moveaxis(np.clip(np.rint(image), 0, 255), 0, 2).astype(np.uint8)
    return np.ascontiguousarray(levels)


def _line(known: Floats, wanted: Floats) -> tuple[float, float]:
    """Return the gain and the offset that bring one nearest to the other."""
    middle, mean = float(known.mean()), float(wanted.mean())
    spread = float(np.square(known - middle).mean())
    gain = float(((known - middle) * (wanted - mean)).mean()) / spread if spread else 1.0
    return gain, mean - gain * middle


def softened(reference: Array, edited: Array, mask: Mask) -> Array:
    """Return the reference with the blur that explains most of a difference, if one does."""
    from scipy.ndimage import gaussian_filter

    before, after = planes(reference), planes(edited)

    def apart(image: Floats) -> float:
        return float(np.square(image - after)[:, mask].mean())

    blurs = (gaussian_filter(before, (0, sigma, sigma), truncate=3) for sigma in _BLURS)
    soft = min(blurs, key=apart)
    return eight_bit(soft) if apart(soft) < _OF_A_BLUR * apart(before) else reference


def few_colours(reference: Array, edited: Array, mask: Mask) -> FewColours | None:
    """Return how few colours a background has, if the reference has many more.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same.
        mask: boolean (H, W), true for the background.

    >>> picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    >>> everywhere = np.ones((64, 64), bool)
    >>> few_colours(picture, picture // 32 * 32, everywhere).text
    'only 8 levels of each channel (3 bits)'
    >>> few_colours(picture, picture, everywhere) is None
    True
    """
    step = max(1, round((mask.size / _SAMPLE) ** 0.5))
    thin = np.s_[::step, ::step]
    before, after = (image[thin][mask[thin]] for image in (reference, edited))
    if len(before) < 2:  # a strip narrower than the step
        before, after = reference[mask], edited[mask]
    some = len(np.unique(_packed(after)))
    levels = [_levels(after[:, channel]) for channel in range(3)]
    if some > _PALETTE and max(map(len, levels)) > _MOST_LEVELS:
        return None
    pixels = edited[mask]
    levels = [_levels(pixels[:, channel]) for channel in range(3)]
    had = [len(_levels(before[:, channel])) for channel in range(3)]
    many = all(was >= _TIMES * len(of) for was, of in zip(had, levels, strict=True))
    if many and (grids := _grids(levels)) is not None:
        return _of_levels(grids)
    if some > _PALETTE or len(np.unique(_packed(before))) < _TIMES * some:
        return None
    colours = _unpacked(np.unique(_packed(pixels)))
    if not 1 < len(colours) <= _PALETTE or _width(after) < _NARROWER * _width(before):
        return None
    text = f"only {len(colours)} colours: saved through a palette (GIF?)"
    return FewColours(text, {"colours": len(colours)}, colours)


def _width(colours: Array) -> float:
    """Return by how much colours differ across the line that they lie along: 0 of grey ones."""
    spread = np.linalg.eigvalsh(np.cov(colours.T.astype(np.float64)))
    return math.sqrt(max(0.0, float(spread[1])))


def _of_levels(grids: tuple[Grid, ...]) -> FewColours:
    counts = [grid.count for grid in grids]
    if len(set(counts)) == 1:
        bits = counts[0].bit_length() - 1
        also = f" ({counted(bits, 'bit')})" if counts[0] == 1 << bits else ""
        text = f"only {counts[0]} levels of each channel{also}"
    else:
        told = ", ".join(f"{n} of {name}" for n, name in zip(counts, _CHANNELS, strict=True))
        text = f"only a few levels of each channel ({told})"
    return FewColours(text, {"levels": counts}, np.zeros((0, 3), np.uint8), grids)


def _grids(levels: list[NDArray[np.int64]]) -> tuple[Grid, ...] | None:
    """Return the levels that those of each channel are among, the same of all if they can be."""
    if (alike := _grid(np.unique(np.concatenate(levels)))) is not None:
        return (alike,) * 3
    found = tuple(grid for grid in map(_grid, levels) if grid is not None)
    return found if len(found) == len(levels) else None


def _grid(levels: NDArray[np.int64]) -> Grid | None:
    """Return the levels, evenly apart, that all of these are among."""
    if not 1 < len(levels) <= _MOST_LEVELS:
        return None
    all_ = np.arange(256)
    for count in range(len(levels), _MOST_LEVELS + 1):
        width = 255 / (count - 1)
        if np.isin(levels, np.round(np.arange(count) * width)).all():
            return Grid(count, np.round(np.round(all_ / width) * width).astype(np.float32))
        apart = 256 // count
        if 256 % count == 0 and np.ptp(levels % apart) == 0:
            nearest = all_ // apart * apart + levels[0] % apart
            return Grid(count, nearest.astype(np.float32), apart)
    return None


def _levels(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.flatnonzero(np.bincount(values, minlength=256))


def _packed(colours: Array) -> NDArray[np.int32]:
    red, green, blue = (colours[:, channel].astype(np.int32) for channel in range(3))
    packed: NDArray[np.int32] = red << 16 | green << 8 | blue
    return packed


def _unpacked(packed: NDArray[np.int32]) -> Array:
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1).astype(np.uint8)


def _nearest(image: Array, colours: Array) -> Array:
    from PIL import Image

    palette = Image.new("P", (1, 1))
    filled = np.concatenate([colours, np.repeat(colours[-1:], _PALETTE - len(colours), axis=0)])
    palette.putpalette(filled.ravel().tolist())
    made = Image.fromarray(image).quantize(palette=palette, dither=Image.Dither.NONE)
    return np.asarray(made.convert("RGB"))
