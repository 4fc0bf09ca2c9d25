"""What Pillow leaves out of a TIFF: low bytes, the depth of 12 bits, white that is zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

_BITS, _PHOTOMETRIC, _PLANES, _FORMAT = 258, 262, 284, 339
_WHITE_IS_ZERO, _SEPARATE, _SIGNED = 0, 2, 2
_ASSOCIATED = "RGBa"  # colours that were multiplied by their alpha


def refused(image: Any) -> str | None:
    """Say why a TIFF would be read wrongly; ``None`` if it is not. It is not loaded yet."""
    tags = image.tag_v2
    bits, kinds = tags.get(_BITS, (1,)), tags.get(_FORMAT, (1,))
    if _SIGNED in kinds and max(bits) <= 16:
        return "its samples are signed, so their black and white are not known; save it unsigned"
    return None


def deep_values(
    opened: Callable[[], Image.Image],
) -> tuple[NDArray[Any], int | None] | None:
    """Return the values of a TIFF and their top where Pillow loses some, or takes them for others.

    Args:
        opened: opens it, not yet loaded.

    Returns:
        (H, W, C), upright, with C of 1, 3 or 4 (RGBA), floats if the top is ``None``; ``None``
        where Pillow is right.
    """
    image: Any = opened()
    tags = image.tag_v2
    bits, planes = tags.get(_BITS, (1,)), tags.get(_PLANES, 1)
    inverted = tags.get(_PHOTOMETRIC, 0) == _WHITE_IS_ZERO
    if image.mode == "F":
        swapped = image.tile[0][0] == "libtiff" and (image.tag_v2.prefix == b"MM") != _NATIVE_BIG
        values = np.asarray(_upright(image))[..., None]
        if swapped:  # libtiff has put the bytes in order, and Pillow does so again
            values = values.byteswap()
        return (1 - values if inverted else values), None
    if image.mode.startswith("I;16"):
        top = (1 << bits[0]) - 1
        values = np.asarray(_upright(image)).astype(np.uint16)[..., None]
        return (top - values if inverted else values), top
    if max(bits) != 16 or image.mode not in ("RGB", "RGBA"):
        return None
    decoder = image.tile[0][0]
    if planes == _SEPARATE and decoder == "libtiff":
        return None  # each plane is unpacked as libtiff's decoder chooses, to its high byte
    big, little = (_bytes_of(opened(), end) for end in "BL")
    raw = str(_raw_of(image))
    high_first = image.tag_v2.prefix == b"MM" if decoder != "libtiff" else _NATIVE_BIG
    values = big << 8 | little if high_first else little << 8 | big
    if raw.startswith(_ASSOCIATED):
        values = _divided(values)
    return values, 65535


_NATIVE_BIG = bool(np.frombuffer(b"\0\1", np.uint16)[0] == 1)


def _raw_of(image: Any) -> Any:
    args = image.tile[0][3]
    return args if isinstance(args, str) else args[0]


def _bytes_of(image: Any, end: str) -> NDArray[np.uint16]:
    """Return one byte of each value: the first for ``B``, the second for ``L``."""

    def renamed(raw: str) -> str:
        if len(raw) == 1:  # the band of a plane
            return f"{raw};16{end}"
        return raw.replace(_ASSOCIATED, "RGBA")[:-1] + end

    tiles = []
    for tile in image.tile:
        args = tile[3]
        new = renamed(args) if isinstance(args, str) else (renamed(args[0]), *args[1:])
        tiles.append(tile._replace(args=new) if hasattr(tile, "_replace") else (*tile[:3], new))
    image.tile = tiles
    return np.asarray(_upright(image)).astype(np.uint16)


def _divided(values: NDArray[Any]) -> NDArray[np.uint16]:
    """Return the colours as they are before they are laid on anything."""
    colours, alpha = values[..., :3].astype(np.float64), values[..., 3:].astype(np.float64)
    straight = np.divide(colours * 65535, alpha, out=np.zeros_like(colours), where=alpha > 0)
    return np.concatenate([np.rint(straight.clip(0, 65535)), alpha], axis=2).astype(np.uint16)


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    return ImageOps.exif_transpose(image)
