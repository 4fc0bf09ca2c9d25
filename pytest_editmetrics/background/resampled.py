"""Whether a picture was resized, as to a size that a model takes, and back to its own.

Its difference beats: fine detail is lost most where the pixels of both sizes lie between each other
and is kept where they meet, as often across the picture as the sizes differ by pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import block_sums
from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.background.filtered import as_filtered
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask
from pytest_editmetrics.images.srgb import light_of, values_of

_BLOCK = 8  # pixels of a side, whose mean resizing hardly changes
_COARSE = 0.1  # of the squared difference: what such means show of it at most
_LOCAL = 20  # of so many blocks one may be of a local change
_LOST = 0.003  # of the second differences that were there: what is gone of them at least
_MANY_PIXELS = 400_000  # of more every second row, or column, is looked at
_FAINT = 0.5  # of the mean: less detail in a column tells less
_BEATS = 5  # of each axis, the clearest, that are looked at,
_TRIED = 3  # and of these those that are tried along both axes
_NARROW = 48  # rows or columns
_LIKELY = 0.25  # correlation of the difference with what a size of one axis makes of it,
_FAINTLY = 0.1  # of the other axis
_WINDOW = 256  # pixels of a side
_AROUND = 8  # pixels, to which resizing mixes
_SEEN = 0.2  # of a window
_HOPELESS = 0.7  # of its squared difference, that the likeliest size leaves
_LEFT = 0.08  # of its squared difference: one pixel more or less of a size leaves more
_LEFT_OF_FILTER = 0.5  # of what a filter of all of it leaves
_ROUNDS = 2
_BESIDE = (-2, -1, 1, 2)  # pixels, by which a size may differ from the likeliest
_WAYS = tuple((kind, linear) for linear in (False, True) for kind in (1, 3, 2))
"""Numbers of Pillow's filters, Lanczos, bicubic and bilinear, and whether in linear light."""

Floats = NDArray[np.float32]
Sums = NDArray[np.float64]
Size: TypeAlias = tuple[int, int]
Way: TypeAlias = tuple[int, bool]
Window: TypeAlias = tuple[slice, slice]


def find_resampled(before: Planes, after: Planes, mask: Mask) -> tuple[Cause, Array, Mask] | None:
    """Return the size that a picture was resized to and back, and the reference so resized.

    Args:
        before: float32 (3, H, W), of 255.
        after: the same, which did not move.
        mask: boolean (H, W), true for the background; some of it differs.

    Returns:
        The cause, RGB, uint8, (H, W, 3), and where nothing of the edit was mixed in; ``None``
        where that does not explain nearly all that became of fine detail, and clearly more than a
        filter does.
    """
    off = (after[1] - before[1]) * mask  # of green, which has most of the detail
    if min(mask.shape) < 2 * _NARROW or not _is_fine(off):
        return None
    whole = np.where(mask, before[1], after[1])  # what was edited was resized as well
    both = (whole, off), (whole.T, off.T)
    losses = [_Loss(*one) for one in both]
    if min(loss.mean for loss in losses) < _LOST:
        return None
    likely = [loss.widths(*one) for loss, one in zip(losses, both, strict=True)]
    if max(alike for alike, _ in likely) < _LIKELY:
        return None
    sizes = [widths for _, widths in likely]
    window = losses[0].strongest(_WINDOW), losses[1].strongest(_WINDOW)
    seen, wanted = _inner(mask[window]), after[1][window]
    if seen.mean() < _SEEN:
        return None
    was = _apart(whole[window], wanted, seen)

    def left(size: Size, way: Way) -> float:
        return _apart(_resized(whole, size, way, window), wanted, seen)

    height, width = mask.shape
    likeliest = product(sizes[0][:2] or [width], sizes[1][:2] or [height])
    if min(left(size, _WAYS[0]) for size in likeliest) > _HOPELESS * was:
        return None
    filtered = as_filtered(whole[None, window[0], window[1]], wanted[None], seen)
    of_filter = was if filtered is None else _apart(filtered[0][0], wanted, seen)
    may_be_left = min(_LEFT * was, _LEFT_OF_FILTER * of_filter)
    if of_filter < _LEFT * was:
        return None
    size = _nearest(sizes, whole.shape, lambda size: left(size, _WAYS[0]))
    way = min(_WAYS, key=lambda way: left(size, way))
    if way[1]:  # in linear light another size may be the nearer one
        size = _nearest(sizes, whole.shape, lambda size: left(size, way))
    if left(size, way) > may_be_left:
        return None
    every = np.where(mask, before, after)
    made = np.stack([_resized(one, size, way) for one in every], axis=2)
    return _cause(size, way), made, _inner(mask)


def _cause(size: Size, way: Way) -> Cause:
    width, height = size
    light = " in linear light" if way[1] else ""
    text = f"resized to {width} x {height} and back{light}"
    facts = {"size": list(size), "linear_light": way[1]}
    long = f"{text}, which takes off fine detail, here more and there less"
    return Cause("resampled", 1.0, text, facts, long)


def _is_fine(off: Floats) -> bool:
    """Tell whether a difference, zero where not measured, is of fine detail alone."""
    coarse = np.square(block_sums(off, _BLOCK, off.dtype)).ravel() / np.float32(_BLOCK**2)
    energy = block_sums(off * off, _BLOCK, off.dtype).ravel()
    most = np.argpartition(coarse, -1 - len(coarse) // _LOCAL)[: -1 - len(coarse) // _LOCAL]
    return float(coarse[most].sum()) <= _COARSE * float(energy[most].sum())


def _inner(mask: Mask) -> Mask:
    """Return what no edit was mixed into: what it was before it was resized is not known."""
    from scipy.ndimage import minimum_filter

    inner: Mask = minimum_filter(mask, 2 * _AROUND + 1, mode="nearest")
    return inner


class _Loss:
    """What of fine detail across is gone: of each row, on the mean, and how often it beats.

    Args:
        whole: a plane of the reference, (H, W), of 255.
        off: how far it differs, zero where not measured.
    """

    def __init__(self, whole: Floats, off: Floats) -> None:
        self._step = 2 if whole.size > _MANY_PIXELS else 1
        whole, off = whole[:: self._step], off[:: self._step]
        detail = np.zeros_like(whole)
        detail[:, 1:-1] = 2 * whole[:, 1:-1] - whole[:, :-2] - whole[:, 2:]
        detail *= off != 0
        there = np.einsum("ij,ij->j", detail, detail, dtype=np.float64)
        detail *= -off
        gone = detail.sum(axis=0, dtype=np.float64)
        self._of_rows: Sums = detail.sum(axis=1, dtype=np.float64)
        self.mean = float(gone.sum() / max(there.sum(), 1.0))
        share = (gone - self.mean * there) / np.maximum(there + _FAINT * there.mean(), 1.0)
        beats = np.abs(np.fft.rfft(share))
        self._beats: list[int] = np.argsort(-beats)[:_BEATS].tolist()

    def strongest(self, count: int) -> slice:
        """Return so many rows, those of which most is gone."""
        rows = len(self._of_rows)
        count = min(count // self._step, rows)
        reached = np.concatenate([[0.0], np.cumsum(self._of_rows)])
        first = int((reached[count:] - reached[: rows + 1 - count]).argmax())
        return slice(first * self._step, (first + count) * self._step)

    def widths(self, whole: Floats, off: Floats) -> tuple[float, list[int]]:
        """Return how well the likeliest width explains what is gone of some rows, and the widths.

        Smaller ones and larger ones, which beat alike.
        """
        rows, width = self.strongest(_NARROW), whole.shape[1]
        band, by = np.ascontiguousarray(whole[rows]), off[rows]
        seen = by != 0

        def alike(beat: int) -> float:
            made = (_resized(band, (width - beat, _NARROW), _WAYS[0]) - band) * seen
            length = math.sqrt(float(np.vdot(made, made)) * float(np.vdot(by, by)))
            return float(np.vdot(made, by)) / max(length, 1.0)

        known = {beat: alike(beat) for beat in self._beats if 2 * beat < width}
        best = sorted(known, key=lambda beat: -known[beat])[:_TRIED]
        widths = [width + by for beat in best if known[beat] >= _FAINTLY for by in (-beat, beat)]
        return max(known.values(), default=0.0), widths


def _nearest(sizes: list[list[int]], shape: tuple[int, ...], left: Callable[[Size], float]) -> Size:
    """Return the size that leaves least, from the likeliest on one axis after the other."""
    height, width = shape
    likely = [*sizes[0], width], [*sizes[1], height]
    size = likely[0][0], likely[1][0]
    for _ in range(_ROUNDS):
        across = {*likely[0], *(size[0] + by for by in _BESIDE)}
        size = min(((one, size[1]) for one in across), key=left)
        down = {*likely[1], *(size[1] + by for by in _BESIDE)}
        size = min(((size[0], one) for one in down), key=left)
    return size


def _resized(plane: Floats, size: Size, way: Way, window: Window | None = None) -> Array:
    """Return a plane, of 255, resized and back, uint8; of it a window alone, if one is given."""
    from PIL import Image

    kind, linear = way
    height, width = plane.shape
    rows, columns = window or (slice(0, height), slice(0, width))
    across, down = _Axis(columns, width, size[0]), _Axis(rows, height, size[1])
    seen = plane[down.needed, across.needed]
    image = Image.fromarray(light_of(seen / np.float32(255)) if linear else seen.astype(np.uint8))
    (left, right), (top, bottom) = across.there, down.there
    small = image.resize((across.count, down.count), kind, box=(left, top, right, bottom))
    (left, right), (top, bottom) = across.back, down.back
    shape = columns.stop - columns.start, rows.stop - rows.start
    made = np.asarray(small.resize(shape, kind, box=(left, top, right, bottom)))
    return np.rint(255 * values_of(made)).astype(np.uint8) if linear else made


class _Axis:
    """What of an axis a part of it is made of, once it was resized to another size and back.

    ``needed`` of its pixels, of which what lies between ``there`` becomes ``count`` pixels, of
    which what lies between ``back`` becomes the part.
    """

    def __init__(self, part: slice, full: int, size: int) -> None:
        scale = size / full
        first = max(0, math.floor(part.start * scale) - _AROUND)
        last = min(size, math.ceil(part.stop * scale) + _AROUND)
        start = max(0, math.floor(first / scale) - _AROUND)
        stop = min(full, math.ceil(last / scale) + _AROUND)
        self.needed = slice(start, stop)
        self.there = first / scale - start, min(last / scale, stop) - start
        self.count = last - first
        self.back = part.start * scale - first, min(part.stop * scale, last) - first


def _apart(one: NDArray[np.generic], other: Floats, seen: Mask) -> float:
    off = (one.astype(np.float32) - other)[seen]
    return float(np.vdot(off, off))
