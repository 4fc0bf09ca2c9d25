"""Whether one of two images ignored the EXIF orientation that an image states."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pytest_editmetrics.images.levels import Array

UPRIGHT = 1
ORIENTATION = "orientation"
"""What the notes of an image hold while it is read, where it stated one."""
_TAG = 0x0112
_GRID = 64  # pixels of a side of small copies
_CUT = 48  # of 255: what differs by more is an edit, whatever it differs by
_BETTER = 0.3  # of the squared difference, at most, that is left
_ADVICE = "call ImageOps.exif_transpose before the model"
# what brings back the pixels as they are stored: turned by quarters, then perhaps mirrored
_STORED = {2: (0, 1), 3: (2, 0), 4: (2, 1), 5: (3, 1), 6: (1, 0), 7: (1, 1), 8: (3, 0)}


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation that an image states, 1 for one that states none.

    >>> orientation_of(Image.new("L", (1, 1)))
    1
    """
    stated = image.getexif().get(_TAG, UPRIGHT)
    return stated if stated in _STORED else UPRIGHT


def ignored_orientation(before: Array, after: Array, stated: tuple[int, int]) -> str | None:
    """Say that a pair is alike only if an orientation that was applied had not been.

    Args:
        before: the reference, upright, RGB, uint8, (H, W, 3).
        after: the edited image, likewise, of any size.
        stated: the EXIF orientation of either.
    """
    reference, edited = stated
    enough = _BETTER * _apart(before, after)
    turned = reference not in (edited, UPRIGHT)
    if turned and _apart(_as_stored(before, reference), after) < enough:
        return (
            f"the reference states EXIF orientation {reference}, which was applied, and the model"
            f" ignored it: {_ADVICE}"
        )
    if edited != UPRIGHT and _apart(before, _as_stored(after, edited)) < enough:
        return (
            f"the edited image states EXIF orientation {edited}, which was applied, though it was"
            " upright already: save it without that"
        )
    return None


def _as_stored(image: Array, orientation: int) -> Array:
    quarters, mirrored = _STORED[orientation]
    turned = np.rot90(image, quarters)
    return turned[:, ::-1] if mirrored else turned


def _apart(one: Array, other: Array) -> float:
    """Return the mean squared difference of small copies, a change of light taken off."""
    off = _small(one) - _small(other)
    off -= np.median(off, axis=(0, 1))
    return float((np.minimum(np.abs(off), _CUT) ** 2).mean())


def _small(image: Array) -> NDArray[np.float32]:
    copy = Image.fromarray(np.ascontiguousarray(image)).resize((_GRID, _GRID))
    return np.asarray(copy, np.float32)
