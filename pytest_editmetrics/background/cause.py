"""A cause of a difference, and how each kind is said: shortly, and at length."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pytest_editmetrics.background.drift import Drift
from pytest_editmetrics.background.motion import Motion
from pytest_editmetrics.background.spill import Local
from pytest_editmetrics.background.tone import Tone
from pytest_editmetrics.images.regions import Box

Kind = Literal[
    "shift", "zoom", "rotation", "stretch", "perspective", "mirrored", "moved-part", "exposure",
    "contrast", "colour", "colours mixed", "inverted-tone", "channels", "greyscale", "one colour",
    "gamma", "spill", "seam", "blur", "sharpening", "jpeg", "noise", "re-encoding", "redrawn",
    "almost-nothing", "profile lost", "transparent", "uneven light", "few colours", "resampled",
    "unexplained",
]  # fmt: skip

MIN_SHARE = 0.05
"""Of the squared difference: less of a cause is told only where it is seen all the same."""
_LEAST_JPEG = 0.01  # of the difference: what a blur took off leaves little to it
_LEAST_COLOURS = 0.005  # likewise: a picture shows its few colours
_SHIFTED = 0.25  # pixels
_TONED = 1.5  # of 255, of the mean of a channel: a gate of tone sees it beside whatever else
_BLURRED = 0.5  # of the fine detail that is left
NAMES = ("the reference", "the edited image")
_MIN_TONE = 0.4  # of 255
_GREY_TONE = 0.25  # of the change: channels that differ by less changed alike
_MIN_CONTRAST = 0.005
_MIN_GAIN = 0.02  # from 1, of a channel that is no lighter or darker on the whole
_ENDS = 0.25  # of the change of one end: the other has to change by as much in a contrast
_MIDDLE = (96.0, 160.0)  # of 255: what changes light and dark in opposite ways about that,
_PLAIN_CONTRAST = 0.1  # and by so much, is a contrast, also of a picture that has but one of both
_WASHED_OUT = 0.3  # gain: so little is a contrast wherever all of it went,
_FROM_BLACK = 16.0  # of 255, but to black, as what is only darker does
_FLIPPED = 150  # degrees that a mirrored picture is turned by to stand on its head


@dataclass(frozen=True)
class Cause:
    """One cause, its share in [0, 1], what it is in short and at length, and its figures (JSON)."""

    kind: Kind
    share: float
    text: str
    facts: Mapping[str, Any]
    long: str = ""

    @property
    def in_full(self) -> str:
        """What it is at length."""
        return self.long or self.text

    def of(self, share: float) -> Cause:
        """Return the same cause with another share."""
        return replace(self, share=share)


def worth_telling(cause: Cause) -> bool:
    """Tell whether a cause explains enough, or is seen all the same: a shift, JPEG, a tone."""
    if cause.share >= MIN_SHARE:
        return True
    facts = cause.facts
    if cause.kind == "shift":
        return cause.share > 0 and math.hypot(facts["dx"], facts["dy"]) >= _SHIFTED
    if cause.kind in ("exposure", "contrast", "colour"):
        return bool(max(map(abs, facts.get("mean", [0.0]))) >= _TONED)
    if cause.kind == "blur":
        return cause.share > 0 and bool(facts["detail_kept"] <= _BLURRED)
    least = {"jpeg": _LEAST_JPEG, "few colours": _LEAST_COLOURS}
    return cause.share >= least.get(cause.kind, MIN_SHARE)


def shown(box: Sequence[int]) -> str:
    """Return a box as it is written."""
    return f"({', '.join(map(str, box))})"


def local_cause(local: Local, share: float, became: str | None = None) -> Cause:
    """Return a local change: a seam, or a spill with its boxes, and what the largest became."""
    facts: dict[str, Any] = {"boxes": [list(box) for box in local.boxes[:4]]}
    if local.width:
        facts["width"] = local.width
    if local.seam:
        wide = f", {local.width} px wide" if local.width else ""
        return Cause("seam", share, f"a seam along the edit area{wide}", facts)
    more = f" and {len(local.boxes) - 1} more" if len(local.boxes) > 1 else ""
    if became is not None:
        facts["became"] = became
        more = f"; {len(local.boxes) - 1} more changed" if more else ""
        return Cause("spill", share, f"a part in {shown(local.boxes[0])} {became}{more}", facts)
    text = f"a local change in {shown(local.boxes[0])}{more}" if local.boxes else "a local change"
    text += f", within {local.width} px of the edit area" if local.width else ""
    return Cause("spill", share, text, facts)


def motion_cause(drift: Drift, motion: Motion, share: float, height: int, width: int) -> Cause:
    """Return the motion of the whole: its kind is that of the part that moves corners farthest."""
    scale_x, scale_y, shear = motion.scales
    facts: dict[str, Any] = {
        "dx": round(motion.dx, 3),
        "dy": round(motion.dy, 3),
        "zoom": round(motion.zoom, 5),
        "rotation": round(motion.rotation, 4),
        "scale_x": round(scale_x, 5),
        "scale_y": round(scale_y, 5),
        "shear": round(shear, 5),
    }
    if drift.ambiguous:
        facts["ambiguous"] = True
    again = "; its texture repeats, so other shifts fit as well" if drift.ambiguous else ""
    if motion.mirrored:
        upright = abs(motion.rotation) < _FLIPPED
        text = "background mirrored" if upright else "background upside down, mirrored"
        return Cause("mirrored", share, text, facts)
    corner = math.hypot(height, width) / 2
    grown = abs(motion.zoom - 1) * corner
    turned = abs(math.radians(motion.rotation)) * corner
    bent = max(
        abs(scale_x / motion.zoom - 1) * width / 2,
        abs(scale_y / motion.zoom - 1) * height / 2,
        abs(shear) * corner,
    )
    level = replace(motion, tilt_x=0.0, tilt_y=0.0)
    corners = motion.corners(height, width)
    tilted = max(
        math.dist(*shifts) for shifts in zip(corners, level.corners(height, width), strict=True)
    )
    if motion.tilted:
        facts["corners"] = [[round(dx, 2), round(dy, 2)] for dx, dy in corners]
    parts: dict[Kind, tuple[float, str]] = {
        "shift": (motion.px, f"moved {_direction(motion)}"),
        "zoom": (grown, f"zoomed by {100 * (motion.zoom - 1):+.2f} %"),
        "rotation": (turned, f"turned by {motion.rotation:+.2f} degrees"),
        "stretch": (bent, _stretched(scale_x, scale_y, shear)),
        "perspective": (tilted, _seen_from_elsewhere(corners)),
    }
    if bent > max(0.4, 0.5 * grown):
        del parts["zoom"]  # said by both scales
    farthest = max(far for far, _ in parts.values())
    said = {
        kind: text for kind, (far, text) in parts.items() if far >= max(0.05, 0.4 * farthest)
    } or {"shift": "moved a little"}
    kind = max(said, key=lambda kind: parts[kind][0])
    ordered = sorted(said, key=lambda kind: -parts[kind][0])
    text = "background " + " and ".join(said[kind] for kind in ordered)
    return Cause(kind, share, text, facts, text + again)


def _stretched(scale_x: float, scale_y: float, shear: float) -> str:
    parts = []
    largest = max(abs(scale_x - 1), abs(scale_y - 1))
    if abs(scale_x - 1) >= 0.2 * largest:
        parts.append(f"{100 * (scale_x - 1):+.2f} % across")
    if abs(scale_y - 1) >= 0.2 * largest:
        parts.append(f"{100 * (scale_y - 1):+.2f} % down")
    if abs(shear) > largest:
        return f"sheared by {100 * shear:+.2f} %"
    return "stretched by " + " and ".join(parts)


def _seen_from_elsewhere(corners: Sequence[tuple[float, float]]) -> str:
    names = ("top left", "top right", "bottom right", "bottom left")
    (dx, dy), name = max(zip(corners, names, strict=True), key=lambda pair: math.hypot(*pair[0]))
    return f"seen in another perspective (its {name} corner moved {_direction(Motion(dx, dy))})"


def _direction(motion: Motion) -> str:
    parts = []
    if abs(motion.dx) >= 0.05:
        parts.append(f"{abs(motion.dx):.2f} px {'right' if motion.dx > 0 else 'left'}")
    if abs(motion.dy) >= 0.05:
        parts.append(f"{abs(motion.dy):.2f} px {'down' if motion.dy > 0 else 'up'}")
    return " and ".join(parts) or "a little"


def part_cause(drift: Drift, share: float) -> Cause:
    """Return the part that moved otherwise than the whole, and where it lies."""
    tiles = drift.part
    dx, dy = (
        sorted(values)[len(tiles) // 2]
        for values in zip(*((tile.dx, tile.dy) for tile in tiles), strict=True)
    )
    box: Box = (
        min(tile.box[0] for tile in tiles),
        min(tile.box[1] for tile in tiles),
        max(tile.box[2] for tile in tiles),
        max(tile.box[3] for tile in tiles),
    )
    text = f"a part in {shown(box)} moved {_direction(Motion(dx, dy))}"
    facts = {
        "dx": round(dx, 3),
        "dy": round(dy, 3),
        "boxes": [list(tile.box) for tile in tiles[:4]],
        "moved_share": round(drift.moved_share, 4),
    }
    return Cause("moved-part", share, text, facts)


def is_contrast(gain: float, offset: float, ends: tuple[float, float]) -> bool:
    """Tell whether a gain and an offset change light and dark in opposite ways.

    ``ends`` are a dark and a light level of a picture, which may lack the other end.
    """
    low, high = ((gain - 1) * level + offset for level in ends)
    about_middle = (
        abs(gain - 1) >= _PLAIN_CONTRAST and _MIDDLE[0] <= offset / (1 - gain) <= _MIDDLE[1]
    )
    return about_middle or opposite(low, high)


def opposite(low: float, high: float) -> bool:
    """Tell whether what was dark and what was light changed in opposite ways, both clearly."""
    least, most = sorted(map(abs, (low, high)))
    return low * high < 0 and least > _ENDS * most


def tone_cause(
    tone: Tone,
    share: float,
    mean: tuple[float, float, float],
    became: tuple[float, float, float],
    ends: tuple[float, float],
    min_share: float,
) -> Cause | None:
    """Return the change of tone; ``None`` for one that nobody sees and that explains too little.

    ``mean`` is what the channels were and ``became`` what the tone makes of that, where levels
    that reach black or white stay there, ``ends`` a dark and a light level of them: a tone that
    changes these in opposite ways is a contrast, and so is one that does so about the middle of all
    levels, as a limited range does, whichever of them the picture has.
    """
    shifts = tone.shifts(mean)
    if max(map(abs, shifts)) < _MIN_TONE and share < min_share:
        return None
    told = [is_ - was for is_, was in zip(became, mean, strict=True)]
    facts = {
        "gain": [round(gain, 4) for gain in tone.gain],
        "offset": [round(offset, 2) for offset in tone.offset],
        "mean": [round(by, 2) for by in told],
    }
    gain, offset = sum(tone.gain) / 3, sum(tone.offset) / 3
    if max(tone.gain) < 0:
        long = f"inverted tone (gain {gain:.2f}, offset {offset:+.0f} of 255)"
        return Cause("inverted-tone", share, "inverted tone", facts, long)
    alike = Tone((gain,) * 3, (offset,) * 3).shifts(mean)
    apart = max(abs(one - other) for one, other in zip(shifts, alike, strict=True))
    low, high = ((gain - 1) * level + offset for level in ends)
    gains_apart = max(tone.gain) - min(tone.gain)
    washed_out = gain <= _WASHED_OUT and offset >= _FROM_BLACK * (1 - gain)
    contrast = washed_out or is_contrast(gain, offset, ends)
    contrast = contrast and apart < max(map(abs, (low, high)))
    if contrast and abs(gain - 1) >= max(_MIN_CONTRAST, 2 * gains_apart):
        long = f"contrast changed (gain {gain:.3f}, offset {offset:+.1f} of 255)"
        return Cause("contrast", share, f"contrast {100 * (gain - 1):+.0f} %", facts, long)
    names = ("red", "green", "blue")
    if max(map(abs, shifts)) < _MIN_TONE:  # each about its own mean, if at all
        if max(abs(gain - 1) for gain in tone.gain) < _MIN_GAIN:
            return None
        each = ", ".join(
            f"{n} {100 * (g - 1):+.0f} %" for n, g in zip(names, tone.gain, strict=True)
        )
        return Cause("contrast", share, f"contrast of each channel changed ({each})", facts)
    if apart <= max(_MIN_TONE, _GREY_TONE * max(map(abs, shifts))):
        long = f"exposure changed (gain {gain:.3f}, offset {offset:+.1f} of 255)"
        return Cause("exposure", share, f"exposure {sum(told) / 3:+.1f} of 255", facts, long)
    channels = ", ".join(f"{name} {shift:+.1f}" for name, shift in zip(names, told, strict=True))
    gains = ", ".join(f"{gain:.3f}" for gain in tone.gain)
    long = f"colours shifted ({channels} of 255; gains {gains})"
    return Cause("colour", share, f"colours shifted ({channels})", facts, long)
