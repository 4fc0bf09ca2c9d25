"""The boxes of a check as its caller gave them, read once: the next check may change them."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.images.boxes import listed, unpaired

if TYPE_CHECKING:
    from pytest_editmetrics.checks.measure import Boxes
    from pytest_editmetrics.config.settings import MetricConfig

_MOST_NUMBERS = 9  # of what is no box, and may have no end; an odd number makes no polygon


def edit_area(coords: Any) -> Any:
    """Return an edit area, boxes as a list of their own; another is read with the images."""
    from pytest_editmetrics.images.shapes import is_boxes

    if isinstance(coords, Iterator):
        coords = listed(coords, "coords")
    return boxes_of("coords", coords) if is_boxes(coords) else coords


def boxes_of(name: str, boxes: Any) -> list[Any] | None:
    """Return boxes as lists of their own, not checked yet; what is no list is named ``name``."""
    if boxes is None:
        return None
    if str(getattr(boxes, "dtype", "")) in ("bool", "torch.bool"):
        raise InputError(f"{name} is a mask; objects take boxes (x1, y1, x2, y2) in pixels")
    if isinstance(boxes, (str, bytes, Mapping)) or not isinstance(boxes, Iterable):
        raise InputError(
            f"{name} must be a list of boxes (x1, y1, x2, y2), not {reprlib.repr(boxes)}"
        )
    return [_own(box) for box in listed(boxes, name)]


def _own(box: Any) -> Any:
    """Return a box, or what stands in its place, as values that nobody else can change."""
    if hasattr(box, "tolist"):
        return box.tolist()
    if isinstance(box, (str, bytes, Mapping)) or not isinstance(box, Iterable):
        return box
    return [v.tolist() if hasattr(v, "tolist") else v for v in islice(box, _MOST_NUMBERS)]


def check_paired(
    before: Boxes | None, after: Boxes | None, configs: Iterable[MetricConfig]
) -> None:
    """Refuse boxes of objects that do not pair, where no metric would read them and say so.

    Raises:
        InputError: how many there are of either.
    """
    reads = any(config.metric.compares == "objects" for config in configs)
    if not reads and (said := unpaired(len(before or ()), len(after or ()))):
        raise InputError(said)
