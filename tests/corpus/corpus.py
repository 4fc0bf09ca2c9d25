"""Some hundred image files, made from four photos of the public domain, and what each shows.

What it shows is what another decoder than Pillow makes of it: imagecodecs (libpng, libjpeg-turbo,
libwebp, libavif, libjxl, libheif, OpenJPEG), tifffile or OpenCV; only depth, white that is zero,
transparency and orientation are applied to that here, by their definitions.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import icc
import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from made_png import GREY, GREY_ALPHA, PALETTE, RGB, RGBA, chunk, png
from PIL import Image

PHOTOS = Path(__file__).parents[2] / "fixtures/demo/images"
NAMES = ("astronaut", "cat", "coffee", "rocket")


@dataclass(frozen=True)
class Made:
    """A file, and what it shows: (H, W, 3) in [0, 255], or why it is refused (a regex).

    ``whole`` is what it may show instead of being refused: a cut that took no pixel.
    """

    kind: str
    name: str
    data: bytes
    shows: np.ndarray | None = None
    refused: str | None = None
    whole: np.ndarray | None = None


def photo(name: str, width: int = 72, height: int = 48) -> np.ndarray:
    with Image.open(PHOTOS / f"{name}.png") as image:
        size = width, height
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))


def deep(name: str) -> np.ndarray:
    """The photo in 16 bits, whose low bytes are not those of 8 bits."""
    noise = np.random.default_rng(len(name)).integers(0, 257, (48, 72, 3))
    return np.minimum(photo(name).astype(np.int64) * 256 + noise, 65535).astype(np.uint16)


def ramp(top: int) -> np.ndarray:
    """An alpha from nothing to all, from left to right."""
    return np.rint(np.linspace(0, top, 72)[None].repeat(48, 0)).astype(np.uint16)


def shown(values: Any, top: float) -> np.ndarray:
    """What (H, W[, C]) values up to ``top`` show: grey or RGB, with an alpha laid on white."""
    share = np.asarray(values, np.float64) / top
    if share.ndim == 2:
        share = share[..., None]
    alpha = share[..., -1:] if share.shape[2] in (2, 4) else 1.0
    colours = share[..., :-1] if share.shape[2] in (2, 4) else share
    laid = (colours * alpha + (1 - alpha)) * 255
    return laid.repeat(3, 2) if laid.shape[2] == 1 else laid


def png_shown(data: bytes) -> np.ndarray:
    """What libpng makes of a PNG; it resolves palettes, keys and low depths."""
    values = imagecodecs.png_decode(data)
    return shown(values, np.iinfo(values.dtype).max)


def depths_of_png() -> Iterator[Made]:
    for name in NAMES:
        rgb, sixteen = photo(name), deep(name)
        grey = sixteen[..., 1]
        for interlaced in (False, True):
            tag = f"{name}-{'adam7' if interlaced else 'plain'}"
            for depth in (1, 2, 4, 8, 16):
                values = grey >> (16 - depth)
                data = png(values, depth, GREY, interlaced=interlaced)
                yield Made("depth", f"grey{depth}-{tag}.png", data, png_shown(data))
                key = struct.pack(">H", int(values[10, 10]))
                data = png(values, depth, GREY, key=key, interlaced=interlaced)
                wanted = shown(
                    np.dstack([values, np.where(values == values[10, 10], 0, 2**depth - 1)]),
                    2**depth - 1,
                )
                yield Made("transparency", f"grey{depth}-key-{tag}.png", data, wanted)
            data = png(sixteen, 16, RGB, interlaced=interlaced)
            yield Made("depth", f"rgb16-{tag}.png", data, png_shown(data))
            data = png(np.dstack([sixteen, ramp(65535)]), 16, RGBA, interlaced=interlaced)
            yield Made("transparency", f"rgba16-{tag}.png", data, png_shown(data))
            data = png(np.dstack([grey, ramp(65535)]), 16, GREY_ALPHA, interlaced=interlaced)
            yield Made("transparency", f"la16-{tag}.png", data, png_shown(data))
            data = png(
                sixteen, 16, RGB, key=struct.pack(">3H", *sixteen[9, 9]), interlaced=interlaced
            )
            hidden = (sixteen == sixteen[9, 9]).all(2)
            wanted = shown(np.dstack([sixteen, np.where(hidden, 0, 65535)]), 65535)
            yield Made("transparency", f"rgb16-key-{tag}.png", data, wanted)
            data = png(np.dstack([rgb, ramp(255)]), 8, RGBA, interlaced=interlaced)
            yield Made("transparency", f"rgba8-{tag}.png", data, png_shown(data))
        colours = np.random.default_rng(1).integers(0, 256, (16, 3), dtype=np.uint8)
        data = png(grey >> 12, 4, PALETTE, palette=colours, key=bytes(range(0, 256, 17)))
        yield Made("transparency", f"palette-{name}.png", data, png_shown(data))


def tiff(values: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, metadata=None, **options)
    return file.getvalue()


def tiff_shown(data: bytes, top: float, inverted: bool = False) -> np.ndarray:
    values = tifffile.imread(io.BytesIO(data))
    if values.ndim == 3 and values.shape[0] in (3, 4) and values.shape[2] not in (3, 4):
        values = values.transpose(1, 2, 0)
    return shown(top - values.astype(np.float64) if inverted else values, top)


def twelve_bit(values: np.ndarray, photometric: int) -> bytes:
    """A TIFF of 12 bits for each value, packed, by hand: tifffile does not write them."""
    height, width = values.shape
    bits = (values[..., None] >> np.arange(11, -1, -1)) & 1
    pixels = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1).tobytes()
    tags = [(256, 4, width), (257, 4, height), (258, 3, 12), (259, 3, 1), (262, 3, photometric),
            (273, 4, 8), (277, 3, 1), (278, 4, height), (279, 4, len(pixels))]  # fmt: skip
    entries = b"".join(
        struct.pack("<HHI", tag, kind, 1)
        + (struct.pack("<HH", v, 0) if kind == 3 else struct.pack("<I", v))
        for tag, kind, v in tags
    )
    return (
        struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
        + pixels
        + struct.pack("<H", len(tags))
        + entries
        + bytes(4)
    )


def kinds_of_tiff() -> Iterator[Made]:
    zero, black = "miniswhite", "minisblack"
    for name in NAMES:
        sixteen = deep(name)
        grey = sixteen[..., 0]
        for packing in (None, "zlib", "lzw"):
            tag = f"{name}-{packing or 'raw'}.tif"
            for photometric in (zero, black):
                inverted = photometric == zero
                data = tiff(grey, photometric=photometric, compression=packing)
                yield Made(
                    "photometric",
                    f"grey16-{photometric}-{tag}",
                    data,
                    tiff_shown(data, 65535, inverted),
                )
                data = tiff(
                    (grey >> 8).astype(np.uint8), photometric=photometric, compression=packing
                )
                yield Made(
                    "photometric",
                    f"grey8-{photometric}-{tag}",
                    data,
                    tiff_shown(data, 255, inverted),
                )
                data = tiff(
                    (grey / 65535).astype(np.float32), photometric=photometric, compression=packing
                )
                yield Made(
                    "photometric", f"float-{photometric}-{tag}", data, tiff_shown(data, 1, inverted)
                )
            data = tiff(grey, photometric=black, compression=packing, byteorder=">")
            yield Made("photometric", f"grey16-big-{tag}", data, tiff_shown(data, 65535))
            data = tiff(sixteen, photometric="rgb", compression=packing)
            yield Made("depth", f"rgb16-{tag}", data, tiff_shown(data, 65535))
            data = tiff(sixteen, photometric="rgb", compression=packing, byteorder=">")
            yield Made("depth", f"rgb16-big-{tag}", data, tiff_shown(data, 65535))
            data = tiff(
                sixteen.transpose(2, 0, 1),
                photometric="rgb",
                planarconfig="separate",
                compression=packing,
            )
            yield Made("photometric", f"rgb16-planes-{tag}", data, tiff_shown(data, 65535))
            straight = np.dstack([sixteen, ramp(65535)])
            data = tiff(
                straight, photometric="rgb", extrasamples=["unassalpha"], compression=packing
            )
            yield Made("transparency", f"rgba16-{tag}", data, tiff_shown(data, 65535))
            share = ramp(65535)[..., None] / 65535
            laid = np.rint(np.dstack([sixteen * share, ramp(65535)])).astype(np.uint16)
            data = tiff(laid, photometric="rgb", extrasamples=["assocalpha"], compression=packing)
            yield Made("transparency", f"rgba16-associated-{tag}", data, shown(straight, 65535))
        data = tiff(grey, photometric=zero, byteorder=">")
        yield Made(
            "photometric",
            f"grey16-big-{zero}-{name}.tif",
            data,
            refused="is no image that Pillow can read",
        )
        data = tiff((grey >> 1).astype(np.int16), photometric=black)
        yield Made("photometric", f"signed16-{name}.tif", data, refused="its samples are signed")
        for photometric, refusal in ((1, None), (0, "is no image that Pillow can read")):
            data = twelve_bit(grey >> 4, photometric)
            wanted = tiff_shown(data, 4095) if refusal is None else None
            yield Made("photometric", f"grey12-{photometric}-{name}.tif", data, wanted, refusal)


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


def orientations() -> Iterator[Made]:
    for number, (orientation, upright) in enumerate(UPRIGHT.items()):
        rgb, sixteen = photo(NAMES[number % 4]), deep(NAMES[number % 4])
        exif = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 274, 3, 1, orientation, 0, 0)
        for name, data in (
            ("rgb8", png(rgb, 8, RGB, more=chunk(b"eXIf", exif))),
            ("rgb16", png(sixteen, 16, RGB, more=chunk(b"eXIf", exif))),
            ("late", png(rgb, 8, RGB, after=chunk(b"eXIf", exif))),
        ):
            yield Made("orientation", f"{orientation}-{name}.png", data, upright(png_shown(data)))
        data = imagecodecs.jpeg_encode(rgb, level=95)
        body = b"Exif\0\0" + exif
        with_exif = data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
        wanted = upright(imagecodecs.jpeg_decode(data).astype(float))
        yield Made("orientation", f"{orientation}.jpg", with_exif, wanted)
        for name, values, top in (("rgb8", rgb, 255), ("rgb16", sixteen, 65535)):
            data = tiff(values, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
            yield Made(
                "orientation", f"{orientation}-{name}.tif", data, upright(tiff_shown(data, top))
            )


def metadata() -> Iterator[Made]:
    long = zlib.compress(b"a" * (1 << 26), 9)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    texts = {
        "zTXt-64MB": chunk(b"zTXt", b"workflow\0\0" + long),
        "iTXt-64MB": chunk(b"iTXt", b"workflow\0\1\0\0\0" + long),
        "tEXt-2MB": chunk(b"tEXt", b"prompt\0" + b"a" * (1 << 21)),
        "zTXt-70x1MB": chunk(b"zTXt", b"w\0\0" + zlib.compress(b"a" * (1 << 20), 9)) * 70,
        "iCCP-2MB": chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(1 << 21))),
        "exif-64MB": chunk(b"zTXt", b"Raw profile type exif\0\0" + long),
    }
    for name in NAMES:
        rgb = photo(name)
        for what, text in texts.items():
            for where in ("more", "after"):
                if what.startswith("iCCP") and where == "after":
                    continue
                data = png(rgb, 8, RGB, **{where: text})
                yield Made("metadata", f"{what}-{where}-{name}.png", data, rgb.astype(float))
        turned = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp) + texts["zTXt-64MB"]
        data = png(rgb, 8, RGB, more=turned)
        yield Made("metadata", f"xmp-turned-{name}.png", data, UPRIGHT[6](rgb.astype(float)))


def formats() -> Iterator[tuple[str, bytes, np.ndarray]]:
    """One file of each format: its suffix, its bytes, what it shows."""
    rgb = photo("coffee", 160, 128)
    for suffix, data, decode in (
        ("png", imagecodecs.png_encode(rgb), imagecodecs.png_decode),
        ("jpg", imagecodecs.jpeg_encode(rgb, level=90), imagecodecs.jpeg_decode),
        ("webp", imagecodecs.webp_encode(rgb, level=80), imagecodecs.webp_decode),
        ("lossless.webp", imagecodecs.webp_encode(rgb, lossless=True), imagecodecs.webp_decode),
        ("jp2", imagecodecs.jpeg2k_encode(rgb, level=0), imagecodecs.jpeg2k_decode),
        ("avif", imagecodecs.avif_encode(rgb, level=90), imagecodecs.avif_decode),
        ("jxl", imagecodecs.jpegxl_encode(rgb, level=95), imagecodecs.jpegxl_decode),
        ("qoi", imagecodecs.qoi_encode(rgb), imagecodecs.qoi_decode),
    ):
        yield suffix, data, np.asarray(decode(data), float)
    heic = pillow_heif.from_pillow(Image.fromarray(rgb))
    file = io.BytesIO()
    heic.save(file, quality=90)
    yield "heic", file.getvalue(), np.asarray(pillow_heif.open_heif(file), float)
    for suffix in ("bmp", "ppm"):
        done, data = cv2.imencode(f".{suffix}", rgb[..., ::-1])
        assert done
        yield suffix, data.tobytes(), cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].astype(float)
    for name, packing in (("raw", None), ("zlib", "zlib"), ("lzw", "lzw"), ("jpeg", "jpeg")):
        data = tiff(rgb, photometric="rgb", compression=packing, rowsperstrip=16)
        yield f"{name}.tif", data, tifffile.imread(io.BytesIO(data)).astype(float)
    file = io.BytesIO()
    Image.fromarray(rgb).quantize(64).save(file, "GIF")
    yield "gif", file.getvalue(), imagecodecs.gif_decode(file.getvalue()).astype(float)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=90, progressive=True)
    yield "progressive.jpg", file.getvalue(), imagecodecs.jpeg_decode(file.getvalue()).astype(float)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "TGA", compression="tga_rle")
    yield "tga", file.getvalue(), rgb.astype(float)


def truncations() -> Iterator[Made]:
    for suffix, data, wanted in formats():
        yield Made("format", f"whole.{suffix}", data, wanted)
        for place in range(1, 11):
            cut = data[: len(data) * place // 11]
            refusal = "is truncated or damaged|is no image that Pillow can read"
            yield Made("truncation", f"{place}.{suffix}", cut, refused=refusal, whole=wanted)
    damaged = "is truncated or damaged"
    for name in NAMES:
        for way, options in {
            "baseline": {},
            "444": {"subsampling": 0},
            "progressive": {"progressive": True},
            "restarts": {"restart_marker_rows": 1},
            "grey": {},
        }.items():
            picture = Image.fromarray(photo(name))
            file = io.BytesIO()
            (picture.convert("L") if way == "grey" else picture).save(file, "JPEG", **options)
            data = file.getvalue()
            scan = data.rindex(b"\xff\xda")
            yield Made(
                "format", f"{way}-{name}.jpg", data, shown(imagecodecs.jpeg_decode(data), 255)
            )
            for share in (0.3, 0.9):
                cut = data[: scan + 20 + int((len(data) - scan - 20) * share)] + b"\xff\xd9"
                yield Made("truncation", f"early-{share}-{way}-{name}.jpg", cut, refused=damaged)
    for name in NAMES:
        rgb, sixteen = photo(name), deep(name)
        for interlaced in (False, True):
            tag = f"{name}-{'adam7' if interlaced else 'plain'}"
            for missing in (0.02, 0.5, 0.98):
                data = png(rgb, 8, RGB, interlaced=interlaced, missing=missing)
                yield Made("truncation", f"early-{missing}-{tag}.png", data, refused=damaged)
            data = png(sixteen, 16, RGB, interlaced=interlaced, missing=0.3)
            yield Made("truncation", f"early-16-{tag}.png", data, refused=damaged)


def with_profile(data: bytes, profile: bytes) -> bytes:
    """A PNG with a profile put in, its header's chunk being 25 bytes."""
    return data[:33] + chunk(b"iCCP", b"made\0\0" + zlib.compress(profile)) + data[33:]


def saved(picture: Image.Image, form: str, profile: bytes, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, icc_profile=profile, **options)
    return file.getvalue()


def inks(values: np.ndarray) -> np.ndarray:
    """Lab of cyan, magenta, yellow and black: a press that no tables distort."""
    cyan, magenta, yellow, black = values.T
    light = 100 - 20 * cyan - 22 * magenta - 8 * yellow - 50 * black
    return np.stack([light, 40 * magenta - 30 * cyan, 40 * yellow - 20 * cyan], axis=1)


def profiles() -> Iterator[Made]:
    """Files with a profile; what they show is plain arithmetic on what another decoder reads."""
    spaces = {
        "adobe": (icc.ADOBE, icc.gamma(2.19921875)),
        "p3": (icc.P3, icc.srgb_curve),
        "prophoto": (icc.PROPHOTO, icc.gamma(1.8)),
        "linear": (icc.SRGB, icc.gamma(1.0)),
    }
    same = icc.rgb_profile("sRGB", icc.SRGB, icc.srgb_curve)
    press = icc.table_profile("press", b"CMYK", inks, 5)
    for name in NAMES:
        rgb, sixteen = photo(name), deep(name)
        for space, (points, curve) in spaces.items():
            profile = icc.rgb_profile(space, points, curve)

            def shows(values: np.ndarray, points: Any = points, curve: Any = curve) -> np.ndarray:
                top = np.iinfo(values.dtype).max
                return icc.rgb_shows(values / top, points, curve)

            tag = f"{space}-{name}"
            data = with_profile(png(rgb, 8, RGB), profile)
            yield Made("profile", f"rgb8-{tag}.png", data, shows(rgb))
            data = with_profile(png(sixteen, 16, RGB, interlaced=True), profile)
            yield Made("profile", f"rgb16-{tag}.png", data, shows(sixteen))
            data = with_profile(png(np.dstack([rgb, ramp(255)]), 8, RGBA), profile)
            share = ramp(255)[..., None] / 255
            wanted = shows(rgb) * share + 255 * (1 - share)
            yield Made("profile", f"rgba8-{tag}.png", data, wanted)
            for values, depth in ((rgb, 8), (sixteen, 16)):
                data = tiff(values, photometric="rgb", iccprofile=profile, compression="zlib")
                yield Made("profile", f"rgb{depth}-{tag}.tif", data, shows(values))
            picture = Image.fromarray(rgb)
            data = saved(picture, "JPEG", profile, quality=92)
            wanted = shows(imagecodecs.jpeg_decode(data))
            yield Made("profile", f"{tag}.jpg", data, wanted)
            data = saved(picture, "WEBP", profile, lossless=True)
            yield Made("profile", f"{tag}.webp", data, shows(imagecodecs.webp_decode(data)))
            data = saved(picture, "AVIF", profile, quality=92)
            yield Made("profile", f"{tag}.avif", data, shows(imagecodecs.avif_decode(data)))
            colours = picture.quantize(40)
            data = saved(colours, "PNG", profile)
            yield Made(
                "profile", f"palette-{tag}.png", data, shows(np.asarray(colours.convert("RGB")))
            )
        yield Made("profile", f"srgb-{name}.png", with_profile(png(rgb, 8, RGB), same), rgb * 1.0)
        for power in (1.0, 1.8, 2.2):
            profile = icc.grey_profile("grey", icc.gamma(power))
            for values, depth in ((rgb[..., 1], 8), (sixteen[..., 1], 16)):
                top = 2**depth - 1
                wanted = icc.srgb_levels(icc.gamma(power)(values / top))[..., None].repeat(3, 2)
                data = with_profile(png(values, depth, GREY), profile)
                yield Made("profile", f"grey{depth}-{power}-{name}.png", data, wanted)
                data = tiff(values, photometric="minisblack", iccprofile=profile)
                yield Made("profile", f"grey{depth}-{power}-{name}.tif", data, wanted)
        values = np.dstack([255 - rgb, rgb[..., 2] // 3])
        wanted = icc.lab_shows(inks((values / 255).reshape(-1, 4))).reshape(rgb.shape)
        data = tiff(values, photometric="separated", iccprofile=press)
        yield Made("profile", f"cmyk-{name}.tif", data, wanted)
        data = tiff(rgb, photometric="cielab")
        lab = np.dstack([rgb[..., 0] * (100 / 255), rgb[..., 1:].view(np.int8)])
        yield Made("profile", f"lab-{name}.tif", data, icc.lab_shows(lab))


def every_file() -> list[Made]:
    return [
        *profiles(),
        *depths_of_png(),
        *kinds_of_tiff(),
        *orientations(),
        *metadata(),
        *truncations(),
    ]
