"""Where the background changed locally: the spill of an edit, or a seam at its border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import block_sums
from pytest_editmetrics.images.masks import bounds
from pytest_editmetrics.images.regions import Box, Mask

BLOCK = 8
_LEAST = 6.0  # of 255, mean over a block
_OUTLYING = 8.0  # robust standard deviations
_MOST = 0.35  # of the measured blocks: more is no local change
_TEXTURE = 1.0  # of 255, local contrast
FEW = 64  # blocks: of fewer no part is told
_STAYED = 12  # of 100 blocks with texture that have to be as they were
_BETWEEN = 0.06  # of the blocks that may be neither changed nor as they were
_MIXED = 0.06  # of the neighbours that may be of unlike kinds
WIDE = 0.25  # of the blocks: less is a local change or none
ONE_PIECE = 0.8  # of what changed
_SEAM_SHARE = 0.7  # of what changed, within reach of the border
SEAM_ROUND = 0.5
"""Of the border of the edit area: a change along more of it is a seam."""


@dataclass(frozen=True)
class Local:
    """A local change: its pixels, boolean (H, W), the boxes around its parts, largest change first.

    ``seam`` tells that it runs along the border of the region, ``width`` how far from it all of it
    lies at most, in pixels, where all else is equal; 0 where that is not so.
    """

    mask: Mask
    boxes: tuple[Box, ...]
    seam: bool
    width: int = 0


def local_contrast(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the local contrast of an image (3, H, W): the mean slope around each pixel, (H, W)."""
    from scipy.ndimage import uniform_filter

    slope_y, slope_x = np.gradient((image[0] + image[1] + image[2]) / np.float32(3))
    steepness = np.sqrt(slope_y * slope_y + slope_x * slope_x)
    contrast: NDArray[np.float32] = uniform_filter(steepness, 9)
    return contrast


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
    from scipy.ndimage import binary_dilation

    amount, covered = blocks(np.where(mask, difference, 0), mask)
    contrast, _ = blocks(np.where(mask, texture, 0), mask)
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
    return local_of(near, amount * covered, difference, mask)


def find_alone(
    difference: NDArray[np.float32], texture: NDArray[np.float32], mask: Mask
) -> Local | None:
    """Find what changed while most of what has texture stayed bit for bit: no encoder spares that.

    Takes what ``find_local`` does, but before anything is undone.
    """
    amount, covered = blocks(np.where(mask, difference, 0), mask)
    contrast, _ = blocks(np.where(mask, texture, 0), mask)
    known = covered >= 0.1
    if not known.any():
        return None
    changed = known & (amount > 0)
    textured = known & (contrast >= max(_TEXTURE, float(np.median(contrast[known]))))
    if not textured.any():
        textured = known  # of a flat picture all of it is to stay
    if not textured.any() or changed[textured].mean() > _MOST:
        return None
    return local_of(changed, amount * covered, difference, mask, least=0.0)


def find_wide(
    difference: NDArray[np.float32], texture: NDArray[np.float32], mask: Mask
) -> Local | None:
    """Find a change of most of the background beside which the rest stayed as it was.

    Takes what ``find_local`` does. A picture that was drawn anew is none: of what has texture a
    part has to differ far less than all else, with little between; and what changed lies in one
    piece, at the edit.
    """
    from scipy.ndimage import binary_dilation, label

    amount, covered = blocks(np.where(mask, difference, 0), mask)
    contrast, _ = blocks(np.where(mask, texture, 0), mask)
    known = covered >= 0.1
    if np.count_nonzero(known) < FEW:
        return None
    busy = known & (contrast >= float(np.median(contrast[known])))
    relative = amount / (2.0 + 0.25 * contrast)
    base = float(np.percentile(relative[busy], _STAYED))
    changed = known & (amount > _LEAST) & (relative > 3 * base + 1)
    stayed = known & (relative <= 2 * base + 0.5)
    between = known & ~changed & ~stayed
    few = changed.sum() < WIDE * known.sum() or stayed[busy].mean() < _STAYED / 100
    if few or between.sum() > _BETWEEN * known.sum() or are_mixed(changed, stayed):
        return None
    parts, count = label(changed, np.ones((3, 3)))
    sizes = [int((parts == n).sum()) for n in range(1, count + 1)]
    largest = parts == 1 + int(np.argmax(sizes))
    edit = covered < 1
    beside = binary_dilation(largest, np.ones((3, 3))) & edit
    if max(sizes) < ONE_PIECE * changed.sum() or (edit.any() and not beside.any()):
        return None
    return local_of(changed, amount * covered, difference, mask)


def are_mixed(one: Mask, other: Mask) -> bool:
    """Tell whether many of the neighbours that are of either kind are of unlike kinds."""
    unlike = alike = 0
    for a, b, c, d in (
        (one[1:], one[:-1], other[1:], other[:-1]),
        (one[:, 1:], one[:, :-1], other[:, 1:], other[:, :-1]),
    ):
        unlike += int(((a & d) | (b & c)).sum())
        alike += int(((a & b) | (c & d)).sum())
    return unlike > _MIXED * max(1, unlike + alike)


def local_of(
    changed: Mask,
    energies: NDArray[np.float64],
    difference: NDArray[np.float32],
    mask: Mask,
    least: float = _LEAST / 2,
) -> Local | None:
    """Return the change that blocks of it show, by more than ``least``; ``None`` if none does."""
    from scipy.ndimage import find_objects, label

    parts, count = label(changed, np.ones((3, 3)))
    energy = [float(energies[parts == n].sum()) for n in range(1, count + 1)]
    kept = [n for n in range(1, count + 1) if energy[n - 1] >= 0.05 * max(energy)]
    height, width = mask.shape
    held = np.isin(parts, kept)
    pixels = np.repeat(np.repeat(held, BLOCK, axis=0), BLOCK, axis=1)[:height, :width] & mask
    pixels &= difference > least
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
    return bool(inside >= _SEAM_SHARE and round_ >= SEAM_ROUND)


def blocks(
    image: NDArray[np.float32], mask: Mask
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean over the measured pixels of each block, and how much of it is measured."""
    height, width = mask.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)

    def sums(values: NDArray[Any]) -> NDArray[np.float64]:
        padded = np.zeros((rows * BLOCK, columns * BLOCK), np.float32)
        padded[:height, :width] = values
        return block_sums(padded, BLOCK, padded.dtype).astype(np.float64)

    count = sums(mask)
    return sums(image) / np.maximum(count, 1), count / BLOCK**2
