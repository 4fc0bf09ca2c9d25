"""Writes a PNG by hand, of whatever kind: depth, colour, interlacing, chunks that lie or are long."""

from __future__ import annotations

import struct
import zlib

import numpy as np

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(samples: np.ndarray, depth: int) -> bytes:
    """The bytes of (H, W, C), each row after a filter byte of none."""
    height = samples.shape[0]
    flat = samples.reshape(height, -1)
    if depth == 16:
        packed = flat.astype(">u2").view(np.uint8).reshape(height, -1)
    elif depth == 8:
        packed = flat.astype(np.uint8)
    else:
        bits = (flat[..., None] >> np.arange(depth - 1, -1, -1)) & 1
        packed = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def png(
    samples: np.ndarray,
    depth: int,
    colour: int,
    *,
    key: bytes | None = None,
    palette: np.ndarray | None = None,
    interlaced: bool = False,
    more: bytes = b"",
    after: bytes = b"",
    missing: float = 0,
) -> bytes:
    """A PNG of (H, W, C); ``missing`` is the share of its data that it does not have."""
    if samples.ndim == 2:
        samples = samples[..., None]
    height, width = samples.shape[:2]
    if interlaced:
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in PASSES]
        data = b"".join(rows(part, depth) for part in parts if part.size)
    else:
        data = rows(samples, depth)
    data = data[: int(len(data) * (1 - missing))]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    made = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more
    if palette is not None:
        made += chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    if key is not None:
        made += chunk(b"tRNS", key)
    return made + chunk(b"IDAT", zlib.compress(data)) + after + chunk(b"IEND", b"")
