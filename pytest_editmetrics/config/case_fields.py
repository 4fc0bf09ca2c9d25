"""What the cases of YAML files and the rows of manifests have in common: ids, boxes, bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pytest_editmetrics.config.bounds import parse_bounds
from pytest_editmetrics.config.metric_keys import by_metric
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry

if TYPE_CHECKING:
    from pytest_editmetrics.images.shapes import Region

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


def area(node: Node | None, mask: Callable[[Node], str]) -> tuple[Box, ...] | Region | None:
    """Return ``coords``: a list of boxes, or a region of any shape.

    Args:
        node: boxes; a mapping of a region's fields; or a list that mixes boxes and mappings.
        mask: checks the path of a mask and returns it as it can be opened.

    Raises:
        ConfigError: with file and line, for whatever makes no sense.
    """
    if node is None:
        return None
    if node.is_mapping:
        return _region(node, mask)
    if isinstance(node.value, str):
        from pytest_editmetrics.images.shapes import Region

        return Region(mask=mask(node))
    parts = node.items("coords")
    if not any(part.is_mapping for part in parts):
        return tuple(_box("coords", part) for part in parts)
    from pytest_editmetrics.images.shapes import Region

    plain = [_box("coords", part) for part in parts if not part.is_mapping]
    shapes = [_region(part, mask) for part in parts if part.is_mapping]
    return Region(boxes=tuple(plain), united=tuple(shapes))  # type: ignore[arg-type]


def _region(node: Node, mask: Callable[[Node], str]) -> Region:
    from pytest_editmetrics.errors import RegionError
    from pytest_editmetrics.images.shapes import KEYS, Region

    entries = node.mapping("a region", KEYS)
    given = {key: child for key, child in entries.items() if child.value is not None}
    if not given.keys() - {"dilate"}:
        node.fail("a region needs `boxes`, `polygons` or a `mask`")
    fields: dict[str, Any] = {key: child.plain for key, child in given.items()}
    if "boxes" in given:
        fields["boxes"] = boxes("boxes", given["boxes"])
    if "mask" in given:
        fields["mask"] = mask(given["mask"])
    try:
        return Region(**fields)
    except RegionError as error:
        named = next((given[key] for key in given if str(error).startswith(key.rstrip("s"))), node)
        named.fail(str(error))


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
