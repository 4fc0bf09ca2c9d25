"""The CC0 photos in ``fixtures``, square cuts of them, and seeded edits of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.uint8]
Box = tuple[int, int, int, int]

PHOTOS = Path(__file__).parent.parent / "fixtures" / "demo" / "images"


@dataclass(frozen=True)
class Edit:
    """A reference, an edited image, both RGB, uint8, (size, size, 3), and the edit area."""

    reference: Array
    edited: Array
    box: Box


def photos(side: int) -> dict[str, Array]:
    """Return the photos by name, the longer side of each as given."""
    found = {}
    for path in sorted(PHOTOS.glob("*.png")):
        picture = Image.open(path).convert("RGB")
        scale = side / max(picture.size)
        size = (round(picture.width * scale), round(picture.height * scale))
        found[path.stem] = np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
    return found


def references(count: int, size: int, seed: int = 0) -> list[Array]:
    """Return different squares, cut from the photos in turn and resized."""
    random = np.random.default_rng(seed)
    whole = [Image.open(path).convert("RGB") for path in sorted(PHOTOS.glob("*.png"))]
    cuts = []
    for number in range(count):
        photo = whole[number % len(whole)]
        edge = int(min(photo.size) * random.uniform(0.6, 1))
        left = int(random.integers(photo.width - edge + 1))
        top = int(random.integers(photo.height - edge + 1))
        cut = photo.crop((left, top, left + edge, top + edge))
        cuts.append(np.array(cut.resize((size, size), Image.Resampling.BICUBIC)))
    return cuts


def edits(reference: Array, count: int, seed: int) -> list[Edit]:
    """Return edits of seeded boxes, each edge 15 to 40 % of the image's; all else is untouched."""
    random = np.random.default_rng(seed)
    size = reference.shape[0]
    found = []
    for _ in range(count):
        width, height = (int(size * random.uniform(0.15, 0.4)) for _ in range(2))
        found.append(edit_at(reference, place(random, size, width, height), random))
    return found


def place(random: np.random.Generator, size: int, width: int, height: int) -> Box:
    """Return a box of that size somewhere in the image."""
    left, top = int(random.integers(size - width + 1)), int(random.integers(size - height + 1))
    return left, top, left + width, top + height


def edit_at(reference: Array, box: Box, random: np.random.Generator) -> Edit:
    """Return an edit that gives the content of ``box`` other colours and some noise."""
    return Edit(reference, edit_all(reference, [box], random), box)


def re_encoded(reference: Array, count: int, random: np.random.Generator) -> list[Edit]:
    """Return versions that differ nearly everywhere, with a box of a quarter of the edge."""
    size = reference.shape[0]
    found = []
    for _ in range(count):
        noise = random.normal(0, 6, reference.shape)
        edited = np.clip(reference + noise, 0, 255).astype(np.uint8)
        found.append(Edit(reference, edited, place(random, size, size // 4, size // 4)))
    return found


def edit_all(reference: Array, boxes: Sequence[Box], random: np.random.Generator) -> Array:
    """Return a copy with other colours and some noise in every box."""
    edited: Array = reference.copy()
    for x1, y1, x2, y2 in boxes:
        content = reference[y1:y2, x1:x2].astype(np.float64)
        mixed = content[..., random.permutation(3)] * random.uniform(0.6, 1.1)
        noise = random.normal(random.uniform(-40, 40), 12, content.shape)
        edited[y1:y2, x1:x2] = np.clip(mixed + noise, 0, 255).astype(np.uint8)
    return edited
