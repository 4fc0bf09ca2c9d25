"""What a gate looks at of a transparent pair: laid on white, or on black where white hides it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_editmetrics.checks.pairs import Pair
from pytest_editmetrics.errors import RegionError
from pytest_editmetrics.images.boxes import Box, normalise_boxes
from pytest_editmetrics.images.ground import ground_of, on_black
from pytest_editmetrics.images.regions import Mask, region_mask

if TYPE_CHECKING:
    from pytest_editmetrics.config.settings import MetricConfig

_OBJECTS = "objects"


def seen_by(pair: Pair, config: MetricConfig) -> Pair:
    """Return a pair as a metric is to measure it: on the ground that shows what changed there."""
    if pair.uncovered is None:
        return pair
    looks = _OBJECTS if config.metric.compares == "objects" else config.scope
    if looks not in pair.laid:
        ground = ground_of(pair.uncovered, _where(pair, looks))
        known = next((one for one in pair.laid.values() if one is not None), None)
        pair.laid[looks] = None if ground == "white" else known or _on_black(pair)
    return pair.laid[looks] or pair


def _where(pair: Pair, looks: str) -> Mask:
    """Return the pixels of a scope, or of the objects' boxes; no box is the pipe's to refuse."""
    if looks != _OBJECTS:
        return pair.inside if looks == "edit_area" else ~pair.inside
    lie = pair.region.drawn or vars(pair.region)
    boxes: list[Box] = []
    with suppress(RegionError):
        for which in ("ref_boxes", "edited_boxes"):
            boxes += normalise_boxes(lie.get(which))
    return region_mask(boxes, "inner", *pair.inside.shape)


def _on_black(pair: Pair) -> Pair:
    assert pair.loaded is not None
    before, after = (on_black(image).pixels for image in pair.loaded)
    laid = replace(pair, ground="black", numbers=None)
    if pair.fit is None or pair.originals is None:
        return replace(laid, reference=before, edited=after)
    originals = replace(pair.originals, reference=before, edited=after, numbers=None)
    before, after = pair.fit.pictures(before, after)
    return replace(laid, originals=originals, reference=before, edited=after)
