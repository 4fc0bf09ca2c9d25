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


def _blur(sigma: float) -> Callable[[Array], Array]:
    blurred = ImageFilter.GaussianBlur(sigma)
    return lambda image: np.asarray(Image.fromarray(image).filter(blurred))


def _jpeg(quality: int) -> Callable[[Array], Array]:
    def jpeg(image: Array) -> Array:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return jpeg


def _zoom(percent: float) -> Callable[[Array], Array]:
    def zoomed(image: Array) -> Array:
        height, width = image.shape[:2]
        cut = percent / (100 + percent) / 2
        box = (width * cut, height * cut, width * (1 - cut), height * (1 - cut))
        picture = Image.fromarray(image)
        return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC, box=box))

    return zoomed


def _noise(sigma: float) -> Callable[[Array], Array]:
    def noisy(image: Array) -> Array:
        noise = np.random.default_rng(0).normal(0, sigma, image.shape)
        made: Array = (image + noise).clip(0, 255).round().astype(np.uint8)
        return made

    return noisy


def _scaled(*gains: float) -> Callable[[Array], Array]:
    def scaled(image: Array) -> Array:
        made: Array = (image * np.array(gains)).clip(0, 255).round().astype(np.uint8)
        return made

    return scaled


def _free(inside: Mask, size: int) -> Mask | None:
    """Return where squares of that size lie outside the edit area, by their top left corners."""
    if min(inside.shape) < size:
        return None
    room = np.cumsum(np.cumsum(np.pad(inside, ((1, 0), (1, 0))).astype(np.int64), 0), 1)
    filled = room[size:, size:] - room[:-size, size:] - room[size:, :-size]
    free: Mask = filled + room[:-size, :-size] == 0
    return free if free.any() else None


def _spill(size: int) -> Make:
    """Return a change of a square outside the edit area, as far as one fits, by 64 levels."""

    def spilled(reference: Array, edited: Array, inside: Mask) -> Array | None:
        from scipy.ndimage import distance_transform_edt

        if (free := _free(inside, size)) is None:
            return None
        half = size // 2
        away = distance_transform_edt(~inside) if inside.any() else np.zeros(inside.shape)
        far = np.where(free, away[half : half + free.shape[0], half : half + free.shape[1]], -1)
        top, left = np.unravel_index(int(far.argmax()), far.shape)
        made: Array = edited.copy()
        square = made[top : top + size, left : left + size].astype(np.int16)
        square += np.where(square < 128, 64, -64).astype(np.int16)
        made[top : top + size, left : left + size] = square.clip(0, 255)
        return made

    return spilled


def _gone(size: int) -> Make:
    """Return the loss of a square outside the edit area, the one with the most in it."""

    def lost(reference: Array, edited: Array, inside: Mask) -> Array | None:
        from scipy.ndimage import uniform_filter

        if (free := _free(inside, size)) is None:
            return None
        grey = reference.mean(axis=2)
        varied = uniform_filter(grey**2, size) - uniform_filter(grey, size) ** 2
        half = size // 2
        much = np.where(free, varied[half : half + free.shape[0], half : half + free.shape[1]], -1)
        top, left = np.unravel_index(int(much.argmax()), much.shape)
        made: Array = edited.copy()
        square = made[top : top + size, left : left + size]
        border = np.concatenate([square[0], square[-1], square[:, 0], square[:, -1]])
        made[top : top + size, left : left + size] = np.median(border, axis=0).astype(np.uint8)
        return made

    return lost


def _undone(reference: Array, edited: Array, inside: Mask) -> Array | None:
    if not inside.any():
        return None
    made: Array = np.where(inside[..., None], reference, edited)
    return made


FAULTS: Mapping[str, Fault] = {
    "shift-1px": Fault("background shifted by 1 px", _outside(_shift(1))),
    "shift-3px": Fault("background shifted by 3 px", _outside(_shift(3))),
    "blur": Fault("background blurred (sigma 1 px)", _outside(_blur(1.0))),
    "exposure": Fault("background 4 % brighter", _outside(_scaled(1.04, 1.04, 1.04))),
    "colour-cast": Fault(
        "background 3 % redder, 3 % less blue", _outside(_scaled(1.03, 1.0, 0.97))
    ),
    "jpeg-60": Fault("background through JPEG 60", _outside(_jpeg(60))),
    "spill-32px": Fault("a square of 32 px changed outside the edit area", _spill(SPILL)),
    "edit-undone": Fault("the edit area as in the reference", _undone),
}


@dataclass(frozen=True)
class Graded:
    """A fault of several strengths, from weak to strong: in words, its unit, and what makes it."""

    text: str
    unit: str
    strengths: tuple[float, ...]
    make: Callable[[float], Make]

    def at(self, strength: float) -> Fault:
        """Return the fault of a strength."""
        return Fault(f"{self.text}: {strength:g} {self.unit}".strip(), self.make(strength))


def _whole(change: Callable[[float], Callable[[Array], Array]]) -> Callable[[float], Make]:
    return lambda strength: _outside(change(strength))


GRADED: Mapping[str, Graded] = {
    "shift": Graded("background shifted", "px", (1, 2, 4, 8, 16), _whole(lambda s: _shift(int(s)))),
    "zoom": Graded("background zoomed", "%", (0.5, 1, 2, 5, 10), _whole(_zoom)),
    "blur": Graded("background blurred", "px (sigma)", (0.5, 1, 2, 4, 8), _whole(_blur)),
    "noise": Graded("noise over the background", "levels", (1, 2, 5, 10, 20), _whole(_noise)),
    "exposure": Graded(
        "background darker",
        "%",
        (1, 2, 5, 10, 20),
        _whole(lambda s: _scaled(*[1 - s / 100] * 3)),
    ),
    "colour-cast": Graded(
        "background redder, and less blue",
        "%",
        (1, 2, 5, 10, 20),
        _whole(lambda s: _scaled(1 + s / 100, 1, 1 - s / 100)),
    ),
    "jpeg": Graded(
        "background through JPEG",
        "quality",
        (95, 90, 75, 60, 40, 20, 10),
        _whole(lambda s: _jpeg(int(s))),
    ),
    "spill": Graded(
        "a square changed outside the edit area",
        "px",
        (4, 8, 16, 32, 64),
        lambda s: _spill(int(s)),
    ),
    "gone": Graded(
        "a square of the background gone", "px", (8, 16, 24, 32, 48, 64), lambda s: _gone(int(s))
    ),
    "edit-undone": Graded("the edit area as in the reference", "", (1,), lambda _: _undone),
}
"""The faults of which ``editmetrics expect`` tells from which strength they fail."""
