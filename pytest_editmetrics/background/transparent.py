"""Whether a background differs because one image is transparent, or its alpha changed or went."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_editmetrics.background.cause import MIN_SHARE, NAMES, Cause, shown
from pytest_editmetrics.background.diagnosis import Diagnosis, diagnose
from pytest_editmetrics.background.differences import Differences, Planes, planes
from pytest_editmetrics.background.drift import Drift
from pytest_editmetrics.background.one_colour import Colour, named, near
from pytest_editmetrics.background.tone import fit_tone
from pytest_editmetrics.images.boxes import Box
from pytest_editmetrics.images.ground import LEVELS, Ground
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.masks import bounds
from pytest_editmetrics.images.regions import Mask
from pytest_editmetrics.measurement import LAID_ON_BLACK

_OPAQUE = 255
_GONE = 8  # alpha, of 255: nothing is seen of a colour beneath
_THROUGH = 26  # of 255 less alpha: so much is seen of what lies behind
_LEFT = 0.1  # of the squared difference there: what explains it leaves less
_MOSTLY = 0.5  # of what is transparent, is of the one colour that lies behind it; of a box, changed
_ALL = 0.99  # of the pixels
_FEW = 0.01  # of the image: less that is opaque tells nothing of a tone
_TONED = 16.0  # of 255, by which a colour behind may differ; a tone of what is opaque, from white
_WITH_COLOURS = (
    "shift", "zoom", "rotation", "stretch", "perspective", "mirrored", "moved-part", "blur",
    "sharpening", "resampled",
)  # fmt: skip
"""What happens to an alpha as to the colours: then it is no change of its own."""
_CHANGED = 0.1  # of the largest change of an alpha: less is not what changed
_EVENLY = 0.9  # of it: an alpha that changed by no less did so by one amount


def diagnose_transparent(
    seen: tuple[Array, Array],
    bare: tuple[Array, Array],
    alphas: tuple[Array, Array],
    mask: Mask,
    names: tuple[str, str] = NAMES,
    ground: Ground = "white",
    drift: Drift | None = None,
) -> Diagnosis | None:
    """Return what changed a background, if its alpha may be a cause; else ``None``.

    What is explained is the squared difference that goes where either colours are taken as they
    are, without their alpha, or none is left of them. An alpha that moved, or was blurred, with
    its colours is no cause: what is seen did so.

    Args:
        seen: both images laid on the ground, RGB, uint8, (H, W, 3).
        bare: their colours, whatever alpha they have, likewise.
        alphas: uint8, (H, W).
        mask: boolean (H, W), true for the background.
        names: what the images are called.
        ground: what they were laid on.
        drift: what ``measure_drift`` found of what is seen, if it is known already.

    >>> picture = np.random.default_rng(0).integers(0, 200, (32, 32, 3), dtype=np.uint8)
    >>> opaque, everywhere = np.full((32, 32), 255, np.uint8), np.ones((32, 32), bool)
    >>> seen, alphas = (picture, np.full_like(picture, 255)), (opaque, opaque * 0)
    >>> print(diagnose_transparent(seen, (picture, picture), alphas, everywhere).text)
    the edited image is transparent (alpha 0) and was laid on white (100 %)
    """
    before, after = _squares(*seen) * mask, _squares(*bare) * mask
    hidden = (np.minimum(*alphas) < _GONE) & mask
    after[hidden] = 0
    total = float(before.sum(dtype=np.float64))
    changed = mask & (alphas[0] != alphas[1])
    if not total or not changed.any():
        return None
    lower = int(_through(alphas[1], mask) >= _through(alphas[0], mask))
    opaque = [bool((alpha[mask] == _OPAQUE).all()) for alpha in alphas]
    if not lower and opaque[1]:
        return _lost(seen, bare[0], alphas[0], mask, before, names, ground)
    share = float(np.maximum(before - after, 0).sum(dtype=np.float64)) / total
    if share < MIN_SHARE:
        return None
    alpha = alphas[lower][mask]
    least, most = int(alpha.min()), int(alpha.max())
    facts: dict[str, Any] = {"alpha": [least, most]}
    on = "laid on white" if ground == "white" else LAID_ON_BLACK
    if any(opaque):
        how = f"(alpha {least})" if least == most else f"(alpha from {least})"
        where = "" if most < _OPAQUE else " in places"
        text = f"{names[lower]} is transparent{where} {how} and was {on}"
    else:
        usual = diagnose(*seen, mask, drift)
        if usual.causes and usual.causes[0].kind in _WITH_COLOURS:
            return usual
        text, box = _by(alphas, changed)
        text += "" if ground == "white" else f", {on}"
        facts["boxes"] = [list(box)]
    rest = diagnose(*bare, mask & ~hidden)
    return rest.beside(Cause("transparent", share, text, facts), float(mask.mean()))


def _by(alphas: tuple[Array, Array], changed: Mask) -> tuple[str, Box]:
    """Return by how much an alpha changed, in words, and the box in which it did.

    >>> full, everywhere = np.full((2, 3), 255, np.uint8), np.ones((2, 3), bool)
    >>> _by((full, full - 5), everywhere)
    ('alpha 2 % lower in (0, 0, 3, 2)', (0, 0, 3, 2))
    """
    by = np.where(changed, alphas[1].astype(np.int16) - alphas[0], 0)
    far = np.abs(by)
    most = int(far.max())
    clearly = far >= _CHANGED * most
    box = bounds(clearly)
    assert box is not None
    share = 100 * most / _OPAQUE
    much = f"{share:.{0 if share >= 1 else 1}f} %"
    even = (far[clearly] >= _EVENLY * most - 1).all()
    if (by[clearly] > 0).any() and (by[clearly] < 0).any():
        how = f"changed by {'' if even else 'up to '}{much}"
    else:
        how = f"{'' if even else 'up to '}{much} {'higher' if by.max() > 0 else 'lower'}"
    mostly = clearly[box[1] : box[3], box[0] : box[2]].mean() >= _MOSTLY
    return f"alpha {how} in {shown(box) if mostly else f'parts of {shown(box)}'}", box


def _lost(
    seen: tuple[Array, Array],
    bare: Array,
    alpha: Array,
    mask: Mask,
    before: Planes,
    names: tuple[str, str],
    ground: Ground,
) -> Diagnosis | None:
    """Return that an opaque image lost the alpha of the other, and what lies behind it now.

    ``None`` where that lies on the ground, as the other, or on what a change of tone makes of it,
    and where nothing but one colour is left.
    """
    edited, through = seen[1], mask & (_OPAQUE - alpha >= _THROUGH)
    if not through.any():
        return None
    behind = _behind(bare, alpha, edited, through)
    if near(edited, behind).mean() >= _ALL:
        return None
    opaque = mask & ~through
    level = LEVELS[ground]
    laid_on = np.full((3, 1, 1), level, np.float32)
    tone = fit_tone(planes(seen[0]), planes(edited), opaque)
    if np.abs(tone.applied(laid_on).ravel() - behind).max() <= _TONED:
        return None
    kinds = {"the colours beneath it are seen": bare}
    if opaque.mean() >= _FEW or named(behind) == "black":  # else it may as well be a tone
        laid = _laid(bare, alpha, behind)
        off = np.abs(laid[through].astype(np.int16) - edited[through]).max(axis=1)
        if (off <= _TONED).mean() > _MOSTLY:
            kinds[f"what was transparent is {named(behind)}"] = laid
    was = float(before[through].sum(dtype=np.float64))
    left = {said: _squares(laid, edited) for said, laid in kinds.items()}
    how = min(left, key=lambda said: float(left[said][through].sum(dtype=np.float64)))
    after, shown, within = left[how] * mask, kinds[how], mask
    if float(after[through].sum(dtype=np.float64)) > _LEFT * was:
        clear = mask & (alpha < _GONE)
        if not clear.any() or near(edited, (level, level, level))[clear].mean() > _MOSTLY:
            return None
        how, shown, within = "something else was drawn behind it", seen[0], opaque
        after = before * within
    total = float(before.sum(dtype=np.float64))
    share = float(np.maximum(before - after, 0).sum(dtype=np.float64)) / total
    if share < MIN_SHARE:
        return None
    text = f"{names[1]} lost the alpha channel of {names[0]} ({how})"
    facts = {"alpha": [int(alpha[mask].min()), int(alpha[mask].max())]}
    cause = Cause("transparent", share, text, facts)
    return diagnose(shown, edited, within).beside(cause, float(mask.mean()))


def _behind(bare: Array, alpha: Array, edited: Array, through: Mask) -> Colour:
    """Return the one colour that lies nearest to what is seen behind a transparent image."""
    clear = _OPAQUE - alpha[through].astype(np.float32)
    most = clear >= clear.max() / 2
    weight = (clear[most] / _OPAQUE)[:, None]
    colours = edited[through][most] - (1 - weight) * bare[through][most]
    red, green, blue = np.median(colours / weight, axis=0).clip(0, _OPAQUE).round().astype(int)
    return int(red), int(green), int(blue)


def _laid(bare: Array, alpha: Array, colour: Colour) -> Array:
    weight = (alpha.astype(np.float32) / _OPAQUE)[..., None]
    laid: Array = (
        (weight * bare + (1 - weight) * np.asarray(colour, np.float32)).round().astype(np.uint8)
    )
    return laid


def _squares(one: Array, other: Array) -> Planes:
    return Differences().squares(planes(one), planes(other))


def _through(alpha: Array, mask: Mask) -> int:
    return int((_OPAQUE - alpha[mask]).sum(dtype=np.int64))
