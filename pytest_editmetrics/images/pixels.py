"""Images as the bytes of a lossless file."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from pytest_editmetrics.errors import ImageError, counted
from pytest_editmetrics.images.levels import Array
from pytest_editmetrics.images.png import SIGNATURE
from pytest_editmetrics.images.replaced import check_files

SUFFIX = {"png": ".png", "webp": ".webp"}
_STARTS = {"PNG": SIGNATURE, "WEBP": b"RIFF"}


def encode(pixels: Array, image_format: str, icc: bytes | None = None) -> tuple[bytes, str]:
    """Return the bytes of a lossless file and its suffix: ``png`` (optimised) or ``webp``.

    ``icc`` is the colour profile that the file carries.

    What WebP cannot hold as it is becomes a PNG: a grey image, an alpha that is opaque everywhere,
    an edge of more than 16383 pixels.

    Raises:
        ImageError: Pillow cannot write it, or wrote none, or its functions are mocked.

    >>> encode(np.zeros((2, 2), np.uint8), "webp")[1]
    '.png'
    """
    profile = {} if icc is None else {"icc_profile": icc}
    if image_format == "webp" and pixels.ndim == 3 and max(pixels.shape[:2]) <= 16383:
        data = _saved(pixels, "WEBP", lossless=True, quality=75, method=4, exact=True, **profile)
        with Image.open(io.BytesIO(data)) as image:
            if np.array_equal(np.asarray(image), pixels):
                return data, SUFFIX["webp"]
    return _saved(pixels, "PNG", optimize=True, **profile), SUFFIX["png"]


def _saved(pixels: Array, name: str, **options: Any) -> bytes:
    check_files()
    stream = io.BytesIO()
    try:
        Image.fromarray(np.ascontiguousarray(pixels)).save(stream, name, **options)
    except (OSError, ValueError) as error:
        raise ImageError(f"the image cannot be written as {name}: {error}") from error
    data = stream.getvalue()
    if not data.startswith(_STARTS[name]):
        raise ImageError(
            f"the image cannot be written as {name}: Pillow wrote {counted(len(data), 'byte')},"
            " which are none"
        )
    return data


def megabytes(size: int) -> str:
    """Return a file size in words.

    >>> megabytes(1_840_000)
    '1.84 MB'
    """
    return f"{size / 1e6:.2f} MB"
