"""Whether the channels of a background were exchanged, or its colours lost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.cause import Cause
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_LEFT = 0.1  # of the squared difference, at most
_NAMES = "RGB"
_SWAPPED = {
    "BGR": "red and blue are swapped (BGR?)",
    "GRB": "red and green are swapped (GRB?)",
    "RBG": "green and blue are swapped (RBG?)",
}
_BRIGHTNESS = ((0.299, 0.587, 0.114), (1 / 3, 1 / 3, 1 / 3))
_COLOURLESS = 4.0  # of 255, by which the channels of a grey pixel differ
_COLOURLESS_SHARE = 0.99  # of the pixels
_COLOURED = 8.0  # of 255, by which those of a picture in colour differ, on the mean


def channels_cause(before: Planes, after: Planes, mask: Mask) -> tuple[Cause, Array] | None:
    """Return what became of the channels, where that explains nearly all of the difference.

    Args:
        before: float32 (3, H, W), of 255.
        after: the same.
        mask: boolean (H, W), true for the background; some of it differs.

    Returns:
        The cause, and the reference with such channels, uint8 (H, W, 3).

    >>> picture = np.random.default_rng(0).integers(0, 255, (3, 16, 16)).astype(np.float32)
    >>> found = channels_cause(picture, picture[::-1], np.ones((16, 16), bool))
    >>> found[0].text, found[0].share
    ('red and blue are swapped (BGR?)', 1.0)
    >>> channels_cause(picture, picture + 9, np.ones((16, 16), bool)) is None
    True
    """
    apart = np.array([[_squares(one, other, mask) for other in after] for one in before])
    orders = {order: float(sum(apart[order, range(3)])) for order in permutations(range(3))}
    total = orders.pop((0, 1, 2))
    order = min(orders, key=orders.__getitem__)
    if orders[order] <= _LEFT * total:
        name = "".join(_NAMES[channel] for channel in order)
        text = _SWAPPED.get(name, f"the channels are in another order ({name}?)")
        cause = Cause("channels", 1 - orders[order] / total, text, {"order": name})
        return cause, _image(before[list(order)])
    for grey in _greys(before, after, mask):
        left = sum(_squares(grey, channel, mask) for channel in after)
        if left <= _LEFT * total:
            cause = Cause("greyscale", 1 - left / total, "lost its colours (greyscale)", {})
            return cause, _image(np.stack([grey] * 3))
    return None


def _greys(before: Planes, after: Planes, mask: Mask) -> Iterator[NDArray[np.float32]]:
    """Give the reference without colours, in each of the usual ways, if it lost them."""
    colourless = np.ptp(after, axis=0)[mask] <= _COLOURLESS
    if colourless.mean() < _COLOURLESS_SHARE or np.ptp(before, axis=0)[mask].mean() < _COLOURED:
        return
    for weights in _BRIGHTNESS:
        yield np.tensordot(np.array(weights, np.float32), before, 1).round()


def _squares(one: NDArray[np.float32], other: NDArray[np.float32], mask: Mask) -> float:
    return float(np.sum(np.square(one - other), where=mask, dtype=np.float64))


def _image(planes: Planes) -> Array:
    return np.ascontiguousarray(np.moveaxis(planes, 0, 2).astype(np.uint8))
