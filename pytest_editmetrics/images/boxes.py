"""Boxes: four numbers in pixels, checked."""

from __future__ import annotations

import math
import numbers
import reprlib
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, TypeAlias

from pytest_editmetrics.errors import RegionError

Box: TypeAlias = "tuple[int, int, int, int]"

MOST_BOXES = 100_000
_FAR = 1 << 53  # beyond which not every whole number is a float
_SHOWN = 8  # numbers of what is no box


def unpaired(reference: int, edited: int) -> str | None:
    """Return what is said of so many boxes of objects in either image, if they do not pair.

    >>> unpaired(1, 1), unpaired(1, 0)
    (None, 'ref_boxes and edited_boxes are paired in order, and there are 1 and 0')
    """
    if reference == edited:
        return None
    return f"ref_boxes and edited_boxes are paired in order, and there are {reference} and {edited}"


def normalise_boxes(coords: Any, what: str = "coords") -> list[Box]:
    """Check boxes and bring them to whole pixels.

    Args:
        coords: boxes ``(x1, y1, x2, y2)`` in pixels, half-open, origin top left, as any nesting of
            sequences, array or tensor; ``None`` is no box.
        what: what to call them in an error.

    Returns:
        Integer boxes; a fraction of a pixel is rounded outward, so that the box still covers it.
        They may still reach outside the image, and may be empty.

    Raises:
        RegionError: naming the box (counted from 1), if it is not four finite numbers, is
            inverted, or has coordinates that are fractions of the image's size.

    >>> normalise_boxes([[1.5, 2, 4.2, 8]])
    [(1, 2, 5, 8)]
    """
    if coords is None:
        return []
    if isinstance(coords, Iterable) and not isinstance(coords, (str, Mapping)):
        coords = listed(coords, what)
    if hasattr(coords, "tolist"):
        coords = coords.tolist()
    if not isinstance(coords, list):
        raise RegionError(f"{what}: {reprlib.repr(coords)} is not a list of boxes (x1, y1, x2, y2)")
    boxes = coords
    if len(boxes) == 4 and all(isinstance(value, numbers.Real) for value in boxes):
        normalise_box(boxes, f"{what}: box 1")
        raise RegionError(f"{what}: {boxes} is one box; write a list of boxes: [{boxes}]")
    if len(boxes) > 4 and all(isinstance(value, numbers.Real) for value in boxes):
        raise RegionError(
            f"{what}: {reprlib.repr(boxes)} is one list of numbers; write a list of boxes"
            " [[x1, y1, x2, y2]]"
            + (" or of polygons [[x1, y1, x2, y2, x3, y3, ...]]" if what == "coords" else "")
        )
    return [
        normalise_box(box, f"{what}: box {number}") for number, box in enumerate(boxes, start=1)
    ]


def listed(coords: Iterable[Any], what: str) -> Any:
    """Return boxes as a list, of an array or tensor as it is; read no further than the most.

    Raises:
        RegionError: more than 100,000 boxes, or an iterable without an end.
    """
    if not hasattr(coords, "tolist"):
        coords = list(islice(coords, MOST_BOXES + 1))
    elif not getattr(coords, "ndim", 1):
        return coords
    if len(coords) > MOST_BOXES:  # type: ignore[arg-type]
        raise RegionError(f"{what}: more than {MOST_BOXES} boxes; give a mask")
    return coords


def _is_whole(box: Any) -> bool:
    """Tell whether it is certainly four whole numbers in order: most boxes are."""
    if type(box) not in (list, tuple) or len(box) != 4 or any(type(v) is not int for v in box):
        return False
    x1, y1, x2, y2 = box
    return bool(-_FAR < x1 <= x2 < _FAR and -_FAR < y1 <= y2 < _FAR)


def normalise_box(box: Any, what: str) -> Box:
    """Check one box and bring it to whole pixels, as ``normalise_boxes`` does.

    Raises:
        RegionError: naming it ``what``.
    """
    if _is_whole(box):
        x1, y1, x2, y2 = box
        return x1, y1, x2, y2
    if hasattr(box, "tolist"):
        box = box.tolist()
    if isinstance(box, (str, dict)) or not isinstance(box, Iterable):
        raise RegionError(f"{what} {reprlib.repr(box)} is not four numbers (x1, y1, x2, y2)")
    values = [v.tolist() if hasattr(v, "tolist") else v for v in islice(box, _SHOWN)]
    plain = all(isinstance(value, (int, float, type(None))) for value in values)
    try:
        texts = list(map(str if plain else reprlib.repr, values))
    except ValueError:
        texts = ["a number of thousands of digits"]
    shown = f"({', '.join(texts)}{', ...' if len(values) == _SHOWN else ''})"
    if len(values) != 4 or not all(
        isinstance(value, numbers.Real) and not isinstance(value, bool) for value in values
    ):
        points = all(isinstance(value, (list, tuple)) for value in values)
        flat = "; a polygon is a flat list, [x1, y1, x2, y2, x3, y3, ...]" if points else ""
        raise RegionError(f"{what} {shown} is not four numbers (x1, y1, x2, y2){flat}")
    if not all(map(_finite, values)):
        raise RegionError(f"{what} {shown} holds NaN, infinity or a number beyond every image")
    x1, y1, x2, y2 = values
    if x2 < x1 or y2 < y1:
        raise RegionError(
            f"{what} {shown} is inverted: x1 <= x2 and y1 <= y2 must hold. Boxes are "
            "(x1, y1, x2, y2), not (x, y, width, height)"
        )
    floats = any(not isinstance(value, numbers.Integral) for value in values)
    if floats and all(0 <= value <= 1 for value in values) and any(values):
        raise RegionError(
            f"{what} {shown} looks like fractions of the image; boxes are in pixels: multiply x by "
            "the width and y by the height"
        )
    return math.floor(x1), math.floor(y1), math.ceil(x2), math.ceil(y2)


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float, which no image reaches
        return False


def clip_box(box: Box, width: int, height: int) -> Box | None:
    """Return the part of ``box`` inside an image of that size, or ``None`` if there is none.

    >>> clip_box((-5, 2, 4, 99), width=10, height=8)
    (0, 2, 4, 8)
    >>> clip_box((20, 0, 30, 5), width=10, height=8) is None
    True
    """
    x1, y1, x2, y2 = box
    clipped = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
    return clipped if clipped[0] < clipped[2] and clipped[1] < clipped[3] else None


def check_reach(what: str, box: Box, width: int, height: int) -> None:
    """Raise ``RegionError`` for a box that reaches beyond an image by more than rounding brings it.

    Cut to the image, a box of a larger picture would be another area, and nothing would tell.

    >>> check_reach("the box", (-2, 0, 5, 2), width=3, height=2)
    """
    x1, y1, x2, y2 = box
    across, down = max(-x1, x2 - width), max(-y1, y2 - height)
    if across <= _overhang(width) and down <= _overhang(height):
        return
    turned, seen = (y1, x1, y2, x2), clip_box(box, width, height)
    raise RegionError(
        f"{what} {box} reaches {max(across, down)} px beyond the {width}x{height} image: "
        + (f"is {turned} meant? Else, " if clip_box(turned, width, height) == turned else "")
        + "if it is of a picture of another size, scale it to the pixels of this"
        + (f"; if the part within is meant, write {seen}" if seen and "box" in what else "")
    )


def _overhang(side: int) -> int:
    """Return by how many pixels a box may reach beyond a side of an image of that length.

    Detectors round outward, by a pixel or two of the picture that they see: most make it smaller,
    to 512 px and more.

    >>> _overhang(64), _overhang(1000), _overhang(4032)
    (2, 3, 15)
    """
    return max(2, side // 256)


def plain_boxes(boxes: Any) -> tuple[tuple[float, ...], ...] | None:
    """Return boxes as plain numbers for the report; what is no box is the pipe's to refuse."""
    if boxes is None:
        return None
    try:
        return tuple(tuple(map(_number, islice(box, _SHOWN))) for box in boxes)
    except (TypeError, ValueError, OverflowError):
        return None


def _number(value: Any) -> float:
    number = float(value)
    return int(number) if number.is_integer() else number
