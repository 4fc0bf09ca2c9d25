"""Images in a scale in which no fault would show are errors that say what to do"""

from __future__ import annotations

import io
import re
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from pytest_editmetrics.errors import ImageError, RegionError
from pytest_editmetrics.images.load import load_image, read_encoded_pixels, read_pixels
from pytest_editmetrics.images.masks import Cut, as_mask
from pytest_editmetrics.images.shapes import Region

SCENE = np.random.default_rng(7).integers(0, 256, (12, 17, 3), dtype=np.uint8)
GREY = SCENE[..., 0]
SHARES = SCENE / 255
ONES = np.rint(SHARES).astype(np.uint8)
OPAQUE = np.full((12, 17), 255, np.uint8)


def alpha(pixels: np.ndarray, value: object) -> np.ndarray:
    return np.dstack([pixels, np.broadcast_to(np.asarray(value, pixels.dtype), pixels.shape[:2])])


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.transpose(2, 0, 1).copy())


def encoded(array: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind)
    return file.getvalue()


def deep(values: np.ndarray, kind: str) -> bytes:
    if kind == "PNG":
        return imagecodecs.png_encode(values)
    file = io.BytesIO()
    tifffile.imwrite(file, values, metadata=None)
    return file.getvalue()


def both_ways(data: bytes, tmp_path: Path):
    """Yield a file's path, and it as a PIL image, not yet loaded and loaded."""
    path = tmp_path / "image"
    path.write_bytes(data)
    yield path
    yield Image.open(io.BytesIO(data))
    loaded = Image.open(io.BytesIO(data))
    loaded.load()
    yield loaded


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("values", [GREY, SCENE, alpha(SCENE, 255)], ids=["grey", "rgb", "rgba"])
def test_sixteen_bits_that_hold_eight(kind: str, values: np.ndarray, tmp_path: Path):
    deep_values = values.astype(np.uint16)
    if values.ndim == 3 and values.shape[2] == 4:
        deep_values[..., 3] = 65535
    path = tmp_path / "a.img"
    path.write_bytes(deep(deep_values, kind))
    for source in (path, Image.open(io.BytesIO(path.read_bytes()))):
        with pytest.raises(ImageError, match=r"has 16 bits and values up to 25\d, which may be of"):
            load_image(source)
    if kind == "PNG":
        with pytest.raises(ImageError, match="of 8 bits"):
            read_encoded_pixels(path.read_bytes(), "golden image")
    path.write_bytes(deep(values.astype(np.uint16) * 257, kind))
    np.testing.assert_array_equal(load_image(path), load_image(values))


def test_sixteen_bits_that_hold_eight_in_memory():
    wide = GREY.astype(np.uint16)
    wide[:, :5] = 0  # a dark border decides nothing
    with pytest.raises(ImageError, match="has 16 bits and values up to 25"):
        load_image(Image.fromarray(wide))
    with pytest.raises(ImageError, match="has 16 bits and values up to 25"):
        load_image(Image.fromarray(wide.astype(np.int32)))
    bright = np.full((4, 9), 200, np.uint16)
    bright[:, 5:] = 65535
    assert load_image(Image.fromarray(bright))[0, :, 0].tolist() == [1] * 5 + [255] * 4
    transparent = alpha(SCENE.astype(np.uint16), 65535)
    with pytest.raises(ImageError, match="has 16 bits and values up to 25"):
        load_image(transparent)


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("values", [GREY, SCENE], ids=["grey", "rgb"])
def test_sixteen_bits_that_hold_ten_or_twelve(bits: int, values: np.ndarray, tmp_path: Path):
    wide = np.rint(values * ((2**bits - 1) / 255)).astype(np.uint16)
    sources: list[object] = [wide, torch.from_numpy(np.moveaxis(np.atleast_3d(wide), 2, 0))]
    if values is GREY:
        sources += [Image.fromarray(wide), Image.fromarray(wide.astype(np.int32))]
    for kind in ("PNG", "TIFF"):
        sources.append(tmp_path / kind)
        (tmp_path / kind).write_bytes(deep(wide, kind))
    for source in sources:
        with pytest.raises(ImageError, match=f"may be of {bits} bits") as error:
            load_image(source)
        (advice,) = re.findall(r"8 bits: (.*), or, if", str(error.value))
        told = eval(advice, {"np": np, "image": wide, "array": wide})
        np.testing.assert_array_equal(load_image(told), load_image(values))


def test_fourteen_bits_may_be_a_dark_picture_of_sixteen():
    loaded = load_image(GREY.astype(np.uint16) * 64)
    np.testing.assert_array_equal(loaded[..., 0], np.rint(GREY * (64 / 257)))


def test_a_mask_of_ten_bits_is_refused():
    mask = np.zeros((4, 9), np.uint16)
    mask[:, :3] = 1023
    with pytest.raises(RegionError, match=r"may be of 10 bits .*: \(mask \* \(255 / 1023\)\)"):
        as_mask(mask, "mask", Cut(128))


def test_sixteen_bits_that_are_truly_dark():
    dark = GREY.astype(np.uint16)
    for source, name in (
        (dark, "array"),
        (Image.fromarray(dark), r"np\.asarray\(image\)"),
        (Image.fromarray(dark.astype(np.int32)), r"np\.asarray\(image\)"),
    ):
        with pytest.raises(ImageError, match=rf"16.* \({name} // 257\)\.astype\('uint8'\)"):
            load_image(source)
    assert not load_image((dark // 257).astype("uint8")).any()


def test_a_mask_of_sixteen_bits_is_judged_by_all_of_its_columns():
    wide = np.zeros((4, 9), np.uint16)
    wide[:, :3] = 200
    wide[:, 5:] = 65535
    mask = as_mask(Image.fromarray(wide), "mask", Cut(128))
    assert mask[0].tolist() == [False] * 5 + [True] * 4
    wide[:] = 0
    wide[:, 5:] = 1
    with pytest.raises(RegionError, match="may be of 8 bits"):
        as_mask(Image.fromarray(wide), "mask")


@pytest.mark.parametrize(
    "source",
    [
        ONES,
        ONES[..., 0],
        Image.fromarray(ONES),
        Image.fromarray(ONES[..., 0]),
        tensor(ONES),
        tensor(ONES[..., :1]),
        alpha(ONES, 255),
        ONES / 255,
        (ONES / 255).astype(np.float32),
        tensor((ONES / 255).astype(np.float16)),
    ],
)
def test_levels_of_0_and_1(source: object):
    with pytest.raises(ImageError, match=r"^edited image: .* in which no fault shows; .*black"):
        load_image(source, "edited image")  # type: ignore[arg-type]


@pytest.mark.parametrize("source", [SCENE >> 6, GREY >> 6, alpha(SCENE >> 6, 255)])
def test_levels_up_to_3(source: np.ndarray):
    with pytest.raises(ImageError, match="largest level is 3 of 255, in which no fault shows"):
        load_image(source, "edited image")
    load_image(SCENE >> 5)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_files_of_0_and_1(kind: str, tmp_path: Path):
    for source in both_ways(encoded(ONES, kind), tmp_path):
        with pytest.raises(ImageError, match=r"image: its largest level is 1 of 255, .*\* 255"):
            load_image(source)
    with pytest.raises(ImageError, match="its largest level is 1 of 255"):
        read_encoded_pixels(encoded(ONES, kind), "golden image")
    with pytest.raises(ImageError, match="its largest level is 1 of 255"):
        read_pixels(Image.fromarray(ONES))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dim", [1, 0.3])
def test_floats_that_were_divided_by_255_twice(dtype: type, dim: float):
    tiny = (SHARES * dim / 255).astype(dtype)
    for source in (tiny, tiny[..., 0], tensor(tiny), alpha(tiny, 1)):
        with pytest.raises(ImageError, match=r"^image: float values up to 0\.00.*pass x \* 255"):
            load_image(source)
    with pytest.raises(ImageError, match="float values up to"):
        load_image(Image.fromarray(tiny[..., 0].astype(np.float32)))
    with pytest.raises(ImageError, match="float values up to"):
        load_image(torch.from_numpy(tiny[..., 0]).to(torch.bfloat16))


@pytest.mark.parametrize("value", [1, (np.arange(17) > 4).astype(int)], ids=["ones", "0-and-1"])
def test_an_alpha_of_0_and_1(value: object, tmp_path: Path):
    pixels = alpha(SCENE, value)
    floats = alpha(SHARES, np.asarray(value) / 255)
    deep_alpha = alpha(SCENE.astype(np.uint16) * 257, np.asarray(value) * 255)
    for source in (
        *both_ways(encoded(pixels), tmp_path),
        *(pixels, Image.fromarray(pixels), tensor(pixels), floats, deep_alpha),
    ):
        with pytest.raises(ImageError, match="its alpha is at most 1 of 255"):
            load_image(source)
        with pytest.raises(ImageError, match="its alpha is at most 1 of 255"):
            read_pixels(source)
    assert load_image(alpha(SCENE, 2)).min() > 250


@pytest.mark.parametrize("hidden", [0, 255])
@pytest.mark.parametrize("see", [1, 77, 255], ids=["barely", "partly", "opaque"])
def test_a_cut_out_in_a_wrong_scale(hidden: int, see: int, tmp_path: Path):
    shape = np.full((12, 17), see)
    shape[:2] = 0
    shape[5, 5] = 255
    cut = alpha(np.where(shape[..., None], ONES, hidden).astype(np.uint8), shape)
    for source in (*both_ways(encoded(cut), tmp_path), cut, tensor(cut)):
        with pytest.raises(ImageError, match="its largest level is 1 of 255"):
            load_image(source)
    tiny = alpha(np.where(shape[..., None], SHARES / 255, hidden / 255), shape / 255)
    for source in (tiny, tiny.astype(np.float32), tensor(tiny)):
        with pytest.raises(ImageError, match=r"float values up to 0\.00"):
            load_image(source)
    assert load_image(alpha(SCENE, shape)).max() == 255


def test_a_silhouette_is_of_one_colour(tmp_path: Path):
    for ink in ([0, 0, 0], [1, 1, 1], [0, 0, 1]):
        shape = alpha(SCENE * 0 + np.array(ink, np.uint8), GREY)
        shape[:2] = 255, 255, 255, 0  # what is not seen has any colour
        for source in (*both_ways(encoded(shape), tmp_path), shape, shape / 255):
            assert load_image(source).max() == 255


def test_colours_of_which_none_is_seen(tmp_path: Path):
    hidden = alpha(SCENE, 0)
    grey = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(OPAQUE - OPAQUE)])
    for source in (*both_ways(encoded(hidden), tmp_path), hidden, alpha(SHARES, 0), grey):
        with pytest.raises(ImageError, match="is transparent everywhere, and its colours differ"):
            load_image(source)
    assert (load_image(alpha(SCENE * 0 + 7, 0)) == 255).all()


def test_what_is_dark_and_right(tmp_path: Path):
    for black in (SCENE * 0, SCENE * 0.0, SHARES * 1e-9, SCENE.astype(np.uint16) * 0):
        assert not load_image(black).any()
    for source in both_ways(deep(GREY.astype(np.uint16) * 0, "PNG"), tmp_path):
        assert not load_image(source).any()
    assert load_image(ONES * 4).max() == 4
    for one in (np.full((6, 7, 3), 1, np.uint8), np.full((6, 7, 3), 0.003)):
        assert load_image(one).max() == 1  # of one colour: a wrong scale shows nowhere
    assert load_image(Image.fromarray(GREY > 99)).max() == 255
    stroke = alpha(SCENE * 0 + 1, GREY)  # in ink that is nearly black
    for source in (stroke, stroke / 255, Image.fromarray(stroke)):
        assert load_image(source).max() == 255


def test_what_a_model_drew_that_drew_next_to_nothing(tmp_path: Path):
    stray = SCENE * 0
    stray[5, 5] = 1
    says = r"(levels|level|values) .*or, if the model drew next to nothing, that is what is wrong"
    noise = np.random.default_rng(7).normal(0, 2e-4, SCENE.shape)
    for source in (stray, Image.fromarray(stray), np.abs(noise), tensor(np.abs(noise))):
        with pytest.raises(ImageError, match=says):
            load_image(source)
    for source in (noise, noise.astype(np.float32), tensor(noise), alpha(noise, 1)):
        assert not load_image(source).any()  # what was divided is not negative
    assert not load_image(Image.fromarray(noise[..., 0].astype(np.float32))).any()
    with pytest.raises(ImageError, match="divided by 255 twice"):
        load_image(np.where(noise < 0, -1e-9, SHARES / 255))  # but for a rounding


def test_a_mask_of_0_and_1_is_a_mask(tmp_path: Path):
    for source in (ONES[..., 0], Image.fromarray(ONES[..., 0])):
        assert (as_mask(source, "mask") == ONES[..., 0]).all()
    path = tmp_path / "mask.png"
    path.write_bytes(encoded(ONES[..., 0]))
    read = Region(mask=path).read()
    assert (read.inside(12, 17) == ONES[..., 0]).all()
