"""The block ``golden_images`` of ``editmetrics.yaml``: how golden images are compared and kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from numbers import Real
from typing import Any, Literal

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
from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.measurement import GOLDEN_IMAGE, Better, BoundKind, Metric
from pytest_editmetrics.pipes.lpips.spec import MIN_EDGE
from pytest_editmetrics.pipes.pixels.spec import PSNR_CEILING, TONE_CEILING
from pytest_editmetrics.pipes.registry import PipeRegistry

Comparator = Literal["exact", "pixel", "ssim", "psnr", "lpips", "tone", "structure"]
ImageFormat = Literal["png", "webp"]

COMPARATORS: tuple[Comparator, ...] = (
    "exact",
    "pixel",
    "ssim",
    "psnr",
    "lpips",
    "tone",
    "structure",
)
DEFAULT: tuple[Comparator, ...] = ("lpips", "structure", "tone")
"""What holds where neither call, settings nor the golden's entry name a comparator."""
BEFORE: tuple[Comparator, ...] = ("lpips",)
"""What holds where the entry of a golden names none: it is older than the guard of tone."""
FORMATS: tuple[ImageFormat, ...] = ("png", "webp")
WITH_TOLERANCE: tuple[Comparator, ...] = COMPARATORS[1:]
LIMITS: Mapping[str, tuple[float, float]] = {
    "exact": (0.0, 1.0),
    "pixel": (0.0, 1.0),
    "ssim": (-1.0, 1.0),
    "psnr": (0.0, PSNR_CEILING),
    "lpips": (0.0, inf),
    "tone": (0.0, TONE_CEILING),
    "structure": (0.0, 255.0),
}
TOLERANCE: Mapping[str, float] = {
    "exact": 0.0,
    "pixel": 0.005,
    "ssim": 0.98,
    "psnr": 38.0,
    "lpips": 0.02,
    "tone": 0.5,
    "structure": 0.9,
}
TILE_TOLERANCE: Mapping[str, float] = {
    "exact": 0.0,
    "pixel": 0.05,
    "ssim": 0.9,
    "psnr": 32.0,
    "lpips": 0.15,
    "tone": 0.7,
    "structure": 0.9,
}
BESIDE: tuple[Comparator, ...] = ("structure", "tone")
"""What sees any fault that LPIPS does and no noise: beside both, LPIPS has bounds of its own.

Noise of sigma 1 is up to 0.092 of LPIPS on plain ground, and 0.14 in a tile.
"""
TOLERANCE_BESIDE: Mapping[str, float] = {"lpips": 0.12}
TILE_TOLERANCE_BESIDE: Mapping[str, float] = {"lpips": 0.2}
TILE_SIZE = 64
DISTANCE = 8
SMALLEST_TILE = 8
LARGEST_TILE = 4096
_EXACT = "exact allows no difference; for a tolerance use another comparator"
_HIGHER = ("ssim", "psnr")


@dataclass(frozen=True)
class Tolerance:
    """A bound of one comparator, and where it is written."""

    bound: float
    source: str = "built in"


@dataclass(frozen=True)
class ImageSettings:
    """How golden images are compared and kept.

    ``tolerances`` are what the file states for a whole image, ``tile_tolerances`` for its worst
    tile, a square with an edge of ``tile`` pixels; ``distance`` is the channel distance (of 255)
    beyond which ``pixel`` counts a pixel. ``comparators`` all have to hold, each by the bound that
    stands beside it, if one does; ``None`` if the file names none.
    """

    comparators: Mapping[Comparator, Tolerance | None] | None = None
    format: ImageFormat = "png"
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)
    tile_tolerances: Mapping[str, Tolerance] = field(default_factory=dict)
    tile: int = TILE_SIZE
    distance: int = DISTANCE

    def bounds(
        self, comparator: Comparator, joined: Collection[str]
    ) -> tuple[Tolerance, Tolerance]:
        """Return what a comparator is held to: as a whole, and its worst tile.

        A tile's bound that is built in is never stricter than the whole's; one that is stated holds
        as it stands.

        Args:
            comparator: which.
            joined: all that have to hold.
        """
        stated = (self.comparators or {}).get(comparator) or self.tolerances.get(comparator)
        default, tile = built_in(comparator, joined)
        whole = stated or Tolerance(default)
        if at_tile := self.tile_tolerances.get(comparator):
            return whole, at_tile
        loosest = min if comparator in _HIGHER else max
        return whole, whole if loosest(whole.bound, tile) == whole.bound else Tolerance(tile)


def built_in(comparator: Comparator, joined: Collection[str]) -> tuple[float, float]:
    """Return the bounds, of a whole image and of its worst tile, that nobody has to state.

    >>> built_in("lpips", ["lpips"]), built_in("lpips", DEFAULT)
    ((0.02, 0.15), (0.12, 0.2))
    """
    whole, tile = TOLERANCE[comparator], TILE_TOLERANCE[comparator]
    if not set(BESIDE) <= set(joined):
        return whole, tile
    return TOLERANCE_BESIDE.get(comparator, whole), TILE_TOLERANCE_BESIDE.get(comparator, tile)


def _words(bounds: Mapping[str, float], beside: Mapping[str, float]) -> str:
    alone = ", ".join(f"{name} {bounds[name]:g}" for name in WITH_TOLERANCE)
    joined = ", ".join(f"{name} {bound:g}" for name, bound in beside.items())
    return f"{alone}; beside {' and '.join(BESIDE)}, {joined}"


def by_default(edge: int) -> tuple[Comparator, ...]:
    """Return what holds an image by default: LPIPS only where its net has something to see.

    Args:
        edge: the image's shorter edge, in pixels.

    >>> by_default(512), by_default(16)
    (('lpips', 'structure', 'tone'), ('structure', 'tone'))
    """
    small = edge < max(MIN_EDGE.values())
    return tuple(one for one in DEFAULT if not (small and one == "lpips"))


def better(comparator: str) -> Better:
    """Return the direction of a comparator's score.

    >>> better("ssim"), better("lpips")
    ('higher', 'lower')
    """
    return "higher" if comparator in _HIGHER else "lower"


def image_metric(comparator: str) -> Metric:
    """Return what the gates of a comparator measure.

    >>> image_metric("ssim").name
    'golden_ssim'
    """
    return Metric(GOLDEN_IMAGE + comparator, better(comparator))


def bound_kind(comparator: str) -> BoundKind:
    """Return ``min`` for a comparator whose score is better when higher, else ``max``."""
    return image_metric(comparator).bound_kind


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
    if isinstance(tolerance, Mapping):
        raise InputError(
            f"tolerance={tolerance!r:.80} is one bound, of {comparator}; give bounds beside their"
            ' comparators, as comparator={"ssim": 0.95, "psnr": 28}'
        )
    return _checked(comparator, tolerance, f"tolerance={tolerance!r}")


def joined(comparators: object) -> dict[Comparator, float | None]:
    """Return the comparators that a call joins, each with the bound that stands beside it.

    Args:
        comparators: the name of one, a list of names, or a mapping of names and bounds, where
            ``None`` stands for the configured bound.

    Raises:
        InputError: an unknown name, one that stands there twice, none at all, or a bound that
            ``checked_tolerance`` refuses.

    >>> joined("lpips"), joined({"ssim": 0.95, "psnr": 28})
    ({'lpips': None}, {'ssim': 0.95, 'psnr': 28.0})
    """
    if isinstance(comparators, Mapping):
        given = list(comparators.items())
    elif isinstance(comparators, Sequence) and not isinstance(comparators, str):
        given = [(name, None) for name in comparators]
    else:
        given = [(comparators, None)]
    if not given:
        raise InputError(
            f"comparator={comparators!r} names none, so nothing would be compared; name at least"
            " one, or leave it out"
        )
    found: dict[Comparator, float | None] = {}
    for name, bound in given:
        known = next((one for one in COMPARATORS if name == one), None)
        if known is None and not isinstance(name, str):
            raise InputError(
                f"comparator={comparators!r:.80} holds what is no name; give a name, a list of"
                ' names, or a mapping with the bound of each, as {"ssim": 0.95, "psnr": 28}'
            )
        if known is None:
            raise InputError(f"unknown comparator {name!r}{did_you_mean(name, COMPARATORS)}")
        if known in found:
            raise InputError(f"comparator={comparators!r} names {known} twice")
        what = f"comparator={{{known!r}: {bound!r}}}"
        found[known] = None if bound is None else _checked(known, bound, what)
    return found


def _checked(comparator: str, tolerance: object, what: str) -> float:
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
        node.fail(_EXACT)
    bound = number(*LIMITS[name]).read(node, f"{what} of {name}", registry)
    if why := _holds_always(name, bound):
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
