"""Whether a background is of one colour: a black picture is what was not drawn at all."""

from __future__ import annotations

import numpy as np

from pytest_editmetrics.background.cause import Cause, shown
from pytest_editmetrics.background.differences import Differences, planes
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.masks import bounds
from pytest_editmetrics.images.regions import Box, Mask

Colour = tuple[int, int, int]

_NEAR = 8  # of 255, by which each channel may differ: what an encoder makes of one colour
_EXACT = 1  # likewise in a part: a sky differs by more
_ALL = 0.99  # of the pixels
_PART = 0.25  # of the background: less is a local change
_FILLED = 0.95  # of a part, and of each of its rows and columns
_MOSTLY = 0.5  # of the squared difference
_THIN = 9  # pixels
_BAR = 0.3  # of the largest rectangle: smaller ones are left aside
_MOST_BARS = 4
_WAS = 0.5  # of these pixels that were of one colour before: another colour is a change of tone,
_DARK = 64  # of 255: unless all else is gone, too, or black is what was no darker than this
_BLACK = ", as after a safety checker, or NaN of a VAE in float16"


def one_colour_cause(reference: Array, edited: Array, mask: Mask) -> tuple[Cause, Mask] | None:
    """Return that a background became one colour, or large rectangles of it did, and its pixels.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same.
        mask: boolean (H, W), true for the background.

    >>> picture = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    >>> found = one_colour_cause(picture, np.zeros_like(picture), np.ones((16, 16), bool))
    >>> found[0].text
    'the background is black'
    >>> one_colour_cause(picture, picture // 2, np.ones((16, 16), bool)) is None
    True
    """
    colour, count, where = _commonest(edited, mask), np.count_nonzero(mask), ""
    of_it = near(edited, colour)
    among = np.count_nonzero(of_it & mask)
    if among < _PART * count:
        return None
    if among >= _ALL * count:
        flat, boxes = mask, [box for box in [bounds(mask)] if box]
    else:
        boxes, flat = _rectangles(near(edited, colour, _EXACT), mask), np.zeros_like(mask)
        for x1, y1, x2, y2 in boxes:
            flat[y1:y2, x1:x2] = (mask & of_it)[y1:y2, x1:x2]
        if np.count_nonzero(flat) < _PART * count:
            return None
        more = f" and {len(boxes) - 1} more" if len(boxes) > 1 else ""
        where = f" in {shown(boxes[0])}{more}"
    everywhere = bool(of_it.mean() >= _ALL)
    if _toned(reference, colour, flat, everywhere=everywhere):
        return None
    squares = Differences().squares(planes(reference), planes(edited))
    share = float(squares[flat].sum(dtype=np.float64) / squares[mask].sum(dtype=np.float64))
    if share < _MOSTLY:
        return None
    what = "the whole picture" if everywhere and not mask.all() else "the background"
    name, exactly = named(colour), (edited[flat] == edited[flat][0]).all()
    told = name if exactly else f"nearly {name}"
    text = f"{what} is {told}{where}"
    facts = {"colour": list(colour), "boxes": [list(box) for box in boxes]}
    return Cause(
        "one colour", share, text, facts, text + _BLACK * (everywhere and name == "black")
    ), flat


def _toned(reference: Array, colour: Colour, flat: Mask, *, everywhere: bool) -> bool:
    """Tell whether one colour became another, as by a tone, and nothing that was seen is gone."""
    was = _commonest(reference, flat)
    if near(reference, was)[flat].mean() <= _WAS:
        return False
    if max(colour) <= _NEAR and max(was) >= _DARK:
        return False
    return not everywhere or bool(near(reference, was).mean() >= _ALL)


def _commonest(image: Array, mask: Mask) -> Colour:
    """Return the commonest colour within a mask, those that differ by little taken together."""
    r, g, b = ((image[..., channel] >> 3).astype(np.uint16) for channel in range(3))
    bins = r << 10 | g << 5 | b
    alike = mask & (bins == np.bincount(bins[mask]).argmax())
    red, green, blue = (int(level) for level in np.median(image[alike], axis=0))
    return red, green, blue


def _rectangles(of_it: Mask, mask: Mask) -> list[Box]:
    """Return the large rectangles of one colour, the largest first, as the bars of a letterbox are.

    What is of the colour and merely touches one is left aside. Each is filled: a frame around a
    picture is none. Outside of ``mask`` any colour will do.
    """
    from scipy.ndimage import find_objects, label, maximum_filter, minimum_filter

    kept = maximum_filter(minimum_filter(of_it, _THIN, mode="nearest"), _THIN)
    parts, count = label(kept)
    if not count:
        return []
    sizes = np.bincount(parts.ravel())[1:]
    slices = find_objects(parts)
    found = []
    for n in np.argsort(-sizes, kind="stable")[:_MOST_BARS]:
        if sizes[n] < _BAR * sizes.max():
            break
        part = np.zeros_like(mask)
        part[slices[n]] = parts[slices[n]] == n + 1
        if (box := _filled(part, mask)) is not None:
            found.append(box)
    return found


def _filled(part: Mask, mask: Mask) -> Box | None:
    """Return the rectangle that a part fills."""
    if (around := bounds(part & mask)) is None:
        return None
    x1, y1, x2, y2 = around
    inside = (part | ~mask)[y1:y2, x1:x2]
    rows = inside.mean(axis=1) >= _FILLED
    if not rows.any():
        return None
    columns = inside[rows].mean(axis=0) >= _FILLED
    if (box := bounds(rows[:, None] & columns)) is None:
        return None
    left, top, right, bottom = box
    if inside[top:bottom, left:right].mean() < _FILLED:
        return None
    return x1 + left, y1 + top, x1 + right, y1 + bottom


def near(image: Array, colour: Colour, by: int = _NEAR) -> Mask:
    """Return which pixels are of a colour, by at most so many levels; boolean (H, W)."""
    found = np.ones(image.shape[:2], np.bool_)
    for channel, level in enumerate(colour):  # an axis of three is slow
        low, high = max(0, level - by), min(255, level + by)
        found &= image[..., channel] - np.uint8(low) <= high - low  # what is lower wraps round
    return found


def named(colour: Colour) -> str:
    """Return what a colour is called: black, white, or by its levels."""
    if max(colour) <= _NEAR:
        return "black"
    return "white" if min(colour) >= 255 - _NEAR else f"one colour, {shown(colour)}"
