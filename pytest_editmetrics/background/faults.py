"""Faults of known strength, put into an edited image to see whether its thresholds notice."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageFilter

from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

# of reference and edited, RGB uint8 (H, W, 3), and the edit area, boolean (H, W); None: no room
Make: TypeAlias = Callable[[Array, Array, Mask], "Array | None"]

SPILL = 32


@dataclass(frozen=True)
class Fault:
    """A fault: what it is in words, and what makes it."""

    text: str
    make: Make


def _outside(change: Callable[[Array], Array]) -> Make:
    """Return a fault of the whole image, which the edit area is spared."""

    def make(reference: Array, edited: Array, inside: Mask) -> Array | None:
        if inside.all():
            return None
        made: Array = np.where(inside[..., None], edited, change(edited))
        return made

    return make


def _shift(by: int) -> Callable[[Array], Array]:
    return lambda image: np.concatenate([image[:, :1]] * by + [image[:, :-by]], axis=1)


def _blur(image: Array) -> Array:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(1.0)))


def _jpeg(image: Array) -> Array:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


def _scaled(*gains: float) -> Callable[[Array], Array]:
    def scaled(image: Array) -> Array:
        made: Array = (image * np.array(gains)).clip(0, 255).round().astype(np.uint8)
        return made

    return scaled


def _spill(reference: Array, edited: Array, inside: Mask) -> Array | None:
    """Change a square outside the edit area, as far from it as one fits, by 64 levels."""
    from scipy.ndimage import distance_transform_edt

    height, width = inside.shape
    if min(height, width) < SPILL:
        return None
    room = np.cumsum(np.cumsum(np.pad(inside, ((1, 0), (1, 0))).astype(np.int64), 0), 1)
    filled = room[SPILL:, SPILL:] - room[:-SPILL, SPILL:] - room[SPILL:, :-SPILL]
    free = filled + room[:-SPILL, :-SPILL] == 0
    if not free.any():
        return None
    half = SPILL // 2
    away = distance_transform_edt(~inside) if inside.any() else np.zeros((height, width))
    far = np.where(free, away[half : half + free.shape[0], half : half + free.shape[1]], -1)
    top, left = np.unravel_index(int(far.argmax()), far.shape)
    made: Array = edited.copy()
    square = made[top : top + SPILL, left : left + SPILL].astype(np.int16)
    square += np.where(square < 128, 64, -64).astype(np.int16)
    made[top : top + SPILL, left : left + SPILL] = square.clip(0, 255)
    return made


def _undone(reference: Array, edited: Array, inside: Mask) -> Array | None:
    if not inside.any():
        return None
    made: Array = np.where(inside[..., None], reference, edited)
    return made


FAULTS: Mapping[str, Fault] = {
    "shift-1px": Fault("background shifted by 1 px", _outside(_shift(1))),
    "shift-3px": Fault("background shifted by 3 px", _outside(_shift(3))),
    "blur": Fault("background blurred (sigma 1 px)", _outside(_blur)),
    "exposure": Fault("background 4 % brighter", _outside(_scaled(1.04, 1.04, 1.04))),
    "colour-cast": Fault(
        "background 3 % redder, 3 % less blue", _outside(_scaled(1.03, 1.0, 0.97))
    ),
    "jpeg-60": Fault("background through JPEG 60", _outside(_jpeg)),
    "spill-32px": Fault("a square of 32 px changed outside the edit area", _spill),
    "edit-undone": Fault("the edit area as in the reference", _undone),
}
