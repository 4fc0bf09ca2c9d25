"""Polygons: how they are written, and which pixels one holds (of two that abut, one has each)."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import RegionError, counted

Point: TypeAlias = "tuple[float, float]"
Polygon: TypeAlias = "tuple[Point, ...]"

_HALF = Fraction(1, 2)
_FAR = 1e9  # in pixels; every image ends before
_CLOSE, _PRECISION = 1e-9, 1e-13  # how near a centre floats are trusted to tell sides apart


def is_polygon(part: Any) -> bool:
    """Tell a polygon as COCO writes it, ``[x1, y1, x2, y2, x3, y3, ...]``, from a box.

    Raises:
        RegionError: six numbers that may be a box, with the score and the class that detectors add.

    >>> is_polygon([0, 0, 8, 0, 8, 9]), is_polygon([0, 0, 8, 9])
    (True, False)
    """
    if hasattr(part, "tolist") and len(getattr(part, "shape", ())) == 1:
        part = part.tolist()
    if not isinstance(part, (list, tuple)) or len(part) < 6 or len(part) % 2:
        return False
    if not all(map(_number, part)):
        return False
    if len(part) == 6:
        x1, y1, x2, y2, *more = part
        if x1 <= x2 and y1 <= y2 and any(0 <= one <= 1 for one in more):
            raise RegionError(
                f"coords: {list(part)} may be a box with a score and a class, or a polygon: write"
                f" the box [{x1}, {y1}, {x2}, {y2}] alone, or Region(polygons=[{list(part)}]), in"
                f" YAML {{polygons: [{list(part)}]}}"
            )
    return True


def read_polygons(polygons: Any) -> tuple[Polygon, ...]:
    """Return polygons of points, or of flat lists as COCO has them.

    Raises:
        RegionError: naming the polygon (counted from 1), if it makes no sense.
    """
    if isinstance(polygons, (str, Mapping)) or not isinstance(polygons, Iterable):
        raise RegionError(f"polygons: {polygons!r} is not a list of polygons [[x, y], [x, y], ...]")
    return tuple(_polygon(shape, number) for number, shape in enumerate(polygons, 1))


def _polygon(shape: Any, number: int) -> Polygon:
    if hasattr(shape, "tolist"):
        shape = shape.tolist()
    given = list(shape) if isinstance(shape, (list, tuple)) else [shape]
    if given and all(map(_number, given)):
        given = _of_flat(given, number)
    points = []
    for point in given:
        if hasattr(point, "tolist"):
            point = point.tolist()
        if not isinstance(point, (list, tuple)) or len(point) != 2 or not all(map(is_real, point)):
            raise RegionError(
                f"polygon {number}: {point!r:.80} is no point (x, y) of finite numbers"
            )
        points.append((float(point[0]), float(point[1])))
    if len(points) < 3:
        raise RegionError(
            f"polygon {number} has {counted(len(points), 'point')}; it takes at least three"
        )
    values = [value for point in points for value in point]
    if all(0 <= value <= 1 for value in values) and any(0 < value < 1 for value in values):
        raise RegionError(
            f"polygon {number} looks like fractions of the image; points are in pixels: multiply x"
            " by the width and y by the height"
        )
    return tuple(points)


def _of_flat(given: Sequence[Any], number: int) -> list[tuple[Any, Any]]:
    """Return the points of a polygon whose numbers stand one after the other, as COCO has it."""
    if len(given) < 3:
        shown = given[0] if len(given) == 1 else tuple(given)
        raise RegionError(
            f"polygon {number}: {shown!r} is no polygon; write a list of polygons"
            " [[[x, y], [x, y], [x, y]]]"
        )
    if len(given) % 2:
        raise RegionError(
            f"polygon {number} is {len(given)} numbers: each x takes a y, [x1, y1, x2, y2, x3, ...]"
        )
    return list(zip(given[::2], given[1::2], strict=True))


def _number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """Tell a finite number."""
    return _number(value) and math.isfinite(value)


def polygon_mask(polygon: Polygon, height: int, width: int) -> NDArray[np.bool_]:
    """Return the pixels whose centre a polygon holds, boolean (height, width).

    >>> polygon_mask(((0.5, 0.5), (2.5, 0.5), (2.5, 2.5), (0.5, 2.5)), 3, 3).astype(int).tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    """
    inside = np.zeros((height, width), np.bool_)
    add_polygon(inside, polygon)
    return inside


def add_polygon(mask: NDArray[np.bool_], polygon: Polygon, left: int = 0, top: int = 0) -> None:
    """Add the pixels whose centre a polygon holds to a mask, boolean (height, width).

    A centre on an edge belongs to the polygon at its right, or, where the edge is level, below:
    boxes too have their left and upper sides and not the others. So polygons that abut divide the
    pixels among them, and one along the sides of a box is that box. Where a polygon crosses itself
    what it encloses twice lies outside (the even-odd rule). Centres and edges are compared exactly.

    Args:
        mask: what is added to.
        polygon: at least three points ``(x, y)`` in pixels.
        left: the column of the image with which the mask begins.
        top: its row.
    """
    height, width = mask.shape
    xs, ys = zip(*polygon, strict=True)
    x1, x2 = _extent(xs, width, left)
    y1, y2 = _extent(ys, height, top)
    if x1 < x2 and y1 < y2:
        mask[y1:y2, x1:x2] |= _filled(polygon, y2 - y1, x2 - x1, left + x1, top + y1)


def _extent(ends: Sequence[float], size: int, start: int) -> tuple[int, int]:
    """Return from which to below which pixel of a side a polygon may reach."""
    low, high = (min(max(end, -_FAR), _FAR) - start for end in (min(ends), max(ends)))
    return max(math.floor(low) - 1, 0), min(math.ceil(high) + 1, size)


def _filled(polygon: Polygon, height: int, width: int, left: int, top: int) -> NDArray[np.bool_]:
    ends = np.zeros((height, width + 1), np.int32)
    for one, other in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        # the same numbers come of an edge in whichever direction its polygon goes along it
        low, high = sorted((one, other), key=lambda point: point[1])
        rows = np.arange(*_rows(low[1], high[1], height, top))
        if rows.size:
            columns = np.clip(_crossed(low, high, rows + top) - left, 0, width)
            np.add.at(ends, (rows, columns.astype(np.intp)), 1)
    right_of = np.cumsum(ends[:, :0:-1], axis=1)[:, ::-1]
    inside: NDArray[np.bool_] = right_of % 2 == 1
    return inside


def _rows(low: float, high: float, height: int, top: int) -> tuple[int, int]:
    """Return the rows of a mask whose centres lie from ``low`` to below ``high``."""
    first, last = (_ceiling(min(max(y, -_FAR), _FAR)) - top for y in (low, high))
    return max(first, 0), min(last, height)


def _crossed(low: Point, high: Point, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return, for each row, the first column whose centre does not lie left of an edge."""
    (x1, y1), (x2, y2) = low, high
    if x1 == x2:
        return np.full(rows.shape, float(_ceiling(x1)))
    with np.errstate(all="ignore"):
        slope = (np.float64(x2) - x1) / (np.float64(y2) - y1)
        beside = x1 + (rows + 0.5 - y1) * slope - 0.5
        reach = abs(x1) + abs(x2) + (abs(y1) + rows.max() + 1) * abs(slope)
    columns: NDArray[np.float64] = np.ceil(beside)
    sure = np.abs(beside - np.rint(beside)) > _CLOSE + _PRECISION * reach
    for place in np.flatnonzero(~sure):
        columns[place] = _exactly(low, high, int(rows[place]))
    return columns


def _exactly(low: Point, high: Point, row: int) -> int:
    (x1, y1), (x2, y2) = ((Fraction(x), Fraction(y)) for x, y in (low, high))
    return _ceiling(x1 + (row + _HALF - y1) * (x2 - x1) / (y2 - y1))


def _ceiling(at: float | Fraction) -> int:
    """Return the first pixel whose centre does not lie before ``at``."""
    return math.ceil(Fraction(at) - _HALF)
