"""What the cases of YAML files and the rows of manifests have in common: ids, boxes, bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pytest_editmetrics.config.bounds import parse_bounds
from pytest_editmetrics.config.metric_keys import by_metric
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry

Box = tuple[float, float, float, float]


def identifier(node: Node, what: str) -> str:
    """Return the id that a case or row states; it must fit into a node id and be shown as it is."""
    name = node.text(what)
    if name != name.strip():
        node.fail(f"the id {name!r} begins or ends with a space")
    if "::" in name:
        node.fail(f"the id {name!r} has a '::' in it, which separates the parts of a node id")
    if not name.isprintable():
        node.fail(f"the id {name!r} has a character in it that cannot be shown")
    return name


def boxes(what: str, node: Node | None) -> tuple[Box, ...] | None:
    """Return a list of boxes (x1, y1, x2, y2) in pixels, as written."""
    return None if node is None else tuple(_box(what, item) for item in node.items(what))


def _box(what: str, node: Node) -> Box:
    if not isinstance(node.value, list) or len(node.value) != 4:
        node.fail(f"{what} must be a list of boxes [x1, y1, x2, y2] in pixels, as [[0, 0, 64, 64]]")
    for item in node.value:
        item.number(f"a number of {what}")
    x1, y1, x2, y2 = (item.value for item in node.value)
    return x1, y1, x2, y2


def object_boxes(
    given: Mapping[str, Node],
) -> tuple[tuple[Box, ...] | None, tuple[Box, ...] | None]:
    """Return ``ref_boxes`` and ``edited_boxes``, which must pair."""
    reference = boxes("ref_boxes", given.get("ref_boxes"))
    edited = boxes("edited_boxes", given.get("edited_boxes"))
    if len(reference or ()) != len(edited or ()):
        (given.get("edited_boxes") or given["ref_boxes"]).fail(
            f"ref_boxes and edited_boxes are paired in order, and there are"
            f" {len(reference or ())} and {len(edited or ())}"
        )
    return reference, edited


def resize(node: Node | None) -> Literal["reference"] | None:
    """Return what ``resize`` states, if it is there."""
    if node is None:
        return None
    node.one_of("resize", ["reference"])
    return "reference"


def thresholds(node: Node | None, registry: PipeRegistry) -> dict[str, Threshold]:
    """Return the bounds of a case by metric."""
    given = by_metric(node, "thresholds", registry) if node else {}
    return {
        name: parse_bounds(registry.metric(name), child, origin="case")
        for name, child in given.items()
    }
