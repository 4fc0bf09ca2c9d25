"""What an image file states of its colours: a profile, or in other words, which are only told.

Those others are the numbers of PNG, AVIF and HEIF (cICP, gAMA, cHRM) and the Exif of cameras.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from pytest_editmetrics.images.png import chunks

_LONGEST = 1 << 24  # bytes of a profile
_BROKEN = "it cannot be read"
_NO_PROFILE = "and it has no ICC profile"
# https://www.itu.int/rec/T-REC-H.273: BT.709's primaries, curves that are shown as sRGB's
_PRIMARIES = {9: "BT.2020", 11: "DCI P3", 12: "Display P3"}
_TRANSFERS = {4: "gamma 2.2", 5: "gamma 2.8", 8: "linear light", 16: "PQ (HDR)", 18: "HLG (HDR)"}
_SRGB_GAMMA = 0.45455
_SRGB_POINTS = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_NEAR = 0.01
_EXIF, _INTEROPERABILITY = 0x8769, 0xA005
_COLOUR_SPACE, _INDEX = 0xA001, 1
_UNCALIBRATED = 65535


@dataclass(frozen=True)
class Stated:
    """``icc`` is a file's profile; ``ignored`` says what of it, or instead of it, is not applied.

    ``name`` is how the file calls what is ignored.
    """

    icc: bytes | None = None
    ignored: str | None = None
    name: str = "unnamed"


NOTHING = Stated()


def stated(image: Image.Image, data: bytes | None, held: bool = False) -> Stated:
    """Return what an image, opened by Pillow, states of its colours.

    A profile counts before anything else, as in browsers.

    Args:
        image: as Pillow opened it.
        data: the bytes of its file, if there is one.
        held: whether the image is one of the user's, who may have taken its profile away.
    """
    icc = image.info.get("icc_profile")
    if isinstance(icc, (bytes, bytearray)) and icc:
        return Stated(bytes(icc))
    if data is not None and image.format == "PNG":
        return _of_png(data, image.info, not held or "icc_profile" in image.info)
    if data is not None and "icc_profile" in image.info:
        return Stated(ignored=f"{_BROKEN} (parts of it are missing)")
    if data is not None and image.format == "JPEG2000":
        return _of_jpeg_2000(data)
    if data is not None and image.format in ("AVIF", "HEIF"):
        return _of_boxes(data)
    return _of_numbers(image.info) if image.format == "PNG" else _of_exif(image.info)


def _of_png(data: bytes, info: Mapping[Any, Any], with_profile: bool) -> Stated:
    """Return what a PNG states where Pillow found no profile that it can read."""
    for kind, start, end in chunks(data):
        if kind == b"iCCP" and with_profile:
            return _unpacked(data[start:end])
        if kind in (b"IDAT", b"PLTE"):
            break
    for kind, start, end in chunks(data):
        if kind == b"cICP" and end >= start + 2:
            return _of_code(data[start], data[start + 1], "cICP")
        if kind == b"IDAT":
            break
    return _of_numbers(info)


def _unpacked(packed: bytes) -> Stated:
    name, _, rest = packed.partition(b"\0")
    shown = ascii(name.decode("latin-1"))[1:-1][:80]
    unpacking = zlib.decompressobj()
    try:
        icc = unpacking.decompress(rest[1:], _LONGEST + 1)
    except zlib.error as error:
        return Stated(ignored=f"{_BROKEN} ({error})", name=shown)
    if len(icc) > _LONGEST:
        return Stated(ignored=f"it is longer than {_LONGEST >> 20} MiB", name=shown)
    return Stated(icc) if icc and unpacking.eof else Stated(ignored=_BROKEN, name=shown)


def _of_code(primaries: int, transfer: int, where: str) -> Stated:
    parts = [part for part in (_PRIMARIES.get(primaries), _TRANSFERS.get(transfer)) if part]
    if not parts:
        return NOTHING
    return Stated(ignored=f"its {where} says so, {_NO_PROFILE}", name=", ".join(parts))


def _of_numbers(info: Mapping[Any, Any]) -> Stated:
    """Tell of a PNG's gamma and primaries, unless they are near sRGB's, as most are."""
    if "srgb" in info:
        return NOTHING
    said, gamma, points = [], info.get("gamma"), info.get("chromaticity")
    if isinstance(gamma, float) and gamma > 0 and abs(gamma / _SRGB_GAMMA - 1) > 0.05:
        said.append(f"gamma {1 / gamma:.3g}")
    if isinstance(points, tuple) and not np.allclose(points, _SRGB_POINTS, rtol=0, atol=_NEAR):
        said.append("primaries " + " ".join(f"{value:g}" for value in points[2:]))
    if not said:
        return _of_exif(info)
    return Stated(ignored=f"its gAMA or cHRM says so, {_NO_PROFILE}", name=", ".join(said))


def _of_jpeg_2000(data: bytes) -> Stated:
    at = data.find(b"colr", 0, 1 << 16)
    if at < 4 or data[at + 4 : at + 5] not in (b"\2", b"\3"):
        return NOTHING
    icc = data[at + 7 : at - 4 + int.from_bytes(data[at - 4 : at], "big")]
    return Stated(icc) if icc else Stated(ignored=_BROKEN)


def _of_boxes(data: bytes) -> Stated:
    at = data.find(b"colrnclx", 0, 1 << 16)
    if at < 0 or len(data) < at + 12:
        return NOTHING
    primaries, transfer = struct.unpack_from(">2H", data, at + 8)
    return _of_code(primaries, transfer, "nclx box")


def _of_exif(info: Mapping[Any, Any]) -> Stated:
    """Tell of a camera's Adobe RGB, which stands in the Exif alone; browsers take it for sRGB."""
    written = info.get("exif")
    if not isinstance(written, bytes):
        return NOTHING
    exif = Image.Exif()
    try:
        exif.load(written)
        space = exif.get_ifd(_EXIF).get(_COLOUR_SPACE)
        if space == _UNCALIBRATED:  # before Pillow 13, asking where there is no such part fails
            index = str(exif.get_ifd(_INTEROPERABILITY).get(_INDEX))
            space = 2 if index.startswith("R03") else space
    except Exception:  # a damaged Exif says nothing
        return NOTHING
    if space == 2:
        return Stated(ignored=f"its Exif says so, {_NO_PROFILE}", name="Adobe RGB")
    return NOTHING
