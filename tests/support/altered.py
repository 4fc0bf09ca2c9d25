"""Photos, and what models and files do to all of an image. Images are RGB, uint8, (H, W, 3)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

PHOTOS = Path(__file__).parents[2] / "fixtures" / "demo" / "images"
Picture = NDArray[np.uint8]


@cache
def square_photo(name: str, size: int) -> Picture:
    """Return the upper left square of a photo of the demo, resized; it cannot be written to."""
    picture = Image.open(PHOTOS / f"{name}.png").convert("RGB")
    edge = min(picture.size)
    return np.asarray(picture.crop((0, 0, edge, edge)).resize((size, size)))


def eight_bit(values: NDArray[np.floating]) -> Picture:
    """Round and clip to 8 bits."""
    return values.clip(0, 255).round().astype(np.uint8)


def as_jpeg(image: Picture, quality: float) -> Picture:
    """Return an image through JPEG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=int(quality))
    return np.asarray(Image.open(file))


def blurred(image: Picture, sigma: float) -> Picture:
    """Return an image, blurred."""
    return eight_bit(gaussian_filter(image.astype(float), (sigma, sigma, 0)))


def smoothed_and_grained(image: Picture, sigma: float, grain: float) -> Picture:
    """Lose faint texture, keep edges, and get soft noise instead, as by a VAE."""
    coarse = gaussian_filter(image.astype(float), (sigma, sigma, 0))
    fine = image - coarse
    kept = np.clip(np.abs(gaussian_filter(fine, (1, 1, 0))) / 6, 0, 1)
    noise = gaussian_filter(np.random.default_rng(0).normal(0, 1, image.shape), (1, 1, 0))
    return eight_bit(coarse + fine * kept + grain * noise / noise.std())


def each_photo(names: Sequence[str]) -> list[Any]:
    """Return parameters of a test: a photo, one marked ``more``, and the others marked ``slow``."""
    return [
        *names[:1],
        *(pytest.param(name, marks=pytest.mark.more) for name in names[1:2]),
        *(pytest.param(name, marks=pytest.mark.slow) for name in names[2:]),
    ]
