"""The block ``golden_images`` of ``editmetrics.yaml``, as it is read and described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_editmetrics.config.golden_images import (
    BESIDE,
    COMPARATORS,
    DISTANCE,
    EXACT_HAS_NONE,
    FORMATS,
    LARGEST_TILE,
    LIMITS,
    SMALLEST_TILE,
    TILE_SIZE,
    TILE_TOLERANCE,
    TILE_TOLERANCE_BESIDE,
    TOLERANCE,
    TOLERANCE_BESIDE,
    WITH_TOLERANCE,
    Comparator,
    ImageSettings,
    Tolerance,
    bound_kind,
    holds_always,
)
from pytest_editmetrics.config.keys import (
    Block,
    Key,
    Kind,
    Schema,
    choice,
    held,
    mapping,
    number,
    or_empty,
    whole,
)
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.pipes.registry import PipeRegistry


def _words(bounds: Mapping[str, float], beside: Mapping[str, float]) -> str:
    alone = ", ".join(f"{name} {bounds[name]:g}" for name in WITH_TOLERANCE)
    joined = ", ".join(f"{name} {bound:g}" for name, bound in beside.items())
    return f"{alone}; beside {' and '.join(BESIDE)}, {joined}"


def _tolerances() -> Kind:
    def read(node: Node, what: str, registry: PipeRegistry) -> dict[str, Tolerance]:
        found: dict[str, Tolerance] = {}
        for name, child in node.mapping(what, COMPARATORS, like="{lpips: 0.02}").items():
            found[name] = _tolerance(name, child, what, registry)
        return found

    schema = mapping({name: held(bound_kind(name), *LIMITS[name]) for name in WITH_TOLERANCE})
    words = (
        "by comparator: `pixel`, at most this share of the pixels may differ; `ssim` and `psnr` (in"
        " dB), at least; `lpips`, `tone` (of CIELAB) and `structure` (in levels), at most"
    )
    return Kind(words, read, lambda _: schema)


def _tolerance(name: str, node: Node, what: str, registry: PipeRegistry) -> Tolerance:
    if name not in WITH_TOLERANCE:
        node.fail(EXACT_HAS_NONE)
    bound = number(*LIMITS[name]).read(node, f"{what} of {name}", registry)
    if why := holds_always(name, bound):
        node.fail(f"{what} of {name} is {bound:g}, which {why}")
    return Tolerance(bound, node.where)


def _joined() -> Kind:
    """Return the kind of comparators that all have to hold."""

    def read(node: Node, what: str, registry: PipeRegistry) -> dict[Comparator, Tolerance | None]:
        found: dict[Any, Tolerance | None] = {}
        if node.is_mapping:
            for name, child in node.mapping(what, COMPARATORS).items():
                empty = child.value is None
                found[name] = None if empty else _tolerance(name, child, what, registry)
        else:
            for child in node.items(what) if isinstance(node.value, list) else [node]:
                name = child.one_of(what, COMPARATORS)
                if name in found:
                    child.fail(f"{name!r} stands twice in {what}")
                found[name] = None
        if not found:
            node.fail(f"{what} names none, so nothing would be compared; name one, or leave it out")
        return found

    bounds: dict[str, Schema] = {
        "exact": {"type": "null"},
        **{name: or_empty(held(bound_kind(name), *LIMITS[name])) for name in WITH_TOLERANCE},
    }
    names: Schema = {"enum": list(COMPARATORS)}
    schema: Schema = {
        "anyOf": [
            names,
            {"type": "array", "items": names, "minItems": 1, "uniqueItems": True},
            mapping(bounds, minProperties=1),
        ]
    }
    listed = ", ".join(f"`{name}`" for name in COMPARATORS)
    words = (
        f"{listed}; or several that all have to hold, as a list, or as a mapping with a bound of"
        " each that `tolerance:` has none of"
    )
    return Kind(words, read, lambda _: schema)


_TILE = Block(
    "golden_images.tile",
    "the worst tile of a golden image, so that a small fault on a large picture is found",
    (
        Key(
            "size",
            whole(SMALLEST_TILE, LARGEST_TILE),
            "edge of a tile, in pixels",
            "64",
            str(TILE_SIZE),
            call="golden_images.tile.size",
        ),
        Key(
            "tolerance",
            _tolerances(),
            "the bound of each comparator for the worst tile",
            "{lpips: 0.15}",
            _words(TILE_TOLERANCE, TILE_TOLERANCE_BESIDE),
            call="golden_images.tile.tolerance",
        ),
    ),
)
BLOCK = Block(
    "golden_images",
    "how golden images are compared and kept",
    (
        Key(
            "comparator",
            _joined(),
            "what compares an image with its golden, where the call does not say",
            "{ssim: 0.95, psnr: 28}",
            "what the golden's entry says, else lpips (from 31 px on), structure and tone",
        ),
        Key(
            "format",
            choice(*FORMATS),
            "the format; both are lossless",
            "webp",
            "png",
        ),
        Key(
            "tolerance",
            _tolerances(),
            "the bound of each comparator for a whole image",
            "{lpips: 0.02, ssim: 0.98}",
            _words(TOLERANCE, TOLERANCE_BESIDE),
            call="golden_images.tolerance",
        ),
        Key("tile", _TILE.kind(), _TILE.text, "{size: 32}", call=_TILE.call),
        Key(
            "distance",
            whole(0, 254),
            "the difference of a channel, of 255, beyond which `pixel` counts a pixel",
            "8",
            str(DISTANCE),
        ),
    ),
)


def image_settings(given: Mapping[str, Any]) -> ImageSettings:
    """Return what the block says, as ``BLOCK`` read it, defaults filled in."""
    default, tile = ImageSettings(), given.get("tile", {})
    return ImageSettings(
        given.get("comparator"),
        given.get("format", default.format),
        given.get("tolerance", {}),
        tile.get("tolerance", {}),
        tile.get("size", default.tile),
        given.get("distance", default.distance),
    )
