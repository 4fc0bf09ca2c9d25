"""The block ``golden_images`` of ``editmetrics.yaml``: how golden images are compared and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from numbers import Real
from typing import Any, Literal

from pytest_editmetrics.config.keys import Block, Key, Kind, choice, held, mapping, number, whole
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.errors import InputError
from pytest_editmetrics.measurement import Better, BoundKind
from pytest_editmetrics.pipes.registry import PipeRegistry

Comparator = Literal["exact", "pixel", "ssim", "lpips"]
ImageFormat = Literal["png", "webp"]

COMPARATORS: tuple[Comparator, ...] = ("exact", "pixel", "ssim", "lpips")
FORMATS: tuple[ImageFormat, ...] = ("png", "webp")
WITH_TOLERANCE: tuple[Comparator, ...] = ("pixel", "ssim", "lpips")
LIMITS: Mapping[str, tuple[float, float]] = {
    "exact": (0.0, 1.0),
    "pixel": (0.0, 1.0),
    "ssim": (-1.0, 1.0),
    "lpips": (0.0, inf),
}
TOLERANCE: Mapping[str, float] = {"exact": 0.0, "pixel": 0.005, "ssim": 0.98, "lpips": 0.02}
TILE_TOLERANCE: Mapping[str, float] = {"exact": 0.0, "pixel": 0.05, "ssim": 0.9, "lpips": 0.15}
TILE_SIZE = 64
DISTANCE = 8
SMALLEST_TILE = 8
LARGEST_TILE = 4096
_EXACT = "exact allows no difference; for a tolerance use pixel, ssim or lpips"


@dataclass(frozen=True)
class Tolerance:
    """A bound of one comparator, and where it is written."""

    bound: float
    source: str = "built in"


@dataclass(frozen=True)
class ImageSettings:
    """How golden images are compared and kept.

    ``tolerances`` hold for a whole image, ``tile_tolerances`` for its worst tile, a square with an
    edge of ``tile`` pixels; ``distance`` is the channel distance (of 255) beyond which ``pixel``
    counts a pixel.
    """

    comparator: Comparator = "lpips"
    format: ImageFormat = "png"
    tolerances: Mapping[str, Tolerance] = field(default_factory=lambda: _built_in(TOLERANCE))
    tile_tolerances: Mapping[str, Tolerance] = field(
        default_factory=lambda: _built_in(TILE_TOLERANCE)
    )
    tile: int = TILE_SIZE
    distance: int = DISTANCE


def _built_in(bounds: Mapping[str, float]) -> dict[str, Tolerance]:
    return {name: Tolerance(bound) for name, bound in bounds.items()}


def _words(bounds: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {bounds[name]:g}" for name in WITH_TOLERANCE)


def better(comparator: str) -> Better:
    """Return the direction of a comparator's score.

    >>> better("ssim"), better("lpips")
    ('higher', 'lower')
    """
    return "higher" if comparator == "ssim" else "lower"


def bound_kind(comparator: str) -> BoundKind:
    """Return ``min`` for a comparator whose score is better when higher, else ``max``."""
    return "min" if better(comparator) == "higher" else "max"


def _holds_always(comparator: str, bound: float) -> str | None:
    """Say why no image could lie outside a tolerance; ``None`` if one can."""
    low, high = LIMITS[comparator]
    if bound_kind(comparator) == "max":
        return None if bound < high else f"always holds: {comparator} is never above {high:g}"
    return None if bound > low else f"always holds: {comparator} is never below {low:g}"


def checked_tolerance(comparator: str, tolerance: object) -> float:
    """Return the tolerance that a call gives.

    Raises:
        InputError: no number, a number that can never or must always hold, or ``exact``, which has
            no tolerance.

    >>> checked_tolerance("pixel", 0.01)
    0.01
    """
    what = f"tolerance={tolerance!r}"
    if comparator not in WITH_TOLERANCE:
        raise InputError(f"{what}: {_EXACT}")
    number = isinstance(tolerance, Real) and not isinstance(tolerance, bool)
    low, high = LIMITS[comparator]
    if not number or not low <= float(tolerance) <= high or float(tolerance) == inf:  # type: ignore[arg-type]
        raise InputError(f"{what} for {comparator}: give a number in [{low:g}, {high:g}]")
    bound = float(tolerance)  # type: ignore[arg-type]
    if why := _holds_always(comparator, bound):
        raise InputError(f"{what} for {comparator} {why}")
    return bound


def _tolerances() -> Kind:
    def read(node: Node, what: str, registry: PipeRegistry) -> dict[str, Tolerance]:
        found: dict[str, Tolerance] = {}
        for name, child in node.mapping(what, COMPARATORS, like="{lpips: 0.02}").items():
            if name not in WITH_TOLERANCE:
                child.fail(_EXACT)
            bound = number(*LIMITS[name]).read(child, f"{what} of {name}", registry)
            if why := _holds_always(name, bound):
                child.fail(f"{what} of {name} is {bound:g}, which {why}")
            found[name] = Tolerance(bound, child.where)
        return found

    schema = mapping({name: held(bound_kind(name), *LIMITS[name]) for name in WITH_TOLERANCE})
    words = (
        "by comparator: `pixel`, at most this share of the pixels may differ; `ssim`, at least;"
        " `lpips`, at most"
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
            _words(TILE_TOLERANCE),
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
            choice(*COMPARATORS),
            "what compares an image with its golden",
            "ssim",
            "lpips",
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
            _words(TOLERANCE),
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
        given.get("comparator", default.comparator),
        given.get("format", default.format),
        {**default.tolerances, **given.get("tolerance", {})},
        {**default.tile_tolerances, **tile.get("tolerance", {})},
        tile.get("size", default.tile),
        given.get("distance", default.distance),
    )
