"""Whether what looks like a part that stands out changed as much elsewhere: then it is no edit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

from pytest_editmetrics.background.own_noise import FLOOR, Changed, Floats, cells, smoothed
from pytest_editmetrics.images.channels import average
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_AS_MUCH = 1.5  # a logarithm: by less the part was only chosen for having changed most
_ALMOST_AS_MUCH = 2.0  # likewise, where fine detail alone changed
_FINE = 0.2  # of the squared difference is left at most, smoothed wide, of fine detail
_WIDE = 8.0  # pixels
_WITNESSED = 0.1  # of the squared difference of the part has something like it elsewhere, at least
_NEAREST, _FEWEST = 8, 4
_LEVELS = 24.0  # of 255: colours that are so near look alike
_CONTRASTS = 0.175  # a logarithm, likewise; twice that beside colours
_AROUND = 5.0  # pixels, over which contrast is told
_AWAY = 4  # cells: what lies nearer to the part may belong to it
_SURE = 0.3  # of 255: the floor where identical pixels prove that nothing was encoded anew
_MANY, _FEW = 3000, 50  # cells


def changed_as_elsewhere(reference: Array, found: Changed, part: Mask) -> bool:
    """Tell whether a part that stands out changed no more than what looks like it elsewhere.

    A blur, JPEG or a redraw of the whole image changes what has contrast more than what is plain;
    a change of its colours changes some colours more. So a part is held to its look-alikes: the
    places away from it of its contrast, and of its contrast and colour. Where nothing elsewhere has
    its contrast, it is told by whether its fine detail alone changed.

    Args:
        reference: RGB, uint8, (H, W, 3).
        found: what changed, of the same image.
        part: boolean (H, W), true where it changed most.
    """
    wide = smoothed(found.difference, _WIDE)
    fine = _energy(wide, part) <= _FINE * _energy(found.smooth, part)
    covered = cells(part.astype(np.float32))
    inside, outside = covered > 0.9, ~binary_dilation(covered > 0, iterations=_AWAY)
    if not inside.any() or outside.sum() < _FEW:
        return fine
    colours, contrast = _looks(reference)
    share, beyond = _beyond(found, contrast[..., None], inside, outside)
    if share < _WITNESSED:
        return fine
    if beyond <= (_ALMOST_AS_MUCH if fine else _AS_MUCH):
        return True
    share, beyond = _beyond(found, np.dstack([colours, contrast / 2]), inside, outside)
    return share >= _WITNESSED and beyond <= _AS_MUCH


def _energy(values: Floats, where: Mask) -> float:
    return float(np.square(values[where]).sum(dtype=np.float64))


def _looks(image: Array) -> tuple[Floats, Floats]:
    """Return the colour of each cell, (rows, columns, 3), and its contrast, in steps alike."""
    plain = image.astype(np.float32)
    grey = average(plain)
    varied = gaussian_filter(grey**2, _AROUND) - gaussian_filter(grey, _AROUND) ** 2
    contrast: Floats = np.log(cells(np.sqrt(np.maximum(varied, 0))) + 3) / np.float32(_CONTRASTS)
    soft = gaussian_filter(plain, (1, 1, 0))
    colours = [cells(np.ascontiguousarray(soft[..., channel])) for channel in range(3)]
    return np.stack(colours, axis=2) / np.float32(_LEVELS), contrast


def _beyond(
    found: Changed, looks: NDArray[np.float32], inside: Mask, outside: Mask
) -> tuple[float, float]:
    """Return which share of the change inside has look-alikes outside, and how far it is beyond.

    That is a logarithm, the median over the squared difference.
    """
    from scipy.spatial import cKDTree

    amount = cells(found.smooth)
    chosen = np.flatnonzero(inside)
    if len(chosen) > _MANY:
        chosen = np.random.default_rng(0).choice(chosen, _MANY, replace=False)
    of_chosen = looks.reshape(-1, looks.shape[-1])[chosen]
    away, which = cKDTree(looks[outside]).query(of_chosen, _NEAREST, distance_upper_bound=1.0)
    near = np.isfinite(away)
    told = near.sum(axis=1) >= _FEWEST
    changed = amount.ravel()[chosen]
    energy = np.square(changed.astype(np.float64))
    if not told.any() or not energy.sum():
        return 0.0, 0.0
    of_likes = np.where(near, np.append(amount[outside], np.nan)[which], np.nan)[told]
    floor = _SURE if found.proof else FLOOR
    beyond = np.log((changed[told] + floor) / (np.nanmedian(of_likes, axis=1) + floor))
    order = np.argsort(beyond)
    reached = np.cumsum(energy[told][order])
    middle = float(beyond[order][np.searchsorted(reached, reached[-1] / 2)])
    return float(energy[told].sum() / energy.sum()), middle
