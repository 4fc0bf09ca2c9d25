"""Whether something of the background is gone, or something is there that was not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.differences import planes
from pytest_editmetrics.background.layout import KEPT, layout_kept
from pytest_editmetrics.background.part_tone import tone_around
from pytest_editmetrics.images.channels import average
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.local_mean import Map, local_mean
from pytest_editmetrics.images.masks import bounds
from pytest_editmetrics.images.regions import Box, Mask

_EDGE = 256  # of the copy on which structure is compared
_FINE, _COARSE = 1.0, 4.0  # sigmas between which structure lies, pixels of the copy
_AROUND = 3.0  # sigma of the window in which it is compared
_FAINT = 4.0  # of 255: structure of less is noise
_PLAIN = 2.0  # of 255: a background has so much structure, or is taken to have
_SEEN = 2.0  # of 255: structure that has a contrast to compare
_GAINS = (0.2, 5.0)
_UNLIKE = 0.15  # of a part, where all else is as it was: 0 alike, 1 nothing in common
_REDRAWN = 16.0  # times as unlike as the background is as a rule
_MORE = 0.1
_TONED = 0.01  # unlike as a rule: below it no tone has to be found
_TOLD = 0.5  # of that: so much less is unlike once the tone is applied
_STRONG = 0.5  # of the squared structure of the edited image that a tone has to make
_RULE = 0.4  # of the structure: so much is as the background is as a rule
_LEAST = 64  # pixels of the copy
_LITTLE = 0.4  # of the structure of a part: less is the loss of it
# where most of the structure is unlike: what stayed as it was, beside what is something else
_SAME = 0.95  # correlation around a pixel
_NEAR = 5.0  # sigma of the window in which most pixels are of one kind
_MOSTLY = 0.8  # of the structure there
_BUSY = 0.2  # of 255: so much structure there, or it tells nothing
_STAYED = 0.05  # of what has structure

Kind = Literal["gone", "new", "other", "darker", "lighter", "recoloured"]


@dataclass(frozen=True)
class Altered:
    """The part that changed most: its ``share`` of the structure of the background, in [0, 1].

    ``box`` is around it (pixels, half-open), ``kind`` what became of it; ``None`` if nothing stands
    out; ``by`` how many % it is darker or lighter. ``unlike`` is how unlike the background is as a
    rule (0 alike, 1 nothing in common), and ``told`` tells whether a part can stand out of that.
    """

    share: float
    box: Box | None
    kind: Kind | None
    unlike: float
    told: bool
    by: int = 0


def find_altered(reference: Array, edited: Array, mask: Mask) -> Altered | None:
    """Find the part of a background whose structure changed, where that of the rest did not.

    Structure is the brightness between two Gaussians (sigma 1 and 4) of a copy of 256 px. Around
    each pixel (Gaussian, sigma 3) the part of it that the two images have not in common is
    ``u = (S - |C|) / (S + 16)``, with the mean ``S`` of both mean squares and the mean product
    ``C``, the edited image brought to the contrast of the reference. As a rule ``u`` is at most
    ``m``, which 40 % of all structure (weight ``sqrt(S)``) keeps to. A part is what hangs together
    and has ``u > t + 0.1``, ``t = 0.15 + 16 m``; its share is the sum of ``sqrt(S) (u - t)`` over
    it, divided by the sum of ``sqrt(S)``, 2 a pixel at least, over all. If the tone of each channel
    of the reference, brought to that of the edited image level by level, halves ``m``, it is.

    Where that leaves no part to stand out, since most of the structure is unlike, what stayed as it
    was is looked for: 5 % or more, in which structure correlates by 0.95. ``m`` is then what 40 %
    of its structure keeps to. A background that was drawn anew has no such part, or is laid out as
    before beside it (``layout_kept``); then ``told`` is false.

    Args:
        reference: RGB, uint8, (H, W, 3).
        edited: the same, aligned with it.
        mask: boolean (H, W), true for the background.

    Returns:
        The part, ``None`` where too little is background to tell.

    >>> picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    >>> find_altered(picture, 255 - picture, np.ones((96, 96), bool)).share
    0.0
    """
    from scipy.ndimage import label

    scale = max(1.0, max(mask.shape) / _EDGE)
    seen = _shrunk(mask.astype(np.float32), scale) > 0.99
    if np.count_nonzero(seen) < _LEAST:
        return None
    after = _band(_shrunk(average(edited.astype(np.float32)), scale), seen)
    plain = _shrunk(average(reference.astype(np.float32)), scale)
    found = _compared(_band(plain, seen), after, seen)
    if found.rule > _TONED:
        toned = _shrunk(average(as_toned(reference, edited, mask)), scale)
        made = _band(toned, seen)
        other = _compared(made, after, seen)
        strong = seen & (found.before > _SEEN**2)
        # a tone that maps all to one level, since much was erased, is no tone
        is_tone = np.square(made[strong]).sum() >= _STRONG * np.square(after[strong]).sum()
        found = other if is_tone and other.rule < _TOLD * found.rule else found
    if not found.told:
        found = _beside_what_stayed(found, reference, edited, mask) or found
    over = found.unlike - (_UNLIKE + _REDRAWN * found.rule)
    parts, count = label(seen & (over > _MORE), np.ones((3, 3)))
    if not count:
        return Altered(0.0, None, None, found.rule, found.told)
    amount = np.bincount(parts.ravel(), (over * found.weight).ravel(), count + 1)[1:]
    largest = int(amount.argmax())
    part = parts == largest + 1
    kind, by = found.kind(part), 0
    was, is_ = (_colours(image, scale) for image in (reference, edited))
    if (whole := tone_around(was, is_, seen, part)) is not None:  # its rim is what stands out
        (kind, by), part = (whole[0].kind, whole[0].by), whole[1]
    box = bounds(part)
    assert box is not None
    x1, y1, x2, y2 = (round(edge * scale) for edge in box)
    height, width = mask.shape
    return Altered(
        float(amount[largest] / max(found.weight.sum(), _PLAIN * np.count_nonzero(seen))),
        (x1, y1, min(width, x2), min(height, y2)),
        kind,
        found.rule,
        found.told,
        by,
    )


@dataclass(frozen=True)
class _Compared:
    unlike: Map
    weight: Map
    before: Map
    after: Map
    rule: float
    common: Map
    seen: Mask

    @property
    def told(self) -> bool:
        """Whether a part can stand out."""
        return _UNLIKE + _REDRAWN * self.rule + _MORE < 1

    def kind(self, part: Mask) -> Kind:
        was, is_ = float(self.before[part].sum()), float(self.after[part].sum())
        if is_ < _LITTLE * was:
            return "gone"
        return "new" if was < _LITTLE * is_ else "other"


def _compared(before: Map, after: Map, seen: Mask) -> _Compared:
    """Compare two images of structure (H, W), 0 where nothing is measured."""

    def around(values: Map) -> Map:
        return local_mean(values, seen, _AROUND)

    was, is_, both = around(before * before), around(after * after), around(before * after)
    sign = np.float32(1 if float((before * after)[seen].sum()) >= 0 else -1)
    return _held(was, is_, sign * both, seen, seen)


def _held(was: Map, is_: Map, both: Map, seen: Mask, steady: Mask) -> _Compared:
    """Compare mean squares and products; contrast and rule are those of what is steady."""
    clear = steady & (was > _SEEN**2)
    gain = 1.0
    if np.count_nonzero(clear) >= _LEAST:
        ratio = np.log((np.sqrt(is_[clear]) + 0.5) / (np.sqrt(was[clear]) + 0.5))
        gain = float(np.clip(np.exp(np.median(ratio)), *_GAINS))
    is_ = is_ / np.float32(gain**2)
    mean: Map = (was + is_) / np.float32(2)
    common: Map = np.maximum(both, np.float32(0)) / np.float32(gain)
    unlike: Map = (mean - common) / (mean + np.float32(_FAINT**2))
    weight: Map = np.where(seen, np.sqrt(mean), np.float32(0))
    order = np.argsort(unlike[steady])
    grown = np.cumsum(weight[steady][order])
    rule = float(unlike[steady][order][np.searchsorted(grown, _RULE * grown[-1])])
    return _Compared(unlike, weight, was, is_, rule, common, seen)


def _beside_what_stayed(
    found: _Compared, reference: Array, edited: Array, mask: Mask
) -> _Compared | None:
    """Compare by the part that stayed; ``None`` if none did, or the rest was drawn anew."""
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    was, is_, both, seen = found.before, found.after, found.common, found.seen
    clear = seen & (was > _SEEN**2)
    same = clear & (both > _SAME * np.sqrt(was * is_)) & (both > 0)
    much: Map = np.where(clear, np.sqrt(was), np.float32(0))
    near = gaussian_filter(much, _NEAR)
    busy = seen & (near > _BUSY)
    share = gaussian_filter(much * same, _NEAR) / np.maximum(near, np.float32(1e-3))
    stayed, lost = busy & (share > _MOSTLY), busy & (share < 1 - _MOSTLY)
    if np.count_nonzero(stayed) < max(_LEAST, _STAYED * np.count_nonzero(busy)):
        return None
    height, width = mask.shape
    elsewhere = mask & np.asarray(Image.fromarray(lost).resize((width, height)))
    if layout_kept(reference, edited, elsewhere) >= KEPT:
        return None
    return _held(was, is_, both, seen, stayed)


def _band(brightness: Map, seen: Mask) -> Map:
    """Return the structure of a size that objects have."""
    fine, coarse = (local_mean(brightness, seen, sigma) for sigma in (_FINE, _COARSE))
    return fine - coarse


def _colours(image: Array, scale: float) -> Map:
    from PIL import Image

    height, width = (max(1, round(edge / scale)) for edge in image.shape[:2])
    smaller = Image.fromarray(image).resize((width, height), Image.Resampling.BOX)
    return planes(np.asarray(smaller))


def _shrunk(plane: NDArray[np.float32], scale: float) -> Map:
    from PIL import Image

    if scale == 1:
        return plane
    height, width = (max(1, round(edge / scale)) for edge in plane.shape)
    smaller = Image.fromarray(plane).resize((width, height), Image.Resampling.BOX)
    return np.asarray(smaller)


def as_toned(
    reference: Array, edited: Array, mask: Mask, smooth: float = 1.0
) -> NDArray[np.float32]:
    """Return the reference with each level of a channel as it is, on average, in the other.

    The average is that of near levels, a Gaussian of sigma ``smooth`` levels; of 0, of each alone.
    """
    from scipy.ndimage import gaussian_filter

    levels = np.arange(256)
    made = np.empty(reference.shape, np.float32)
    for channel in range(3):
        was, is_ = reference[..., channel][mask], edited[..., channel][mask]
        count, total = (
            gaussian_filter(np.bincount(was, of, 256).astype(float), smooth, mode="constant")
            for of in (None, is_)
        )
        known = count > 1e-3
        curve = np.interp(levels, levels[known], total[known] / count[known])
        made[..., channel] = curve.astype(np.float32)[reference[..., channel]]
    return made
