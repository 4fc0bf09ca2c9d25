"""Whether a background differs because one image is transparent there, and was laid on white."""

from __future__ import annotations

import numpy as np

from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.diagnosis import MIN_SHARE, Diagnosis, diagnose
from pytest_editmetrics.background.differences import Differences, Planes, planes
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

NAMES = ("the reference", "the edited image")
_OPAQUE = 255
_GONE = 8  # alpha, of 255: nothing is seen of a colour beneath


def diagnose_transparent(
    seen: tuple[Array, Array],
    bare: tuple[Array, Array],
    alphas: tuple[Array, Array],
    mask: Mask,
    names: tuple[str, str] = NAMES,
) -> Diagnosis | None:
    """Return what changed a background, if that white shows through it is a cause; else ``None``.

    What is explained is the squared difference that goes where either colours are taken as they
    are, without their alpha, or none is left of them.

    Args:
        seen: both images laid on white, RGB, uint8, (H, W, 3).
        bare: their colours, whatever alpha they have, likewise.
        alphas: uint8, (H, W).
        mask: boolean (H, W), true for the background.
        names: what the images are called.

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
    if not total:
        return None
    share = float(np.maximum(before - after, 0).sum(dtype=np.float64)) / total
    if share < MIN_SHARE:
        return None
    rest = diagnose(*bare, mask & ~hidden)
    lower = int(_through(alphas[1], mask) >= _through(alphas[0], mask))
    alpha = alphas[lower][mask]
    least, most = int(alpha.min()), int(alpha.max())
    how = f"(alpha {least})" if least == most else f"(alpha from {least})"
    where = "" if most < _OPAQUE else " in places"
    text = f"{names[lower]} is transparent{where} {how} and was laid on white"
    cause = Cause("transparent", share, text, {"alpha": [least, most]})
    scaled = (one.of(one.share * (1 - share)) for one in rest.causes)
    kept = (one for one in scaled if one.share >= MIN_SHARE)
    return Diagnosis((cause, *kept), rest.drift, float(mask.mean()))


def _squares(one: Array, other: Array) -> Planes:
    return Differences().squares(planes(one), planes(other))


def _through(alpha: Array, mask: Mask) -> int:
    return int((_OPAQUE - alpha[mask]).sum(dtype=np.int64))
