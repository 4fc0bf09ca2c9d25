"""Colours of which each channel became a mix of all three: another saturation, hue, colour space.

No gain and offset of single channels explains that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import correlation_of
from pytest_editmetrics.background.cause import Cause, is_contrast
from pytest_editmetrics.background.colour_cells import FEW, ColourCells
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.background.tone import Tone

_LEFT = 0.2  # of the square that a tone leaves, at most
_SILENT = 1.0  # of 255, squared: a tone that leaves less explains all
_TUKEY = 6.0
_NOISE_FLOOR = 0.5  # of 255
_ROUNDS = 4
_MOST = 0.6  # weight of the cells on the mean: what changed otherwise lies elsewhere
_LUMAS = ((0.299, 0.587, 0.114), (0.2126, 0.7152, 0.0722))
_LEAST_GAIN = 0.2  # less is no mix: nothing of the channels is left
_MORE = 0.03  # of what a tone leaves: so much more may be left of a change of saturation
_TIMES = 1.6
_NOISY = 0.7  # of what a tone leaves: more than _LEFT of it may be an encoder's noise beside a
_SATURATED = 0.05  # saturation that far from 1, if twelve numbers explain hardly more than that
_EXPOSED = 1.0  # of 255: less is no exposure beside it
_CONTRAST = 0.03  # gain from 1: less is no contrast beside it
_BIN = 24.0  # of 255: colours so near are averaged, which leaves no noise of an encoder
_OF_BIN = 6  # cells
_FEW_BINS = 12
_LEFT_OF_BINS = 0.15  # of the square that a tone leaves of these, at most
_SAME = 0.95  # correlation: another picture that a mix draws together is none
_MIXED = 0.5  # of the square by which a matrix is no unit matrix
_OFF_BINS = 3.0  # of 255, squared: a tone that leaves less of these explains all

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mix:
    """``edited = matrix @ reference + offset``, offsets of 255.

    ``saturation`` is how strong colours are of what they were, if that is all that changed;
    ``exposure`` how many levels lighter all is beside it, ``contrast`` the gain of that.
    """

    matrix: Floats
    offset: Floats
    saturation: float | None = None
    exposure: float = 0.0
    contrast: float | None = None

    def applied(self, planes: NDArray[Any]) -> Planes:
        """Return colours (3, ...), of 255, as this makes them; clipped to [0, 255]."""
        made = np.tensordot(self.matrix.astype(np.float32), planes, 1)
        made += self.offset.astype(np.float32).reshape(3, *[1] * (planes.ndim - 1))
        mixed: Planes = made.clip(0, 255)
        return mixed

    def cause(self, share: float) -> Cause:
        """Return the cause that this is."""
        facts: dict[str, Any] = {
            "matrix": self.matrix.round(4).tolist(),
            "offset": self.offset.round(2).tolist(),
        }
        if self.saturation is None:
            text = "colours mixed between channels (as by a hue, a colour space or a sepia filter)"
            return Cause("colours mixed", share, text, facts)
        text = f"saturation {100 * (self.saturation - 1):+.0f} %"
        if self.contrast is not None:
            text += f", contrast {100 * (self.contrast - 1):+.0f} %"
            facts["contrast"] = round(self.contrast, 3)
        elif abs(self.exposure) >= _EXPOSED:
            text += f", exposure {self.exposure:+.1f} of 255"
        facts["saturation"] = round(self.saturation, 3)
        return Cause("colours mixed", share, text, facts)


def fit_mix(before: Floats, after: Floats, weights: Floats | None = None) -> Mix:
    """Fit what mix of channels brings colours (3, n) nearest to others, by least squares."""
    known = np.vstack([before, np.ones(before.shape[1])]).T
    wanted = after.T
    if weights is not None:
        known, wanted = known * weights[:, None], wanted * weights[:, None]
    change = np.linalg.lstsq(known, wanted, rcond=None)[0]
    return Mix(change[:3].T, change[3])


def find_mix(cells: ColourCells, tone: Tone) -> Mix | None:
    """Return the mix of channels that explains clearly more than a tone does, if one does."""
    before, after = cells.before, cells.after
    if len(cells) < FEW or max(tone.gain) < 0:
        return None  # an inverted tone says more
    toned = tone.applied(before[:, :, None].astype(np.float32))[..., 0]
    of_tone, plain = _off(toned, after), _off(before, after)
    if min(of_tone.mean(), plain.mean()) < _SILENT:
        return None
    weights = np.ones(len(cells))
    mix, left = Mix(np.eye(3), np.zeros(3)), plain
    for _ in range(_ROUNDS):
        mix = fit_mix(before, after, np.sqrt(weights))
        left = _off(mix.applied(before), after)
        spread = max(_NOISE_FLOOR, 1.4826 * float(np.median(np.sqrt(left))))
        weights = np.clip(1 - left / (_TUKEY * spread) ** 2, 0, None) ** 2
    if weights.mean() < _MOST or np.abs(mix.matrix).sum(axis=1).max() < _LEAST_GAIN:
        return None
    of_mix = float(weights @ left)
    least = min(float(weights @ of_tone), float(weights @ plain))
    if least < _SILENT * weights.sum() or of_mix > _NOISY * least:
        return None
    noisy = of_mix > _LEFT * least
    most = of_mix + _MORE * least if noisy else max(_TIMES * of_mix, of_mix + _MORE * least)
    for luma in _LUMAS:
        pure = _saturated(before, after, np.array(luma), weights)
        if pure is None or float(weights @ _off(pure.applied(before), after)) > most:
            continue
        if not noisy or _everywhere(before, after, pure):
            return pure
    return _of_bins(before, after, tone) if noisy else mix


def _of_bins(before: Floats, after: Floats, tone: Tone) -> Mix | None:
    """Return the mix that explains what colours became on the mean, where noise is not seen."""
    places = (before // _BIN).astype(np.int64)
    known, at, count = np.unique(places, axis=1, return_inverse=True, return_counts=True)
    many = count >= _OF_BIN
    if np.count_nonzero(many) < _FEW_BINS:
        return None
    was, is_ = (
        np.stack([np.bincount(at.ravel(), one, known.shape[1]) / count for one in colours])[:, many]
        for colours in (before, after)
    )
    toned = tone.applied(was[:, :, None].astype(np.float32))[..., 0]
    least = min(float(_off(one, is_).mean()) for one in (toned, was))
    mix = fit_mix(was, is_)
    left = float(_off(mix.applied(was), is_).mean())
    if least < _OFF_BINS or left > _LEFT_OF_BINS * least:
        return None
    weaker = mix.matrix - np.trace(mix.matrix) / 3 * np.eye(3)
    if np.square(weaker).sum() < _MIXED * np.square(mix.matrix - np.eye(3)).sum():
        return None  # each channel lost contrast by itself, as in a blur
    same = correlation_of(mix.applied(before).ravel().astype(np.float64), after.ravel())
    return mix if same >= _SAME else None


def _saturated(before: Floats, after: Floats, luma: Floats, weights: Floats) -> Mix | None:
    """Return the change of saturation and brightness that fits best."""
    was, is_ = luma @ before, luma @ after
    coloured, colour = before - was, after - is_
    size = float((weights * coloured**2).sum())
    if size <= 0:
        return None
    strength = float((weights * coloured * colour).sum()) / size
    root = np.sqrt(weights)
    known = np.vstack([was, np.ones_like(was)]).T * root[:, None]
    gain, offset = map(float, np.linalg.lstsq(known, is_ * root, rcond=None)[0])
    if gain <= 0 or strength < 0:
        return None
    matrix = strength * np.eye(3) + (gain - strength) * luma
    lighter = (gain - 1) * float(weights @ was / weights.sum()) + offset
    low, high = np.percentile(was, (5, 95)).tolist()
    contrasted = abs(gain - 1) >= _CONTRAST and is_contrast(gain, offset, (low, high))
    contrast = gain if contrasted else None
    return Mix(matrix, np.full(3, offset), strength / gain, lighter, contrast)


def _everywhere(before: Floats, after: Floats, mix: Mix) -> bool:
    """Tell whether half of what has colour became as saturated, by half of the change, or more."""
    assert mix.saturation is not None
    if abs(mix.saturation - 1) < _SATURATED:
        return False
    had, has = (colours - colours.mean(axis=0) for colours in (before, after))
    size = (had * had).sum(axis=0)
    strong = size >= max(1.0, float(np.median(size)))
    if not strong.any():
        return False
    kept = (had * has).sum(axis=0)[strong] / size[strong]
    strength = float(mix.matrix[0, 0] - mix.matrix[1, 0])
    return bool(np.median(np.abs(kept - strength)) <= abs(mix.saturation - 1) / 2)


def _off(one: NDArray[Any], other: Floats) -> Floats:
    squares: Floats = np.square(one - other).sum(axis=0)
    return squares
