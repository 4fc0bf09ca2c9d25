"""The block ``golden_images`` of ``editmetrics.yaml``: how golden images are compared and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from numbers import Real
from typing import Literal

from pytest_editmetrics.config.node import Node
from pytest_editmetrics.errors import InputError
from pytest_editmetrics.measurement import Better, BoundKind

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
KEYS = ("comparator", "format", "tolerance", "tile", "distance")
_EXACT = "exact allows no difference; for a tolerance use pixel, ssim or lpips"
TILE_KEYS = ("size", "tolerance")


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


def better(comparator: str) -> Better:
    """Return the direction of a comparator's score.

    >>> better("ssim"), better("lpips")
    ('higher', 'lower')
    """
    return "higher" if comparator == "ssim" else "lower"


def bound_kind(comparator: str) -> BoundKind:
    """Return ``min`` for a comparator whose score is better when higher, else ``max``."""
    return "min" if better(comparator) == "higher" else "max"


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
    return float(tolerance)  # type: ignore[arg-type]


def parse_image_settings(node: Node) -> ImageSettings:
    """Return what the (resolved) block says, defaults filled in.

    Raises:
        ConfigError: with file and line, for an unknown key or a value that cannot be right.
    """
    entries = _given(node.mapping("golden_images", KEYS))
    default = ImageSettings()
    comparator, image_format = default.comparator, default.format
    if (given := entries.get("comparator")) is not None:
        name = given.one_of("comparator of golden_images", COMPARATORS)
        comparator = next(known for known in COMPARATORS if known == name)
    if (given := entries.get("format")) is not None:
        name = given.one_of("format of golden_images", FORMATS)
        image_format = next(known for known in FORMATS if known == name)
    distance, tile = default.distance, default.tile
    if (given := entries.get("distance")) is not None:
        distance = _whole(given, "distance of golden_images", 0, 254)
    tile_tolerances = dict(default.tile_tolerances)
    if (block := entries.get("tile")) is not None:
        parts = _given(block.mapping("tile of golden_images", TILE_KEYS))
        if "size" in parts:
            what = "size of the tiles of golden_images"
            tile = _whole(parts["size"], what, SMALLEST_TILE, LARGEST_TILE)
        tile_tolerances |= _tolerances(parts.get("tolerance"), "the tile tolerance")
    tolerances = {**default.tolerances, **_tolerances(entries.get("tolerance"), "the tolerance")}
    return ImageSettings(comparator, image_format, tolerances, tile_tolerances, tile, distance)


def _given(entries: Mapping[str, Node]) -> dict[str, Node]:
    return {key: child for key, child in entries.items() if child.value is not None}


def _tolerances(node: Node | None, what: str) -> dict[str, Tolerance]:
    if node is None:
        return {}
    found: dict[str, Tolerance] = {}
    for name, child in node.mapping(f"{what} of golden_images", COMPARATORS).items():
        if name not in WITH_TOLERANCE:
            child.fail(_EXACT)
        bound = child.number(f"{what} of {name}")
        low, high = LIMITS[name]
        if not low <= bound <= high:
            child.fail(f"{what} of {name} is {bound:g}, outside [{low:g}, {high:g}]")
        found[name] = Tolerance(bound, child.where)
    return found


def _whole(node: Node, what: str, low: int, high: int) -> int:
    number = node.number(what)
    if not number.is_integer() or not low <= number <= high:
        node.fail(f"{what} must be a whole number from {low} to {high}, not {node.shown}")
    return int(number)
