"""Where the background changed locally: the spill of an edit, or a seam at its border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.masks import bounds
from pytest_editmetrics.images.regions import Box, Mask

BLOCK = 8
_LEAST = 6.0  # of 255, mean over a block
_OUTLYING = 8.0  # robust standard deviations
_MOST = 0.35  # of the measured blocks: more is no local change
_SEAM_SHARE = 0.7  # of what changed, within reach of the border
_SEAM_ROUND = 0.5  # of the border


@dataclass(frozen=True)
class Local:
    """A local change: its pixels, boolean (H, W), the boxes around its parts, largest change first.

    ``seam`` tells that it runs along the border of the region.
    """

    mask: Mask
    boxes: tuple[Box, ...]
    seam: bool


def find_local(
    difference: NDArray[np.float32], texture: NDArray[np.float32], mask: Mask
) -> Local | None:
    """Find blocks that changed far more than the rest of the background did.

    Args:
        difference: float32 (H, W), how much each pixel differs after global causes are undone, of
            255, not negative.
        texture: float32 (H, W), the local contrast of the reference, of 255: where it is high,
            resampling and encoding change more.
        mask: boolean (H, W), true for the background.

    Returns:
        The change, or ``None`` if nothing stands out or it is everywhere.
    """
    from scipy.ndimage import binary_dilation, find_objects, label

    amount, covered = _blocks(np.where(mask, difference, 0), mask)
    contrast, _ = _blocks(np.where(mask, texture, 0), mask)
    known = covered >= 0.1
    if not known.any():
        return None
    score = (amount - _expected(amount, contrast, known)) / (2.0 + 0.25 * contrast)
    middle = float(np.median(score[known]))
    spread = 1.4826 * float(np.median(np.abs(score[known] - middle)))
    outlying = known & (amount > _LEAST) & (score > middle + _OUTLYING * max(spread, 0.1))
    if not outlying.any() or outlying.sum() > _MOST * known.sum():
        return None
    # a block of the same change that is weaker belongs to it
    weaker = known & (score > middle + _OUTLYING / 2 * max(spread, 0.1))
    near = binary_dilation(outlying, np.ones((3, 3))) & weaker | outlying
    parts, count = label(near, np.ones((3, 3)))
    energy = [float((amount * covered)[parts == n].sum()) for n in range(1, count + 1)]
    kept = [n for n in range(1, count + 1) if energy[n - 1] >= 0.05 * max(energy)]
    height, width = mask.shape
    changed = np.isin(parts, kept)
    pixels = np.repeat(np.repeat(changed, BLOCK, axis=0), BLOCK, axis=1)[:height, :width] & mask
    pixels &= difference > max(2.0, _LEAST / 2)
    if not pixels.any():
        return None
    slices = find_objects(parts)
    boxes = []
    for n in sorted(kept, key=lambda n: -energy[n - 1]):
        rows, columns = slices[n - 1]
        top, left = rows.start * BLOCK, columns.start * BLOCK
        part = pixels[top : rows.stop * BLOCK, left : columns.stop * BLOCK]
        part = (
            part
            & (
                np.repeat(np.repeat(parts[rows, columns] == n, BLOCK, 0), BLOCK, 1)[
                    : part.shape[0], : part.shape[1]
                ]
            )
        )
        if (box := bounds(part)) is not None:
            boxes.append((left + box[0], top + box[1], left + box[2], top + box[3]))
    return Local(pixels, tuple(boxes), _is_seam(difference, pixels, mask))


def _expected(
    amount: NDArray[np.float64], contrast: NDArray[np.float64], known: Mask
) -> NDArray[np.float64]:
    """Return how much a block of its contrast changes as a rule: what blur does grows with it."""
    busy = known & (contrast >= max(1.0, float(np.median(contrast[known]))))
    calm = known & ~busy
    base = float(np.median(amount[calm])) if calm.any() else 0.0
    slope = float(np.median((amount[busy] - base) / contrast[busy])) if busy.any() else 0.0
    return base + max(0.0, slope) * contrast


def _is_seam(difference: NDArray[np.float32], changed: Mask, mask: Mask) -> bool:
    """Tell whether a change is a thin line along most of the border of the region."""
    from scipy.ndimage import distance_transform_edt

    if mask.all():
        return False
    away = distance_transform_edt(mask)
    reach = max(4.0, 0.008 * max(mask.shape))
    border = mask & (away <= 2)
    band = mask & (away <= reach)
    energy = np.where(changed, difference.astype(np.float64) ** 2, 0)
    inside = energy[band].sum() / energy.sum()
    round_ = (changed & border).sum() / border.sum()
    return bool(inside >= _SEAM_SHARE and round_ >= _SEAM_ROUND)


def _blocks(
    image: NDArray[np.float32], mask: Mask
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean over the measured pixels of each block, and how much of it is measured."""
    height, width = mask.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)

    def sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
        padded = np.zeros((rows * BLOCK, columns * BLOCK))
        padded[:height, :width] = values
        total: NDArray[np.float64] = padded.reshape(rows, BLOCK, columns, BLOCK).sum(axis=(1, 3))
        return total

    count = sums(mask.astype(np.float64))
    return sums(image.astype(np.float64)) / np.maximum(count, 1), count / BLOCK**2
