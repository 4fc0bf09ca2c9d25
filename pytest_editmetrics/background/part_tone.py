"""What became of a part that is drawn as it was: darker, lighter, or of other colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.cause import opposite
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.background.mixed import fit_mix
from pytest_editmetrics.background.spill import Local
from pytest_editmetrics.background.tone import fit_tone
from pytest_editmetrics.images.local_mean import local_mean
from pytest_editmetrics.images.masks import bounds
from pytest_editmetrics.images.regions import Mask

_EDGE = 96  # of the copy on which a part is compared
_FEW = 48  # pixels of the copy
_CORE = 0.35  # of the largest distance from the rim: a soft rim lies nearer
_CLOSED = 2  # pixels of the copy: thinner gaps are dark places, which no gain changes
_CLIPPED = (4.0, 251.0)
_FINE = 2.0  # sigma of the copy: structure is what lies below
_STRUCTURE = 1.0  # of 255: less tells nothing
_UNLIKE = 0.2  # of structure: 0 alike, 1 nothing in common
_LEFT = 0.15  # of the squared change that a tone explains
_OF_MIX = 0.3  # of what a tone leaves: a mix that leaves more is none
_LEAST = 3.0  # %
_AROUND = 3  # pixels between what stands out and what changed
_SMOOTH = 1.5  # sigma, pixels
_CHANGED = 4.0  # of 255
_SHIFTED = 4.0  # of 255, on the mean: less is no other colour

Floats = NDArray[np.float64]
Kind = Literal["darker", "lighter", "recoloured"]


@dataclass(frozen=True)
class PartTone:
    """What became of a part, and by how much its mean brightness changed, %; 0 of colours."""

    kind: Kind
    by: int = 0

    @property
    def text(self) -> str:
        """What became of it.

        >>> PartTone("darker", 30).text, PartTone("recoloured").text
        ('became 30 % darker', 'has other colours')
        """
        return f"became {self.by} % {self.kind}" if self.by else "has other colours"


def became_of(local: Local, before: Planes, after: Planes) -> str | None:
    """Return what ``part_tone`` tells of the largest part of a local change, in words."""
    if local.seam or not local.boxes:
        return None
    x1, y1, x2, y2 = local.boxes[0]
    tone = part_tone(before[:, y1:y2, x1:x2], after[:, y1:y2, x1:x2], local.mask[y1:y2, x1:x2])
    return None if tone is None else tone.text


def tone_around(
    before: Planes, after: Planes, seen: Mask, part: Mask
) -> tuple[PartTone, Mask] | None:
    """Return what became of the whole that a part is of, as its rim is, and where that lies.

    The whole is what hangs together and differs by 4 levels from what the tone of all makes of it,
    on the mean of some pixels. The images are small ones; ``seen`` is true where measured.
    """
    from scipy.ndimage import binary_dilation, label

    toned = fit_tone(before, after, seen).applied(before)
    off = [local_mean(one - other, seen, _SMOOTH) for one, other in zip(toned, after, strict=True)]
    pieces, count = label(seen & (np.abs(off).max(axis=0) > _CHANGED))
    near = binary_dilation(part, np.ones((3, 3)), iterations=_AROUND)
    sizes = np.bincount(pieces[near], minlength=count + 1)[1:]
    if not sizes.any():
        return None
    whole: Mask = pieces == 1 + int(sizes.argmax())
    tone = part_tone(toned, after, whole)
    return None if tone is None else (tone, whole)


def part_tone(before: Planes, after: Planes, part: Mask) -> PartTone | None:
    """Tell whether the structure of a part is as it was, times a gain and plus an offset.

    The core of the part counts, without the rim, on a copy of 96 px: the gain has to leave at most
    15 % of the squared change, and 20 % of the structure finer than 2 px of the copy unlike. A mix
    of the channels does likewise for colours.

    Args:
        before: float32 (3, H, W), of 255.
        after: the same, aligned with it.
        part: boolean (H, W), the pixels that changed.

    Returns:
        What became of it; ``None`` if something else did, or it has no structure to tell by.
    """
    from scipy.ndimage import binary_closing, binary_fill_holes, distance_transform_edt

    if (box := bounds(part)) is None:
        return None
    x1, y1, x2, y2 = box
    window = np.s_[y1:y2, x1:x2]
    step = max(1, max(y2 - y1, x2 - x1) // _EDGE)
    inside = np.pad(_means(part[window].astype(np.float32), step) > 0.5, _CLOSED + 1)
    whole = binary_fill_holes(binary_closing(inside, np.ones((3, 3)), iterations=_CLOSED))
    away = distance_transform_edt(whole)
    trim = np.s_[_CLOSED + 1 : -_CLOSED - 1, _CLOSED + 1 : -_CLOSED - 1]
    core = (away >= max(1.5, _CORE * away.max()))[trim]
    was, is_ = (
        np.stack([_means(plane[window], step) for plane in image]).astype(np.float64)
        for image in (before, after)
    )
    low, high = _CLIPPED
    open_ = core & (is_ > low).all(axis=0) & (is_ < high).all(axis=0)
    if np.count_nonzero(open_) < _FEW:
        return None
    x, y = was[:, open_], is_[:, open_]
    gain, offset = _line(x.ravel(), y.ravel())
    toned = gain * was + offset
    if gain > 0 and _explains(toned, was, is_, open_):
        low, high = ((gain - 1) * level + offset for level in np.percentile(x, (5, 95)))
        by = round(100 * (float(y.mean()) / float(x.mean()) - 1)) if x.mean() else 0
        if abs(by) < _LEAST or opposite(low, high):
            return None
        return PartTone("darker" if by < 0 else "lighter", abs(by))
    mixed = fit_mix(x, y).applied(was).astype(np.float64)
    of_tone, of_mix = (np.square(made - is_)[:, open_].sum() for made in (toned, mixed))
    if np.abs((y - x).mean(axis=1)).max() < _SHIFTED or of_mix > _OF_MIX * of_tone:
        return None
    return PartTone("recoloured") if _explains(mixed, was, is_, open_) else None


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    varied = x - x.mean()
    size = float(varied @ varied)
    gain = float(varied @ (y - y.mean())) / size if size > 0 else 1.0
    return gain, float(y.mean() - gain * x.mean())


def _explains(made: Floats, was: Floats, is_: Floats, where: Mask) -> bool:
    """Tell whether what was made is what became of it, the structure too."""
    left = np.square(made - is_)[:, where].sum()
    if left > _LEFT * np.square(was - is_)[:, where].sum():
        return False
    one, other = (_structure(image.mean(axis=0), where) for image in (made, is_))
    size = float(one @ one + other @ other) / 2
    if size < _STRUCTURE**2 * len(one):
        return False
    return 1 - float(one @ other) / size <= _UNLIKE


def _structure(brightness: Floats, where: Mask) -> Floats:
    from scipy.ndimage import gaussian_filter

    fine: Floats = (brightness - gaussian_filter(brightness, _FINE, mode="nearest"))[where]
    return fine


def _means(plane: NDArray[Any], step: int) -> NDArray[np.float32]:
    """Return the means of squares of so many pixels, the last rows and columns left out."""
    if step == 1:
        return np.asarray(plane, np.float32)
    height, width = (edge // step for edge in plane.shape)
    cut = plane[: height * step, : width * step].astype(np.float32)
    means: NDArray[np.float32] = cut.reshape(height, step, width, step).mean(axis=(1, 3))
    return means
