"""The keys that the cases of YAML files and the rows of manifests have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.config.bounds import BOUNDS, bounds
from pytest_editmetrics.config.expect import EXPECT, Expect
from pytest_editmetrics.config.keys import (
    END,
    PRINTED,
    Block,
    Key,
    Kind,
    Schema,
    between,
    choice,
    mapping,
    of_metrics,
    or_empty,
    unread,
)
from pytest_editmetrics.config.metric_keys import METRICS
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.config.sizes import SIZES
from pytest_editmetrics.images.colour_words import COLOURS, Colour
from pytest_editmetrics.images.data_url import is_data_url, short
from pytest_editmetrics.images.resize_modes import Aspect, Resize
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry

if TYPE_CHECKING:
    from pytest_editmetrics.images.shapes import Region

Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class PairFields:
    """What a case and a row state alike; boxes (x1, y1, x2, y2) in pixels, not yet clipped."""

    coords: tuple[Box, ...] | Region | None
    ref_boxes: tuple[Box, ...] | None
    edited_boxes: tuple[Box, ...] | None
    thresholds: Mapping[str, Threshold]
    resize: Resize | None
    aspect: Aspect | None
    expect: Expect | None
    colour: Colour | None


def identifier(node: Node, what: str) -> str:
    """Return the id that a case or row states; it must fit into a node id and be shown as it is."""
    name = node.text(what)
    if is_data_url(name):
        node.fail(f"{what} is an image ({short(name)}); an id is a name")
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
    if not any(part.is_mapping for part in parts):
        return tuple(_box("coords", part) for part in parts)
    from pytest_editmetrics.images.shapes import Region

    plain = [_box("coords", part) for part in parts if not part.is_mapping]
    shapes = [_region(part, mask) for part in parts if part.is_mapping]
    return Region(boxes=tuple(plain), united=tuple(shapes))  # type: ignore[arg-type]


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


def _box(what: str, node: Node) -> Box:
    if not isinstance(node.value, list) or len(node.value) != 4:
        node.fail(f"{what} must be a list of boxes [x1, y1, x2, y2] in pixels, as [[0, 0, 64, 64]]")
    for item in node.value:
        item.number(f"a number of {what}")
    x1, y1, x2, y2 = (item.value for item in node.value)
    return x1, y1, x2, y2


def pair_fields(
    node: Node, given: Mapping[str, Any], mask: Callable[[Node], Any]
) -> dict[str, Any]:
    """Return the fields of ``PairFields`` of what ``node`` states; ``mask`` as in ``area``.

    Raises:
        ConfigError: ``ref_boxes`` and ``edited_boxes`` do not pair, or the area makes no sense.
    """
    reference, edited = (len(given.get(name, ())) for name in ("ref_boxes", "edited_boxes"))
    if reference != edited:
        (node.get("edited_boxes") or node.get("ref_boxes") or node).fail(
            "ref_boxes and edited_boxes are paired in order, and there are"
            f" {reference} and {edited}"
        )
    names = ("ref_boxes", "edited_boxes", "resize", "aspect", "expect", "colour")
    fields = {name: given.get(name) for name in names}
    coords, bounds = area(given.get("coords"), mask), given.get("thresholds", {})
    return {**fields, "coords": coords, "thresholds": bounds}


def _raw(words: str, schema: Schema) -> Kind:
    return unread(words, lambda _: schema)


IMAGE = _raw(
    "an image, by its path relative to this file",
    {"type": "string", "pattern": rf"^(?!/|[A-Za-z]:)(?=.*\S){PRINTED}*{END}"},
)
_NUMBERS: Schema = {"type": "array", "items": {"type": "number"}}
_BOX: Schema = {**_NUMBERS, "minItems": 4, "maxItems": 4}
_POINT: Schema = {**_NUMBERS, "minItems": 2, "maxItems": 2}
_BOXES: Schema = {"type": "array", "items": _BOX}
_POLYGONS: Schema = {
    "type": "array",
    "items": {"type": "array", "items": _POINT, "minItems": 3},
}
BOXES = Kind(
    "a list of boxes `[x1, y1, x2, y2]` in pixels",
    lambda node, what, _: boxes(what, node),
    lambda _: _BOXES,
)
_SIZE = _raw("`[height, width]`", {**_NUMBERS, "minItems": 2, "maxItems": 2})
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
            _raw("a whole number from 1 to 255", between(1, 255, "integer")),
            "of grey levels, 0 to 255, the first that belongs to the mask",
            "128",
            "grey levels are an error",
            needs="path",
        ),
        Key(
            "invert",
            _raw("true or false", {"type": "boolean"}),
            "whether the other pixels are meant: black is the edit area",
            "true",
            "false",
        ),
        Key("size", _SIZE, "of `counts` or `runs`, in pixels", "[4, 6]", needs="counts"),
        Key(
            "counts",
            _raw(
                "a list of whole numbers, or a text of pycocotools",
                {"anyOf": [{"type": "string", "minLength": 1}, _WHOLE]},
            ),
            "lengths of runs, outside first, column by column (COCO)",
            "[8, 4, 12]",
            needs="size",
        ),
        Key(
            "runs",
            _raw(
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
        Key("boxes", _raw(BOXES.words, _BOXES), "boxes in pixels, half-open", "[[0, 0, 64, 64]]"),
        Key(
            "polygons",
            _raw("a list of polygons, each at least three points `[x, y]`", _POLYGONS),
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
            _raw(f"a whole number from 0 to {_MOST}", between(0, _MOST, "integer")),
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
        parts = {"type": "array", "items": {"anyOf": [_BOX, region, counts]}}
        return {"anyOf": [path, parts, region, counts]}

    words = (
        "boxes, a region, the path of a mask, COCO's `{size, counts}`, or a list of boxes and"
        " regions"
    )
    kind = unread(words, schema, REGION)
    return Key("coords", kind, "the edit area", "[[120, 80, 300, 260]]")


IDENTIFIER: Schema = {
    "type": "string",
    "pattern": rf"^(?=\S)(?!.*(::|\s$)){PRINTED}+{END}",
}
ID = Key(
    "id",
    _raw("a text without `::`", IDENTIFIER),
    "what the case is called, in reports and in the golden's address",
    "red mug",
)
REFERENCE = Key("reference", IMAGE, "the image before the edit", "mug.png")
EDITED = Key("edited", IMAGE, "the image after the edit", "mug-red.png")
COLOUR = Key(
    "colour",
    choice(*COLOURS),
    "whether an image's colour profile is applied, so that it is measured as it is `seen`, or left"
    " aside, so that its bare `numbers` are",
    "numbers",
    "what the configuration says, else `seen`",
    call="colour",
)
# what cases and rows have in common, besides these three and ``coords``
FIELDS = (
    Key(
        "ref_boxes",
        BOXES,
        "objects in the reference, for metrics that compare objects",
        "[[10, 10, 90, 90]]",
        needs="edited_boxes",
        call="ref_boxes",
    ),
    Key(
        "edited_boxes",
        BOXES,
        "the same objects in the edited image, in the same order",
        "[[12, 10, 92, 90]]",
        needs="ref_boxes",
        call="edited_boxes",
    ),
    Key(
        "metrics",
        METRICS,
        "what is measured",
        "[lpips, emd]",
        "what `expect` or the configuration says",
        call="metrics",
    ),
    Key(
        "thresholds",
        of_metrics(BOUNDS, lambda metric, _: bounds(metric, "case")),
        "bounds that hold whatever a golden says",
        "{lpips: {max: 0.1}}",
        call="thresholds",
    ),
    *SIZES,
    Key("expect", EXPECT, "how the model writes the background", "composited", call="expect"),
    COLOUR,
)
