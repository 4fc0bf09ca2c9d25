"""A change of tone that is no line: a gamma, or another curve of each channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.align import correlation_of
from pytest_editmetrics.background.cause import Cause, Kind, opposite
from pytest_editmetrics.background.colour_cells import FEW, ColourCells
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.background.tone import Tone

_LEFT = 0.15  # of the square that a line leaves, at most
_SILENT = 2.0  # of 255, squared: a line that leaves less explains all
_TUKEY = 6.0
_NOISE_FLOOR = 0.5  # of 255
_MOST = 0.6  # weight of the cells on the mean: what changed otherwise lies elsewhere
_KNOTS = 24
_APART = 1.0  # of 255, knots
_MORE = 0.03  # of what a line leaves: so much more may be left of a gamma
_TIMES = 1.6
_ON_THE_MEAN = 0.1  # of what a line does to levels on the mean, where an even curve
_EARNED = 0.85  # leaves less than this of what a line leaves
_SAME = 0.95  # correlation: another picture that a curve draws together is none
MOST_FLAT = 0.5
"""Of the range of levels: what became one level, as an object in black, is no curve."""
PLACES = {"shadows": 10, "middle": 50, "lights": 90}
"""Percentiles of the levels that a curve is said by."""
_ONE_POWER = 0.05  # by which the powers of the channels differ,
_OF_POWER = 0.06  # or by so much of their mean
_OPEN = (4.0, 251.0)  # of 255

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """What each level of each channel became, (3, 256), of 255.

    ``power`` is the gamma that it is, if it is one; ``exposure`` how many levels lighter all is;
    ``even`` the levels of shadows, middle and lights, if all channels have one curve.
    """

    levels: Floats
    power: float | None = None
    exposure: float = 0.0
    even: tuple[float, ...] = ()

    @property
    def named(self) -> bool:
        """Whether it has a name, which says more than that of a mix."""
        return self.power is not None or bool(self.even)

    def applied(self, planes: Planes) -> Planes:
        """Return an image (3, H, W), of whole levels of 255, as this makes it."""
        made = np.empty(planes.shape, np.float32)
        for channel, levels in enumerate(self.levels.astype(np.float32)):
            made[channel] = levels[planes[channel].astype(np.uint8)]
        return made

    def cause(self, share: float) -> Cause | None:
        """Return the cause that this is; ``None`` for a curve without a name."""
        if self.even:
            return self._even_cause(share)
        if self.power is None:
            return None
        exposure = f"exposure {self.exposure:+.1f} of 255"
        text = f"gamma {self.power:.2f} ({exposure})"
        long = f"gamma: edited = 255 (reference / 255)^{self.power:.2f}, {exposure}"
        facts = {"gamma": round(self.power, 3), "exposure": round(self.exposure, 2)}
        return Cause("gamma", share, text, facts, long)

    def _even_cause(self, share: float) -> Cause:
        shifts = [float(np.interp(at, range(256), self.levels[0])) - at for at in self.even]
        dark, *_, light = shifts
        told = ", ".join(f"{name} {shift:+.1f}" for name, shift in zip(PLACES, shifts, strict=True))
        at = ", ".join(f"{level:.0f}" for level in self.even)
        text = f"tones changed by a curve ({told} of 255)"
        facts = {
            "curve": [
                [round(level, 1), round(level + shift, 1)]
                for level, shift in zip(self.even, shifts, strict=True)
            ]
        }
        kind: Kind = "contrast" if opposite(dark, light) else "exposure"
        return Cause(kind, share, text, facts, f"{text}, alike in all channels, at levels {at}")


def find_curve(cells: ColourCells, tone: Tone) -> Curve | None:
    """Return the curves that explain clearly more than a tone does, if some do."""
    before, after = cells.before, cells.after
    if len(cells) < FEW or min(tone.gain) < 0:
        return None
    plain = _off(before, after)
    least = np.minimum(
        _off(tone.applied(before[:, :, None].astype(np.float32))[..., 0], after), plain
    )
    if least.mean() < _SILENT:
        return None
    lighter = float(np.median((after - before).mean(axis=0)))
    knots = [_knots(one, other) for one, other in zip(before, after, strict=True)]
    drawn = [np.interp(one, *of) for one, of in zip(before, knots, strict=True)]
    of_curve = _share(_off(drawn, after), least)
    powers = [power_of(one, other) for one, other in zip(before, after, strict=True)]
    power = float(np.mean(powers))
    if np.ptp(powers) <= max(_ONE_POWER, _OF_POWER * power):
        of_power = _share(_off(raised(before, power), after), least)
        fits = of_power <= min(_LEFT, max(_TIMES * of_curve, of_curve + _MORE))
        of_knots = [raised(at, power) for at, _ in knots]
        if fits or _on_the_mean(knots, tone, of_knots) <= _LEFT:
            return Curve(np.stack([raised(np.arange(256.0), power)] * 3), power, lighter)
    even = _knots(before.ravel(), after.ravel())
    drawn_even = np.interp(before, *even)
    of_even = _share(_off(drawn_even, after), least)
    fits = of_even <= min(_LEFT, max(_TIMES * of_curve, of_curve + _MORE))
    evenly = [np.interp(at, *even) for at, _ in knots]
    places = np.percentile(before, list(PLACES.values())).tolist()
    fits = fits or (of_even <= _EARNED and _on_the_mean(knots, tone, evenly) <= _ON_THE_MEAN)
    follows = correlation_of(drawn_even.ravel(), after.ravel()) >= _SAME
    dark, _, light = np.interp(places, *even) - places
    as_a_blur = dark > 0 > light
    if fits and follows and flat(*even) <= MOST_FLAT and not as_a_blur:
        return Curve(np.stack([_drawn(*even)] * 3), None, lighter, tuple(places))
    if of_curve > _LEFT:
        return None
    return Curve(np.stack([_drawn(*of) for of in knots]), None, lighter)


def _on_the_mean(
    knots: Sequence[tuple[Floats, Floats]], tone: Tone, made: Sequence[Floats]
) -> float:
    """Return how much of what a line does a curve leaves, of what levels became on the mean.

    An encoder's noise is not seen there. All of it where a line leaves next to nothing.
    """
    left = of_line = 0.0
    for (at, is_), one, gain, offset in zip(knots, made, tone.gain, tone.offset, strict=True):
        left += float(np.square(one - is_).mean())
        of_line += float(np.square((gain * at + offset).clip(0, 255) - is_).mean())
    return 1.0 if of_line < _SILENT else left / of_line


def _share(left: Floats, least: Floats) -> float:
    """Return how much of what a line leaves is left, where it is not something else that changed.

    All of it where too much changed otherwise, or a line leaves next to nothing.
    """
    spread = max(_NOISE_FLOOR, 1.4826 * float(np.median(np.sqrt(left))))
    weights = np.clip(1 - left / (_TUKEY * spread) ** 2, 0, None) ** 2
    if weights.mean() < _MOST or weights @ least < _SILENT * weights.sum():
        return 1.0
    return float(weights @ left) / float(weights @ least)


def _knots(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Return what levels became, never less than a darker one did; medians of equal numbers."""
    order = np.argsort(one)
    at, is_ = (
        np.array([np.median(part) for part in np.array_split(values[order], _KNOTS)])
        for values in (one, other)
    )
    is_ = np.maximum.accumulate(is_)
    kept = np.concatenate([[True], np.diff(at) > _APART])
    return at[kept], is_[kept]


def flat(at: NDArray[Any], is_: Floats) -> float:
    """Return the share of the range of levels whose differences are gone."""
    apart = np.diff(at)
    return float(apart[np.diff(is_) < apart / 20].sum() / max(float(apart.sum()), 1.0))


def _drawn(at: Floats, is_: Floats) -> Floats:
    """Return a curve through knots, beyond them as steep as between the outermost two."""
    levels = np.arange(256.0)
    curve = np.interp(levels, at, is_)
    if len(at) > 1:
        first, last = (is_[1] - is_[0]) / (at[1] - at[0]), (is_[-1] - is_[-2]) / (at[-1] - at[-2])
        curve += np.minimum(levels - at[0], 0) * first + np.maximum(levels - at[-1], 0) * last
    clipped: Floats = curve.clip(0, 255)
    return clipped


def power_of(one: Floats, other: Floats) -> float:
    """Return the gamma that levels of 255 changed by; NaN where too few are seen."""
    low, high = _OPEN
    seen = (one > low) & (one < high) & (other > low) & (other < high)
    if np.count_nonzero(seen) < FEW:
        return float("nan")
    was, is_ = np.log(one[seen] / 255), np.log(other[seen] / 255)
    return float(np.median(is_ / was))


def raised(levels: Floats, power: float) -> Floats:
    """Return what a gamma makes of levels of 255."""
    return 255 * (levels / 255) ** power


def _off(one: Any, other: Floats) -> Floats:
    squares: Floats = np.square(np.asarray(one) - other).sum(axis=0)
    return squares
