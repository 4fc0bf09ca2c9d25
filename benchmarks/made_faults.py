"""Pictures, edits, and faults of known strength for ``diagnosis.py``."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from made_images import Array, Box, photos
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from scipy.ndimage import gaussian_filter, map_coordinates

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
from altered import as_jpeg, blurred, eight_bit, smoothed_and_grained

SIZE = 384
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A picture, what a clean model makes of it, and the box it was to edit."""

    name: str
    reference: Array
    edited: Array
    box: Box


def pictures() -> dict[str, Array]:
    """Return the four photos, a plain studio backdrop and a line drawing; the longer side 384."""
    return {**photos(SIZE), "studio": _studio(), "drawing": _drawing()}


def _studio() -> Array:
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    wall = 200 - 25 * (x**2 + y**2) / (SIZE**2 / 2)
    picture = Image.fromarray(eight_bit(np.repeat(wall[..., None], 3, axis=2)))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((60, 90, 170, 260), fill=(150, 60, 50))
    draw.rectangle((30, 250, 120, 350), fill=(60, 70, 120))
    draw.ellipse((250, 230, 350, 340), fill=(40, 110, 70))
    soft = gaussian_filter(np.asarray(picture).astype(float), (1, 1, 0))
    return eight_bit(soft + np.random.default_rng(0).normal(0, 0.8, soft.shape))


def _drawing() -> Array:
    picture = Image.new("RGB", (SIZE, SIZE), "white")
    draw, random = ImageDraw.Draw(picture), np.random.default_rng(3)
    for number in range(24):
        x, y = (int(part) for part in random.integers(10, SIZE - 90, 2))
        w, h = (int(part) for part in random.integers(25, 90, 2))
        if number % 3 == 0:
            draw.ellipse((x, y, x + w, y + h), outline="black", width=3)
        elif number % 3 == 1:
            draw.polygon([(x, y), (x + w, y + h // 3), (x + w // 2, y + h)], outline="black")
        else:
            draw.line((x, y, x + w, y + h), fill="black", width=3)
    return np.asarray(picture)


def erased(part: Array, random: np.random.Generator) -> Array:
    """Fill with the mean colour, a little noise on it."""
    return eight_bit(part.reshape(-1, 3).mean(axis=0) + random.normal(0, 3, part.shape))


def recoloured(part: Array, random: np.random.Generator) -> Array:
    """Exchange the channels, darken, and lay a tint over it."""
    return eight_bit(part[..., [2, 0, 1]] * 0.7 + np.array([40, 0, 20]))


def replaced(part: Array, random: np.random.Generator) -> Array:
    """Put a disk of another colour into it."""
    height, width = part.shape[:2]
    y, x = np.mgrid[:height, :width]
    disk = ((x - width / 2) / width) ** 2 + ((y - height / 2) / height) ** 2 < 0.2
    made = part.copy()
    made[disk] = random.integers(40, 216, 3)
    return made


EDITS = {"erased": erased, "recoloured": recoloured, "replaced": replaced}


def composite(reference: Array, box: Box, edit: Callable[..., Array], seed: int) -> Array:
    """Return the reference with its box edited."""
    x1, y1, x2, y2 = box
    made = reference.copy()
    made[y1:y2, x1:x2] = edit(reference[y1:y2, x1:x2], np.random.default_rng(seed))
    return made


def case_of(name: str, reference: Array, seed: int, least: float = 0.25) -> Case:
    """Return an edit of a seeded box, its edges from ``least`` to 0.4 of the picture's."""
    random = np.random.default_rng(seed)
    edit = list(EDITS)[seed % len(EDITS)]
    height, width = reference.shape[:2]
    w, h = (int(edge * random.uniform(least, 0.4)) for edge in (width, height))
    x, y = int(random.integers(0, width - w + 1)), int(random.integers(0, height - h + 1))
    box = (x, y, x + w, y + h)
    return Case(f"{name} {edit}", reference, composite(reference, box, EDITS[edit], seed), box)


def warped(image: Array, matrix: Sequence[Sequence[float]], dx: float = 0, dy: float = 0) -> Array:
    """Return an image whose content moved under a matrix about the centre, then by (dx, dy)."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(float)
    points = np.stack([x - (width - 1) / 2 - dx, y - (height - 1) / 2 - dy, np.ones_like(x)])
    full = np.eye(3)
    rows = np.asarray(matrix, float)
    full[: len(rows), : rows.shape[1]] = rows
    u, v, depth = np.einsum("ij,jhw->ihw", np.linalg.inv(full), points)
    where = [v / depth + (height - 1) / 2, u / depth + (width - 1) / 2]
    shrinks = math.sqrt(abs(float(np.linalg.det(full[:2, :2]))))
    source = image.astype(float)
    if shrinks < 0.8:
        source = gaussian_filter(source, (0.45 / shrinks, 0.45 / shrinks, 0))
    return eight_bit(
        np.stack([map_coordinates(source[..., c], where, mode="nearest") for c in range(3)], axis=2)
    )


def turn(degrees: float) -> Floats:
    """Return the matrix of a rotation."""
    angle = math.radians(degrees)
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def as_by_a_vae(image: Array, strength: float) -> Array:
    """Lose faint texture, keep edges, and get soft noise instead."""
    return smoothed_and_grained(image, strength, 1.5 * strength)


def redrawn(image: Array, reach: float) -> Array:
    """Take each patch of 8 px from somewhere near."""
    random = np.random.default_rng(0)
    height, width = image.shape[:2]
    made = image.copy()
    for y in range(0, height - 7, 8):
        for x in range(0, width - 7, 8):
            dy, dx = random.integers(-int(reach), int(reach) + 1, 2)
            top, left = min(max(0, y + dy), height - 8), min(max(0, x + dx), width - 8)
            made[y : y + 8, x : x + 8] = image[top : top + 8, left : left + 8]
    return blurred(made, 0.7)


def wobbled(image: Array, length: float, seed: int = 0) -> Array:
    """Move every pixel by some tenths of a pixel, neighbours alike."""
    random = np.random.default_rng(seed)
    off = [gaussian_filter(random.normal(0, 1, image.shape[:2]), 8) for _ in range(2)]
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(float)
    where = [axis + length * part / part.std() for axis, part in zip((y, x), off, strict=True)]
    return eight_bit(
        np.stack(
            [map_coordinates(image[..., c].astype(float), where, mode="nearest") for c in range(3)],
            axis=2,
        )
    )


def spilled(case: Case, by: float) -> Array:
    """Return an edit that goes beyond its box on every side."""
    height, width = case.reference.shape[:2]
    x1, y1, x2, y2 = case.box
    far = int(by)
    wide = (max(0, x1 - far), max(0, y1 - far), min(width, x2 + far), min(height, y2 + far))
    return composite(case.reference, wide, EDITS[case.name.split()[-1]], 7)


def another(case: Case, _: float) -> Array:
    """Return another picture, cropped and resized to the same size."""
    every = pictures()
    names = list(every)
    other = every[names[(names.index(case.name.split()[0]) + 1) % 4]]
    height, width = case.reference.shape[:2]
    made = np.asarray(Image.fromarray(other).resize((width, height))).copy()
    x1, y1, x2, y2 = case.box
    made[y1:y2, x1:x2] = case.edited[y1:y2, x1:x2]
    return made


@dataclass(frozen=True)
class Fault:
    """A kind of fault: what it is called, its strengths from weak to strong, and what makes it."""

    names: tuple[str, ...]
    unit: str
    strengths: tuple[float, ...]
    make: Callable[[Case, float], Array]


def _whole(change: Callable[[Array, float], Array]) -> Callable[[Case, float], Array]:
    return lambda case, strength: change(case.edited, strength)


def _grey(image: Array) -> Array:
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


def _smaller(image: Array, by: float) -> Array:
    height, width = image.shape[:2]
    size = round(width * (1 - by / 100)), round(height * (1 - by / 100))
    return np.asarray(Image.fromarray(image).resize(size).resize((width, height)))


MOVED = ("shift", "zoom", "rotation", "stretch", "perspective")
FAULTS: Mapping[str, Fault] = {
    "shift": Fault(
        ("shift",),
        "px",
        (0.25, 0.5, 1, 2, 4, 8, 16, 24, 48, 96, 150),
        _whole(lambda image, s: warped(image, np.eye(2), 0.8 * s, 0.6 * s)),
    ),
    "rotation": Fault(
        ("rotation",), "degrees", (0.3, 1, 2, 5, 10, 20), _whole(lambda i, s: warped(i, turn(s)))
    ),
    "zoom": Fault(
        ("zoom",),
        "%",
        (0.5, 1, 2, 5, 10, 20, 40),
        _whole(lambda image, s: warped(image, np.eye(2) * (1 + s / 100))),
    ),
    "stretch of one axis": Fault(
        ("stretch",),
        "%",
        (0.5, 1, 2, 5, 10),
        _whole(lambda image, s: warped(image, np.diag([1, 1 + s / 100]))),
    ),
    "perspective": Fault(
        ("perspective",),
        "% nearer",
        (1, 2, 5, 10, 20),
        _whole(lambda i, s: warped(i, [[1, 0, 0], [0, 1, 0], [s / 50 / i.shape[1], 0, 1]])),
    ),
    "mirrored": Fault(("mirrored",), "", (1,), _whole(lambda image, _: image[:, ::-1])),
    "upside down": Fault(("mirrored", "rotation"), "", (1,), _whole(lambda i, _: i[::-1])),
    "another picture": Fault(("redrawn",), "", (1,), another),
    "brightness": Fault(
        ("exposure",), "%", (2, 5, 10, 20), _whole(lambda i, s: eight_bit(i * (1 - s / 100)))
    ),
    "cast": Fault(
        ("colour",),
        "%",
        (1, 3, 5, 10),
        _whole(lambda i, s: eight_bit(i * np.array([1, 1 - s / 200, 1 - s / 100]))),
    ),
    "contrast": Fault(
        ("contrast",),
        "%",
        (5, 10, 20),
        _whole(lambda i, s: eight_bit((1 - s / 100) * i + s / 100 * np.median(i))),
    ),
    "channels exchanged": Fault(("channels",), "", (1,), _whole(lambda i, _: i[..., ::-1])),
    "colours lost": Fault(("greyscale",), "", (1,), _whole(lambda i, _: _grey(i))),
    "JPEG": Fault(("jpeg",), "quality", (95, 80, 60, 40, 20), _whole(as_jpeg)),
    "blur": Fault(("blur",), "px", (0.5, 1, 2, 4), _whole(blurred)),
    "smaller in between": Fault(
        ("resampled", "blur"), "% smaller", (12.5, 25, 37.5, 50), _whole(_smaller)
    ),
    "VAE-like": Fault(("re-encoding", "blur"), "px", (1, 1.5, 2, 3), _whole(as_by_a_vae)),
    "redrawn texture": Fault(("redrawn",), "px", (4, 8, 16), _whole(redrawn)),
    "spill": Fault(("spill", "seam"), "px", (8, 16, 32, 64, 128), spilled),
    "no edit": Fault(("no-edit",), "", (1,), lambda case, _: case.reference.copy()),
}


def _curve(power: float, most: float) -> Callable[[Array], Array]:
    return lambda image: eight_bit(most * (image / 255.0) ** power)


def _pil(change: Callable[[Image.Image], Image.Image]) -> Callable[[Array], Array]:
    return lambda image: np.asarray(change(Image.fromarray(image)).convert("RGB"))


RESTYLES: Mapping[str, Callable[[Array], Array]] = {
    "inverted": lambda image: 255 - image,
    "night": _curve(2.2, 110),
    "sepia": lambda image: eight_bit(
        image.mean(axis=2, keepdims=True) * np.array([1.05, 0.9, 0.7])
    ),
    "another season": lambda image: image[..., [1, 0, 2]],
    "posterised": _pil(lambda picture: ImageOps.posterize(picture, 2)),
    "oil paint": _pil(lambda picture: picture.filter(ImageFilter.ModeFilter(9))),
    "water colour": lambda image: blurred(
        np.asarray(Image.fromarray(image).filter(ImageFilter.MedianFilter(9))), 1.5
    ),
    "grey": _pil(ImageOps.grayscale),
    "equalised": _pil(ImageOps.equalize),
    "drawn anew": lambda image: redrawn(image, 8),
}
