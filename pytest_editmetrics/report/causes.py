"""The causes of a failure in words: two of them in a headline, all of them below it.

A share is of the squared difference, of which a metric may see little: a blur is most of it and
makes no gate of ``tone`` fail. So what the failing metric sees is told first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.measurement import GOLDEN_IMAGE

_IN_A_HEADLINE = 2
_LEAST = 0.01  # a share that is said as a number
_OF_TONE = (
    "exposure", "contrast", "colour", "colours mixed", "inverted-tone", "channels", "greyscale",
    "profile lost", "gamma", "mirrored", "spill", "local", "one colour",
    "uneven light", "few colours",
)  # fmt: skip
_OF_DETAIL = (
    "inverted-tone", "channels", "colours mixed", "seam", "noise", "sharpening", "jpeg",
    "few colours", "re-encoding", "unexplained",
)  # fmt: skip
_OF_A_PART = ("altered", "spill", "local", "moved-part", "redrawn", "one colour")
_OF_MOTION = ("shift", "zoom", "rotation", "stretch", "perspective", "mirrored", "moved-part")
_SEEN_BY: Mapping[str, Sequence[str]] = {
    "tone": _OF_TONE,
    "tone_max": (*_OF_TONE, *_OF_A_PART, *_OF_MOTION),
    "altered": _OF_A_PART,
    **dict.fromkeys(
        ("beyond_detail", "beyond_detail_max"), (*_OF_DETAIL, *_OF_A_PART, *_OF_MOTION)
    ),
    **dict.fromkeys(("drift_px", "zoom", "warp_px", "moved_share"), _OF_MOTION),
}
"""The kinds of causes that can make a gate fail, of metrics that are blind to others."""
_WORDS: Mapping[str, str] = {
    "shift": "the background moved",
    "zoom": "the background was scaled",
    "rotation": "the background was turned",
    "stretch": "the background was stretched",
    "perspective": "the background was seen from elsewhere",
    "mirrored": "the picture was mirrored",
    "moved-part": "a part of the background moved",
    "exposure": "the background became lighter or darker",
    "contrast": "the background's contrast changed",
    "colour": "the background's colours changed",
    "colours mixed": "each channel became a mix of all three",
    "gamma": "the background became lighter or darker, the middle of it most",
    "inverted-tone": "light became dark, and dark light",
    "channels": "red, green and blue were exchanged, or one was lost",
    "greyscale": "the background lost its colours",
    "one colour": "the background, or a large part of it, is one colour",
    "spill": "a local change in the background, outside the edit",
    "local": "a local change of a picture, beside which the rest stayed",
    "seam": "a line along the edit area",
    "blur": "fine detail was lost",
    "sharpening": "fine detail was strengthened",
    "jpeg": "saved as a JPEG",
    "noise": "noise of single pixels, the same all over",
    "re-encoding": "what an encoder changes",
    "redrawn": "the background was drawn anew",
    "almost-nothing": "a few pixels differ, by little",
    "profile lost": "the colour profile was lost",
    "transparent": "an image is transparent, the other not, or its alpha changed or was lost",
    "uneven light": "lighter here and darker there, slowly across the background",
    "few colours": "only a few colours, or levels of each channel: a palette, or fewer bits",
    "resampled": "the picture was resized to another size and back",
    "unexplained": "a difference without a cause that is known",
    "resize": "the images were of unlike sizes",
    "altered": "something is gone, new, or was replaced",
    "orientation": "an EXIF orientation was ignored, or applied twice",
    "edit area": "the edit lies elsewhere than the edit area",
    "no-edit": "the edit area is the reference's",
    "weaker-edit": "the edit area changed less than it has to",
    "no cause found": "a gate failed, and no cause of it was found",
    "no golden": "nothing was approved yet",
    "error": "a gate could not be judged",
}


def cause_words(cause: str) -> str:
    """Return what a kind of cause is, in a few words; empty for one that says it itself.

    >>> cause_words("spill"), cause_words("empty-crop")
    ('a local change in the background, outside the edit', '')
    """
    return _WORDS.get(cause, "")


def causes_of(gate: Gate) -> list[Mapping[str, Any]]:
    """Return the causes of a failure: those that its metric sees first, then by their share.

    >>> blur, darker = {"kind": "blur", "share": 0.6}, {"kind": "exposure", "share": 0.4}
    >>> tone = Gate("tone", "fail", value=1.0, details={"causes": [blur, darker]})
    >>> [cause["kind"] for cause in causes_of(tone)]
    ['exposure', 'blur']
    """
    return [cause for part in _parted(gate) for cause in part]


def _parted(gate: Gate) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return the causes that the gate's metric sees, and the others."""
    causes = [one for one in gate.details.get("causes") or () if isinstance(one, Mapping)]
    seen = _SEEN_BY.get(gate.metric.removeprefix(GOLDEN_IMAGE))
    if seen is None:
        return causes, []
    seen = (*seen, "edit area", "orientation", "transparent")  # what explains any gate
    parted: tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]] = [], []
    for one in causes:
        parted[one.get("kind") not in seen and "better" not in one].append(one)
    return parted


def kind_of(gate: Gate) -> str | None:
    """Return the kind of the first cause, ``None`` if there is none."""
    kinds = (cause.get("kind") for cause in causes_of(gate))
    return next((kind for kind in kinds if isinstance(kind, str)), None)


def without_edit(cause: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a cause of a measurement that no edit area was left out of: nothing can spill there.

    >>> without_edit({"kind": "spill", "text": "a local change"})
    {'kind': 'local', 'text': 'a local change'}
    """
    return {**cause, "kind": "local"} if cause.get("kind") == "spill" else cause


def causes_in_short(gate: Gate) -> str:
    """Return the first causes that its metric sees, with their shares; the others if it sees none.

    >>> moved = {"kind": "shift", "share": 0.88, "text": "background moved 1.00 px right"}
    >>> encoded = {"kind": "re-encoding", "share": 0.12, "text": "JPEG"}
    >>> causes_in_short(Gate("lpips", "fail", details={"causes": [moved, encoded]}))
    'background moved 1.00 px right (88 %), JPEG (12 %)'
    >>> causes_in_short(Gate("drift_px", "fail", details={"causes": [encoded, moved]}))
    'background moved 1.00 px right (88 %)'
    >>> darker = {"kind": "exposure", "share": 0.003, "text": "exposure -4.0 of 255"}
    >>> causes_in_short(Gate("tone", "fail", details={"causes": [darker]}))
    'exposure -4.0 of 255'
    >>> no_edit = {"kind": "no-edit", "text": "the edit area is the reference's"}
    >>> causes_in_short(Gate("edit_lpips", "fail", details={"causes": [no_edit]}))
    "the edit area is the reference's"
    """
    seen, others = _parted(gate)
    first = (seen or others)[:_IN_A_HEADLINE]
    return ", ".join(cause["text"] + _share(cause, least="") for cause in first)


def causes_in_full(causes: Sequence[Mapping[str, Any]]) -> str:
    """Return every cause: its kind, its share, what it is at length, without the kind once more.

    >>> causes_in_full([{"kind": "blur", "share": 1.0, "text": "blurred"}])
    'blur (100 %): blurred'
    >>> causes_in_full([{"kind": "redrawn", "share": 1.0, "text": "redrawn (correlation 0.42)"}])
    'redrawn (100 %): correlation 0.42'
    """
    return "; ".join(map(_in_full, causes))


def _in_full(cause: Mapping[str, Any]) -> str:
    head, text = f"{cause['kind']}{_share(cause)}", cause.get("long", cause["text"])
    kind = re.escape(str(cause["kind"])).replace(r"\-", "[- ]")
    again = re.match(rf"{kind}(?:$|:? )(?:\((?P<aside>[^()]*)\)$)?", text, re.IGNORECASE)
    if again:
        text = again["aside"] or text[again.end() :]
    return f"{head}: {text}" if text else head


def _share(cause: Mapping[str, Any], least: str = " (under 1 %)") -> str:
    """Return the share in brackets, ``least`` of one that is next to nothing."""
    if "share" not in cause:
        return ""
    return f" ({100 * cause['share']:.0f} %)" if cause["share"] >= _LEAST else least
