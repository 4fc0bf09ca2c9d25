"""What changed locally beside what changed all of a background, most where there is most to change.

A blur takes off what there is of detail, a file halves the resolution of colours, and either mixes
the colours of the edit into what lies beside it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.differences import Differences, Planes, planes
from pytest_editmetrics.background.filtered import WIDEST, as_filtered
from pytest_editmetrics.background.jpeg import FINEST, as_saved, quality_on_grid
from pytest_editmetrics.background.spill import BLOCK, Local, find_local
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_EXPLAINED = 0.5  # of the squared difference, of colours alone where no quality is known
_SUBSAMPLINGS = (0, 1, 2)
_BEST = 100
_ASTRAY = 0.5  # of what a file changes around: what was saved is not known beside the edit
_REACH, _FAR = 3.0, 6.0  # times the sigma of a Gaussian


def find_beside_all(
    local: Local,
    pictures: tuple[Planes, Planes, Array, Array],
    mask: Mask,
    within: Mask,
    contrast: NDArray[np.float32],
    *,
    moved: bool,
) -> tuple[Local | None, Mask]:
    """Return what of a local change is one, beside a filter of all, or what a file changes.

    And what of ``within`` a filter mixed nothing of the edit area into.

    Args:
        local: what stands out.
        pictures: what should be there, and what is there, aligned, float32 (3, H, W), of 255; then
            the reference and the edited image, RGB, uint8, (H, W, 3).
        mask: boolean (H, W), true for the background.
        within: the same, true where aligned as well.
        contrast: float32 (H, W), the local contrast of the reference.
        moved: whether the background moved.
    """
    toned, aligned, reference, edited = pictures
    differences = Differences()
    filtered = as_filtered(toned, aligned, within & ~local.mask)
    if filtered is not None:
        made, sigma = filtered
        reach = _REACH if sigma < WIDEST else _FAR  # which stands for all that are wider
        apart = away_from(~mask, within, math.ceil(reach * sigma))
        return find_local(differences.largest(made, aligned), contrast, apart), apart
    if moved:
        return local, within
    encoded = as_encoded(toned, aligned, reference, edited, mask, within & ~local.mask)
    if encoded is not None:
        saved = _around(differences.largest(encoded, toned))
        beyond = differences.largest(encoded, aligned) - np.float32(_ASTRAY) * saved
        return find_local(np.maximum(beyond, 0), contrast, within), within
    return local, within


def _around(difference: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean around each pixel, over about a block."""
    from scipy.ndimage import uniform_filter

    mean: NDArray[np.float32] = uniform_filter(difference, BLOCK + 1)
    return mean


def away_from(edit: Mask, within: Mask, reach: int) -> Mask:
    """Return where a filter mixes nothing of the edit area into what lies beside it."""
    from scipy.ndimage import maximum_filter

    apart: Mask = within & ~maximum_filter(edit, 2 * reach + 1)
    return apart


def as_encoded(
    toned: Planes, aligned: Planes, reference: Array, edited: Array, mask: Mask, steady: Mask
) -> Planes | None:
    """Return the first image, saved as the second one was, if it was as JPEG or with less colour.

    Args:
        toned: float32 (3, H, W), of 255, what should be there.
        aligned: the same, what is there, not moved.
        reference: RGB, uint8, (H, W, 3).
        edited: the same; what lies in its edit area was saved along with the rest.
        mask: boolean (H, W), true for the background.
        steady: boolean (H, W), the pixels that tell, without what changed locally.
    """
    quality, corner = quality_on_grid(edited, reference, mask)
    if quality == FINEST:
        quality = None  # which one is not told
    picture = np.where(mask, toned, planes(edited))

    def left(image: Planes) -> float:
        off = (image - aligned)[:, steady]
        if quality is None:
            off -= off.mean(axis=0)
        return float(np.vdot(off, off))

    used = _BEST if quality is None else quality
    made = [planes(as_saved(picture, used, how, corner)) for how in _SUBSAMPLINGS]
    best = min(made, key=left)
    return best if left(best) <= (1 - _EXPLAINED) * left(toned) else None
