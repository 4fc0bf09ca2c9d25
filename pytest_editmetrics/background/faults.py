"""Faults of known strength, put into an edited image to see whether its bounds notice.

Each is declared once, with its strengths from weak to strong, and with what it is put into: the
background, the edit area, the objects in their boxes, or a whole image. Those of a wrong edit stand
for the edit of another prompt: all is as it was but for what lies in the edit area.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from PIL import Image, ImageFilter

from pytest_editmetrics.background.object_faults import moved, recoloured, removed, replaced
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

Place = Literal["background", "edit", "area", "wrong", "objects", "image"]
"""What a fault is put into: all but the edit area; the edit area, of which a gate asks that it
changed, or that it is alike, or where the edit may be a wrong one; the objects' boxes in the edited
image; or what is measured of an image that has a golden."""

# of the edited image and the reference, RGB uint8 (H, W, 3), where, boolean (H, W), not empty, and
# the strength; None: there is no room
Make: TypeAlias = Callable[[Array, Array, Mask, float], "Array | None"]

_LEVELS = 64
_QUALITY = "quality"


@dataclass(frozen=True)
class Fault:
    """A fault: what it is in words, what makes it, how strong it may be, weak to strong.

    ``unit`` stands behind a strength (``3 px``); a fault without one has one strength and is
    called by its name alone. ``seen_by`` is what notices it where gates that look elsewhere do not.
    """

    text: str
    make: Make
    strengths: tuple[float, ...] = (1.0,)
    unit: str = ""
    seen_by: str = ""

    def named(self, strength: float) -> str:
        """Return a strength in words, empty for a fault that has only one.

        >>> faults = FAULTS["background"]
        >>> faults["shift"].named(4), faults["noise"].named(1), faults["jpeg"].named(95)
        ('4 px', '1 level', 'quality 95')
        """
        if self.unit == _QUALITY:
            return f"{self.unit} {strength:g}"
        unit = self.unit.removesuffix("s") if strength == 1 else self.unit
        return f"{strength:g} {unit}" if unit else ""

    def at(self, strength: float) -> Fault:
        """Return the fault with one strength alone."""
        return replace(self, strengths=(strength,))

    def put(self, edited: Array, reference: Array, where: Mask, strength: float) -> Array | None:
        """Return the edited image with the fault in it.

        ``None`` if it finds no room, or changes no pixel.
        """
        if not where.any():
            return None
        made = self.make(edited, reference, where, strength)
        if made is None or np.array_equal(made, edited):
            return None
        return np.ascontiguousarray(made)


def _within(change: Callable[[float], Callable[[Array], Array]]) -> Make:
    """Return a fault that changes the image, all but what lies elsewhere."""

    def make(edited: Array, reference: Array, where: Mask, strength: float) -> Array:
        made: Array = np.where(where[..., None], change(strength)(edited), edited)
        return made

    return make


def _shift(by: float) -> Callable[[Array], Array]:
    def shifted(image: Array) -> Array:
        px = min(int(by), image.shape[1] - 1)
        return np.concatenate([image[:, :1]] * px + [image[:, : image.shape[1] - px]], axis=1)

    return shifted


def _blur(sigma: float) -> Callable[[Array], Array]:
    blurred = ImageFilter.GaussianBlur(sigma)
    return lambda image: np.asarray(Image.fromarray(image).filter(blurred))


def _jpeg(quality: float) -> Callable[[Array], Array]:
    def jpeg(image: Array) -> Array:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=int(quality))
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


def _free(where: Mask, size: int) -> Mask | None:
    """Return where squares of that size lie wholly inside, by their top left corners."""
    if min(where.shape) < size:
        return None
    taken = np.cumsum(np.cumsum(np.pad(~where, ((1, 0), (1, 0))).astype(np.int64), 0), 1)
    filled = taken[size:, size:] - taken[:-size, size:] - taken[size:, :-size]
    free: Mask = filled + taken[:-size, :-size] == 0
    return free if free.any() else None


def _square(away_from_border: bool) -> Make:
    """Return a fault: a square changed by 64 levels, as far as one fits from what is elsewhere."""

    def make(edited: Array, reference: Array, where: Mask, strength: float) -> Array | None:
        from scipy.ndimage import distance_transform_edt

        side = int(strength)
        height, width = where.shape
        if (free := _free(where, side)) is None:
            return None
        half, edge = side // 2, int(away_from_border)
        framed = np.pad(where, edge)
        bounded = not framed.all()
        away = distance_transform_edt(framed) if bounded else np.zeros((height, width))
        away = away[edge : edge + height, edge : edge + width]
        far = np.where(free, away[half : half + free.shape[0], half : half + free.shape[1]], -1)
        top, left = np.unravel_index(int(far.argmax()), far.shape)
        made: Array = edited.copy()
        square = made[top : top + side, left : left + side].astype(np.int16)
        square += np.where(square < 128, _LEVELS, -_LEVELS).astype(np.int16)
        made[top : top + side, left : left + side] = square.clip(0, 255)
        return made

    return make


def _gone(edited: Array, reference: Array, where: Mask, strength: float) -> Array | None:
    """Lose a square of the background, the one with the most in it."""
    from scipy.ndimage import uniform_filter

    size = int(strength)
    if (free := _free(where, size)) is None:
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


def _part_moved(edited: Array, reference: Array, where: Mask, strength: float) -> Array:
    """Move a third of the background down: of the left, middle and right one the largest."""
    width = where.shape[1]
    parts = [np.arange(width) * 3 // width == third for third in range(3)]
    largest = max(parts, key=lambda columns: int(where[:, columns].sum()))
    down = _shift(strength)(edited.swapaxes(0, 1)).swapaxes(0, 1)
    made: Array = np.where((where & largest)[..., None], down, edited)
    return made


def _undone(edited: Array, reference: Array, where: Mask, strength: float) -> Array:
    made: Array = np.where(where[..., None], reference, edited)
    return made


def _no_other(edited: Array, reference: Array, where: Mask, strength: float) -> None:
    """Change nothing: there is no other case, see ``exchanged``."""


def exchanged(other: Array) -> Fault:
    """Return the fault ``EXCHANGED``, given what the edit area of another case holds."""

    def make(edited: Array, reference: Array, where: Mask, strength: float) -> Array:
        rows, columns = (np.flatnonzero(where.any(axis=axis)) for axis in (1, 0))
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        made: Array = edited.copy()
        height, width = made[part].shape[:2]
        pasted = np.asarray(Image.fromarray(other).resize((width, height)))
        made[part][where[part]] = pasted[where[part]]
        return made

    return replace(FAULTS["wrong"][EXCHANGED], make=make)


_SHIFTS = (1, 2, 4, 8, 16)
_WHOLE = {
    "shift": Fault("background shifted", _within(_shift), _SHIFTS, "px"),
    "zoom": Fault("background zoomed", _within(_zoom), (0.5, 1, 2, 5, 10), "%"),
    "blur": Fault("background blurred", _within(_blur), (0.5, 1, 2, 4, 8), "px (sigma)"),
    "noise": Fault("noise over the background", _within(_noise), (1, 2, 5, 10, 20), "levels"),
    "exposure": Fault(
        "background darker",
        _within(lambda s: _scaled(*[1 - s / 100] * 3)),
        (1, 2, 5, 10, 20),
        "%",
    ),
    "colour-cast": Fault(
        "background redder, and less blue",
        _within(lambda s: _scaled(1 + s / 100, 1, 1 - s / 100)),
        (1, 2, 5, 10, 20),
        "%",
    ),
    "jpeg": Fault(
        "background through JPEG", _within(_jpeg), (95, 90, 75, 60, 40, 20, 10), _QUALITY
    ),
}
_IMAGE = "a golden image"
_OBJECT = f"{_IMAGE}, and sam_clip_cls_sim where the object has to stay"
_OBJECTS = {
    "removed": Fault("filled from around", removed, seen_by=_OBJECT),
    "replaced": Fault("another object in its place", replaced, seen_by=_OBJECT),
    "moved": Fault("moved in its box, of its width by", moved, (10, 25, 50), "%", _IMAGE),
    "recoloured": Fault("recoloured by", recoloured, (25, 50, 100), "%", _IMAGE),
}
EXCHANGED = "edit-exchanged"
_EDGES = (4, 8, 16, 32, 64)
_UNDONE = Fault("the edit area as in the reference", _undone)

FAULTS: Mapping[Place, Mapping[str, Fault]] = {
    "background": {
        **_WHOLE,
        "spill": Fault("a square changed outside the edit area", _square(False), _EDGES, "px"),
        "gone": Fault("a square of the background gone", _gone, (8, 16, 24, 32, 48, 64), "px"),
        "part-moved": Fault("a third of the background moved", _part_moved, _SHIFTS, "px"),
    },
    "edit": {"edit-undone": _UNDONE},
    "area": {f"area-{name}": _OBJECTS[name] for name in ("removed", "replaced", "recoloured")},
    "wrong": {
        **{f"area-{name}": _OBJECTS[name] for name in ("replaced", "recoloured")},
        EXCHANGED: Fault("the edit of another case in its place", _no_other, seen_by=_OBJECT),
    },
    "objects": {f"object-{name}": fault for name, fault in _OBJECTS.items()},
    "image": {
        **_WHOLE,
        "square": Fault("a square changed in the middle", _square(True), _EDGES, "px"),
    },
}
"""What is put into what, by name; faults of one name are the same."""

OF_AN_EXPECTATION: Mapping[str, Fault] = {**FAULTS["background"], **FAULTS["edit"]}
"""The faults of which ``editmetrics expect`` tells from which strength they fail."""


def grossly_broken(edited: Array, reference: Array) -> Iterator[tuple[str, Array]]:
    """Yield edited images, RGB uint8 (H, W, 3), that no bound of use lets pass, each with its name.

    Which of them a metric notices depends on what it measures: a motion, one of a part, a change,
    a likeness.
    """
    height, width = edited.shape[:2]
    yield "inverted", 255 - edited
    yield "noise", np.random.default_rng(0).integers(0, 256, edited.shape, dtype=np.uint8)
    yield "grey", np.full_like(edited, 128)
    yield "moved", np.roll(edited, (height // 10, width // 10), axis=(0, 1))
    picture = Image.fromarray(edited)
    yield (
        "turned and enlarged",
        np.asarray(
            picture.resize(
                (width, height), box=(width * 0.06, height * 0.1, width * 0.94, height * 0.9)
            ).rotate(6, Image.Resampling.BICUBIC)
        ),
    )
    apart = edited.copy()
    third = apart[:, : width // 3]
    third[:] = np.roll(third, min(16, height // 20), axis=0)
    yield "a third moved", apart
    yield "left as it was", reference
