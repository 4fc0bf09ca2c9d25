"""Depths, white that is zero, transparent colours: what Pillow takes for something else."""

from __future__ import annotations

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.load import load_image, read_encoded, read_pixels

rng = np.random.default_rng(3)
GREY = rng.integers(0, 65536, (9, 12), dtype=np.uint16)
COLOUR = rng.integers(0, 65536, (9, 12, 3), dtype=np.uint16)
KINDS = {1: 0, 3: 2, 2: 4, 4: 6}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    values: np.ndarray, depth: int = 16, key: tuple[int, ...] = (), more: bytes = b"", cut: int = 0
) -> bytes:
    """A PNG of 4 or 16 bits, by hand, without a filter; ``cut`` rows are missing."""
    values = values.reshape(*values.shape[:2], -1)
    height, width, channels = values.shape
    flat = values.reshape(height, -1)
    packed = flat.astype(">u2").view(np.uint8) if depth == 16 else flat[:, ::2] << 4 | flat[:, 1::2]
    data = b"".join(b"\0" + row.astype(np.uint8).tobytes() for row in packed[: height - cut])
    header = struct.pack(">IIBBBBB", width, height, depth, KINDS[channels], 0, 0, 0)
    hidden = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)) if key else b""
    pixels = chunk(b"IDAT", zlib.compress(data))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + hidden + more + pixels + chunk(b"IEND", b"")
    )


def tiff(values: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, metadata=None, **options)
    return file.getvalue()


def levels(values: np.ndarray, top: int = 65535) -> np.ndarray:
    return np.floor(values.astype(float) * 255 / top + 0.5)


def read(data: bytes) -> np.ndarray:
    loaded = read_encoded(data, "image").pixels
    np.testing.assert_array_equal(load_image(Image.open(io.BytesIO(data))), loaded)
    return loaded


def test_sixteen_bit_colour_and_alpha_are_rounded_as_grey_is():
    np.testing.assert_array_equal(read(png(COLOUR)), levels(COLOUR))
    grey = read(png(np.dstack([GREY, np.full_like(GREY, 65535)])))
    np.testing.assert_array_equal(grey[..., 0], levels(GREY))
    np.testing.assert_array_equal(read(png(GREY))[..., 0], levels(GREY))
    alpha = np.dstack([COLOUR, GREY])
    data = png(alpha)
    np.testing.assert_array_equal(read_pixels(Image.open(io.BytesIO(data))).pixels, levels(alpha))
    for packing in (None, "zlib"):
        for order in "<>":
            data = tiff(COLOUR, photometric="rgb", compression=packing, byteorder=order)
            np.testing.assert_array_equal(read(data), levels(COLOUR))


@pytest.mark.parametrize("depth", [4, 16])
def test_the_transparent_colour_of_grey_becomes_white(depth: int):
    values = GREY if depth == 16 else GREY >> 12
    hidden = values == values[2, 3]
    wanted = np.where(hidden, 255, levels(values, 2**depth - 1))
    data = png(values, depth, (int(values[2, 3]),))
    np.testing.assert_array_equal(read(data)[..., 1], wanted)
    assert (
        read_pixels(Image.open(io.BytesIO(data))).pixels[..., 3] == np.where(hidden, 0, 255)
    ).all()


def test_the_transparent_colour_of_sixteen_bit_rgb_is_compared_with_all_of_its_bits():
    values = COLOUR.copy()
    values[5, 5] = values[2, 3] ^ 1  # the same high bytes
    hidden = np.zeros((9, 12), bool)
    hidden[2, 3] = True
    wanted = np.where(hidden[..., None], 255, levels(values))
    np.testing.assert_array_equal(read(png(values, key=tuple(map(int, values[2, 3])))), wanted)


@pytest.mark.parametrize("packing", [None, "zlib"])
def test_white_that_is_zero_is_white(packing: str | None):
    data = tiff(GREY, photometric="miniswhite", compression=packing)
    np.testing.assert_array_equal(read(data)[..., 0], levels(65535 - GREY))
    floats = (GREY / 65535).astype(np.float32)
    data = tiff(floats, photometric="miniswhite", compression=packing)
    np.testing.assert_array_equal(read(data)[..., 0], np.rint((1 - floats).astype(float) * 255))


@pytest.mark.parametrize("packing", [None, "zlib", "lzw"])
@pytest.mark.parametrize("order", "<>")
def test_floats_are_read_in_the_order_of_their_bytes(packing: str | None, order: str):
    floats = (GREY / 65535).astype(np.float32)
    data = tiff(floats, photometric="minisblack", compression=packing, byteorder=order)
    np.testing.assert_array_equal(read(data)[..., 0], np.rint(floats.astype(float) * 255))


@pytest.mark.parametrize("kind", ["JP2", "J2K"])
@pytest.mark.parametrize(
    ("depth", "channels"), [(16, 3), (16, 4), (16, 2), (12, 3), (4, 1), (4, 3)]
)
def test_a_jpeg_2000_that_pillow_reads_with_other_levels_is_refused(kind, depth, channels):
    shape = (9, 12, channels)[: 2 if channels == 1 else 3]
    white = np.full(shape, (1 << depth) - 1, np.uint16 if depth > 8 else np.uint8)
    data = imagecodecs.jpeg2k_encode(
        white, level=0, reversible=True, bitspersample=depth, codecformat=kind
    )
    with pytest.raises(ImageError, match=rf"a JPEG 2000 of {depth} bits with {channels} channels"):
        read_encoded(data, "image")


@pytest.mark.parametrize(("depth", "channels"), [(16, 1), (12, 1), (8, 3), (8, 1)])
def test_a_jpeg_2000_of_other_depths_reaches_white(depth, channels):
    top = (1 << depth) - 1
    kind = np.uint16 if depth > 8 else np.uint8
    values = np.linspace(0, top, 108 * channels).astype(kind).reshape(9, 12, channels).squeeze()
    data = imagecodecs.jpeg2k_encode(values, level=0, reversible=True, bitspersample=depth)
    got = read(data) if channels == 3 else read(data)[..., 0]
    assert got.max() == 255
    np.testing.assert_allclose(got, values * (255 / top), atol=1)


@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_a_tiff_of_another_kind_is_told_so(kind: str):
    data = tiff((GREY / 65535).astype(kind), photometric="minisblack")
    with pytest.raises(ImageError, match="it is a TIFF of another kind than it reads: 8 or 16"):
        read_encoded(data, "image")


def test_planes_of_sixteen_bit_are_no_noise():
    data = tiff(COLOUR.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read(data), levels(COLOUR))


def test_twelve_bit_grey_reaches_white():
    values = GREY >> 4
    bits = np.packbits(
        ((values[..., None] >> np.arange(11, -1, -1)) & 1).reshape(9, -1).astype(np.uint8), axis=1
    )
    pixels = bits.tobytes()
    tags = [(256, 4, 12), (257, 4, 9), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
            (278, 4, 9), (279, 4, len(pixels))]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    data = (
        struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
        + pixels
        + struct.pack("<H", 9)
        + entries
        + bytes(4)
    )
    np.testing.assert_array_equal(read(data)[..., 0], levels(values, 4095))


@pytest.mark.parametrize("kind", ["int8", "int16"])
def test_signed_samples_are_refused(kind: str):
    data = tiff((GREY >> 9).astype(kind), photometric="minisblack")
    with pytest.raises(ImageError, match=r"^image: its samples are signed"):
        read_encoded(data, "image")


@pytest.mark.parametrize("cut", [1, 4, 8])
def test_a_png_whose_data_end_early_is_damaged_though_its_checksums_are_sound(cut: int):
    for values in (COLOUR, GREY):
        with pytest.raises(ImageError, match=r"is truncated or damaged \(its data end before"):
            read_encoded(png(values, cut=cut), "image")
    whole = np.zeros_like(COLOUR)
    assert (read_encoded(png(whole), "image").pixels == 0).all()


def test_long_texts_are_left_aside_and_orientation_is_not():
    text = chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(1 << 24), 9))
    np.testing.assert_array_equal(
        read_encoded(png(COLOUR, more=text), "image").pixels, levels(COLOUR)
    )
    exif = chunk(b"eXIf", struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 274, 3, 1, 3, 0, 0))
    turned = read_encoded(png(COLOUR, more=text + exif), "image").pixels
    np.testing.assert_array_equal(turned, levels(COLOUR)[::-1, ::-1])
