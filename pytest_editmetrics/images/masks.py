"""Masks: which pixels of an image are meant, read from what users have and packed for results."""

from __future__ import annotations

import base64
import binascii
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import ImageError, RegionError
from pytest_editmetrics.images.boxes import Box

Mask: TypeAlias = NDArray[np.bool_]

SUGGESTED = "editmetrics"
"""The text chunk of a PNG in which ``suggest-region`` says that a mask is its own."""
_WIDEST_BOX = 8  # columns of what somebody may have meant as boxes
_MOST_PIXELS = 200_000_000


def bounds(mask: Mask) -> Box | None:
    """Return the box around the true pixels of a mask (H, W); ``None`` if there is none.

    >>> bounds(np.eye(4, 6, 1, dtype=bool))
    (1, 0, 5, 4)
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def is_mask(coords: Any) -> bool:
    """Tell a mask of two dimensions from an array of boxes: those have four columns."""
    shape = tuple(getattr(coords, "shape", ()))
    boolean = str(getattr(coords, "dtype", "")).rpartition(".")[2] == "bool"
    eight_bit = str(getattr(coords, "dtype", "")).rpartition(".")[2] == "uint8"
    wide = len(shape) >= 2 and shape[-1] > _WIDEST_BOX
    return len(shape) >= 2 and (boolean or wide or (eight_bit and shape[-1] != 4))


def as_mask(source: Any, what: str) -> Mask:
    """Return an array, tensor or PIL image as boolean (H, W).

    Raises:
        RegionError: whatever is neither black nor white; ``what`` names it.
    """
    if hasattr(source, "getbands"):
        source = np.asarray(source.convert("L") if source.mode in ("1", "P") else source)
    if hasattr(source, "detach"):
        source = source.detach().cpu().numpy()
    array = np.asarray(source)
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim == 3 and array.shape[2] in (3, 4) and array.dtype == np.uint8:
        array = _grey(array, what)
    if array.ndim != 2 or array.size == 0:
        raise RegionError(f"{what}: a mask has two dimensions (H, W), not the shape {array.shape}")
    if array.dtype == np.bool_:
        mask: Mask = array.copy()
        return mask
    values = np.unique(array)
    if (
        array.dtype.kind not in "ui"
        or not set(values.tolist()) <= {0, 1, 255}
        or {1, 255} <= set(values.tolist())
    ):
        shown = ", ".join(f"{value:g}" for value in values[:5].tolist())
        raise RegionError(
            f"{what}: {array.dtype} with the values {shown}{', ...' if len(values) > 5 else ''}; a"
            " mask is boolean, or uint8 of 0 and 255: threshold it, as `mask > 127`"
        )
    white: Mask = array > 0
    return white


def _grey(array: NDArray[np.uint8], what: str) -> NDArray[np.uint8]:
    if (array[..., :3] != array[..., :1]).any():
        raise RegionError(f"{what}: a mask in colour; give one channel of 0 and 255")
    if array.shape[2] == 4 and (array[..., 3] != 255).any():
        raise RegionError(
            f"{what}: is transparent in places; pass what counts: its alpha or its grey channel"
        )
    grey: NDArray[np.uint8] = array[..., 0]
    return grey


def read_mask(path: str | os.PathLike[str]) -> tuple[Mask, bool]:
    """Return the mask in a file or behind a URL, and whether it says that it was suggested.

    Raises:
        RegionError: it cannot be read, or is no mask.
    """
    from pytest_editmetrics.images.data_url import is_data_url, read_data_url, short
    from pytest_editmetrics.images.files import read_file
    from pytest_editmetrics.images.pictures import whole_picture
    from pytest_editmetrics.images.remote import is_url, read_url

    text = os.fspath(path)
    what = f"mask {short(text)}"
    try:
        if is_data_url(text):
            data = read_data_url(text, what)
        elif is_url(text):
            data = read_url(text, "mask")
        else:
            data = read_file(Path(path), what)
        image = whole_picture(data, what)  # says what is wrong with a file that is no image
    except ImageError as error:
        raise RegionError(str(error).partition("; known are")[0]) from None
    with image:
        return as_mask(image, what), image.info.get(SUGGESTED) == "suggested"


def packed(mask: Mask) -> dict[str, Any]:
    """Return a mask as JSON-ready values."""
    bits = zlib.compress(np.packbits(mask).tobytes(), 9)
    size = [mask.shape[1], mask.shape[0]]
    return {"size": size, "packed": base64.b64encode(bits).decode("ascii")}


def unpacked(fields: Mapping[Any, Any]) -> Mask:
    """Return a mask that ``packed`` wrote.

    Raises:
        RegionError: it is none.
    """
    try:
        width, height = fields["size"]
        count = width * height
        if not 0 < count <= _MOST_PIXELS:
            raise ValueError
        length = -(-count // 8)
        data = base64.b64decode(fields["packed"], validate=True)
        bits = zlib.decompressobj().decompress(data, length + 1)
        if len(bits) != length:
            raise ValueError
        flat = np.unpackbits(np.frombuffer(bits, np.uint8), count=count)
    except (KeyError, TypeError, ValueError, binascii.Error, zlib.error):
        raise RegionError("mask: damaged, it is none that a run wrote") from None
    return flat.reshape(height, width).astype(np.bool_)
