"""Why a background differs: how much of the squared difference each cause explains.

Causes are undone one after the other: motion, tone, local change; what is left was encoded anew,
blurred, or drawn anew. A share is the part of the sum of squared differences (all channels, all
measured pixels) that goes away when its cause is undone. Shares add up to 1: where one cause put
into a part what another has to undo there, they are in proportion to what each takes away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import correlation_of
from pytest_editmetrics.background.almost_nothing import almost_nothing
from pytest_editmetrics.background.beside_all import find_beside_all
from pytest_editmetrics.background.beside_edit import find_beside_edit
from pytest_editmetrics.background.beside_equal import find_beside_equal
from pytest_editmetrics.background.cause import (
    MIN_SHARE,
    Cause,
    local_cause,
    motion_cause,
    part_cause,
    tone_cause,
    worth_telling,
)
from pytest_editmetrics.background.channels import channels_cause, of_a_part
from pytest_editmetrics.background.colour_cells import colour_cells
from pytest_editmetrics.background.differences import Differences, Planes, planes
from pytest_editmetrics.background.drift import Drift, measure_drift
from pytest_editmetrics.background.few_colours import FewColours, eight_bit, few_colours, softened
from pytest_editmetrics.background.finer import finer_colours
from pytest_editmetrics.background.gradient import find_gradient
from pytest_editmetrics.background.motion import Motion, warped
from pytest_editmetrics.background.one_colour import one_colour_cause
from pytest_editmetrics.background.one_curve import find_one_curve
from pytest_editmetrics.background.part_tone import became_of
from pytest_editmetrics.background.resampled import find_resampled
from pytest_editmetrics.background.rest import rest_causes, structure
from pytest_editmetrics.background.spill import find_alone, find_local, find_wide, local_contrast
from pytest_editmetrics.background.strong_noise import find_strong_noise
from pytest_editmetrics.background.tone import Tone, fit_tone
from pytest_editmetrics.background.undone import (
    EXPLAINS,
    MIN_SHIFT,
    apart,
    divided,
    summed,
    undo,
)
from pytest_editmetrics.background.vignette import find_vignette
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_STILL = 0.5  # pixels: what moved by less is looked at as it is
_MOSTLY = 0.5  # of the difference: then what little is left may be resampling
_RESAMPLED = 0.4  # of the difference
_KEPT_COLOUR = 0.9  # correlation of structure: below it a picture has no tone in common
_FAINT = 1.0  # of 255
_OF_A_TONE = 0.5  # of the difference, times how alike all else is: then such a tone is one
_GREY = (128.0, 128.0, 128.0)
_TONED = 2.0  # of 255
_SEEN = 0.5  # correlation with what was there
_HARDLY_ANY = 0.05  # of the image


@dataclass(frozen=True)
class Diagnosis:
    """The causes, largest share first; none if the background did not change at all.

    ``background`` is the share of the image that is background.
    """

    causes: tuple[Cause, ...]
    drift: Drift
    background: float = 1.0

    def beside(self, cause: Cause, background: float | None = None) -> Diagnosis:
        """Return these causes of what another one leaves, and that one.

        ``background`` is the share of the image that both are of, if it is not the same.
        """
        scaled = (one.of(one.share * (1 - cause.share)) for one in self.causes)
        kept = [cause, *filter(worth_telling, scaled)]
        whole = self.background if background is None else background
        return Diagnosis(tuple(sorted(kept, key=lambda one: -one.share)), self.drift, whole)

    @property
    def text(self) -> str:
        """The causes in a line, shortly."""
        if not self.causes:
            return "no pixel of the background differs"
        said = ", ".join(f"{cause.text} ({100 * cause.share:.0f} %)" for cause in self.causes)
        return said + self._hardly_any

    @property
    def _hardly_any(self) -> str:
        if self.background >= _HARDLY_ANY:
            return ""
        return f", of the {100 * self.background:.1f} % of the image that is background"

    def to_dict(self) -> list[dict[str, Any]]:
        """Return JSON-ready values."""
        return [
            {
                "kind": cause.kind,
                "share": round(cause.share, 4),
                "text": cause.text + self._hardly_any if cause is self.causes[-1] else cause.text,
                "long": cause.in_full,
                **cause.facts,
            }
            for cause in self.causes
        ]


def diagnose(reference: Array, edited: Array, mask: Mask, drift: Drift | None = None) -> Diagnosis:
    """Name what changed the background.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same.
        mask: boolean (H, W), true for the background.
        drift: what ``measure_drift`` found of these, if it is known already.

    Returns:
        The causes that are worth telling: 5 % of the squared difference, or seen all the same.

    >>> picture = np.random.default_rng(0).integers(0, 240, (96, 96, 3), dtype=np.uint8)
    >>> diagnose(picture, picture, np.ones((96, 96), bool)).causes
    ()
    >>> diagnose(picture, picture + 9, np.ones((96, 96), bool)).causes[0].kind
    'exposure'
    """
    if drift is None:
        drift = measure_drift(reference, edited, mask)
    share = float(mask.mean()) if mask.size else 0.0
    return Diagnosis(_causes(reference, edited, mask, drift), drift, share)


def _causes(reference: Array, edited: Array, mask: Mask, drift: Drift) -> tuple[Cause, ...]:
    before, after = planes(reference), planes(edited)
    differences = Differences()
    plain = differences.squares(before, after)
    total = float(plain[mask].sum(dtype=np.float64))
    if total == 0:
        return ()
    if (beside := find_beside_edit(plain, before, mask)) is not None:
        return (local_cause(beside, 1.0),)
    if (little := almost_nothing(before, after, mask, total)) is not None:
        return (little,)
    if (noise := find_strong_noise(before, after, mask)) is not None:
        return (noise,)
    few = few_colours(reference, edited, mask)
    if few is not None and (told := _of_few_colours(few, reference, edited, mask, drift)):
        return told
    if (blank := _of_one_colour(reference, edited, mask, drift)) is not None:
        return blank
    still = drift.motion is None or drift.warp_px < _STILL
    if still and few is None and (curve := find_one_curve(before, after, mask)) is not None:
        cause, toned_so = curve
        share = 1 - apart(planes(toned_so), after, mask) / total
        return _beside(cause.of(share), toned_so, edited, mask, drift)
    if still and (resized := find_resampled(before, after, mask)) is not None:
        cause, again, inner = resized
        share = 1 - apart(planes(again), after, inner) / max(apart(before, after, inner), 1.0)
        if share >= MIN_SHARE:
            return _beside(cause.of(share), again, edited, inner, drift)
    motion, aligned, within, tone, toned = undo(before, after, mask, drift, differences)
    for find in (find_vignette, find_gradient):
        if (found := find(before, aligned, within)) is None:
            continue
        light, lit = found
        image = planes(lit)
        made = before, after, image, aligned
        of_light = divided(differences, *made, within, moved=motion is not None)[1]
        both = fit_tone(image, aligned, within).applied(image)
        least = min(summed(differences.squares(it, aligned), within) for it in (before, toned))
        beside_a_tone = least - apart(both, aligned, within)
        share = min(1.0, max(of_light, beside_a_tone) / total)
        if share >= MIN_SHARE:
            more = [one.of((1 - share) * one.share) for one in _causes(lit, edited, mask, drift)]
            share += sum(one.share for one in more if one.kind == light.kind)
            kept = [one for one in more if worth_telling(one) and one.kind != light.kind]
            return tuple(sorted([light.of(share), *kept], key=lambda one: -one.share))
    if motion is None and not drift.part:
        beside = find_beside_equal(plain, before, after, mask)
        if beside is not None:
            return (local_cause(beside, 1.0, became_of(beside, before, after)),)
    unexplained = differences.squares(toned, aligned)
    cells = colour_cells(before, aligned, within)
    left = summed(unexplained, within)
    found = channels_cause(before, after, mask, aligned, within, left, cells)
    if found is not None and found[0].share >= MIN_SHARE:
        cause, exchanged = found
        more = [
            one.of((1 - cause.share) * one.share) for one in _causes(exchanged, edited, mask, drift)
        ]
        if not of_a_part(cause, more):
            kept = [one for one in more if worth_telling(one)]
            return tuple(sorted([cause, *kept], key=lambda one: -one.share))
    finer, toned = finer_colours(before, aligned, within, cells, tone, toned, differences)
    unexplained = differences.squares(toned, aligned)
    difference = differences.largest(toned, aligned)
    contrast = local_contrast(before)
    local, unmixed = find_local(difference, contrast, within), within
    if local is not None:  # or all changed, most where there is most to change
        pictures, moved = (toned, aligned, reference, edited), motion is not None
        local, unmixed = find_beside_all(local, pictures, mask, within, contrast, moved=moved)
    bent = max(map(abs, tone.shifts(_GREY))) > _TONED  # as by what most of the background became
    untoned = None
    if local is None or bent or finer:
        # before any tone, which what changed would bend
        plainly = differences.largest(before, aligned), contrast, within
        untoned = find_alone(*plainly) or (None if finer else find_wide(*plainly))
    if untoned is not None:
        local, finer = untoned, None
        tone = fit_tone(before, aligned, within & ~local.mask)
        toned = tone.applied(before)
        unexplained = differences.squares(toned, aligned)
    steady = within if local is None else within & ~local.mask

    alike = structure(toned, aligned, steady & unmixed)
    cast = not alike.another and max(map(abs, tone.shifts(_mean(before, steady)))) >= _TONED
    if alike.redrawn and alike.middle < _KEPT_COLOUR and not cast:
        # a tone that another picture happens to fit explains nothing, but a plain wall has a cast
        as_it_was = differences.squares(before, aligned)
        explained = 1 - summed(unexplained, steady) / max(summed(as_it_was, steady), 1.0)
        if explained * alike.match < _OF_A_TONE:
            tone, finer, toned, unexplained = Tone(), None, before, as_it_was
    faint = tone != Tone() and max(map(abs, tone.shifts(_mean(before, within)))) < _FAINT
    if faint and summed(differences.squares(before, toned), within) < MIN_SHARE * total:
        # it makes a large local change a little smaller, and is none itself
        tone, finer, toned = Tone(), None, before
        unexplained = differences.squares(before, aligned)
    part = _part(drift, mask)
    alone = within if part is None else within & ~part
    steady = steady & alone
    changed = alone & ~steady
    replaced = alike.another or not _shines_through(toned, aligned, changed)
    undone = steady if replaced else alone
    of_motion, of_tone = divided(
        differences, before, after, toned, aligned, undone, moved=motion is not None
    )
    causes: list[Cause] = []
    if part is not None:
        causes.append(part_cause(drift, summed(plain, part) / total))
    if local is not None:
        share = summed(plain if replaced else unexplained, changed) / total
        causes.append(local_cause(local, share, became_of(local, toned, aligned)))
    if motion is not None:
        away = mask & ~within if part is None else mask & ~within & ~part
        of_motion += summed(plain, away)  # what it moved out of the frame
        causes.append(motion_cause(drift, motion, of_motion / total, *mask.shape))
    if finer is not None and (named := finer.cause(of_tone / total)) is not None:
        causes.append(named)
    elif tone != Tone():
        levels = _mean(before, steady), _mean(toned, steady), _ends(before, steady)
        causes += filter(None, [tone_cause(tone, of_tone / total, *levels, MIN_SHARE)])
    known = sum(cause.share for cause in causes)
    if known > 1:  # as where a tone makes unlike what it left out, which is then a local change
        causes = [cause.of(cause.share / known) for cause in causes]
    rest = max(0.0, 1 - known)
    if alike.redrawn:
        text = f"redrawn (correlation {alike.match:.2f}, {alike.left:.1f} of 255 smoothed)"
        facts = {"correlation": round(alike.match, 3), "left": round(alike.left, 2)}
        causes.append(Cause("redrawn", rest, "redrawn", facts, text))
    elif few is not None:
        causes.append(few.cause(rest))
    else:
        resampled = of_motion > _MOSTLY * total and rest < _RESAMPLED
        resampled = resampled and motion is not None and not _by_whole_pixels(motion, mask)
        others = rest_causes(toned, aligned, reference, edited, steady, rest, resampled=resampled)
        causes += others
    kept = [cause for cause in causes if worth_telling(cause)]
    kept = kept or [max(causes, key=lambda cause: cause.share)]
    return tuple(sorted(kept, key=lambda cause: -cause.share))


def _of_one_colour(
    reference: Array, edited: Array, mask: Mask, drift: Drift
) -> tuple[Cause, ...] | None:
    """Return the causes where a background, or much of it, became one colour; else ``None``."""
    found = one_colour_cause(reference, edited, mask)
    if found is None:
        return None
    cause, flat = found
    return _beside(cause, reference, edited, mask & ~flat, drift)


def _beside(
    cause: Cause, undone: Array, edited: Array, mask: Mask, drift: Drift
) -> tuple[Cause, ...]:
    """Return a cause, and those of what differs from the reference that has it."""
    others = _causes(undone, edited, mask, drift)
    scaled = (one.of((1 - cause.share) * one.share) for one in others)
    return tuple(sorted([cause, *filter(worth_telling, scaled)], key=lambda one: -one.share))


def _of_few_colours(
    few: FewColours, reference: Array, edited: Array, mask: Mask, drift: Drift
) -> tuple[Cause, ...]:
    """Return the causes where too few colours explain most of what no motion does; else none."""
    before, after, motion = planes(reference), planes(edited), drift.motion
    was, seen, moved = apart(before, after, mask), mask, 0.0
    if motion is not None and drift.warp_px >= _STILL:
        aligned, inside = warped(after, motion)
        if apart(before, aligned, mask & inside) <= (1 - EXPLAINS) * was:
            edited, seen = eight_bit(aligned), mask & inside
            moved = was - apart(before, planes(edited), seen)
    soft = softened(reference, edited, seen)
    undone, known = few.undone(soft, edited, seen)
    off, of_others = (apart(planes(known), planes(image), seen) for image in (edited, undone))
    if of_others > (1 - _MOSTLY) * off:
        return ()
    left = apart(before, planes(undone), seen)
    others = _causes(reference, undone, seen, measure_drift(reference, undone, seen))
    told = [
        few.cause(max(0.0, 1 - (left + moved) / was)),
        *(one.of(min(1.0, left / was) * one.share) for one in others),
    ]
    if motion is not None and moved:
        told.append(motion_cause(drift, motion, moved / was, *mask.shape))
    kept = (one for one in told if worth_telling(one))
    return tuple(sorted(kept, key=lambda one: -one.share))


def _shines_through(toned: Planes, aligned: Planes, changed: Mask) -> bool:
    """Tell whether what was there is still seen in what changed: then that has the tone, too."""
    if not changed.any():
        return True
    one, other = (image.mean(axis=0)[changed].astype(np.float64) for image in (toned, aligned))
    return correlation_of(one, other) >= _SEEN


def _by_whole_pixels(motion: Motion, mask: Mask) -> bool:
    """Tell whether a motion moved every pixel to where another was: then nothing was resampled."""
    dx, dy = round(motion.dx), round(motion.dy)
    corners = motion.corners(*mask.shape)
    return all(math.hypot(x - dx, y - dy) < MIN_SHIFT for x, y in corners)


def _part(drift: Drift, mask: Mask) -> Mask | None:
    """Return the pixels in and around the tiles that moved otherwise than the whole."""
    if not drift.part or drift.moved_share < MIN_SHARE:
        return None
    tiles = np.zeros(mask.shape, np.bool_)
    for tile in drift.part:
        x1, y1, x2, y2 = tile.box
        away = (x2 - x1) // 2
        tiles[max(0, y1 - away) : y2 + away, max(0, x1 - away) : x2 + away] = True
    return tiles & mask


def _mean(image: NDArray[np.float32], mask: Mask) -> tuple[float, float, float]:
    if not mask.any():
        return (128.0,) * 3
    red, green, blue = (float(plane[mask].mean()) for plane in image)
    return red, green, blue


def _ends(image: NDArray[np.float32], mask: Mask) -> tuple[float, float]:
    """Return the levels between which nine in ten of the pixels lie."""
    if not mask.any():
        return 128.0, 128.0
    low, high = np.percentile(image.mean(axis=0)[mask], (5, 95))
    return float(low), float(high)
