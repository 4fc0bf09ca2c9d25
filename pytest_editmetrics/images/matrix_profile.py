"""Profiles of curves and a matrix, computed in floats: LittleCMS takes 8 bits from Pillow only."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.srgb import values_of

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]

_CHANNELS = (b"r", b"g", b"b")
# linear sRGB to XYZ under D50, as its profile has it (IEC 61966-2-1, Bradford)
_SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)
_PARAMETERS = (1, 3, 4, 5, 7)


def tags(icc: bytes) -> dict[bytes, bytes]:
    """Return the tags of a profile; those that do not lie in it are left out."""
    found, count = {}, min(int.from_bytes(icc[128:132], "big"), 200)
    for at in range(132, min(132 + 12 * count, len(icc) - 11), 12):
        name, start, size = struct.unpack_from(">4sII", icc, at)
        if start + size <= len(icc):
            found[name] = icc[start : start + size]
    return found


def is_matrix(icc: bytes) -> bool:
    """Tell whether a profile is of curves and a matrix and has no tables, which go before them."""
    names = tags(icc)
    return b"rXYZ" in names and not any(name[:3] in (b"A2B", b"D2B") for name in names)


def exact_levels(icc: bytes) -> Callable[[NDArray[np.float32]], NDArray[np.uint8]] | None:
    """Return what gives levels of sRGB (..., 3) of levels of a profile that are not whole.

    ``None`` for a profile that is not of curves and a matrix, or has a curve of an unknown kind.
    """
    if not is_matrix(icc):
        return None
    found = tags(icc)
    try:
        columns = [_triple(found[channel + b"XYZ"]) for channel in _CHANNELS]
        curves = [_curve(found[channel + b"TRC"]) for channel in _CHANNELS]
    except (KeyError, struct.error, ValueError):
        return None
    to_srgb = np.linalg.solve(_SRGB, np.stack(columns, axis=1))

    def shown(levels: NDArray[np.float32]) -> NDArray[np.uint8]:
        shares = levels.astype(np.float64) / 255
        linear = np.stack([curve(shares[..., n]) for n, curve in enumerate(curves)], axis=-1)
        light: Floats = linear @ to_srgb.T
        return np.rint(values_of(light) * 255).astype(np.uint8)

    return shown


def _triple(tag: bytes) -> Floats:
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> Curve:
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        table = np.array(struct.unpack_from(f">{count}H", tag, 12), np.float64)
        if count == 0:
            return lambda v: v
        if count == 1:
            return lambda v: v ** (table[0] / 256)
        return lambda v: np.interp(v, np.linspace(0, 1, count), table / 65535)
    if tag[:4] != b"para":
        raise ValueError
    (kind,) = struct.unpack_from(">H", tag, 8)
    if kind >= len(_PARAMETERS):
        raise ValueError
    return _parametric(
        kind, np.array(struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)) / 65536
    )


def _parametric(kind: int, numbers: Floats) -> Curve:
    """Return a curve of ICC.1, 10.18: a power from a point on, a line below it."""
    g, a, b, c, d, e, f = [*map(float, numbers), *[0.0] * (7 - len(numbers))]
    if kind == 0:
        return lambda v: v**g
    if kind in (1, 2):  # the line is level; what kind 2 adds is added everywhere
        a, b, c, d, e, f = a, b, 0.0, -b / a if a else 0.0, c, c

    def curve(v: Floats) -> Floats:
        power = np.maximum(a * v + b, 0) ** g + e
        found: Floats = np.where(v >= d, power, c * v + f)
        return found.clip(0, 1)

    return curve
