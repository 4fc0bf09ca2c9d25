"""Images with the mode they have, and as the bytes of a lossless file."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.load import (
    Array,
    ImageLike,
    load_encoded,
    load_image,
    read_image_file,
)

SUFFIX = {"png": ".png", "webp": ".webp"}
_GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F")


def load_pixels(source: ImageLike, what: str = "image") -> Array:
    """Load one image as it is, grey and alpha kept.

    Args:
        source: as ``images.load_image`` takes it.
        what: what to call it in an error.

    Returns:
        uint8 in [0, 255]: (H, W) for a grey image, (H, W, 4) RGBA for one with alpha, (H, W, 3) RGB
        for any other. A palette is resolved, 16 bit and float are scaled to 8 bit, EXIF orientation
        is applied; grey with alpha becomes RGBA.

    Raises:
        ImageError: see ``images.load_image``.

    >>> load_pixels(Image.new("RGBA", (3, 2))).shape, load_pixels(np.ones((2, 3))).shape
    ((2, 3, 4), (2, 3))
    """
    if isinstance(source, (list, tuple)) and len(source) == 1:
        source = source[0]
    if isinstance(source, (str, os.PathLike)):
        return load_encoded_pixels(*read_image_file(source, what))
    rgb = load_image(source, what)
    if isinstance(source, Image.Image):
        return _of_picture(source, rgb)
    return _of_array(source, rgb, what)


def load_encoded_pixels(data: bytes, what: str) -> Array:
    """Load one image from the bytes of its file; returns and raises as ``load_pixels``."""
    rgb = load_encoded(data, what)
    with Image.open(io.BytesIO(data)) as image:
        return _of_picture(image, rgb)


def _of_picture(image: Image.Image, rgb: Array) -> Array:
    if image.has_transparency_data:
        return np.ascontiguousarray(ImageOps.exif_transpose(image).convert("RGBA"))
    return np.ascontiguousarray(rgb[..., 0]) if image.mode in _GREY_MODES else rgb


def _of_array(array: Any, rgb: Array, what: str) -> Array:
    """Find the channels of an array (..., C) or a tensor (..., C, H, W) that is known to be one."""
    axis = -1 if isinstance(array, np.ndarray) else -3
    sizes = rgb.shape[:2]
    if tuple(array.shape[-2:]) == sizes and array.ndim == 2:
        return np.ascontiguousarray(rgb[..., 0])
    if isinstance(array, np.ndarray) and array.ndim == 3 and array.shape[1:] == sizes:
        return np.ascontiguousarray(rgb[..., 0])  # a batch of one grey image
    channels = array.shape[axis]
    if channels == 1:
        return np.ascontiguousarray(rgb[..., 0])
    if channels != 4:
        return rgb
    pick = (..., slice(0, 3)) if axis == -1 else (..., slice(0, 3), slice(None), slice(None))
    last = (..., slice(3, 4)) if axis == -1 else (..., slice(3, 4), slice(None), slice(None))
    colour, alpha = load_image(array[pick], what), load_image(array[last], what)
    return np.concatenate([colour, alpha[..., :1]], axis=2)


def encode(pixels: Array, image_format: str) -> tuple[bytes, str]:
    """Return the bytes of a lossless file and its suffix: ``png`` (optimised) or ``webp``.

    What WebP cannot hold as it is becomes a PNG: a grey image, an alpha that is opaque everywhere,
    an edge of more than 16383 pixels.

    >>> encode(np.zeros((2, 2), np.uint8), "webp")[1]
    '.png'
    """
    if image_format == "webp" and pixels.ndim == 3 and max(pixels.shape[:2]) <= 16383:
        data = _saved(pixels, "WEBP", lossless=True, quality=75, method=4, exact=True)
        with Image.open(io.BytesIO(data)) as image:
            if np.array_equal(np.asarray(image), pixels):
                return data, SUFFIX["webp"]
    return _saved(pixels, "PNG", optimize=True), SUFFIX["png"]


def _saved(pixels: Array, name: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    try:
        Image.fromarray(np.ascontiguousarray(pixels)).save(stream, name, **options)
    except (OSError, ValueError) as error:
        raise ImageError(f"the image cannot be written as {name}: {error}") from error
    return stream.getvalue()


def megabytes(size: int) -> str:
    """Return a file size in words.

    >>> megabytes(1_840_000)
    '1.84 MB'
    """
    return f"{size / 1e6:.2f} MB"
