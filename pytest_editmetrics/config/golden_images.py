"""How golden images are compared and kept: comparators, what each may be held to, and by default.

How ``editmetrics.yaml`` states it lives in ``golden_block``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from numbers import Real
from typing import Literal

from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.measurement import GOLDEN_IMAGE, Better, BoundKind, Metric
from pytest_editmetrics.pipes.lpips.spec import MIN_EDGE
from pytest_editmetrics.pipes.pixels.spec import PSNR_CEILING, TONE_CEILING

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
EXACT_HAS_NONE = "exact allows no difference; for a tolerance use another comparator"
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


def holds_always(comparator: str, bound: float) -> str | None:
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
        raise InputError(f"{what}: {EXACT_HAS_NONE}")
    number = isinstance(tolerance, Real) and not isinstance(tolerance, bool)
    low, high = LIMITS[comparator]
    if not number or not low <= float(tolerance) <= high or float(tolerance) == inf:  # type: ignore[arg-type]
        raise InputError(f"{what} for {comparator}: give a number in [{low:g}, {high:g}]")
    bound = float(tolerance)  # type: ignore[arg-type]
    if why := holds_always(comparator, bound):
        raise InputError(f"{what} for {comparator} {why}")
    return bound
