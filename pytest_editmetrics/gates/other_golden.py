"""What is said of a golden that was measured in another way: its bound says nothing of today's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.images.resize_modes import NOT_RESIZED
from pytest_editmetrics.measurement import (
    CONFIGURATION,
    LITTLE,
    SIZE,
    Edit,
    least_size,
    pixels_of,
)

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.goldens.approved import Approved

_WEIGHTS, _RESIZE, _DTYPE = "other_weights", "other_resize", "other_dtype"
_SHARE, _SIZE, _PICTURE = "other_share", "other_size", "other_picture"
OTHER_GOLDEN = frozenset({_WEIGHTS, _RESIZE, _DTYPE, _SHARE, _SIZE, _PICTURE})
"""The details of an error that is only that the golden was measured in another way."""
_LEAST_SIZE = "least_size"  # of repetitions whose pictures are of unlike sizes
_UNEDITED = "unedited"  # of repetitions of which one saw no edit
_EXCHANGED = 0.1  # inside and outside, but for what `dilate` adds


@dataclass(frozen=True)
class Seen:
    """What a gate saw of its picture: which share, of which size, and whether there was an edit."""

    share: float
    size: str | None
    edit: Edit

    @classmethod
    def of(cls, *gates: Gate) -> Seen:
        """Return the least that gates of one golden saw, since it holds for each of them."""
        unedited = any(_is_unedited(one) or _UNEDITED in one.details for one in gates)
        return cls(
            min(map(share_of, gates)),
            least_size(map(size_of, gates)),
            "none" if unedited else "made",
        )

    def least(self, other: Seen | None) -> Seen:
        """Return the least of two."""
        if other is None:
            return self
        edit: Edit = "none" if "none" in (self.edit, other.edit) else "made"
        return Seen(min(self.share, other.share), least_size((self.size, other.size)), edit)


@dataclass(frozen=True)
class OtherWay:
    """In which way a golden was measured otherwise: what of it differs, and what it states.

    ``message`` says so of a gate, where the golden stands, and what is stated.
    """

    detail: str
    stated: str
    message: Callable[[Gate, str, str], str]


def other_way(approved: Approved, gate: Gate) -> OtherWay | None:
    """Return in which way what was approved was measured otherwise than a gate, if in any."""
    if approved.resized not in (None, gate.resize):
        return OtherWay(_RESIZE, str(approved.resized), other_resize)
    if approved.other_weights(str(weights["sha256"]) for weights in gate.weights):
        return OtherWay(_WEIGHTS, str(approved.weights), other_weights)
    if approved.computed_in not in (None, gate.dtype):
        return OtherWay(_DTYPE, str(approved.computed_in), other_dtype)
    return _no_edit(approved, gate) or _smaller(approved, gate) or _other_area(approved, gate)


def _no_edit(approved: Approved, gate: Gate) -> OtherWay | None:
    """Return that the golden was measured on an edit, where today there is none at all."""
    if approved.measured is None or approved.edit == "none" or not _is_unedited(gate):
        return None
    return OtherWay(_PICTURE, f"{approved.measured:.4g}", other_picture)


def _smaller(approved: Approved, gate: Gate) -> OtherWay | None:
    """Return that the golden was measured on a picture of more than twice as many pixels."""
    today = size_of(gate)
    if approved.size is None or today is None:
        return None
    if pixels_of(today) >= pixels_of(approved.size) / 2:
        return None
    return OtherWay(_SIZE, approved.size, other_size)


def _other_area(approved: Approved, gate: Gate) -> OtherWay | None:
    """Return that the golden was measured on much more of the picture, outside the edit area."""
    was = approved.share
    if gate.scope != "unedit_area" or (was is None and approved.measured is None):
        return None
    if share_of(gate) >= (LITTLE if was is None else was) / 2:
        return None
    stated = f"{percent(LITTLE)} or more" if was is None else percent(was)
    return OtherWay(_SHARE, stated, partial(other_share, was=LITTLE if was is None else was))


def other_weights(gate: Gate, source: str, stated: str) -> str:
    """Return the error of a gate whose golden was measured with other weights than today's."""
    today = ", ".join(f"{used['name']} sha256 {used['sha256'][:12]}" for used in gate.weights)
    return (
        f"the golden {source} was measured with weights of sha256 {stated}, and today's are "
        f"{today or 'none'}: its bound says nothing of a value of other weights"
        f"{_only(gate, stated)}. Put those weights back, or record it again"
    )


def other_resize(gate: Gate, source: str, stated: str) -> str:
    """Return the error of a gate whose images were brought to one size in another way then."""
    return (
        f"the golden {source} was measured {_sizes(stated)}, and today's value"
        f" {_sizes(gate.resize)}: its bound says nothing of that. Take that mode again (or let the"
        " model return that size), or record it again"
    )


def other_dtype(gate: Gate, source: str, stated: str) -> str:
    """Return the error of a gate whose golden was measured in another precision than today's."""
    return (
        f"the golden {source} was measured in dtype {stated}, and today's value in dtype"
        f" {gate.dtype}: its bound says nothing of that. State the golden's dtype in the pipe's"
        " block (`auto` goes by the device and its processor), or record it again"
    )


def other_share(gate: Gate, source: str, stated: str, was: float) -> str:
    """Return the error of a gate whose edit area leaves much less of the picture than it did."""
    today = share_of(gate)
    inverted = " (is the mask inverted?)" if abs(was + today - 1) <= _EXCHANGED else ""
    return (
        f"the golden {source} was measured on {stated} of the picture, and today's value on"
        f" {percent(today)}: the edit area grew{inverted}, and its bound says nothing of that."
        " Correct the area (boxes, mask, dilate, invert), or record again"
    )


def other_size(gate: Gate, source: str, stated: str) -> str:
    """Return the error of a gate whose picture is much smaller than it was."""
    return (
        f"the golden {source} was measured on {stated} px, and today's value on {size_of(gate)} px:"
        " its bound says nothing of less than half of the pixels. Let the model return that size,"
        " and the reference keep it (`thumbnail` shrinks it in place); if that is meant, record it"
        " again"
    )


def other_picture(gate: Gate, source: str, stated: str) -> str:
    """Return the error of a gate whose golden was measured on an edit that is not there today."""
    return (
        f"the golden {source} was measured on an edit, and today the edited image equals"
        " its reference, pixel by pixel: was the edit lost? If nothing is to be edited here any"
        " more, record it again"
    )


def _is_unedited(gate: Gate) -> bool:
    return "unchanged" in gate.details or "equal" in gate.details


def edit_lost(gate: Gate) -> bool:
    """Tell whether a gate is an error because its golden saw an edit, and today there is none."""
    return _PICTURE in gate.details


def share_of(gate: Gate) -> float:
    """Return the share of the picture that a gate measured: 1 where nothing was left out."""
    return float(gate.details.get("share", 1))


def size_of(gate: Gate) -> str | None:
    """Return the size of the picture that a gate measured, of repetitions the least, if known."""
    region = gate.region
    size = str(gate.details.get(_LEAST_SIZE, f"{region.get('width')}x{region.get('height')}"))
    return size if SIZE.fullmatch(size) else None


def least_of(*repetitions: Gate) -> dict[str, Any]:
    """Return, as details, the least that repetitions of a gate saw: the share, and the size."""
    least: dict[str, Any] = {}
    seen = Seen.of(*repetitions)
    if seen.share < 1:
        least["share"] = seen.share
    if seen.edit == "none":
        least[_UNEDITED] = True
    sizes = {size_of(gate) for gate in repetitions} - {None}
    if len(sizes) > 1:
        least[_LEAST_SIZE] = seen.size
    return least


def golden_of(gate: Gate) -> str:
    """Return what gates have in common that one golden holds, as repetitions of a test have."""
    return repr((sorted((gate.golden or {}).items()), gate.env))


def percent(share: float) -> str:
    """Return a share in percent.

    >>> percent(0.0078125)
    '0.781 %'
    """
    return f"{100 * share:.3g} %"


def _sizes(mode: str) -> str:
    return "on images of one size" if mode == NOT_RESIZED else f"under resize {mode!r}"


def _only(gate: Gate, stated: str) -> str:
    """Say so where weights are the same, and what else decides a model's numbers is not."""
    hashes = stated.split()
    pairs = zip(gate.weights, hashes, strict=False)
    other = [str(used["name"]) for used, one in pairs if not used["sha256"].startswith(one)]
    if len(hashes) != len(gate.weights) or not all(n.endswith(CONFIGURATION) for n in other):
        return ""
    return (
        f" (only {' and '.join(other)} changed: how images are prepared for the model, or its"
        " sizes, as the JSON files beside the weights say)"
    )
