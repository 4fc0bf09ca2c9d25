"""Whether an image got noise before it was saved as JPEG, which takes part of the noise away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.jpeg import as_saved
from pytest_editmetrics.images.channels import average
from pytest_editmetrics.images.regions import Mask

Floats = NDArray[np.float32]
_EARNED = 0.7  # of the squared difference: what JPEG alone makes at most, beside a noise
_LEAST, _MOST = 1.5, 32.0  # of 255
_STEPS = 6
_FINE = 1.5  # pixels
_EVEN = 1.2  # times as strong as a noise makes it, where there is detail and where there is none
_ALIKE = 0.12  # correlation of neighbours, from that of a noise which was saved so
_KEPT = 0.9  # of the fine detail that is left of a picture which had that noise: it takes none off
_AROUND = 9  # pixels
_SUBSAMPLED = 2  # 4:2:0


def grain_before(
    before: Floats, after: Floats, seen: Mask, quality: int, alone: float
) -> tuple[float, float] | None:
    """Return how strong a noise was, of 255, and its share of the squared difference; or ``None``.

    Args:
        before: what should be there, levels of 255, (3, H, W), its corner on the grid of JPEG.
        after: what is there, likewise: it was saved as JPEG.
        seen: boolean (H, W), true where measured.
        quality: of that JPEG.
        alone: the share that it has without a noise.
    """
    if alone > _EARNED:
        return None
    off = _off(before, after, seen)
    wanted = float(np.vdot(off, off))
    noise = np.random.default_rng(0).normal(0, 1, before.shape).astype(np.float32)

    def saved(sigma: float) -> Floats:
        grained = np.clip(before + np.float32(sigma) * noise, 0, 255)
        made = as_saved(grained, quality, _SUBSAMPLED).astype(np.float32)
        return _off(before, np.moveaxis(made, 2, 0), seen)

    low, high = 0.0, _MOST
    for _ in range(_STEPS):
        sigma = (low + high) / 2
        made = saved(sigma)
        low, high = (sigma, high) if float(np.vdot(made, made)) < wanted else (low, sigma)
    sigma = (low + high) / 2
    if sigma < _LEAST:
        return None
    made = saved(sigma)
    if max(abs(one - other) for one, other in zip(_near(off), _near(made), strict=True)) > _ALIKE:
        return None
    if _detail(before, after, seen) < _KEPT * _detail(before, before + made, seen):
        return None  # as an encoding before that one, which spares no detail
    for part in _calm_and_busy(before, seen):
        is_, would = (float(np.square(one[:, part]).sum()) for one in (off, made))
        if not would / _EVEN <= is_ <= would * _EVEN:
            return None
    return sigma, 1 - alone


def _off(before: Floats, after: Floats, seen: Mask) -> Floats:
    off: Floats = (after - before) * seen
    return off


def _detail(before: Floats, after: Floats, seen: Mask) -> float:
    """Return how much of the fine detail is left, in what its own size is."""
    from scipy.ndimage import gaussian_filter

    def fine(image: Floats) -> Floats:
        grey = average(np.moveaxis(image, 0, 2))
        detail: Floats = (grey - gaussian_filter(grey, _FINE)) * seen
        return detail

    return float(np.vdot(fine(before), fine(after)))


def _near(off: Floats) -> tuple[float, float]:
    """Return how neighbours across, and down, correlate."""
    grey = average(np.moveaxis(off, 0, 2))
    size = max(float(np.vdot(grey, grey)), 1.0)
    across, down = (grey[:, 1:] * grey[:, :-1]).sum(), (grey[1:] * grey[:-1]).sum()
    return float(across) / size, float(down) / size


def _calm_and_busy(before: Floats, seen: Mask) -> tuple[Mask, Mask]:
    from scipy.ndimage import gaussian_filter, uniform_filter

    grey = average(np.moveaxis(before, 0, 2))
    detail = uniform_filter(np.square(grey - gaussian_filter(grey, _FINE)), _AROUND)
    busy = detail > np.median(detail[seen])
    return seen & ~busy, seen & busy
