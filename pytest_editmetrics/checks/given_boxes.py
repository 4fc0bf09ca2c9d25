"""The boxes of a check as its caller gave them, read once."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.images.boxes import listed


def edit_area(coords: Any) -> Any:
    """Return an edit area: a list of boxes as the user gave it, or a region."""
    from pytest_editmetrics.images.shapes import Region, is_boxes

    return boxes_of("coords", coords) if is_boxes(coords) else Region.of(coords)


def boxes_of(name: str, boxes: Any) -> list[Any] | None:
    """Return boxes as a list; what is no list of boxes is named ``name``."""
    if boxes is None:
        return None
    if str(getattr(boxes, "dtype", "")) in ("bool", "torch.bool"):
        raise InputError(f"{name} is a mask; objects take boxes (x1, y1, x2, y2) in pixels")
    if isinstance(boxes, (str, bytes, Mapping)) or not isinstance(boxes, Iterable):
        raise InputError(
            f"{name} must be a list of boxes (x1, y1, x2, y2), not {reprlib.repr(boxes)}"
        )
    return list(listed(boxes, name))
