"""Colour profiles made by hand, and what they mean, in plain arithmetic: no CMS takes part.

ICC version 2: matrix and curves for RGB, a curve for grey, a table to Lab for whatever else.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Curve = Callable[[Values], Values]

D50 = np.array([0.9642, 1.0, 0.8249])
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
PROPHOTO = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))
_D65 = (0.3127, 0.3290)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def gamma(power: float) -> Curve:
    return lambda v: np.asarray(v, np.float64) ** power


def srgb_curve(v: Values) -> Values:
    v = np.asarray(v, np.float64)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def srgb_levels(linear: Values) -> Values:
    """Levels in [0, 255], not rounded, of linear light."""
    linear = np.clip(linear, 0, 1)
    share = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return share * 255


def _xyz(x: float, y: float) -> Values:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def matrix(primaries: Sequence[tuple[float, float]]) -> Values:
    """From linear RGB of these primaries, white D65, to XYZ under D50 (Bradford)."""
    columns = np.stack([_xyz(*one) for one in primaries], axis=1)
    white = _xyz(*_D65)
    to_xyz = columns * np.linalg.solve(columns, white)
    cones = (_BRADFORD @ D50) / (_BRADFORD @ white)
    adapted: Values = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ to_xyz
    return adapted


def rgb_shows(values: Values, primaries: Sequence[tuple[float, float]], curve: Curve) -> Values:
    """What (..., 3) values in [0, 1] of an RGB profile show: levels of sRGB, not rounded."""
    xyz = curve(values) @ matrix(primaries).T
    return srgb_levels(xyz @ np.linalg.inv(matrix(SRGB)).T)


def lab_shows(lab: Values) -> Values:
    """What (..., 3) of CIE Lab under D50 shows: levels of sRGB, not rounded."""
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * D50
    return srgb_levels(xyz @ np.linalg.inv(matrix(SRGB)).T)


def rgb_profile(name: str, primaries: Sequence[tuple[float, float]], curve: Curve | bytes) -> bytes:
    """``curve`` is a function, or the tag that holds it."""
    columns = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_triple, matrix(primaries).T), strict=True))
    tag = curve if isinstance(curve, bytes) else _curve(curve)
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), tag)
    return _profile(name, b"mntr", b"RGB ", b"XYZ ", {**columns, **curves})


def grey_profile(name: str, curve: Curve) -> bytes:
    return _profile(name, b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _curve(curve)})


def table_profile(
    name: str, space: bytes, to_lab: Callable[[Values], Values], points: int = 9
) -> bytes:
    """A profile that looks colours up: ``to_lab`` takes (N, channels) in [0, 1]."""
    channels = {b"CMYK": 4, b"RGB ": 3, b"GRAY": 1}[space]
    grid = np.array(list(product(np.linspace(0, 1, points), repeat=channels)))
    lab = to_lab(grid)
    packed = np.stack([lab[:, 0] / 100 * 65280, *((lab[:, (1, 2)] + 128) * 256).T], axis=1)
    straight = struct.pack(">2H", 0, 65535)
    head = struct.pack(">4s4xBBBx", b"mft2", channels, 3, points)
    unit = struct.pack(">9i", *(65536 if n in (0, 4, 8) else 0 for n in range(9)))
    table = (
        head
        + unit
        + struct.pack(">2H", 2, 2)
        + straight * channels
        + np.rint(packed.clip(0, 65535)).astype(">u2").tobytes()
        + straight * 3
    )
    return _profile(name, b"prtr", space, b"Lab ", {b"A2B0": table, b"A2B1": table})


def _number(value: float) -> int:
    return round(value * 65536)


def _triple(values: Values) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *map(_number, values))


def _curve(curve: Curve, points: int = 4096) -> bytes:
    values = np.rint(curve(np.linspace(0, 1, points)) * 65535).astype(">u2")
    return struct.pack(">4s4xI", b"curv", points) + values.tobytes()


def _profile(
    name: str, kind: bytes, space: bytes, between: bytes, tags: dict[bytes, bytes]
) -> bytes:
    text = name.encode() + b"\0"
    described = struct.pack(">4s4xI", b"desc", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)
    tags = {
        b"desc": described,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": _triple(D50),
        **tags,
    }
    at, entries, body = 128 + 4 + 12 * len(tags), b"", b""
    for tag, data in tags.items():
        entries += struct.pack(">4sII", tag, at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = at + len(body)
    head = struct.pack(
        ">I4sI4s4s4s6H4s4s4x4x4x8xI3i4s",
        size, b"\0\0\0\0", 0x02100000, kind, space, between, 2024, 1, 1, 0, 0, 0, b"acsp",
        b"\0\0\0\0", 1, *map(_number, D50), b"\0\0\0\0",
    )  # fmt: skip
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + entries + body
