"""The motion and the tone of a background, undone, and how much of a difference either explains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.differences import Differences, Planes
from pytest_editmetrics.background.drift import Drift
from pytest_editmetrics.background.motion import Motion, warped
from pytest_editmetrics.background.softened import tone_beside_a_blur
from pytest_editmetrics.background.tone import Tone, fit_tone
from pytest_editmetrics.images.regions import Mask

MIN_SHIFT = 0.1
"""Pixels: a motion whose longest move is shorter is none."""
EXPLAINS = 0.03
"""Of the difference: what undoing a motion has to take away."""


def undo(
    before: Planes, after: Planes, mask: Mask, drift: Drift, differences: Differences
) -> tuple[Motion | None, Planes, Mask, Tone, Planes]:
    """Return the motion, if undoing it makes the images more alike, and the image without it.

    And where that shows what was measured, the change of tone, and ``before`` with that tone.
    """
    motion = drift.motion
    if motion is not None and drift.warp_px >= MIN_SHIFT:
        aligned, seen = warped(after, motion)
        within = mask & seen
        tone = tone_beside_a_blur(fit_tone(before, aligned, within), before, aligned, within)
        toned = tone.applied(before)
        left, was = (summed(differences.squares(toned, it), within) for it in (aligned, after))
        if left <= (1 - EXPLAINS) * was:
            return motion, aligned, within, tone, toned
    tone = tone_beside_a_blur(fit_tone(before, after, mask), before, after, mask)
    return None, after, mask, tone, tone.applied(before)


def divided(
    differences: Differences,
    before: Planes,
    after: Planes,
    toned: Planes,
    aligned: Planes,
    steady: Mask,
    *,
    moved: bool,
) -> tuple[float, float]:
    """Return how much of the difference motion and tone explain.

    What both explain is theirs in proportion to what each explains alone.
    """
    left = summed(differences.squares(toned, aligned), steady)
    explained = max(0.0, summed(differences.squares(before, after), steady) - left)
    if not moved or toned is before:
        return (explained, 0.0) if moved else (0.0, explained)
    of_tone = max(0.0, summed(differences.squares(before, aligned), steady) - left)
    of_motion = max(0.0, summed(differences.squares(toned, after), steady) - left)
    both = of_tone + of_motion
    if not both:
        return 0.0, 0.0
    return explained * of_motion / both, explained * of_tone / both


def apart(one: Planes, other: Planes, mask: Mask) -> float:
    """Return the squared difference of two images over a mask."""
    return summed(Differences().squares(one, other), mask)


def summed(of_pixels: NDArray[np.float32], mask: Mask) -> float:
    """Return what pixels of a mask add up to."""
    return float(np.sum(of_pixels, where=mask, dtype=np.float64))
