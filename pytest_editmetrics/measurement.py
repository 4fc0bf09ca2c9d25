"""What a metric is, what was measured, and the bound it is held to: plain values, no behaviour.

Nothing here imports anything heavy: the surface needs these names when pytest starts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

Better = Literal["lower", "higher"]
BoundKind = Literal["max", "min"]
Scope = Literal["edit_area", "unedit_area"]
MaskMode = Literal["inner", "outer"]
Origin = Literal["argument", "marker", "case", "golden", "default"]
GOLDEN = "golden"
"""What asks for gates that a golden holds; no metric has this name."""
EVERY = -1
"""How many gates ``golden=all`` asks a golden for: each that has no bound that somebody wrote."""
GOLDEN_IMAGE = "golden_"
"""What the metrics of golden images begin with, and no other; the comparator follows."""
WRITTEN_BY_HAND = ("argument", "marker", "case")
"""The origins of bounds that a test or case states: none is ever written by a command."""
NO_PICTURE = "no picture"
"""What the picture of a gate begins with where there is none, and why."""
LAID_ON_BLACK = "laid on black, which shows what white hides"
"""What is said of a transparent image that was not laid on white."""
LITTLE = 0.05
"""A smaller share of a picture that is measured, outside an edit area, is told and recorded."""
SIZE = re.compile("[1-9][0-9]{0,5}x[1-9][0-9]{0,5}")
"""A picture's width and height in px, as a golden states them."""
SoftReason = Literal[
    "no-valid-patch",
    "unpaired-coords",
    "empty-crop",
    "empty-region",
    "no-texture",
    "no-match",
    "redrawn",
    "no-value",
]

SOFT_REASONS: Mapping[SoftReason, str] = {
    "empty-region": "the region holds no pixel to compare",
    "no-valid-patch": "no patch of CLIP or DINO lies in the region; dino_structure_sim needs two",
    "unpaired-coords": "the objects of the two images do not pair: an odd number of boxes, or none",
    "empty-crop": "a box lies outside the image, or SAM finds no object in it",
    "no-texture": "the background is too flat to show a shift, before and after",
    "no-match": "the background cannot be found again: it is another picture, or out of sight",
    "redrawn": "the background cannot be found again, but is laid out as before: it was redrawn, or"
    " is too smooth to be found",
    "no-value": "a pipe of yours returned None",
}
"""What each reason says, for readers."""
REMEDIES: Mapping[str, str] = {
    "empty-region": "give boxes that leave pixels to compare (editmetrics suggest-region REFERENCE"
    " EDITED proposes some); where the whole image is the edit, leave this metric out",
    "no-valid-patch": "give a larger region, or hold it by lpips, which has no patches",
    "unpaired-coords": "give each object a box in both images (ref_boxes, edited_boxes)",
    "empty-crop": "see whether the object is still there; if it moved, move its box along",
    "no-texture": "hold this background by another metric, such as lpips",
    "no-match": "see whether the background may be another picture; under any expect that fails",
    "redrawn": "see whether the background may be redrawn; under any expect but generative that"
    " fails",
    "no-value": "let the pipe say what is wrong: raise, or return a soft failure with its reason",
}
"""What to do about each reason."""

REMEDY_OF_NO_NUMBER = (
    "look at the edited image, then at the metric: its weights, its dtype (editmetrics doctor)"
)
"""What to do about a value that is NaN or infinite: no golden can hold it."""

SCOPES: tuple[Scope, ...] = ("edit_area", "unedit_area")
MASK_MODE: dict[Scope, MaskMode] = {"edit_area": "inner", "unedit_area": "outer"}
SCOPE: dict[MaskMode, Scope] = {"inner": "edit_area", "outer": "unedit_area"}


def bound_kind_of(better: str) -> BoundKind:
    """Return which bound holds a number: ``max`` where lower is better, ``min`` where higher is."""
    return "max" if better == "lower" else "min"


@dataclass(frozen=True)
class Margin:
    """How far a recorded bound lies from the measured value: the larger of the two parts."""

    relative: float = 0.10
    absolute: float = 0.0

    def around(self, value: float) -> float:
        """Return the distance between ``value`` and its recorded bound, in the metric's units."""
        return max(abs(value) * self.relative, self.absolute)


@dataclass(frozen=True)
class Metric:
    """A named score with a direction, as a pipe declares it.

    ``scope`` is measured unless the configuration or the call says otherwise; ``compares`` tells
    whether the boxes are an edit area (``region``) or pairs of objects (``objects``); ``params``
    are the runtime parameters that ``pipe.measure`` takes for it; ``asks`` tells whether it wants
    what it measures to be as before (``same``) or edited (``change``); ``aliases`` are other names
    under which it may be asked for, which goldens and results never show. No value lies below
    ``low`` or above ``high``: a bound there is refused, and a value that lies there by more than
    rounding is an error. ``summary``, ``unit``, ``definition``, ``source`` (of the definition) and
    ``blind`` (what it cannot see) are for readers.
    """

    name: str
    better: Better
    scope: Scope = "unedit_area"
    compares: Literal["region", "objects"] = "region"
    margin: Margin = Margin()
    params: tuple[str, ...] = ()
    asks: Literal["same", "change"] = "same"
    summary: str = ""
    aliases: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    definition: str = ""
    source: str = ""
    blind: str = ""

    @property
    def bound_kind(self) -> BoundKind:
        """``max`` for lower-is-better, ``min`` for higher-is-better."""
        return bound_kind_of(self.better)


@dataclass(frozen=True)
class Threshold:
    """The inclusive bound a measurement is held to, and where it was written.

    A value inside the bound and beyond ``review``, which lies on the bound's good side, is to be
    looked at.
    """

    kind: BoundKind
    bound: float
    origin: Origin
    source: str
    review: float | None = None

    def distance(self, value: float) -> float:
        """Return how far ``value`` lies beyond the bound: positive fails, zero and below passes."""
        return value - self.bound if self.kind == "max" else self.bound - value

    def holds(self, value: float) -> bool:
        """Tell whether ``value`` is finite and inside the bound (a bound is inclusive)."""
        return math.isfinite(value) and self.distance(value) <= 0

    def reviews(self, value: float) -> bool:
        """Tell whether ``value`` lies between the two bounds: not at ``review``, which passes.

        >>> band = Threshold("max", 0.10, "golden", "", review=0.06)
        >>> band.reviews(0.06), band.reviews(0.061), band.reviews(0.10), band.reviews(0.11)
        (False, True, True, False)
        """
        if self.review is None or not self.holds(value):
            return False
        return value > self.review if self.kind == "max" else value < self.review


@dataclass(frozen=True)
class SoftFailure:
    """Why a region gave no valid comparison."""

    reason: SoftReason
    message: str


CONFIGURATION = "configuration"


@dataclass(frozen=True)
class WeightsUsed:
    """One set of weights a measurement was made with; ``smoke`` weights judge no quality.

    What else decides a model's numbers, its sizes and how images are prepared for it, is one too,
    with a hash of its own, under the name of the weights and ``CONFIGURATION``.
    """

    name: str
    sha256: str
    smoke: bool = False


NO_WEIGHTS = "none"
_SHOWN = 12


def weights_text(hashes: Iterable[str]) -> str | None:
    """Return weights as goldens state them: twelve digits of each hash, in the order of use.

    Args:
        hashes: SHA-256 of each; none is ``NO_WEIGHTS``.

    Returns:
        ``None`` if one of them is no hash, so that nothing can be said of them.

    >>> weights_text(["5c8dbe32eb28" + 52 * "0", "a6a92bb4fe19" + 52 * "0"])
    '5c8dbe32eb28 a6a92bb4fe19'
    """
    texts = list(hashes)
    if not all(re.fullmatch(r"[0-9a-f]{64}", text) for text in texts):
        return None
    return " ".join(text[:_SHOWN] for text in texts) or NO_WEIGHTS


Edit: TypeAlias = Literal["made", "none"]
"""Whether the edited image was another than its reference when a golden was measured."""


def pixels_of(size: str) -> int:
    """Return how many pixels a picture has, of its size as goldens state it.

    >>> pixels_of("512x384")
    196608
    """
    width, height = map(int, size.split("x"))
    return width * height


def least_size(sizes: Iterable[str | None]) -> str | None:
    """Return the size that has the fewest pixels, of those that are known.

    >>> least_size(["64x64", None, "48x80"])
    '48x80'
    """
    known = (size for size in sizes if size is not None)
    return min(known, key=lambda size: (pixels_of(size), size), default=None)


@dataclass(frozen=True)
class Measurement:
    """One metric of one case: a value or a soft failure, with how it was obtained.

    ``scope`` is ``None`` when the whole image was measured. ``floor`` and ``excess`` are given by
    metrics that are not zero for an unedited image. ``details`` holds JSON values only.
    """

    metric: str
    value: float | None
    scope: Scope | None = None
    soft_failure: SoftFailure | None = None
    floor: float | None = None
    excess: float | None = None
    device: str = "cpu"
    device_name: str = "cpu"
    weights: tuple[WeightsUsed, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.value is None and self.soft_failure is None:
            raise ValueError(f"a {self.metric} measurement needs a value or a soft failure")
        if self.value is not None and self.soft_failure is not None:
            raise ValueError(
                f"a {self.metric} measurement has a value, {self.value}, or a soft failure, not"
                " both: what could not be compared is no value"
            )

    @property
    def smoke(self) -> bool:
        """Whether any of the weights are the packaged random ones."""
        return any(weights.smoke for weights in self.weights)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, NaN and infinity included as Python floats."""
        return asdict(self)
