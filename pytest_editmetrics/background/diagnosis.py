"""Why a background differs: how much of the squared difference each cause explains.

Causes are undone one after the other: motion, tone, local change; what is left was encoded anew,
blurred, or drawn anew. A share is the part of the sum of squared differences (all channels, all
measured pixels) that goes away when its cause is undone; shares add up to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.drift import Drift, measure_drift
from pytest_editmetrics.background.motion import Motion, warped
from pytest_editmetrics.background.spill import Local, find_local
from pytest_editmetrics.background.tone import Tone, fit_tone
from pytest_editmetrics.images.channels import average, highest, pixels_of
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Box, Mask

Kind = Literal[
    "shift", "zoom", "rotation", "exposure", "colour", "spill", "seam", "blur", "re-encoding",
    "redrawn", "profile lost", "unexplained",
]  # fmt: skip

MIN_SHARE = 0.05
_MIN_SHIFT = 0.1  # pixels, at the farthest corner
_MIN_TONE = 0.4  # of 255
_GREY_TONE = 0.25  # of the change: channels that differ by less changed alike
_BLUR = 0.9  # of the fine detail that is left
_SILENT = 0.3  # of 255: less noise is rounding
_RESAMPLED = 0.4  # of the difference
_BLOCKY = 1.12  # steps across lines of the 8 px grid against other steps
_FLAT = 3.0  # of 255, standard deviation
_REDRAWN = 0.85  # correlation with what it should be


@dataclass(frozen=True)
class Cause:
    """One cause, its share in [0, 1], what it is in words, and its figures (JSON values)."""

    kind: Kind
    share: float
    text: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Diagnosis:
    """The causes, largest share first; none if the background did not change at all."""

    causes: tuple[Cause, ...]
    drift: Drift

    @property
    def text(self) -> str:
        """The causes in a line."""
        if not self.causes:
            return "no pixel of the background differs"
        return ", ".join(f"{cause.text} ({100 * cause.share:.0f} %)" for cause in self.causes)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return JSON-ready values."""
        return [
            {"kind": c.kind, "share": round(c.share, 4), "text": c.text, **c.facts}
            for c in self.causes
        ]


def diagnose(reference: Array, edited: Array, mask: Mask, drift: Drift | None = None) -> Diagnosis:
    """Name what changed the background.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same.
        mask: boolean (H, W), true for the background.
        drift: what ``measure_drift`` found of these, if it is known already.

    Returns:
        The causes that explain at least 5 % of the squared difference each.

    >>> picture = np.random.default_rng(0).integers(0, 240, (96, 96, 3), dtype=np.uint8)
    >>> diagnose(picture, picture, np.ones((96, 96), bool)).causes
    ()
    >>> diagnose(picture, picture + 9, np.ones((96, 96), bool)).causes[0].kind
    'exposure'
    """
    if drift is None:
        drift = measure_drift(reference, edited, mask)
    before, after = reference.astype(np.float32), edited.astype(np.float32)
    total = _energy(before, after, mask)
    if total == 0:
        return Diagnosis((), drift)
    motion = drift.motion or Motion()
    height, width = mask.shape
    moved = motion.farthest(height, width) >= _MIN_SHIFT
    aligned, seen = warped(edited, motion) if moved else (after, mask)
    within = mask & seen
    tone = fit_tone(before, aligned, within)
    toned = tone.applied(before)
    difference = highest(np.abs(toned - aligned))
    local = find_local(difference, local_contrast(before), within)
    steady = within if local is None else within & ~local.mask
    if (match := _match(before, aligned, steady)) < _REDRAWN:
        share = _energy(before, after, steady) / total
        redrawn = Cause("redrawn", share, f"drawn anew (correlation {match:.2f})", {})
        beside = () if local is None else (_local_cause(local, 1 - share),)
        return Diagnosis((redrawn, *beside), drift)

    plain = _energy(before, after, steady)
    left = _energy(toned, aligned, steady)
    without_tone = max(0.0, _energy(before, aligned, steady) - left)
    without_motion = max(0.0, _energy(toned, after, steady) - left) if moved else 0.0
    if left > plain:
        left, without_tone, without_motion = plain, 0.0, 0.0
    explained = plain - left
    both = without_tone + without_motion
    of_tone, of_motion = (
        (explained * part / both if both else 0.0) for part in (without_tone, without_motion)
    )
    causes: list[Cause] = []
    if local is not None:
        causes.append(_local_cause(local, _energy(toned, aligned, local.mask & within) / total))
    if moved:
        causes.append(_motion_cause(motion, of_motion / total, height, width))
    mean = (
        tuple(float(before[..., c][steady].mean()) for c in range(3))
        if steady.any()
        else (128.0,) * 3
    )
    if (toning := _tone_cause(tone, of_tone / total, mean)) is not None:
        causes.append(toning)
    named = sum(cause.share for cause in causes)
    causes.append(_rest(toned, aligned, reference, edited, steady, max(0.0, 1 - named), moved))
    kept = [cause for cause in causes if cause.share >= MIN_SHARE or _seen(cause)]
    kept = kept or [max(causes, key=lambda cause: cause.share)]
    return Diagnosis(tuple(sorted(kept, key=lambda cause: -cause.share)), drift)


def _seen(cause: Cause) -> bool:
    """Tell whether a cause is worth a word although it explains little: a plain shift."""
    return cause.kind == "shift" and float(np.hypot(cause.facts["dx"], cause.facts["dy"])) >= 0.25


def _energy(one: NDArray[np.float32], other: NDArray[np.float32], mask: Mask) -> float:
    return float((pixels_of(one - other, mask).astype(np.float64) ** 2).sum())


def local_contrast(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the local contrast: the mean slope around each pixel, (H, W)."""
    from scipy.ndimage import uniform_filter

    grey = average(image)
    slope_y, slope_x = np.gradient(grey)
    contrast: NDArray[np.float32] = uniform_filter(np.hypot(slope_y, slope_x), 9)
    return contrast


def _local_cause(local: Local, share: float) -> Cause:
    boxes = [list(box) for box in local.boxes[:4]]
    if local.seam:
        text = "a seam along the border of the edit area"
        return Cause("seam", share, text, {"boxes": boxes})
    more = f" and {len(local.boxes) - 1} more" if len(local.boxes) > 1 else ""
    text = f"a local change in {_shown(local.boxes[0])}{more}" if local.boxes else "a local change"
    return Cause("spill", share, text, {"boxes": boxes})


def _shown(box: Box) -> str:
    return f"({', '.join(map(str, box))})"


def _motion_cause(motion: Motion, share: float, height: int, width: int) -> Cause:
    facts = {
        "dx": round(motion.dx, 3),
        "dy": round(motion.dy, 3),
        "zoom": round(motion.zoom, 5),
        "rotation": round(motion.rotation, 4),
    }
    corner = float(np.hypot(height, width)) / 2
    grown, turned = abs(motion.zoom - 1) * corner, abs(np.radians(motion.rotation)) * corner
    parts = []
    if motion.px >= _MIN_SHIFT:
        parts.append(f"moved {_direction(motion)}")
    if grown >= max(0.5, motion.px / 2):
        parts.append(f"zoomed by {100 * (motion.zoom - 1):+.2f} %")
    if turned >= max(0.5, motion.px / 2):
        parts.append(f"turned by {motion.rotation:+.2f} degrees")
    kind: Kind = "shift"
    if max(grown, turned) > max(motion.px, 0.5):
        kind = "zoom" if grown >= turned else "rotation"
    return Cause(kind, share, "the background " + (" and ".join(parts) or "moved a little"), facts)


def _direction(motion: Motion) -> str:
    parts = []
    if abs(motion.dx) >= 0.05:
        parts.append(f"{abs(motion.dx):.2f} px {'right' if motion.dx > 0 else 'left'}")
    if abs(motion.dy) >= 0.05:
        parts.append(f"{abs(motion.dy):.2f} px {'down' if motion.dy > 0 else 'up'}")
    return " and ".join(parts)


def _tone_cause(tone: Tone, share: float, mean: tuple[float, ...]) -> Cause | None:
    red, green, blue = mean
    shifts = tone.shifts((red, green, blue))
    if max(map(abs, shifts)) < _MIN_TONE and share < MIN_SHARE:
        return None
    facts = {
        "gain": [round(gain, 4) for gain in tone.gain],
        "offset": [round(offset, 2) for offset in tone.offset],
    }
    gain, offset = sum(tone.gain) / 3, sum(tone.offset) / 3
    alike = Tone((gain,) * 3, (offset,) * 3).shifts((red, green, blue))
    apart = max(abs(one - other) for one, other in zip(shifts, alike, strict=True))
    if apart <= max(_MIN_TONE, _GREY_TONE * max(map(abs, shifts))):
        text = f"exposure changed (gain {gain:.3f}, offset {offset:+.1f} of 255)"
        return Cause("exposure", share, text, facts)
    channels = ", ".join(
        f"{name} {shift:+.1f}" for name, shift in zip(("red", "green", "blue"), shifts, strict=True)
    )
    gains = ", ".join(f"{gain:.3f}" for gain in tone.gain)
    return Cause("colour", share, f"colours shifted ({channels} of 255; gains {gains})", facts)


def _rest(
    toned: NDArray[np.float32],
    aligned: NDArray[np.float32],
    reference: Array,
    edited: Array,
    mask: Mask,
    share: float,
    moved: bool,
) -> Cause:
    """Name what is left: blur, JPEG, or noise of an encoder.

    A little that is left of an image that ``moved`` may as well come from resampling it.
    """
    from scipy.ndimage import gaussian_filter, minimum_filter

    inner = minimum_filter(mask, size=5, mode="constant", cval=0)
    if not inner.any():
        return Cause("re-encoding", share, "encoded anew", {})
    before, after = average(toned), average(aligned)
    level = float(np.sqrt(((before[inner] - after[inner]) ** 2).mean()))
    fine_before, fine_after = (
        (image - gaussian_filter(image, 1.5))[inner].astype(np.float64) for image in (before, after)
    )
    detail = float(fine_before @ fine_before)
    kept = float(fine_before @ fine_after) / detail if detail > 0 else 1.0
    noise = float(((fine_after - kept * fine_before) ** 2).sum())
    grid, grid_before = blockiness(edited, mask), blockiness(reference, mask)
    jpeg = grid is not None and grid > max(_BLOCKY, (grid_before or 1.0) + 0.1)
    facts = {
        "detail_kept": round(kept, 3),
        "noise": round(level, 2),
        "blockiness": None if grid is None else round(grid, 3),
    }
    if jpeg:
        text = f"encoded anew as JPEG (noise {level:.1f} of 255, 8 px blocks)"
        return Cause("re-encoding", share, text, facts)
    if level < _SILENT or (moved and share < _RESAMPLED):
        text = "what is left is not explained (pixels that entered at the border, resampling)"
        return Cause("unexplained", share, text, facts)
    if 0 <= kept < _BLUR and (1 - kept) ** 2 * detail > noise:
        return Cause("blur", share, f"blurred ({100 * kept:.0f} % of the fine detail left)", facts)
    text = f"encoded anew (noise {level:.1f} of 255, {100 * kept:.0f} % of the fine detail left)"
    return Cause("re-encoding", share, text, facts)


def _match(one: NDArray[np.float32], other: NDArray[np.float32], mask: Mask) -> float:
    """Return the correlation of two images without their fine detail, all channels taken together.

    1 where both are flat.
    """
    from scipy.ndimage import gaussian_filter

    a, b = (
        pixels_of(gaussian_filter(image, (1.5, 1.5, 0)), mask).astype(np.float64)
        for image in (one, other)
    )
    if not len(a):
        return 1.0
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    if _spread(a) < _FLAT and _spread(b) < _FLAT:
        return 1.0
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / size if size > 0 else 0.0


def _spread(centred: NDArray[np.float64]) -> float:
    """Return the largest standard deviation of a channel, of pixels (N, 3) whose means are 0."""
    squares = np.einsum("nc,nc->c", centred, centred)
    return float(np.sqrt(squares.max() / len(centred)))


def blockiness(image: Array, mask: Mask) -> float | None:
    """Return how much larger second differences are across lines of the 8 px grid than elsewhere.

    1 for an image without blocks; the grid starts at the top left corner, as JPEG's does. Measured
    where both sides of a line are; ``None`` where too little is.
    """
    grey = average(image.astype(np.float64))
    ratios = []
    for picture, seen in ((grey, mask), (grey.T, mask.T)):
        bend = np.abs(
            picture[:, 3:] - 3 * picture[:, 2:-1] + 3 * picture[:, 1:-2] - picture[:, :-3]
        )
        whole = seen[:, 3:] & seen[:, 2:-1] & seen[:, 1:-2] & seen[:, :-3]
        bend = np.minimum(bend, 24.0)  # edges of the picture itself
        line = (np.arange(bend.shape[1]) + 2) % 8
        on, off = whole & (line == 0), whole & (line != 0)
        if on.sum() < 256 or off.sum() < 256:
            continue
        elsewhere = float(bend[off].mean())
        ratios.append(float(bend[on].mean()) / elsewhere if elsewhere > 0 else 1.0)
    return sum(ratios) / len(ratios) if ratios else None
