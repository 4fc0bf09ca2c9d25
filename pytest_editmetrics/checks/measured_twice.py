"""Two checks of a test, under two names, of one picture: a model may give one buffer for all edits.

Where the second edit overwrites the first before either is measured, the first is never looked at.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
import pytest

from pytest_editmetrics.images.one_place import place_of

if TYPE_CHECKING:
    from pytest_editmetrics.checks.edit_gate import Check
    from pytest_editmetrics.checks.pairs import Pair
    from pytest_editmetrics.config.settings import MetricConfig

_Alive = Callable[[], object]
_earlier = pytest.StashKey[dict[tuple[Any, ...], tuple[str, _Alive]]]()


def beside_earlier(
    item: pytest.Item, check: Check, pair: Pair, configs: Sequence[MetricConfig]
) -> Pair:
    """Return a pair that says which check of its test, alike but for its name, had its picture.

    The edited image is the same memory or file, and holds the same now as it did then. What is
    freed is not the same memory: its place is given to the next image.
    """
    place = place_of(check.edited)
    if check.name is None or place is None:
        return pair
    images = pair.reference, pair.edited, pair.inside
    pixels = (crc32(np.ascontiguousarray(one).data) for one in images)
    metrics = [(one.metric.name, one.scope) for one in configs]
    bounds = {metric: (one.kind, one.bound) for metric, one in check.thresholds.items()}
    boxes = check.ref_boxes, check.edited_boxes, check.object_coords
    settings = check.resize, check.aspect, check.colour, check.expect, bounds, metrics
    key = (place, *pixels, repr(boxes), repr(settings))
    earlier = item.stash.setdefault(_earlier, {})
    name, alive = earlier.get(key, (check.name, lambda: None))
    earlier[key] = check.name, _alive(check.edited)
    if name == check.name or alive() is None:
        return pair
    return replace(pair, twin=name)


def _alive(source: Any) -> _Alive:
    """Return what gives an object, or nothing once what keeps its memory is gone."""
    while isinstance(source, (list, tuple)):
        (source,) = source
    while isinstance(getattr(source, "base", None), np.ndarray):
        source = source.base
    if isinstance(source, (str, os.PathLike)):  # its file stays
        return lambda: source
    return weakref.ref(source)
