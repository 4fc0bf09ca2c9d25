"""The edit area and other boxes of a case or a row: boxes, regions of any shape, masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.config.keys import (
    END,
    PRINTED,
    Block,
    Key,
    Kind,
    Schema,
    between,
    mapping,
    or_empty,
    unread,
)
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.pipes.registry import PipeRegistry

if TYPE_CHECKING:
    from pytest_editmetrics.images.shapes import Region

Box = tuple[float, float, float, float]


def boxes(what: str, node: Node | None) -> tuple[Box, ...] | None:
    """Return a list of boxes (x1, y1, x2, y2) in pixels, as written."""
    return None if node is None else tuple(_boxes(what, node.items(what)))


def area(node: Node | None, mask: Callable[[Node], Any]) -> tuple[Box, ...] | Region | None:
    """Return ``coords``: a list of boxes, or a region of any shape.

    Args:
        node: boxes; a mapping of a region's fields; a mask's path, or its run lengths as COCO has
            them; or a list that mixes boxes and mappings.
        mask: checks what names a mask, its path, and returns what a region takes for it.

    Raises:
        ConfigError: with file and line, for whatever makes no sense.
    """
    if node is None:
        return None
    if node.is_mapping:
        return _region(node, mask)
    if isinstance(node.value, (str, bytes)):
        from pytest_editmetrics.images.shapes import Region

        return Region(mask=mask(node))
    parts = node.items("coords")
    mappings = [part for part in parts if part.is_mapping]
    polygons: list[Node] = []
    plain: list[Node] = []
    for part in parts:
        if not part.is_mapping:
            (polygons if _is_polygon(part) else plain).append(part)
    boxes = tuple(_boxes("coords", plain))
    if not (mappings or polygons):
        return boxes
    united = tuple(_region(part, mask) for part in mappings)
    fields = {"boxes": boxes, "polygons": [part.plain for part in polygons], "united": united}
    return _made(node, {}, fields)


def _is_polygon(node: Node) -> bool:
    """Tell a polygon as COCO writes it from a box, as ``polygons.is_polygon`` does."""
    if not isinstance(node.value, list) or len(node.value) < 6:
        return False
    from pytest_editmetrics.errors import RegionError
    from pytest_editmetrics.images.polygons import is_polygon

    try:
        return is_polygon(node.plain)
    except RegionError as error:
        node.fail(str(error))


def _region(node: Node, mask: Callable[[Node], Any]) -> Region:
    if "counts" in node.mapping("a region"):
        return _made(node, {"mask": node}, {"mask": _mask(node, mask)})
    for key in MASK_CUT:
        if key in node.value:
            node.value[key].fail(
                f"{key} of a mask stands in the mask: mask: {{path: ..., {key}: ...}}"
            )
    if "bytes" in node.value:
        return _made(node, {"mask": node}, {"mask": mask(node)})
    from pytest_editmetrics.images.shapes import COCOS, no_key

    for key in COCOS:
        if key in node.value:
            node.value[key].fail(no_key(key, node.value[key].plain))
    given = REGION.nodes(node, "a region")
    if not given.keys() - {"dilate"}:
        node.fail("a region needs `boxes`, `polygons` or a `mask`")
    fields: dict[str, Any] = {key: child.plain for key, child in given.items()}
    if "boxes" in given:
        fields["boxes"] = boxes("boxes", given["boxes"])
    if "mask" in given:
        fields["mask"] = _mask(given["mask"], mask)
    _whole_numbers(fields, "dilate")
    return _made(node, given, fields)


def _whole_numbers(fields: dict[str, Any], name: str) -> None:
    """As everywhere, 8.0 is a whole number."""
    if isinstance(number := fields.get(name), float) and number.is_integer():
        fields[name] = int(number)


def _mask(node: Node, path: Callable[[Node], Any]) -> Any:
    """Return a mask's path, or a mapping of its fields; ``path`` as in ``area``."""
    if not node.is_mapping or "bytes" in node.value:
        return path(node)
    given = MASK.nodes(node)
    fields = {key: child.plain for key, child in given.items()}
    _whole_numbers(fields, "threshold")
    if "path" in given:
        named = path(given["path"])
        own = fields
        fields = {**own, **(named if isinstance(named, Mapping) else {"path": named})}
        fields.update((key, own[key]) for key in MASK_CUT if key in own)
    return fields


def _made(node: Node, given: Mapping[str, Node], fields: Mapping[str, Any]) -> Region:
    from pytest_editmetrics.errors import RegionError
    from pytest_editmetrics.images.shapes import Region

    try:
        return Region(**fields)
    except RegionError as error:
        text, named = str(error), node
        for key, child in given.items():
            if text.startswith(key.rstrip("s")):
                named = child
            if child.is_mapping:
                named = next((c for k, c in child.value.items() if text.startswith(k)), named)
        named.fail(text)


def _boxes(what: str, nodes: Sequence[Node]) -> list[Box]:
    from pytest_editmetrics.errors import RegionError
    from pytest_editmetrics.images.boxes import normalise_box

    found = [_box(what, node) for node in nodes]
    for number, (node, box) in enumerate(zip(nodes, found, strict=True), start=1):
        try:
            normalise_box(box, f"{what}: box {number}")
        except RegionError as error:
            node.fail(str(error))
    return found


def _box(what: str, node: Node) -> Box:
    if not isinstance(node.value, list) or len(node.value) != 4:
        node.fail(f"{what} must be a list of boxes [x1, y1, x2, y2] in pixels, as [[0, 0, 64, 64]]")
    for item in node.value:
        item.number(f"a number of {what}")
    x1, y1, x2, y2 = (item.value for item in node.value)
    return x1, y1, x2, y2


def raw(words: str, schema: Schema) -> Kind:
    """Return the kind of what is read elsewhere, and has this schema in every project."""
    return unread(words, lambda _: schema)


IMAGE = raw(
    "an image, by its path relative to this file",
    {"type": "string", "pattern": rf"^(?!/|[A-Za-z]:)(?=.*\S){PRINTED}*{END}"},
)
_NUMBERS: Schema = {"type": "array", "items": {"type": "number"}}
_BOX: Schema = {**_NUMBERS, "minItems": 4, "maxItems": 4}
_POINT: Schema = {**_NUMBERS, "minItems": 2, "maxItems": 2}
_BOXES: Schema = {"type": "array", "items": _BOX}
_FLAT: Schema = {**_NUMBERS, "minItems": 6}
_POLYGONS: Schema = {
    "type": "array",
    "items": {"anyOf": [{"type": "array", "items": _POINT, "minItems": 3}, _FLAT]},
}
BOXES = Kind(
    "a list of boxes `[x1, y1, x2, y2]` in pixels",
    lambda node, what, _: boxes(what, node),
    lambda _: _BOXES,
)
_SIZE = raw("`[height, width]`", {**_NUMBERS, "minItems": 2, "maxItems": 2})
_WHOLE: Schema = {"type": "array", "items": {"type": "integer", "minimum": 0}}
MASK_CUT = ("threshold", "invert")
MASK = Block(
    "mask",
    "a mask: an image's path and how its levels are cut, or run lengths",
    (
        Key(
            "path",
            replace(IMAGE, words="the path of an image"),
            "an image of the reference's size, white where the region is",
            "masks/dog.png",
        ),
        Key(
            "threshold",
            raw("a whole number from 1 to 255", between(1, 255, "integer")),
            "of grey levels, 0 to 255, the first that belongs to the mask",
            "128",
            "grey levels are an error",
            needs="path",
        ),
        Key(
            "invert",
            raw("true or false", {"type": "boolean"}),
            "whether the other pixels are meant: black is the edit area",
            "true",
            "false",
        ),
        Key("size", _SIZE, "of `counts` or `runs`, in pixels", "[4, 6]", needs="counts"),
        Key(
            "counts",
            raw(
                "a list of whole numbers, or a text of pycocotools",
                {"anyOf": [{"type": "string", "minLength": 1}, _WHOLE]},
            ),
            "lengths of runs, outside first, column by column (COCO)",
            "[8, 4, 12]",
            needs="size",
        ),
        Key(
            "runs",
            raw(
                "a list of whole numbers, of pairs of them, or a text of them",
                {
                    "anyOf": [
                        {"type": "string", "minLength": 1},
                        _WHOLE,
                        {"type": "array", "items": {**_WHOLE, "minItems": 2, "maxItems": 2}},
                    ]
                },
            ),
            "start and length of each run inside, row by row from 0 (PIE-Bench)",
            "[[9, 2], [15, 2]]",
            needs="size",
        ),
    ),
)
_MOST = 10_000  # pixels by which a region grows
REGION = Block(
    "coords",
    "a region: boxes, polygons and a mask, and by how much they grow",
    (
        Key("boxes", raw(BOXES.words, _BOXES), "boxes in pixels, half-open", "[[0, 0, 64, 64]]"),
        Key(
            "polygons",
            raw(
                "a list of polygons, each at least three points `[x, y]`, or as COCO has it"
                " `[x1, y1, x2, y2, x3, y3]`",
                _POLYGONS,
            ),
            "polygons; a pixel belongs to one if its centre does",
            "[[[0, 0], [64, 0], [0, 64]]]",
        ),
        Key(
            "mask",
            replace(IMAGE, words="the path of an image, or a mapping", block=MASK),
            "a black and white image of the reference's size, white where the region is; or a mask"
            " with more to it",
            "{path: masks/dog.png, threshold: 128, invert: true}",
        ),
        Key(
            "dilate",
            raw(f"a whole number from 0 to {_MOST}", between(0, _MOST, "integer")),
            "by how many pixels all of it grows, in every direction",
            "8",
            "0",
        ),
    ),
)


def _region_schema(registry: PipeRegistry, image: Schema) -> Schema:
    schema = REGION.schema(registry)
    sources = [_mask_schema(registry, image, key) for key in ("path", "counts", "runs")]
    mask = {"description": schema["properties"]["mask"]["description"]}
    given = {**schema["properties"], "mask": {**mask, **or_empty({"anyOf": [image, *sources]})}}
    written = {"not": {"type": "null"}}
    shapes = [
        {"required": [key], "properties": {key: written}} for key in ("boxes", "polygons", "mask")
    ]
    return {**schema, "properties": given, "anyOf": shapes}


def _mask_schema(registry: PipeRegistry, image: Schema, source: str) -> Schema:
    """Return the schema of a mask with one of ``path``, ``counts`` and ``runs``."""
    properties = {**MASK.schema(registry)["properties"]}
    properties["path"] = {**properties["path"], **or_empty(image)}
    beside = {"path": ("threshold", "invert")}.get(source, ("size", "invert"))
    for key in properties.keys() - {source, *beside}:
        properties[key] = {"type": "null"}
    needed = (source,) if source == "path" else ("size", source)
    for key in needed:
        properties[key] = {"allOf": [properties[key], {"not": {"type": "null"}}]}
    return mapping(properties, required=needed)


def coords(image: Kind) -> Key:
    """Return the key of the edit area, whose masks are images as ``image`` says."""

    def schema(registry: PipeRegistry) -> Schema:
        path = image.schema(registry)
        region = _region_schema(registry, path)
        counts = _mask_schema(registry, path, "counts")
        parts = {"type": "array", "items": {"anyOf": [_BOX, _FLAT, region, counts]}}
        return {"anyOf": [path, parts, region, counts]}

    words = (
        "boxes, a region, the path of a mask, COCO's `{size, counts}` or polygons, or a list of"
        " boxes, polygons and regions"
    )
    kind = unread(words, schema, REGION)
    return Key("coords", kind, "the edit area", "[[120, 80, 300, 260]]")
