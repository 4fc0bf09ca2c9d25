"""What may happen to the objects of an edit in their boxes: removed, replaced, moved, recoloured.

Each takes the edited image and the reference, RGB, uint8, (H, W, 3), where the objects are, boolean
(H, W), and a strength, and returns the changed image, or ``None`` if there is no room.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Box, Mask

_REACH = 0.5  # of a box's longer side: from how far around it is filled
_STRIPE = 6  # pixels, at least


def removed(edited: Array, reference: Array, where: Mask, strength: float) -> Array | None:
    """Fill the boxes from around them."""
    if where.all():
        return None
    made: Array = edited.copy()
    for box in _boxes(where):
        _fill(made, where, box)
    return made


def replaced(edited: Array, reference: Array, where: Mask, strength: float) -> Array | None:
    """Put a striped disk into the boxes, filled from around them."""
    made = removed(edited, reference, where, strength)
    made = edited.copy() if made is None else made
    for x1, y1, x2, y2 in _boxes(where):
        height, width = y2 - y1, x2 - x1
        y, x = np.mgrid[:height, :width]
        down, across = (y + 0.5) / height - 0.5, (x + 0.5) / width - 0.5
        disk = (down**2 + across**2 <= 0.45**2) & where[y1:y2, x1:x2]
        stripes = (x + y) // max(_STRIPE, width // 8) % 2 == 0
        mean = edited[y1:y2, x1:x2].reshape(-1, 3).mean(axis=0)
        far = np.where(mean < 128, 235, 20).astype(np.uint8)
        patch = made[y1:y2, x1:x2]
        patch[disk & stripes] = far
        patch[disk & ~stripes] = far[[1, 2, 0]] ^ 90
    return made


def moved(edited: Array, reference: Array, where: Mask, strength: float) -> Array | None:
    """Move what is in the boxes to the right by percent of their width; fill where it was."""
    made = removed(edited, reference, where, strength)
    if made is None:
        return None
    for x1, y1, x2, y2 in _boxes(where):
        by = max(1, round((x2 - x1) * strength / 100))
        end = min(edited.shape[1], x2 + by)
        patch = edited[y1:y2, x1 : end - by]
        shown = where[y1:y2, x1 : end - by]
        target = made[y1:y2, x1 + by : end]
        target[shown] = patch[shown]
    return made


def recoloured(edited: Array, reference: Array, where: Mask, strength: float) -> Array:
    """Exchange the channels and lay a tint over the boxes, mixed in by percent."""
    mixed = edited[..., [2, 0, 1]] * 0.7 + np.array([40, 0, 20])
    share = strength / 100
    colours = ((1 - share) * edited + share * mixed).clip(0, 255).round().astype(np.uint8)
    made: Array = np.where(where[..., None], colours, edited)
    return made


def _boxes(where: Mask) -> Iterator[Box]:
    """Yield the box around each part."""
    from scipy.ndimage import find_objects, label

    for rows, columns in find_objects(label(where)[0]):
        yield columns.start, rows.start, columns.stop, rows.stop


def _fill(image: Array, where: Mask, box: Box) -> None:
    """Fill what is ``where`` in the box smoothly from the pixels around it."""
    from scipy.ndimage import gaussian_filter

    x1, y1, x2, y2 = box
    reach = max(4, round(_REACH * max(x2 - x1, y2 - y1)))
    top, left = max(0, y1 - reach), max(0, x1 - reach)
    part = np.s_[top : y2 + reach, left : x2 + reach]
    unknown = where[part]
    if unknown.all():
        image[part][unknown] = image[~where].mean(axis=0).round().astype(np.uint8)
        return
    known = (~unknown).astype(np.float64)
    colours = image[part].astype(np.float64)
    mean = colours[~unknown].mean(axis=0)
    sigma = reach / 3
    weight = gaussian_filter(known, sigma)[..., None]
    near = gaussian_filter((colours - mean) * known[..., None], (sigma, sigma, 0))
    filled = mean + near / np.maximum(weight, 1e-6)
    image[part][unknown] = filled.clip(0, 255).round().astype(np.uint8)[unknown]
