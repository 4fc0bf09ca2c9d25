"""Colour profiles: what an image shows is held to plain arithmetic, in which no CMS takes part."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import icc
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from pytest_editmetrics.errors import ImageError, InputError
from pytest_editmetrics.images.load import load_image, read_encoded, read_image, read_pixels
from pytest_editmetrics.images.shapes import Region

rng = np.random.default_rng(18)
SCENE = rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)
SCENE[:8] //= 16  # the dark, where curves differ most
DEEP = rng.integers(0, 65536, (40, 48, 3), dtype=np.uint16)
DEEP[:8] //= 64
KINDS = {
    "adobe": ("Adobe RGB", icc.ADOBE, icc.gamma(2.19921875)),
    "p3": ("Display P3", icc.P3, icc.srgb_curve),
    "prophoto": ("ProPhoto RGB", icc.PROPHOTO, icc.gamma(1.8)),
    "linear": ("linear", icc.SRGB, icc.gamma(1.0)),
}
PROFILES = {kind: icc.rgb_profile(*of_kind) for kind, of_kind in KINDS.items()}
SRGB = icc.rgb_profile("sRGB by hand", icc.SRGB, icc.srgb_curve)


def shows(values: np.ndarray, kind: str, top: int = 255) -> np.ndarray:
    _, primaries, curve = KINDS[kind]
    return icc.rgb_shows(values / top, primaries, curve)


def saved(image: Image.Image | np.ndarray, form: str, profile: bytes | None, **more) -> bytes:
    file = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    if profile is not None:
        more["icc_profile"] = profile
    picture.save(file, form, **more)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def assert_near(got: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_array_less(np.abs(got.astype(float) - np.rint(wanted)), 1.5)


def colour_of(source, **more) -> dict:
    return read_image(source, **more).notes.get("colour", {})


LOSSLESS = {"PNG": {}, "TIFF": {"compression": "tiff_lzw"}, "WEBP": {"lossless": True}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", LOSSLESS)
def test_a_file_with_a_profile_shows_what_the_profile_says(tmp_path: Path, kind: str, form: str):
    path = tmp_path / f"a.{form}"
    path.write_bytes(saved(SCENE, form, PROFILES[kind], **LOSSLESS[form]))
    seen = load_image(path)
    assert_near(seen, shows(SCENE, kind))
    assert np.abs(seen.astype(int) - SCENE).max() > 20
    lazy, loaded = opened(path.read_bytes()), opened(path.read_bytes())
    loaded.load()
    for image in (lazy, loaded):
        np.testing.assert_array_equal(load_image(image), seen)
    assert colour_of(path)["profile"] == KINDS[kind][0]
    assert colour_of(path)["done"] == "converted to sRGB"
    np.testing.assert_array_equal(load_image(path, colour="numbers"), SCENE)
    assert colour_of(path, colour="numbers")["done"] == "profile left aside"


@pytest.mark.parametrize("form", ["JPEG", "AVIF", "WEBP"])
def test_a_lossy_file_shows_its_decoded_numbers_through_its_profile(form: str):
    data = saved(Image.fromarray(SCENE).resize((96, 80)), form, PROFILES["p3"], quality=90)
    bare = np.asarray(opened(data).convert("RGB"))
    assert_near(load_image(opened(data)), shows(bare, "p3"))


def test_a_profile_in_many_segments_of_a_jpeg_is_read_whole_or_ignored():
    profile = PROFILES["adobe"] + bytes(150_000)
    profile = struct.pack(">I", len(profile)) + profile[4:]
    data = saved(Image.fromarray(SCENE), "JPEG", profile)
    assert data.count(b"ICC_PROFILE\0") > 2
    assert_near(load_image(opened(data)), shows(np.asarray(opened(data)), "adobe"))
    at = data.index(b"\xff\xe2")
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    torn = data[:at] + data[at + 2 + length :]
    with pytest.warns(UserWarning, match=r"image: its colour profile \(unnamed\) is not applied"):
        np.testing.assert_array_equal(load_image(opened(torn)), np.asarray(opened(torn)))


def test_a_profile_that_is_srgb_leaves_every_bit():
    off_by_one = icc.rgb_profile("nearly", icc.SRGB, lambda v: icc.srgb_curve(v) * 0.9985)
    for profile in (SRGB, off_by_one, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))):
        data = profile if isinstance(profile, bytes) else profile.tobytes()
        file = saved(SCENE, "PNG", data)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(load_image(opened(file)), SCENE)
        assert not colour_of(opened(file))
    two_off = icc.rgb_profile("not quite", icc.SRGB, lambda v: icc.srgb_curve(v) * 0.98)
    assert colour_of(opened(saved(SCENE, "PNG", two_off)))["done"] == "converted to sRGB"


def test_a_profile_with_a_foreign_name_is_applied():
    profile = icc.rgb_profile("G\u00e9n\u00e9rique \u8272", icc.P3, icc.srgb_curve)
    image = opened(saved(SCENE, "PNG", profile))
    assert_near(load_image(image), shows(SCENE, "p3"))
    assert colour_of(image)["profile"] == "unnamed"


def test_the_answer_is_computed_once_for_each_profile(monkeypatch):
    asked = []
    build = ImageCms.buildTransform
    monkeypatch.setattr(
        ImageCms, "buildTransform", lambda *args: (asked.append(args), build(*args))[1]
    )
    fresh = icc.rgb_profile("fresh", icc.P3, icc.gamma(2.1))
    for form in ("PNG", "TIFF", "PNG"):
        load_image(opened(saved(SCENE, form, fresh)))
    assert len(asked) == 1


@pytest.mark.parametrize("power", [1.0, 1.8, 2.2])
def test_grey_is_shown_at_all_its_levels(power: float):
    profile = icc.grey_profile(f"grey {power}", icc.gamma(power))
    levels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    wanted = icc.srgb_levels(icc.gamma(power)(levels / 255))
    got = read_pixels(opened(saved(levels, "PNG", profile)))
    assert got.pixels.ndim == 2
    assert_near(got.pixels, wanted)
    deep = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    wanted = icc.srgb_levels(icc.gamma(power)(deep / 65535))
    assert_near(read_pixels(opened(saved(Image.fromarray(deep), "PNG", profile))).pixels, wanted)
    tiff = io.BytesIO()
    tifffile.imwrite(tiff, deep, photometric="minisblack", iccprofile=profile, metadata=None)
    assert_near(read_pixels(opened(tiff.getvalue())).pixels, wanted)
    with_alpha = np.dstack([levels, 255 - levels])
    pixels = read_pixels(opened(saved(Image.fromarray(with_alpha, "LA"), "PNG", profile))).pixels
    assert_near(
        pixels[..., :3], icc.srgb_levels(icc.gamma(power)(levels / 255))[..., None].repeat(3, 2)
    )
    np.testing.assert_array_equal(pixels[..., 3], 255 - levels)


def test_grey_that_is_srgbs_stays_and_tinted_grey_becomes_colour():
    levels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    same = icc.grey_profile("sGrey", icc.srgb_curve)
    np.testing.assert_array_equal(read_pixels(opened(saved(levels, "PNG", same))).pixels, levels)

    def sepia(grey: np.ndarray) -> np.ndarray:
        return np.stack([100 * grey[:, 0], 12 * grey[:, 0], 30 * grey[:, 0]], axis=1)

    profile = icc.table_profile("sepia", b"GRAY", sepia)
    shown = read_pixels(opened(saved(levels, "PNG", profile))).pixels
    wanted = icc.lab_shows(sepia((levels / 255).reshape(-1, 1))).reshape(8, 32, 3)
    assert_near(shown, wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_are_shown_by_their_low_bits_too(kind: str, form: str):
    if form == "TIFF":
        file = io.BytesIO()
        tifffile.imwrite(file, DEEP, photometric="rgb", iccprofile=PROFILES[kind], metadata=None)
        data = file.getvalue()
    else:
        data = deep_png(DEEP, PROFILES[kind])
    assert_near(load_image(opened(data)), shows(DEEP, kind, 65535))
    bare = load_image(opened(data), colour="numbers")
    np.testing.assert_array_equal(bare, np.floor(DEEP / 257 + 0.5))


@pytest.mark.parametrize(
    "numbers",
    [(2.2,), (2.4, 0.95, 0.05), (2.4, 0.95, 0.04, 0.01), (2.4, 0.9479, 0.0521, 0.0774, 0.04045),
     (2.2, 0.95, 0.03, 0.06, 0.05, 0.02, 0.004)],
)  # fmt: skip
def test_a_curve_of_each_kind_gives_deep_values_what_littlecms_gives_eight_bits(numbers):
    kind = (1, 3, 4, 5, 7).index(len(numbers))
    tag = struct.pack(
        f">4s4xHxx{len(numbers)}i", b"para", kind, *(round(n * 65536) for n in numbers)
    )
    for curve in (tag, b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(numbers[0] * 256))):
        profile = icc.rgb_profile("parametric", icc.P3, curve)
        shown = load_image(opened(saved(SCENE, "PNG", profile)))
        assert np.abs(shown.astype(int) - SCENE).max() > 5
        assert_near(load_image(opened(deep_png(SCENE.astype(np.uint16) * 257, profile))), shown)


def deep_png(values: np.ndarray, profile: bytes) -> bytes:
    height, width, channels = values.shape

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    named = b"p\0\0" + zlib.compress(profile)
    parts = ((b"IHDR", head), (b"iCCP", named), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def test_float_values_are_shown_before_they_are_rounded():
    values = (DEEP / 65535).astype(np.float32)[..., 0]
    profile = icc.grey_profile("linear grey", icc.gamma(1.0))
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="minisblack", iccprofile=profile, metadata=None)
    assert_near(read_pixels(opened(file.getvalue())).pixels, icc.srgb_levels(values.astype(float)))


def test_a_profile_of_tables_is_shown_as_its_tables_say():
    def to_lab(rgb: np.ndarray) -> np.ndarray:
        red, green, blue = rgb.T
        return np.stack(
            [30 * red + 55 * green + 15 * blue, 60 * (red - green), 50 * (green - blue)], 1
        )

    profile = icc.table_profile("scanner", b"RGB ", to_lab, 17)
    wanted = icc.lab_shows(to_lab((SCENE / 255).reshape(-1, 3))).reshape(SCENE.shape)
    assert_near(load_image(opened(saved(SCENE, "PNG", profile))), wanted)
    wanted = icc.lab_shows(to_lab((DEEP / 65535).reshape(-1, 3))).reshape(SCENE.shape)
    assert_near(load_image(opened(deep_png(DEEP, profile))), wanted)


def inks(values: np.ndarray) -> np.ndarray:
    cyan, magenta, yellow, black = values.T
    light = 100 - 20 * cyan - 22 * magenta - 8 * yellow - 50 * black
    return np.stack([light, 40 * magenta - 30 * cyan, 40 * yellow - 20 * cyan], axis=1)


def test_cmyk_with_a_profile_is_always_converted():
    profile = icc.table_profile("press", b"CMYK", inks, 5)
    values = rng.integers(0, 256, (40, 48, 4), dtype=np.uint8)
    wanted = icc.lab_shows(inks((values / 255).reshape(-1, 4))).reshape(40, 48, 3)
    picture = Image.fromarray(values, "CMYK")
    assert_near(load_image(opened(saved(picture, "TIFF", profile))), wanted)
    jpeg = opened(saved(picture.resize((96, 80)), "JPEG", profile, quality=95))
    values = np.asarray(jpeg)
    wanted = icc.lab_shows(inks((values / 255).reshape(-1, 4))).reshape(80, 96, 3)
    assert_near(load_image(jpeg), wanted)
    naive = np.asarray(jpeg.convert("RGB"))
    np.testing.assert_array_equal(load_image(jpeg, colour="numbers"), naive)
    assert np.abs(naive.astype(float) - wanted).max() > 50


@pytest.mark.parametrize("colour", ["seen", "numbers"])
def test_lab_is_converted_with_and_without_a_profile(colour):
    values = rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)
    lab = values.astype(float)
    lab[..., 0] *= 100 / 255
    lab[..., 1:] = values[..., 1:].view(np.int8)
    wanted = icc.lab_shows(lab)
    for profile in (None, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()):
        file = io.BytesIO()
        more = {} if profile is None else {"iccprofile": profile}
        tifffile.imwrite(file, values, photometric="cielab", metadata=None, **more)
        assert_near(load_image(opened(file.getvalue()), colour=colour), wanted)


def test_transparency_is_laid_on_white_after_the_colours_are_shown():
    alpha = rng.integers(0, 256, (40, 48, 1), dtype=np.uint8)
    both = np.dstack([SCENE, alpha])
    picture = Image.fromarray(both)
    share = alpha / 255
    wanted = shows(SCENE, "p3") * share + 255 * (1 - share)
    for form in ("PNG", "WEBP", "TIFF"):
        more = {"lossless": True, "exact": True} if form == "WEBP" else {}
        assert_near(load_image(opened(saved(picture, form, PROFILES["p3"], **more))), wanted)
    deep = np.dstack([DEEP, rng.integers(0, 65536, (40, 48, 1), dtype=np.uint16)])
    share = deep[..., 3:] / 65535
    wanted = shows(DEEP, "p3", 65535) * share + 255 * (1 - share)
    assert_near(load_image(opened(deep_png(deep, PROFILES["p3"]))), wanted)


def test_a_palette_is_shown_through_the_profile():
    picture = Image.fromarray(SCENE).quantize(32)
    bare = np.asarray(picture.convert("RGB"))
    for form in ("PNG", "TIFF"):
        assert_near(
            load_image(opened(saved(picture, form, PROFILES["adobe"]))), shows(bare, "adobe")
        )
    hidden = opened(saved(picture, "PNG", PROFILES["adobe"], transparency=bytes(range(32))))
    alpha = np.asarray(hidden.convert("RGBA"))[..., 3:] / 255
    assert_near(load_image(hidden), shows(bare, "adobe") * alpha + 255 * (1 - alpha))


def test_turned_upright_and_shown_at_once():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(SCENE, "PNG", PROFILES["p3"], exif=exif.tobytes())
    assert_near(load_image(opened(data)), np.rot90(shows(SCENE, "p3"), -1))


def test_an_image_in_memory_has_the_profile_that_it_says():
    image = Image.fromarray(SCENE)
    image.info["icc_profile"] = PROFILES["p3"]
    assert_near(load_image(image), shows(SCENE, "p3"))
    small = image.crop((0, 0, 20, 20))
    assert_near(load_image(small), shows(SCENE[:20, :20], "p3"))
    converted = ImageCms.profileToProfile(
        image, io.BytesIO(PROFILES["p3"]), ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )  # fmt: skip
    np.testing.assert_array_equal(load_image(converted), np.asarray(converted))
    for without in (SCENE, Image.fromarray(SCENE)):
        np.testing.assert_array_equal(load_image(without), SCENE)
    image.info["icc_profile"] = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(load_image(image), SCENE)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_profile_that_was_taken_away_or_put_on_counts_as_such(form: str):
    data = saved(SCENE, form, PROFILES["p3"], **LOSSLESS.get(form, {}))
    bare = np.asarray(opened(data).convert("RGB"))
    without, nothing, other = opened(data), opened(data), opened(data)
    del without.info["icc_profile"]
    nothing.info["icc_profile"] = None
    other.info["icc_profile"] = PROFILES["adobe"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(load_image(without), bare)
        np.testing.assert_array_equal(load_image(nothing), bare)
        assert_near(load_image(other), shows(bare, "adobe"))


def test_a_profile_counts_before_what_a_png_says_otherwise():
    data = png_with(
        (b"cICP", bytes([9, 16, 0, 1])), (b"iCCP", b"p\0\0" + zlib.compress(PROFILES["adobe"])),
        (b"gAMA", struct.pack(">I", 100000)),
    )  # fmt: skip
    assert_near(load_image(opened(data)), shows(SCENE, "adobe"))
    assert_near(read_encoded(data, "image").pixels, shows(SCENE, "adobe"))


def test_threads_share_an_opened_image_and_a_profile():
    fresh = icc.rgb_profile("fresh for threads", icc.ADOBE, icc.gamma(2.0))
    image = opened(saved(SCENE, "PNG", fresh))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: load_image(image), range(64)))
    for other in found:
        np.testing.assert_array_equal(other, found[0])
    assert_near(found[0], icc.rgb_shows(SCENE / 255, icc.ADOBE, icc.gamma(2.0)))


DAMAGED = {
    "no profile at all": (b"not a profile, but some bytes" * 20, "it cannot be read"),
    "cut off": (PROFILES["p3"][:300], "it cannot be read|cannot be converted to sRGB"),
    "of CMYK": (
        icc.table_profile("press", b"CMYK", inks, 3),
        "it is one of CMYK, the image is RGB",
    ),
    "of grey": (icc.grey_profile("g", icc.gamma(1.8)), "it is one of GRAY, the image is RGB"),
    "of no space": (PROFILES["p3"][:16] + b"\xff\0AB" + PROFILES["p3"][20:], "it cannot be read"),
    "a link": (PROFILES["p3"][:12] + b"link" + PROFILES["p3"][16:], "no profile of a device"),
    "nothing in it": (
        PROFILES["p3"][:128] + bytes(4),
        "it cannot be read|cannot be converted to sRGB",
    ),
}


@pytest.mark.parametrize("how", DAMAGED)
@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG"])
def test_a_profile_that_cannot_be_applied_is_ignored_with_a_warning(tmp_path, how: str, form: str):
    profile, why = DAMAGED[how]
    path = tmp_path / "a.img"
    path.write_bytes(saved(SCENE, form, profile))
    with pytest.warns(UserWarning, match=why) as caught:
        shown = load_image(path, "edited image")
    np.testing.assert_array_equal(shown, np.asarray(Image.open(path)))
    (said,) = caught
    assert str(said.message).startswith(f"edited image {path}: its colour profile (")
    assert said.filename == __file__
    assert colour_of(path)["ignored"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_image(path, colour="numbers")


def test_a_damaged_profile_is_applied_or_ignored_and_nothing_else():
    random, came = np.random.default_rng(7), set()
    images = {
        "RGB": [PROFILES["linear"], icc.table_profile("t", b"RGB ", lambda v: 90 * v, 3)],
        "L": [icc.grey_profile("g", icc.gamma(1.8))],
        "CMYK": [icc.table_profile("p", b"CMYK", inks, 3)],
    }
    for mode, profiles in images.items():
        for number in range(150):
            damaged = bytearray(profiles[number % len(profiles)])
            for _ in range(random.integers(1, 5)):
                damaged[random.integers(0, 400)] = random.choice([0, 1, 127, 255])
            image = Image.new(mode, (4, 4))
            image.info["icc_profile"] = bytes(damaged)
            came.add(colour_of(image).get("ignored", "applied")[:20])
    assert {"applied", "it cannot be read (c", "it cannot be convert"} <= came


def test_a_profile_of_colour_on_a_grey_image_is_ignored_unless_it_is_srgb():
    grey = SCENE[..., 0]
    with pytest.warns(UserWarning, match="it is one of RGB, the image is GRAY"):
        load_image(opened(saved(grey, "JPEG", PROFILES["adobe"])))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_image(opened(saved(grey, "JPEG", SRGB)))


def png_with(*extra: tuple[bytes, bytes]) -> bytes:
    data = saved(SCENE, "PNG", None)
    parts = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in extra
    )
    return data[:33] + parts + data[33:]


P3_POINTS = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
SRGB_POINTS = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
GAMMA = struct.pack(">I", 45455)


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ([(b"cICP", bytes([12, 13, 0, 1]))], r"\(Display P3\).*its cICP says so"),
        ([(b"cICP", bytes([9, 16, 0, 1]))], r"\(BT.2020, PQ \(HDR\)\)"),
        ([(b"gAMA", struct.pack(">I", 100000))], r"\(gamma 1\).*its gAMA or cHRM says so"),
        ([(b"gAMA", GAMMA), (b"cHRM", P3_POINTS)], r"\(primaries 0.68 0.32 .*gAMA or cHRM"),
        ([(b"iCCP", b"broken\0\0not zlib")], r"\(broken\).*it cannot be read"),
        ([(b"iCCP", b"bomb\0\0" + zlib.compress(bytes(1 << 25)))], "longer than 16 MiB"),
    ],
)
def test_what_a_png_says_otherwise_is_told_and_not_applied(chunks, said: str):
    loaded = read_encoded(png_with(*chunks), "image")
    with pytest.warns(UserWarning, match=said):
        loaded.warn()
    np.testing.assert_array_equal(loaded.pixels, SCENE)


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"gAMA", GAMMA)],
        [(b"gAMA", GAMMA), (b"cHRM", SRGB_POINTS)],
        [(b"sRGB", b"\0"), (b"gAMA", GAMMA), (b"cHRM", P3_POINTS)],
        [(b"cICP", bytes([1, 13, 0, 1]))],
    ],
)
def test_a_png_that_says_srgb_is_not_told_of(chunks):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(load_image(opened(png_with(*chunks))), SCENE)


def test_a_long_profile_of_a_png_is_read_although_pillow_does_not():
    body = PROFILES["adobe"] + bytes(1 << 21)
    profile = struct.pack(">I", len(body)) + body[4:]
    data = png_with((b"iCCP", b"long\0\0" + zlib.compress(profile)))
    assert_near(read_encoded(data, "image").pixels, shows(SCENE, "adobe"))


def test_what_avif_says_without_a_profile_is_told():
    data = saved(SCENE, "AVIF", None)
    at = data.index(b"colrnclx") + 8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_image(opened(data))
    for code, said in (((12, 13), "Display P3"), ((9, 16), r"BT.2020, PQ \(HDR\)")):
        made = data[:at] + struct.pack(">2H", *code) + data[at + 4 :]
        with pytest.warns(UserWarning, match=rf"\({said}\).*its nclx box says so"):
            load_image(opened(made))


def test_a_photo_of_a_phone_carries_its_profile(tmp_path: Path):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    path = tmp_path / "a.heic"
    picture = Image.fromarray(SCENE).resize((96, 80))
    picture.save(path, "HEIF", icc_profile=PROFILES["p3"], quality=95)
    with Image.open(path) as image:
        bare = np.asarray(image.convert("RGB"))
    assert_near(load_image(path), shows(bare, "p3"))
    np.testing.assert_array_equal(load_image(path, colour="numbers"), bare)


@pytest.mark.parametrize(("space", "index"), [(2, None), (65535, "R03")])
def test_adobe_rgb_that_stands_in_the_exif_alone_is_told(space: int, index: str | None):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = space
    if index:
        exif.get_ifd(0x8769)[0xA005] = {1: index}
    data = saved(SCENE, "JPEG", None, exif=exif.tobytes())
    with pytest.warns(UserWarning, match=r"\(Adobe RGB\).*its Exif says so"):
        load_image(opened(data))
    tagged = saved(SCENE, "JPEG", PROFILES["adobe"], exif=exif.tobytes())
    assert_near(load_image(opened(tagged)), shows(np.asarray(opened(tagged)), "adobe"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exif.get_ifd(0x8769)[0xA001] = 1
        load_image(opened(saved(SCENE, "JPEG", None, exif=exif.tobytes())))


def test_a_profile_in_jpeg_2000_is_read_although_pillow_leaves_it_out():
    data = saved(SCENE, "JPEG2000", None, irreversible=False)
    at = data.index(b"colr") - 4
    length = int.from_bytes(data[at : at + 4], "big")
    body = b"colr\2\0\0" + PROFILES["adobe"]
    box = struct.pack(">I", len(body) + 4) + body
    head = data.index(b"jp2h") - 4
    size = int.from_bytes(data[head : head + 4], "big") + len(box) - length
    made = data[:head] + struct.pack(">I", size) + data[head + 4 : at] + box + data[at + length :]
    assert_near(load_image(opened(made)), shows(SCENE, "adobe"))


def test_masks_are_numbers_whatever_their_profile(tmp_path: Path):
    white = np.zeros((8, 8), np.uint8)
    white[2:5, 3:6] = 255
    dim = icc.table_profile("dim", b"GRAY", lambda grey: np.hstack([20 + 60 * grey, grey, grey]))
    colour = np.dstack([white] * 3)
    for values, profile in ((white, dim), (colour, PROFILES["adobe"]), (colour, b"no profile")):
        path = tmp_path / "mask.png"
        path.write_bytes(saved(values, "PNG", profile))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(path) as opened_mask:
                for mask in (path, opened_mask):
                    np.testing.assert_array_equal(Region(mask=mask).inside(8, 8), white > 0)


def test_without_littlecms_a_profile_is_an_error_that_says_what_to_do(monkeypatch):
    def missing(*_):
        raise ImportError("The _imagingcms C module is not installed")

    monkeypatch.setattr(ImageCms, "ImageCmsProfile", missing)
    unseen = icc.rgb_profile("unseen", icc.P3, icc.gamma(1.9))
    with pytest.raises(ImageError, match=r"edited image: .* without LittleCMS.*colour: numbers"):
        load_image(opened(saved(SCENE, "PNG", unseen)), "edited image")
    load_image(opened(saved(SCENE, "PNG", unseen)), colour="numbers")
    load_image(opened(saved(SCENE, "PNG", None)))


def test_another_value_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"unknown colour='number' \(did you mean 'numbers'\?\)"):
        load_image(SCENE, colour="number")


def test_an_image_without_a_profile_imports_no_cms(tmp_path: Path):
    for form in ("PNG", "JPEG", "TIFF"):
        (tmp_path / form).write_bytes(saved(SCENE, form, None))
    code = (
        "import sys\nfrom pytest_editmetrics.images.load import load_image\n"
        f"for form in ('PNG', 'JPEG', 'TIFF'): load_image({str(tmp_path)!r} + '/' + form)\n"
        "assert 'PIL.ImageCms' not in sys.modules and 'PIL._imagingcms' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
