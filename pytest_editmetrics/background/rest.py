"""What is left of a difference once motion, tone and local changes are undone.

Drawn anew, JPEG, blurred, sharpened, noise, or encoded anew: told from the size of the difference
at several scales.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import Floats, block_sums, correlation_of
from pytest_editmetrics.background.blocks import Steps, crop_on_grid
from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.filtered import sharpened
from pytest_editmetrics.background.grained import grain_before
from pytest_editmetrics.background.jpeg import FINEST, as_jpeg, quality_on_grid
from pytest_editmetrics.background.uneven import evened
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

Floats32 = NDArray[np.float32]
KindT = TypeVar("KindT", bound=np.generic)
_CELL = 4  # pixels of a side that are averaged to look at coarse structure
_ANOTHER = 0.85  # correlation with what it should be, without fine detail
# levels of 255 that are left when smoothed over some pixels, and the correlation of structure of
# that size: where more is left and less correlates, it was drawn anew; encoders keep to either
_DRAWN = ((4.0, 0.97), (2.5, 0.9))
_SOFTER = (0.5, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)  # cells: blurs that are no drawing
_FEW = 16  # cells
_ENOUGH = 0.25  # of the cells
_HARDLY_MIXED = 0.95  # of what a blur mixes was measured: an edit bleeds into what lies near it
_SOFTENED = 0.8  # of the structure that a blur leaves
_SHARPENED = 0.95  # correlation of such structure with what a sharpening makes of it
_FLAT = 3.0  # of 255, standard deviation
_BLUR = 0.9  # of the fine detail that is left
_RESAMPLED = 0.5  # of the fine detail: resampling alone leaves more
_SHARP = 1.15  # of the fine detail that was there
_STRONGER = 20.0  # times what a sharpening adds of fine detail: more noise hides one
_SILENT = 0.3  # of 255: less noise is rounding
_WHOLE = 0.7  # of what is left: as much as that of JPEG is all of it
_MOSTLY = 0.5  # of what JPEG leaves
_QUIET = 0.3  # of the noise of the loudest channel
_CHANNELS = ("red", "green", "blue")
_TOLD = 0.05  # of the difference: less of one cause is left out
_LOUD = 1.5  # of 255 in each channel: less is what a JPEG of the best quality leaves as well
_WHITE = 0.1  # correlation of neighbours in noise of the pixels
_EVEN = 1.15  # times as strong where there is detail: what encoders do is stronger there
_ROOM = 3.0  # times the noise that a level has to lie from black and white, which cut noise off
_OPEN = 0.03  # of the pixels: of fewer such none is looked at alone
_UNTOUCHED = 0.03  # of the fine detail, that noise changes by chance
_MANY_PIXELS = 400_000
_BAND = 64  # rows


@dataclass(frozen=True)
class Structure:
    """How alike two aligned images are at the scale of some pixels.

    ``match`` is the correlation without fine detail, ``middle`` that of structure of some pixels,
    ``left`` the difference in levels when smoothed over some pixels.
    """

    match: float
    middle: float
    left: float

    @property
    def another(self) -> bool:
        """Whether this is another picture altogether."""
        return self.match < _ANOTHER

    @property
    def redrawn(self) -> bool:
        """Whether it was drawn anew: no encoder changes structure so much."""
        return self.another or any(
            self.left >= left and self.middle < middle for left, middle in _DRAWN
        )


def structure(toned: NDArray[np.float32], aligned: NDArray[np.float32], mask: Mask) -> Structure:
    """Compare two images (3, H, W), of 255, over a mask (H, W), coarsely."""
    from scipy.ndimage import gaussian_filter

    covered = _cells(mask.astype(np.float32))
    one, other = (
        np.stack([_cells(plane * mask) for plane in image]).astype(np.float64)
        / np.maximum(covered, 0.01)
        for image in (toned, aligned)
    )
    seen = covered >= 0.5
    if np.count_nonzero(seen) < _FEW:
        return Structure(1.0, 1.0, 0.0)
    known = seen.astype(np.float64)
    weight = np.maximum(gaussian_filter(known, 0.8), 0.01)
    off = [gaussian_filter(plane * known, 0.8) / weight for plane in one - other]
    left = float(np.sqrt(np.mean([np.square(plane[seen]) for plane in off])))

    wide = np.maximum(gaussian_filter(known, 1.5), 0.01)

    def level(image: Floats) -> Floats:
        grey = image.mean(axis=0)
        band: Floats = grey - gaussian_filter(grey * known, 1.5) / wide
        return band

    a_band, b_band = level(one), level(other)
    a, b = a_band[seen], b_band[seen]
    middle = correlation_of(a, b) if min(a.std(), b.std()) >= 1 else 1.0
    match = _match(one[:, seen], other[:, seen])
    if middle < _DRAWN[0][1] and b.std() < _SOFTENED * a.std():
        for sigma in _SOFTER:
            around = gaussian_filter(known, sigma)
            inner = seen & (around > _HARDLY_MIXED)
            if np.count_nonzero(inner) < max(_FEW, _ENOUGH * np.count_nonzero(seen)):
                continue
            soft = gaussian_filter(one * known, (0, sigma, sigma)) / np.maximum(around, 0.01)
            if correlation_of(level(soft)[inner], b_band[inner]) >= _DRAWN[1][1]:
                middle = 1.0
                match = max(match, _match(soft[:, inner], other[:, inner]))
    elif middle < _DRAWN[0][1] and a.std() < _SOFTENED * b.std():
        for sigma in _SOFTER:
            around = np.maximum(gaussian_filter(known, sigma), 0.01)
            detail = one - gaussian_filter(one * known, (0, sigma, sigma)) / around
            size, common = (float((detail * by)[:, seen].sum()) for by in (detail, other - one))
            sharp = (one + max(0.0, common) / max(size, 1.0) * detail).clip(0, 255)
            if correlation_of(level(sharp)[seen], b_band[seen]) >= _SHARPENED:
                middle = 1.0
                match = max(match, _match(sharp[:, seen], other[:, seen]))
    return Structure(match, middle, left)


def _match(one: Floats, other: Floats) -> float:
    """Return the correlation of all channels taken together; 1 where both are flat."""
    a, b = (part - part.mean(axis=1, keepdims=True) for part in (one, other))
    if max(float(a.std(axis=1).max()), float(b.std(axis=1).max())) < _FLAT:
        return 1.0
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / size if size > 0 else 0.0


def _cells(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    means: NDArray[np.float32] = block_sums(plane, _CELL, plane.dtype) / np.float32(_CELL**2)
    return means


def rest_causes(
    toned: NDArray[np.float32],
    aligned: NDArray[np.float32],
    reference: Array,
    edited: Array,
    mask: Mask,
    share: float,
    *,
    resampled: bool,
) -> list[Cause]:
    """Name what is left, (3, H, W) images of 255: JPEG by what it would make, blur, an encoder.

    ``resampled`` tells that most of the difference was a motion, not by whole pixels: what little
    resampling leaves is then not explained.
    """
    from scipy.ndimage import gaussian_filter, minimum_filter

    inner = minimum_filter(_bands(mask), size=(1, 5, 5), mode="constant", cval=0)
    if not inner.any():
        return [Cause("re-encoding", share, "re-encoded", {})]
    before, after = (
        (_bands(red) + _bands(green) + _bands(blue)) / 3 for red, green, blue in (toned, aligned)
    )
    off = (before - after) * inner
    level = float(np.sqrt(_product(off, off) / np.count_nonzero(inner)))
    fine_before, fine_after = (
        (image - gaussian_filter(image, (0, 1.5, 1.5), truncate=3)) * inner
        for image in (before, after)
    )
    detail = _product(fine_before, fine_before)
    kept = max(0.0, _product(fine_before, fine_after) / detail) if detail > 0 else 1.0
    rest = fine_after - np.float32(kept) * fine_before
    noise = _product(rest, rest)
    window = crop_on_grid(mask)
    seen = mask[window]
    steps, steps_before = (Steps(image[window], seen) for image in (edited, reference))
    grid, blocky = steps.blockiness, steps.of_jpeg(steps_before)
    quality, corner = None, (0, 0)
    if level >= _SILENT:
        quality, corner = quality_on_grid(
            edited[window], reference[window], seen, (steps, steps_before)
        )
        blocky = blocky or quality is not None
    facts = {
        "detail_kept": round(kept, 3),
        "noise": round(level, 2),
        "blockiness": None if grid is None else round(grid, 3),
    }
    filtered_by = (1 - kept) ** 2 * detail
    filtered = filtered_by > noise
    resampled = resampled and not blocky and not (kept < _RESAMPLED and filtered)
    if level < _SILENT or resampled:
        why = "resampling" if resampled else f"noise {level:.2f} of 255, too little to tell"
        long = f"what is left has no cause found ({why})"
        return [Cause("unexplained", share, "unexplained", facts, long)]
    light = None if blocky or share < _TOLD else evened(toned, aligned, mask)
    if light is not None:
        lit, part = light
        text = "uneven light"
        long = f"uneven light (noise {level:.1f} of 255, slow across the background)"
        cause = Cause("uneven light", share * part, text, facts, long)
        rest_of_it = share * (1 - part)
        more = rest_causes(lit, aligned, reference, edited, mask, rest_of_it, resampled=False)
        return [cause, *more]
    if kept > _SHARP and filtered_by * _STRONGER > noise:
        sharp = sharpened(toned, aligned, mask)
        gone = 1 - _squares(sharp, aligned, mask) / max(_squares(toned, aligned, mask), 1.0)
        text = f"sharpened (noise {level:.1f} of 255, fine detail {kept:.1f} times as strong)"
        cause = Cause("sharpening", share * max(0.0, gone), "sharpened", facts, text)
        rest_of_it = share - cause.share
        more = rest_causes(sharp, aligned, reference, edited, mask, rest_of_it, resampled=False)
        if filtered and not any(one.kind in ("jpeg", "noise") for one in more):
            return [cause.of(share)]
        return [cause, *more]
    found, softened = [], 0.0
    if quality is not None:
        left, top = corner
        seen = seen[top:, left:]
        was, now = (image[:, window[0], window[1]][:, top:, left:] for image in (toned, aligned))
        saved = as_jpeg(was, now, seen, quality)
        softened = saved.softening
        grain = None
        if not softened:
            grain = grain_before(was, now, seen, quality, saved.share)
        part = saved.share if grain is None else 1 - grain[1]
        if part >= _WHOLE and not softened and grain is None:
            part = 1.0
        long = (
            f"encoded as JPEG (quality {_of_file(quality)}, noise {level:.1f} of 255, 8 px blocks"
            f"{_off_grid(corner)})"
        )
        of_file = {"quality": quality, "grid": list(corner)}
        jpeg = Cause("jpeg", share * part, "JPEG", {**facts, **of_file}, long)
        if part == 1.0:
            return [jpeg]
        found.append(jpeg)
        share *= 1 - part
        if grain is not None:
            text = f"noise {grain[0]:.1f} of 255"
            long = f"{text} in each channel, before it was saved as JPEG"
            noisy = {**facts, "noise": round(grain[0], 2)}
            return [jpeg, Cause("noise", share, text, noisy, long)]
        softened /= max(1 - part, 1e-9)
    blocks = blocky and quality is None
    said = f"noise {level:.1f} of 255, {100 * kept:.0f} % of the fine detail left"
    said += ", 8 px blocks" if blocks else ""
    resized = not blocky and steps.periodic(steps_before)
    each = _noise_of_each(toned, aligned, inner)
    untouched = abs(kept - 1) <= _UNTOUCHED and _mean_of(each) >= _LOUD
    open_ = _away_from_ends(toned, inner, _ROOM * _mean_of(each)) if untouched else inner
    if untouched and _is_white(off * open_, fine_before, open_):
        loudest, where = _loudest(each)
        loud = loudest if where else _mean_of(each)
        text = f"noise {loud:.1f} of 255" + (where and f" in {where}")
        facts["noise"] = round(loud, 2)
        spread = "" if where else " in each channel"
        long = f"{text}{spread}, as much where there is detail as where there is none"
        found.append(Cause("noise", share, text, facts, long))
    elif softened >= _MOSTLY or (kept < _BLUR and (filtered or resized)):
        found.append(Cause("blur", share, "blurred", facts, f"blurred ({said})"))
    else:
        text = "re-encoded" + (" in blocks of 8 px" if blocks else "")
        if kept < _BLUR / 1.5:
            text += f", {100 * kept:.0f} % of the fine detail left"
        found.append(Cause("re-encoding", share, text, facts, f"re-encoded ({said})"))
    return found


def _squares(one: Floats32, other: Floats32, mask: Mask) -> float:
    return float(np.square(one - other).sum(where=mask, dtype=np.float64))


def _of_file(quality: int) -> str:
    return f"about {quality}" if quality < FINEST else f"{quality} or more"


def _off_grid(corner: tuple[int, int]) -> str:
    if corner == (0, 0):
        return ""
    return f" that begin at {corner[0]}, {corner[1]}: it was padded before or cropped after"


def _noise_of_each(one: Floats32, other: Floats32, where: NDArray[np.bool_]) -> list[float]:
    """Return the root mean square difference of each channel."""
    count = np.count_nonzero(where)
    planes = (_bands(plane) * where for plane in one - other)
    return [math.sqrt(_product(plane, plane) / count) for plane in planes]


def _mean_of(noise: list[float]) -> float:
    return math.sqrt(sum(one**2 for one in noise) / len(noise))


def _away_from_ends(toned: Floats32, inner: NDArray[np.bool_], room: float) -> NDArray[np.bool_]:
    """Return the pixels of which no channel is near black or white; all where they are few."""
    open_ = inner.copy()
    for plane in map(_bands, toned):
        open_ &= (plane > room) & (plane < 255 - room)
    return open_ if np.count_nonzero(open_) >= _OPEN * np.count_nonzero(inner) else inner


def _loudest(noise: list[float]) -> tuple[float, str]:
    """Return the noise of the loudest channels, and which they are, if another has hardly any."""
    most = max(noise)
    loud = [(one, name) for one, name in zip(noise, _CHANNELS, strict=True) if one > most / 2]
    if min(noise) > _QUIET * most:
        return most, ""
    levels = [one for one, _ in loud]
    return math.sqrt(sum(one**2 for one in levels) / len(levels)), " and ".join(n for _, n in loud)


def _is_white(off: Floats32, fine: Floats32, inner: NDArray[np.bool_]) -> bool:
    """Tell whether a difference is noise of single pixels, the same all over.

    Args:
        off: the difference, (bands, rows, W), zero where not measured.
        fine: the fine detail of the reference, likewise.
        inner: boolean, true where measured.
    """
    from scipy.ndimage import uniform_filter

    total = _product(off, off)
    across, down = _product(off[..., 1:], off[..., :-1]), _product(off[:, 1:], off[:, :-1])
    if max(abs(across), abs(down)) > _WHITE * total:
        return False
    detail = uniform_filter(fine * fine, (1, 9, 9))
    busy = inner & (detail > np.median(detail[inner]))
    calm = inner & ~busy
    if not busy.any() or not calm.any():
        return True
    in_busy, in_calm = (float(np.square(off[part]).mean()) for part in (busy, calm))
    return in_calm / _EVEN**2 <= in_busy <= in_calm * _EVEN**2


def _bands(image: NDArray[KindT]) -> NDArray[KindT]:
    """Return every other band of a large image's rows, (bands, rows, W); a small one as one."""
    height, width = image.shape
    if image.size < _MANY_PIXELS or height < 4 * _BAND:
        return image[None]
    rows = height // (2 * _BAND) * (2 * _BAND)
    return image[:rows].reshape(-1, 2 * _BAND, width)[:, :_BAND]


def _product(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.einsum("bij,bij->bi", one, other).sum(dtype=np.float64))
