"""At which quality an image was saved as JPEG, and what that changed beside a softening of it."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.blocks import Steps, crop_on_grid
from pytest_editmetrics.images.channels import average
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

if TYPE_CHECKING:
    from PIL import Image

Floats = NDArray[np.float32]
_PERIOD = 8  # pixels
_LUMINANCE = np.array((0.299, 0.587, 0.114), np.float32)
# row and column of coarse waves of a block, and by what libjpeg divides each at quality 50
_WAVES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (0, 3), (3, 0), (2, 2))
_DIVISORS = np.array((11, 12, 12, 10, 14, 14, 13, 16, 14, 16), np.float32)
FINEST = 96
"""A quality of which, and of all above, each level is one of these waves."""
_COARSEST = 10
_MOST_BLOCKS = 1024
_FEW = 64  # waves of other levels than 0
_ON_LEVELS = 5.0  # standard deviations, by which the mean cosine of how far waves lie from a level
# exceeds chance: 1 where all lie on one; pictures that were never a JPEG have less than 3
_OF_ITS_OWN = 0.5  # of that: so much more than the reference has
# of the mean cosine that JPEG leaves: other encoders, whose blocks have other levels, leave less;
# and so of the median of the waves: a pattern that was drawn has one wave, not all
_CLEAR = 0.13
_OF_MOST = 0.04
_CLEAR_OF_ANOTHER = 0.5  # of that mean, where the reference was a JPEG of another quality
_ROUNDING = 0.42  # of 255, by which the colours of pixels, which are whole, move waves
_FINE = 1.5  # pixels
_SOFTER = 0.9  # of the fine detail that JPEG alone leaves
_SOFTEST = 4.0  # pixels
_LEAST = 1e-9
_EARNED = 0.9  # of the squared difference that a softening has to leave less than


@dataclass(frozen=True)
class Jpeg:
    """Which share of a squared difference JPEG, and a softening before it, make."""

    share: float
    softening: float = 0.0


def as_jpeg(before: Floats, after: Floats, seen: Mask, quality: int) -> Jpeg:
    """Return how much a JPEG, and a softening before it, changed.

    Args:
        before: what should be there, levels of 255, (3, H, W), its corner on the grid of JPEG.
        after: what is there, likewise.
        seen: boolean (H, W), true where measured.
        quality: that of the file; see ``quality_of_levels``.
    """
    sharp = _Saved(before)
    wanted = np.moveaxis(after, 0, 2)
    total = _apart(sharp.levels, wanted, seen)
    inner = _away_from_unseen(seen)
    made = sharp.saved(quality)
    alone = Jpeg(min(1.0, _apart(made, sharp.levels, seen) / max(total, _LEAST)))
    fine = _fine(sharp.grey) * inner
    detail = float(np.vdot(fine, fine))
    left, kept = (
        float(np.vdot(fine, _fine(average(one.astype(np.float32))))) for one in (made, wanted)
    )
    if not detail or kept >= _SOFTER * left:
        return alone
    sigma = _softening(sharp.grey, fine, detail * kept / left if left > 0 else 0.0)
    from scipy.ndimage import gaussian_filter

    soft = _Saved(gaussian_filter(before, (0, sigma, sigma)))
    again = soft.saved(quality)
    if _apart(again, wanted, seen) > _EARNED * _apart(made, wanted, seen):
        return alone
    saved, softened = _apart(again, soft.levels, seen), _apart(soft.levels, sharp.levels, seen)
    total = max(total, saved + softened, _LEAST)
    return Jpeg(saved / total, softened / total)


class _Saved:
    """A picture, levels of 255, (3, H, W), and what JPEG makes of it."""

    def __init__(self, picture: Floats) -> None:
        from PIL import Image

        self.levels = _eight_bit(picture)
        self.grey = average(self.levels.astype(np.float32))
        self._picture = Image.fromarray(self.levels)

    def saved(self, quality: int) -> Array:
        return _saved(self._picture, quality)


def as_saved(
    picture: Floats, quality: int, subsampling: int, corner: tuple[int, int] = (0, 0)
) -> Array:
    """Return a picture (3, H, W), of 255, as JPEG makes it, RGB, uint8, (H, W, 3).

    ``corner`` is where a block of its grid begins, x and y.
    """
    from PIL import Image

    left, top = (-at % _PERIOD for at in corner)
    padded = np.pad(_eight_bit(picture), ((top, 0), (left, 0), (0, 0)), mode="edge")
    return _saved(Image.fromarray(padded), quality, subsampling=subsampling)[top:, left:]


def _eight_bit(picture: Floats) -> Array:
    levels: Array = np.ascontiguousarray(np.moveaxis(np.rint(picture), 0, 2).astype(np.uint8))
    return levels


def _saved(picture: Image.Image, quality: int, **options: int) -> Array:
    from PIL import Image

    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, **options)
    return np.asarray(Image.open(file))


def quality_of_levels(edited: Array, reference: Array, seen: Mask) -> int | None:
    """Return the quality on whose levels the waves of blocks lie; ``None`` where on none.

    JPEG rounds each wave of a block to a multiple of what its quality divides it by. So it did in
    a reference that was one: then nothing is told. All qualities from ``FINEST`` on are that one.

    Args:
        edited: RGB, uint8, (H, W, 3), as it was decoded, its corner on the grid of JPEG.
        reference: the same.
        seen: boolean (H, W), true where measured.
    """
    if (waves := _waves(edited, seen)) is None:
        return None
    best, found = _ON_LEVELS, None
    for quality in sorted(range(_COARSEST, FINEST + 1), key=_unusual):
        score = _on_levels(waves, quality)
        if score > best:
            best, found = score, quality
    if found is None or not _clearly_on_levels(waves, found):
        return None
    if (was := _waves(reference, seen)) is None:
        return found
    if _on_levels(was, found) > _OF_ITS_OWN * best:
        return None
    if not _clearly_on_levels(waves, found, _CLEAR_OF_ANOTHER) and any(
        _on_levels(was, quality) > _ON_LEVELS for quality in range(_COARSEST, FINEST + 1)
    ):
        return None  # levels that were those of the reference lie near others by chance
    return found


def quality_on_grid(
    edited: Array,
    reference: Array,
    seen: Mask,
    steps: tuple[Steps, Steps] | None = None,
) -> tuple[int | None, tuple[int, int]]:
    """Return ``quality_of_levels`` wherever the grid begins, and where it does, x and y.

    Args:
        edited: RGB, uint8, (H, W, 3), as it was decoded.
        reference: the same.
        seen: boolean (H, W), true where measured.
        steps: of both, if they are known.
    """
    if (quality := quality_of_levels(edited, reference, seen)) is not None:
        return quality, (0, 0)
    if steps is None:
        crop = crop_on_grid(seen)
        steps = Steps(edited[crop], seen[crop]), Steps(reference[crop], seen[crop])
    corner = steps[0].corner(steps[1])
    if corner == (0, 0):
        return None, corner
    at = np.s_[corner[1] :, corner[0] :]
    quality = quality_of_levels(edited[at], reference[at], seen[at])
    return quality, (0, 0) if quality is None else corner


def _waves(image: Array, seen: Mask) -> Floats | None:
    """Return how strong coarse waves of whole blocks are that are not cut off, (blocks, waves)."""
    from scipy.fft import dctn

    rows, columns = (side // _PERIOD for side in seen.shape)
    size = rows * _PERIOD, columns * _PERIOD
    grid = (rows, _PERIOD, columns, _PERIOD)
    whole = seen[: size[0], : size[1]].reshape(grid).all(axis=(1, 3))
    tops = image[: size[0], : size[1]].reshape(*grid, 3)
    whole &= (tops.min(axis=(1, 3, 4)) > 0) & (tops.max(axis=(1, 3, 4)) < 255)
    blocks = tops.swapaxes(1, 2)[whole]
    if not len(blocks):
        return None
    blocks = blocks[:: -(-len(blocks) // _MOST_BLOCKS)]
    waves = dctn(blocks.astype(np.float32) @ _LUMINANCE, axes=(1, 2), norm="ortho")
    strong: Floats = np.abs(np.stack([waves[:, row, column] for row, column in _WAVES], axis=1))
    return strong


def _on_levels(waves: Floats, quality: int) -> float:
    """Return by how many standard deviations more than by chance waves lie on levels."""
    steps = _steps(quality)
    off = (waves / steps)[waves > 0.5 * steps]
    if off.size < _FEW:
        return 0.0
    return float(np.cos(2 * np.pi * off).mean()) * math.sqrt(2 * off.size)


def _clearly_on_levels(waves: Floats, quality: int, clear: float = _CLEAR) -> bool:
    """Tell whether waves lie on levels as those of a JPEG do, and most kinds of waves."""
    steps = _steps(quality)
    strong = waves > 0.5 * steps
    cosines = np.where(strong, np.cos(2 * np.pi * waves / steps), 0).sum(axis=0)
    counts = strong.sum(axis=0)
    expected = counts * np.exp(-2 * (np.pi * _ROUNDING / steps) ** 2)
    known = counts >= _FEW / len(_WAVES)
    each = cosines[known] / expected[known]
    return bool(cosines.sum() >= clear * expected.sum() and np.median(each) >= _OF_MOST)


def _steps(quality: int) -> Floats:
    """Return by what JPEG divides each wave."""
    scale = 50 / quality if quality < 50 else 2 - quality / 50
    steps: Floats = np.floor(_DIVISORS * np.float32(scale) + np.float32(0.5))
    return np.maximum(steps, 1)


def _unusual(quality: int) -> bool:
    """Tell whether few people choose a quality: another may divide waves alike."""
    return quality % 5 != 0


def _softening(grey: Floats, fine: Floats, wanted: float) -> float:
    """Return by how many pixels a blur leaves so much of the fine detail."""
    from scipy.ndimage import gaussian_filter

    low, high = 0.0, _SOFTEST
    for _ in range(6):
        sigma = (low + high) / 2
        left = float(np.vdot(fine, _fine(gaussian_filter(grey, sigma))))
        low, high = (sigma, high) if left > wanted else (low, sigma)
    return sigma


def _fine(grey: Floats) -> Floats:
    from scipy.ndimage import gaussian_filter

    detail: Floats = grey - gaussian_filter(grey, _FINE, truncate=3)
    return detail


def _away_from_unseen(seen: Mask) -> Mask:
    from scipy.ndimage import minimum_filter

    inner: Mask = minimum_filter(seen, size=5, mode="constant", cval=0)
    return inner


def _apart(one: Floats | Array, other: Floats | Array, seen: Mask) -> float:
    off = (one.astype(np.float32) - other)[seen]
    return float(np.vdot(off, off)) / off.size
