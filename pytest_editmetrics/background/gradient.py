"""Whether a background became lighter on one side and darker on the other: a gradient of light."""

from __future__ import annotations

import numpy as np

from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.background.light_cells import FEW, SILENT, Floats, cell_means, fitted
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_LEFT = 0.2  # of the square that lines of the channels leave, at most
_LEAST = 0.04  # of the light, from the darkest to the lightest place
_OPEN = (4.0, 251.0)  # of 255
_WHITE = 255
_APART = 0.25  # of the light's change: channels that differ by less changed alike
_PLACES = {
    "left": (0, -1), "right": (0, 1), "top": (-1, 0), "bottom": (1, 0), "middle": (0, 0),
    "top left": (-1, -1), "top right": (-1, 1), "bottom left": (1, -1), "bottom right": (1, 1),
}  # fmt: skip
_AS_MUCH = 0.15  # of the light's change: a side that lacks less is told before a corner
_NAMES = ("red", "green", "blue")


def find_gradient(before: Planes, after: Planes, mask: Mask) -> tuple[Cause, Array] | None:
    """Return a gradient, without its share, and the reference with it, RGB, uint8, (H, W, 3).

    The light of each channel is a sum of the place and its squares, times what was there; it
    explains most of what a gain and an offset of each channel leave.

    Args:
        before: float32 (3, H, W), of 255.
        after: the same, aligned with it.
        mask: boolean (H, W), true for the background.
    """
    whole = cell_means(mask.astype(np.float32)) == 1
    if np.count_nonzero(whole) < FEW:
        return None
    places = _places(*whole.shape)
    at = places[:, whole]
    channels, plain = [], 0.0
    for was, is_ in zip(before, after, strict=True):
        one, other = (cell_means(plane)[whole].astype(np.float64) for plane in (was, is_))
        seen = (min(_OPEN) < other) & (other < max(_OPEN)) & (one < max(_OPEN))
        if np.count_nonzero(seen) < FEW:
            return None
        channels.append((one, other, seen))
        plain += _of_line(one[seen], other[seen])
    if plain < SILENT:
        return None
    of_line = left = 0.0
    lights = []
    for is_, (one, other, seen) in zip(after, channels, strict=True):
        uncut = seen & (cell_means((is_ >= _WHITE).astype(np.float32))[whole] == 0)
        if np.count_nonzero(uncut) >= FEW:  # white cuts off light
            seen = uncut
        one, other = one[seen], other[seen]
        of_line += _of_line(one, other)
        light, more = fitted(np.stack([*(one * at[:, seen]), np.ones_like(one)]), other)
        left += more
        mean = float(light[:-1] @ at.mean(axis=1))
        if mean <= 0:
            return None
        lights.append(light[:-1] / mean)
    if of_line < SILENT or left > _LEFT * of_line * min(1.0, of_line / (3 * SILENT)):
        return None
    corners = _terms(*np.array(list(_PLACES.values()), np.float64).T)
    there = np.stack(lights) @ corners - 1
    if np.ptp(there, axis=1).max() < _LEAST:
        return None
    fine = _places(*mask.shape).astype(np.float32)
    made = np.empty_like(before)
    for plane, was, light in zip(made, before, lights, strict=True):
        plane[:] = was * np.tensordot(light.astype(np.float32), fine, 1)
    lit = np.clip(np.rint(made), 0, 255).astype(np.uint8)
    text = "uneven light: " + _told(there)
    facts = {
        name: dict(zip(_PLACES, of.round(3).tolist(), strict=True))
        for name, of in zip(_NAMES, there, strict=True)
    }
    return Cause("uneven light", 1.0, text, facts), np.ascontiguousarray(np.moveaxis(lit, 0, 2))


def _of_line(one: Floats, other: Floats) -> float:
    """Return the mean square that a gain and an offset leave."""
    return fitted(np.stack([one, np.ones_like(one)]), other)[1]


def _told(there: Floats) -> str:
    """Return where it became darker, and where lighter; of each channel, if these differ."""
    alike = there.mean(axis=0)
    if np.abs(there - alike).max() <= _APART * np.ptp(there, axis=1).max():
        return _from_to(alike)
    each = zip(_NAMES, there, strict=True)
    return ", ".join(f"{name} {_from_to(of)}" for name, of in each if np.ptp(of) >= _LEAST)


def _from_to(there: Floats) -> str:
    near = _AS_MUCH * np.ptp(there)
    ends = np.argmax(there <= there.min() + near), np.argmax(there >= there.max() - near)
    names = list(_PLACES)
    return " and ".join(f"{100 * there[at]:+.0f} % at the {names[at]}" for at in ends)


def _places(height: int, width: int) -> Floats:
    """Return the terms of each place, (6, H, W)."""
    down, across = (np.linspace(-1, 1, edge) for edge in (height, width))
    y, x = np.broadcast_arrays(down[:, None], across)
    return _terms(y, x)


def _terms(y: Floats, x: Floats) -> Floats:
    return np.stack([np.ones_like(y), y, x, y * y, y * x, x * x])
