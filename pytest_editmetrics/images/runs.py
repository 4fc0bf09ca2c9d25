"""Masks written as run lengths: COCO's counts, column by column, and PIE-Bench's runs, by row."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import RegionError, counted

Mask: TypeAlias = NDArray[np.bool_]

MOST_PIXELS = 200_000_000
_LARGEST = 1 << 62  # numbers beyond it count no pixels of anything
_FIRST, _MORE, _SIGN, _BITS = 48, 0x20, 0x10, 5


def of_counts(size: Any, counts: Any, what: str) -> Mask:
    """Return a mask of COCO: lengths of runs, first of pixels outside, column by column.

    Args:
        size: ``[height, width]``.
        counts: whole numbers from 0, in turn outside and inside; or the text (``str`` or ASCII
            ``bytes``) into which pycocotools compresses them.
        what: what to call it in an error.

    Returns:
        boolean (height, width).

    Raises:
        RegionError: the counts cannot be read, or their sum is not the size's.

    >>> of_counts([2, 3], [1, 2, 3], "mask").astype(int).tolist()
    [[0, 1, 0], [1, 0, 0]]
    >>> bool((of_counts([2, 3], "123", "mask") == of_counts([2, 3], [1, 2, 3], "mask")).all())
    True
    """
    height, width = _size(size, what)
    if isinstance(counts, (str, bytes, bytearray)):
        lengths = _uncompressed(counts, what)
    else:
        lengths = _whole(counts, f"{what}: counts")
    if (total := sum(lengths)) != height * width:
        raise RegionError(
            f"{what}: the counts add up to {counted(total, 'pixel')}, and a size of [{height},"
            f" {width}] (height, width) has {height * width}"
        )
    values = np.arange(len(lengths)) % 2 == 1
    flat: Mask = np.repeat(values, np.array(lengths, np.int64))
    return np.ascontiguousarray(flat.reshape(width, height).T)


def of_runs(size: Any, runs: Any, what: str) -> Mask:
    """Return a mask of PIE-Bench: where runs of pixels inside start and how long each is, by row.

    Args:
        size: ``[height, width]`` of the image in which the runs count; PIE-Bench's are 512x512.
        runs: ``[start, length, start, length, ...]``, counted from 0; pairs of them; or a text of
            these numbers. A run that would go on beyond the last pixel ends there, as it does for
            PIE-Bench.
        what: what to call it in an error.

    Returns:
        boolean (height, width).

    Raises:
        RegionError: the runs cannot be read, or one starts beyond the last pixel.

    >>> of_runs([2, 3], [1, 3, 5, 9], "mask").astype(int).tolist()
    [[0, 1, 1], [1, 0, 1]]
    """
    if size is None:
        raise RegionError(
            f"{what}: runs without a `size`, so rows have no length; give [height, width] of the"
            " image in which they count ([512, 512] in PIE-Bench)"
        )
    height, width = _size(size, what)
    numbers = _whole(_flat(runs, what), f"{what}: runs")
    if len(numbers) % 2:
        raise RegionError(
            f"{what}: {counted(len(numbers), 'number')} in runs, an odd count; each run is"
            " a start and a length"
        )
    flat = np.zeros(height * width, np.bool_)
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        if start >= flat.size:
            raise RegionError(
                f"{what}: a run starts at {start}, and a size of [{height}, {width}] (height,"
                f" width) has {counted(flat.size, 'pixel')}"
            )
        flat[start : start + length] = True
    return flat.reshape(height, width)


def _size(size: Any, what: str) -> tuple[int, int]:
    sides = size.tolist() if hasattr(size, "tolist") else size
    if not isinstance(sides, (list, tuple)) or len(sides) != 2:
        raise RegionError(f"{what}: size {reprlib.repr(size)} is not [height, width]")
    height, width = _whole(sides, f"{what}: size")
    if not 0 < height * width <= MOST_PIXELS:
        raise RegionError(
            f"{what}: a size of [{height}, {width}] has {height * width} pixels; give 1 to"
            f" {MOST_PIXELS:,}"
        )
    return height, width


def _whole(numbers: Any, what: str) -> list[int]:
    """Return whole numbers from 0."""
    if hasattr(numbers, "tolist"):
        numbers = numbers.tolist()
    if not isinstance(numbers, Sequence) or isinstance(numbers, (str, bytes)):
        raise RegionError(f"{what} are {reprlib.repr(numbers)}, not a list of whole numbers")
    found = [number.item() if hasattr(number, "item") else number for number in numbers]
    for number in found:
        if type(number) is not int or not 0 <= number < _LARGEST:
            raise RegionError(f"{what} hold {reprlib.repr(number)}; give whole numbers from 0")
    return found


def _flat(runs: Any, what: str) -> Any:
    """Return pairs, or a text of numbers, as one list."""
    if isinstance(runs, str):
        words = runs.replace(",", " ").split()
        if not all(word.isascii() and word.isdigit() and len(word) < 20 for word in words):
            raise RegionError(f"{what}: runs {reprlib.repr(runs)} is no text of whole numbers")
        return [int(word) for word in words]
    if hasattr(runs, "tolist"):
        runs = runs.tolist()
    if not isinstance(runs, (list, tuple)) or not any(isinstance(r, (list, tuple)) for r in runs):
        return runs
    for number, run in enumerate(runs, 1):
        if not isinstance(run, (list, tuple)) or len(run) != 2:
            raise RegionError(f"{what}: run {number}, {reprlib.repr(run)}, is no (start, length)")
    return [number for run in runs for number in run]


def _uncompressed(text: str | bytes | bytearray, what: str) -> list[int]:
    """Return the counts in a text of pycocotools.

    Six bits a character: five of a number, lowest first, and whether it goes on. From the fourth
    number on it is the difference to the last but one.
    """
    try:
        codes = text.encode("ascii") if isinstance(text, str) else bytes(text)
    except UnicodeEncodeError:
        codes = b"\0"
    counts: list[int] = []
    value = shift = 0
    for place, code in enumerate(codes, 1):
        bits = code - _FIRST
        if not 0 <= bits < 64 or shift > 60:
            raise RegionError(
                f"{what}: counts {reprlib.repr(text)} is no text of pycocotools (character {place})"
            )
        value |= (bits & (_MORE - 1)) << shift
        shift += _BITS
        if bits & _MORE:
            continue
        if bits & _SIGN:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        if value < 0:
            raise RegionError(f"{what}: counts {reprlib.repr(text)} hold a length below 0")
        counts.append(value)
        value = shift = 0
    if shift:
        raise RegionError(f"{what}: counts {reprlib.repr(text)} end in the middle of a number")
    return counts
