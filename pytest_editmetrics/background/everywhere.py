"""Whether a part that stands out is only where a change of the whole image shows most."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.colour_cells import colour_cells
from pytest_editmetrics.background.diagnosis import diagnose
from pytest_editmetrics.background.differences import planes
from pytest_editmetrics.background.drift import Drift, measure_drift
from pytest_editmetrics.background.look_alikes import changed_as_elsewhere
from pytest_editmetrics.background.mixed import fit_mix
from pytest_editmetrics.background.motion import warped
from pytest_editmetrics.background.own_noise import Changed, smoothed
from pytest_editmetrics.background.reach import fits_elsewhere, reach
from pytest_editmetrics.background.tone import fit_tone
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_LEFT = 0.25  # of the squared difference of the part, once the change of the whole is undone
_LEFT_ELSEWHERE = 0.5
_QUIET = 1.0  # of 255, root mean square: so little elsewhere is no witness against it
_LEFT_RECOLOURED = 0.1  # likewise of the part, once the colours of the whole are changed back
_CHANGED = 3.0  # of 255, once a tone is undone: else the colours elsewhere stayed
_MOST = 0.3  # of what lies elsewhere, more than some pixels away
_AWAY = 12
_SMOOTH = 2.0
_NEAR = 6  # pixels, to which that smoothing reaches
_CHANNELS = math.sqrt(3)  # a reach is of all three, a difference of the largest alone
_LEAST_MOVE = 0.3  # pixels
_OF_THE_WHOLE = (
    "shift", "zoom", "rotation", "stretch", "perspective", "mirrored", "exposure",
    "contrast", "colour", "colours mixed", "inverted-tone", "channels", "greyscale", "gamma",
    "jpeg", "blur", "sharpening", "noise", "re-encoding", "redrawn", "one colour",
    "uneven light", "few colours", "resampled",
)  # fmt: skip

Floats = NDArray[np.float32]


def changed_everywhere(reference: Array, edited: Array, part: Mask, found: Changed) -> str | None:
    """Say which change of the whole image explains a part that stands out, if one does.

    One motion and one tone are fitted to the whole frame. Where undoing them leaves little of the
    difference in the part and elsewhere, nothing happened in it that did not happen everywhere.
    Nor did it where one linear change of the colours explains both, or where what looks like the
    part changed as much elsewhere.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same.
        part: boolean (H, W), true where the images differ most.
        found: what changed.

    Returns:
        What changed everywhere, in words; ``None`` where the part changed otherwise.

    >>> from pytest_editmetrics.background.own_noise import changed
    >>> random = np.random.default_rng(0)
    >>> picture = random.integers(20, 200, (16, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    >>> part = np.zeros((128, 128), bool)
    >>> part[32:64, 32:64] = True
    >>> brighter = picture + np.uint8(20)
    >>> changed_everywhere(picture, brighter, part, changed(picture, brighter))
    'exposure +20.0 of 255'
    >>> other = np.where(part[..., None], 255 - picture, picture)
    >>> changed_everywhere(picture, other, part, changed(picture, other)) is None
    True
    """
    whole = np.ones(part.shape, np.bool_)
    before, after = planes(reference), planes(edited)
    was = _difference(before, after)
    left = _left(before, after, whole)
    undone, drift = _undone(was, left, part, whole), None
    if not undone and not _holds_still(before, after, was, left, part):
        drift = measure_drift(reference, edited, whole)
        undone = _undone_by(drift, before, after, was, part)
    if not undone and _recoloured(before, after, was, part, found):
        return "every colour became another, alike all over"
    if not undone and not changed_as_elsewhere(reference, found, part):
        return None
    drift = drift or measure_drift(reference, edited, whole)
    causes = diagnose(reference, edited, whole, drift).causes
    said = [cause.text for cause in causes if cause.kind in _OF_THE_WHOLE]
    return " and ".join(said) or "all of it changed alike"


def _left(before: Floats, after: Floats, seen: Mask) -> Floats:
    """Return the difference, squared, that one tone of what is seen leaves."""
    return _difference(fit_tone(before, after, seen).applied(before), after)


def _undone(was: Floats, left: Floats, part: Mask, seen: Mask) -> bool:
    """Tell whether most of a difference, squared, is taken away, in a part and elsewhere."""
    inside, outside = part & seen, ~part & seen
    if not inside.any() or _mean(left, inside) > _LEFT * _mean(was, inside):
        return False
    return _mean(left, outside) <= _may_be_left(was, outside)


def _may_be_left(was: Floats, outside: Mask) -> float:
    return max(_LEFT_ELSEWHERE * _mean(was, outside), _QUIET**2)


def _undone_by(drift: Drift, before: Floats, after: Floats, was: Floats, part: Mask) -> bool:
    """Tell whether the motion that was found, with a tone, takes away most of a difference."""
    if drift.motion is None or drift.warp_px < _LEAST_MOVE:
        return False
    aligned, seen = warped(after, drift.motion)
    return _undone(was, _left(before, aligned, seen), part, seen)


def _holds_still(before: Floats, after: Floats, was: Floats, left: Floats, part: Mask) -> bool:
    """Tell whether no motion of the whole, with a tone, can take away most of a difference.

    It would have to change the part by more than it can where so little may be left elsewhere:
    beginning from the image as it was, or from its tone changed. Nor does what lies elsewhere fit
    some other place, as a pattern does.
    """
    from scipy.ndimage import gaussian_filter, maximum_filter

    away = ~maximum_filter(part, 2 * _NEAR + 1)
    if not away.any():
        return False
    outside = ~part
    may = math.sqrt(_may_be_left(was, outside) * outside.sum() / away.sum())
    ways = []
    for of in (was, left):
        allowed = _rms(of, away) + may
        ways.append(((_rms(of, part) - math.sqrt(_LEFT) * _rms(was, part)) / allowed, allowed))
    ratio, allowed = max(ways)
    if ratio <= 0:
        return False
    smooth = (gaussian_filter(image, (0, _SMOOTH, _SMOOTH)) for image in (before, after))
    if not any(_CHANNELS * reach(image, part, away) < ratio for image in smooth):
        return False
    return not fits_elsewhere(before, after, away, _CHANNELS * may)


def _recoloured(before: Floats, after: Floats, was: Floats, part: Mask, found: Changed) -> bool:
    """Tell whether one linear change of colours explains a part and all else.

    It has to have changed all else by more than a tone: one thing of colour may be the edit.
    """
    from scipy.ndimage import binary_dilation

    away = ~binary_dilation(part, iterations=_AWAY)
    if found.proof or not away.any() or (found.smooth[away] > _CHANGED).mean() < _MOST:
        return False
    cells = colour_cells(before, after, np.ones_like(part))
    left = _difference(fit_mix(cells.before, cells.after).applied(before), after)
    if not part.any() or _mean(left, part) > _LEFT_RECOLOURED * _mean(was, part):
        return False
    return _mean(left, ~part) <= _LEFT * _mean(was, ~part)


def _difference(one: Floats, other: Floats) -> Floats:
    smooth = smoothed(np.moveaxis(other - one, 0, 2), _SMOOTH)
    squared: Floats = np.square(smooth)
    return squared


def _mean(values: Floats, where: Mask) -> float:
    return float(values[where].mean()) if where.any() else 0.0


def _rms(squares: Floats, where: Mask) -> float:
    return math.sqrt(_mean(squares, where))
