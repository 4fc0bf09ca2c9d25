from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pytest_editmetrics.errors import EditMetricsError, ImageError, InputError
from pytest_editmetrics.images.load import load_image, load_pair, read_pixels

rng = np.random.default_rng(7)
SCENE = rng.integers(0, 256, (12, 17, 3), dtype=np.uint8)
SCENE[0, 0] = (255, 0, 0)


def as_float(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) / 255


def as_tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.transpose(2, 0, 1).copy())


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(SCENE, id="uint8"),
        pytest.param(SCENE[None], id="uint8-batch"),
        pytest.param([SCENE], id="list"),
        pytest.param((Image.fromarray(SCENE),), id="tuple-pil"),
        pytest.param(Image.fromarray(SCENE), id="pil"),
        pytest.param(as_float(SCENE), id="float32"),
        pytest.param(as_float(SCENE).astype(np.float64)[None], id="float64-batch"),
        pytest.param(as_float(SCENE).astype(np.float16), id="float16"),
        pytest.param(SCENE.astype(np.uint16) * 257, id="uint16"),
        pytest.param(as_tensor(SCENE), id="tensor-uint8"),
        pytest.param(as_tensor(SCENE)[None], id="tensor-batch"),
        pytest.param([as_tensor(as_float(SCENE))], id="tensor-float-list"),
        pytest.param(as_tensor(as_float(SCENE)).requires_grad_(), id="tensor-grad"),
        pytest.param(SCENE[::-1][::-1], id="strided"),
    ],
)
def test_every_kind_of_the_same_picture_is_the_same_array(source):
    loaded = load_image(source)
    assert loaded.dtype == np.uint8
    assert loaded.flags.c_contiguous
    np.testing.assert_array_equal(loaded, SCENE)


def of_memory(array: np.ndarray) -> Image.Image:
    return Image.frombuffer("RGBA", array.shape[1::-1], array, "raw", "RGBA", 0, 1)


@pytest.mark.parametrize(
    ("shape", "give"),
    [
        pytest.param((12, 17, 3), lambda memory: memory, id="array"),
        pytest.param((12, 17, 3), lambda memory: [memory], id="list"),
        pytest.param((12, 17, 3), lambda memory: (memory[:],), id="tuple-view"),
        pytest.param((1, 12, 17, 3), lambda memory: memory, id="batch"),
        pytest.param((12, 17, 3), lambda memory: np.asarray(memory.data), id="memoryview"),
        pytest.param((12, 17), lambda memory: [memory], id="grey"),
        pytest.param((12, 17, 4), lambda memory: [memory], id="rgba"),
        pytest.param((12, 17, 4), of_memory, id="pil"),
        pytest.param((12, 17, 4), lambda memory: [of_memory(memory)], id="list-pil"),
        pytest.param(
            (12, 17, 3),
            lambda memory: [torch.from_numpy(memory).permute(2, 0, 1)],
            id="list-tensor",
        ),
        pytest.param((1, 3, 12, 17), torch.from_numpy, id="tensor-batch"),
        pytest.param((12, 17), lambda memory: [torch.from_numpy(memory)], id="tensor-grey"),
    ],
)
@pytest.mark.parametrize("read", [load_image, lambda source: read_pixels(source).pixels])
def test_what_is_written_into_the_memory_afterwards_is_another_image(shape, give, read):
    memory = np.full(shape, 255, np.uint8)
    loaded = read(give(memory))
    memory[...] = 0
    assert (loaded == 255).all()


def test_bfloat16_tensors_are_what_models_return():
    loaded = load_image(as_tensor(as_float(SCENE)).to(torch.bfloat16))
    assert np.abs(loaded.astype(int) - SCENE).max() <= 1


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp"])
def test_paths_of_lossless_formats(tmp_path: Path, suffix: str):
    path = tmp_path / f"scene.{suffix}"
    Image.fromarray(SCENE).save(path, lossless=True)
    np.testing.assert_array_equal(load_image(path), SCENE)
    np.testing.assert_array_equal(load_image(str(path)), SCENE)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int):
    upright = Image.fromarray(SCENE)
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = upright
    for step in undo.get(orientation, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "rotated.png"
    stored.save(path, exif=exif)
    np.testing.assert_array_equal(load_image(path), SCENE)


def on_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha.astype(float)[..., None] / 255
    return colour * share + 255 * (1 - share)


def test_alpha_is_composited_on_white():
    alpha = rng.integers(0, 256, SCENE.shape[:2], dtype=np.uint8)
    rgba = np.dstack([SCENE, alpha])
    expected = on_white(SCENE, alpha)
    for source in (Image.fromarray(rgba), rgba, rgba[None], as_tensor(rgba), as_float(rgba)):
        assert np.abs(load_image(source) - expected).max() <= 1


def test_grey_with_alpha():
    grey, alpha = SCENE[..., 0], SCENE[..., 1]
    image = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])
    expected = on_white(np.repeat(grey[..., None], 3, axis=2), alpha)
    assert np.abs(load_image(image) - expected).max() <= 1


def test_palette_with_and_without_transparency(tmp_path: Path):
    palette = Image.new("P", (3, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.putdata([0, 1, 2])
    plain = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert load_image(palette)[0].tolist() == plain
    palette.save(tmp_path / "one.png", transparency=1)
    assert load_image(tmp_path / "one.png")[0].tolist() == [plain[0], [255] * 3, plain[2]]
    palette.save(tmp_path / "some.png", transparency=bytes([255, 0, 128]))
    assert load_image(tmp_path / "some.png")[0].tolist() == [plain[0], [255] * 3, [127, 127, 255]]


def test_colour_key_transparency_of_rgb(tmp_path: Path):
    path = tmp_path / "key.png"
    Image.fromarray(SCENE).save(path, transparency=(255, 0, 0))
    assert load_image(path)[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "YCbCr", "HSV"])
def test_other_modes_become_rgb(mode: str):
    image = Image.fromarray(SCENE).convert(mode)
    np.testing.assert_array_equal(load_image(image), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("shape", [(12, 17), (12, 17, 1), (1, 12, 17), (1, 12, 17, 1)])
def test_grey_arrays(shape):
    grey = SCENE[..., 0]
    np.testing.assert_array_equal(load_image(grey.reshape(shape))[..., 2], grey)


@pytest.mark.parametrize("shape", [(12, 17), (1, 12, 17), (1, 1, 12, 17)])
def test_grey_tensors(shape):
    grey = SCENE[..., 0].copy()
    np.testing.assert_array_equal(load_image(torch.from_numpy(grey).reshape(shape))[..., 1], grey)


def test_sixteen_bit_files_are_scaled_not_clipped(tmp_path: Path):
    values = np.array([[0, 128, 129, 257, 32896, 65535]], dtype=np.uint16)
    path = tmp_path / "deep.png"
    Image.fromarray(values).save(path)
    for source in (path, Image.fromarray(values), Image.fromarray(values.astype(np.int32)), values):
        assert load_image(source)[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]


def test_a_sixteen_bit_file_may_hold_eight_bits_whatever_it_states(tmp_path: Path):
    path = tmp_path / "dark.pgm"
    path.write_bytes(b"P5 2 1 65535\n" + bytes([0, 200, 0, 100]))
    with pytest.raises(ImageError, match="may be of 8 bits"):
        load_image(path)
    path = tmp_path / "dark.tiff"
    Image.fromarray(np.full((2, 2), 200, dtype=np.int32)).save(path)
    with pytest.raises(ImageError, match="may be of 8 bits"):
        load_image(path)


def test_float_images_of_pillow():
    image = Image.fromarray(np.array([[0, 0.5, 1]], dtype=np.float32))
    assert image.mode == "F"
    assert load_image(image)[0, :, 0].tolist() == [0, 128, 255]


TALL = np.full((5, 6, 3), 0.5)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param(TALL + 0.6, r"from 1.1 to 1.1, not in \[0, 1\]; .*x\.clip\(0, 1\)", id="over"),
        pytest.param(TALL - 1, r"from -0.5 .*\(x \+ 1\) / 2", id="minus-one-to-one"),
        pytest.param(TALL * 600 - 20, "clip it", id="anything"),
        pytest.param(TALL * np.nan, "NaN", id="nan"),
        pytest.param(TALL * np.inf, "infinity", id="inf"),
        pytest.param(TALL > 0, "is a mask", id="bool"),
        pytest.param(SCENE.astype(np.int64), "int64", id="int64"),
        pytest.param(np.full((5, 6), 200, np.uint16), "may be of 8 bits", id="uint16-small"),
        pytest.param(SCENE.transpose(2, 0, 1), r"looks like \(C, H, W\)", id="chw-array"),
        pytest.param(SCENE.transpose(2, 0, 1)[None], r"looks like \(C, H, W\)", id="bchw-array"),
        pytest.param(np.zeros((3, 9, 3), np.uint8), "may be", id="ambiguous"),
        pytest.param(np.zeros((9, 9, 2), np.uint8), "C must be", id="two-channels"),
        pytest.param(np.stack([SCENE, SCENE]), "batch of 2", id="batch"),
        pytest.param([SCENE, SCENE], "list of 2", id="list"),
        pytest.param([], "list of 0", id="empty-list"),
        pytest.param(np.zeros((0, 5, 3), np.uint8), "no pixels", id="empty"),
        pytest.param(np.zeros(5, np.uint8), "shape", id="one-dimension"),
        pytest.param(np.zeros((1, 1, 5, 5, 3), np.uint8), "shape", id="video"),
        pytest.param(torch.zeros(2, 3, 5, 5), "batch of 2", id="tensor-batch"),
        pytest.param(torch.zeros(5, 6, 3), "permute", id="tensor-hwc"),
        pytest.param(torch.zeros(2, 9, 9), "permute", id="tensor-two-channels"),
        pytest.param(torch.full((3, 9, 9), torch.nan), "NaN", id="tensor-nan"),
        pytest.param(torch.ones(3, 9, 9, dtype=torch.int64), "int64", id="tensor-int"),
        pytest.param(None, "NoneType is not an image", id="none"),
        pytest.param(
            b"bytes", r"bytes is not an image; pass PIL.Image.open\(io.BytesIO", id="bytes"
        ),
        pytest.param(io.BytesIO(), r"BytesIO is not an image; pass PIL.Image.open", id="open-file"),
        pytest.param("https://a/b.png", "is an address, which no check reads", id="address"),
        pytest.param("iVBORw0KGgo" * 900, r"9900 characters\) is too long .*base64", id="base64"),
        pytest.param(Image.new("RGB", (0, 4)), "no pixels", id="pil-empty"),
        pytest.param(Image.new("La", (2, 2)), "mode 'La'", id="pil-premultiplied-grey"),
        pytest.param(Image.new("I", (2, 2), 200), "may be of 8 bits", id="pil-int-small"),
        pytest.param(Image.new("I", (2, 2), 70000), "neither 8 nor 16", id="pil-int-large"),
        pytest.param(Image.new("F", (2, 2), 200.0), "x / 255", id="pil-float"),
    ],
)
def test_what_is_no_clear_image_is_an_error_that_names_it(source, says):
    with pytest.raises(ImageError, match=rf"(?s)^edited image\b.*{says}"):
        load_image(source, "edited image")


def test_a_pipeline_output_gets_a_hint():
    class Output:
        images = (SCENE,)

    with pytest.raises(ImageError, match=r"\.images\[0\]"):
        load_image(Output())


def png_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + crc

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(encoded("PNG")[:4000], "truncated", id="truncated-png"),
        pytest.param(encoded("JPEG")[:1500], "truncated", id="truncated-jpeg"),
        pytest.param(encoded("PNG")[:20], "Pillow", id="header-only"),
        pytest.param(png_of(9500, 9500), "decompression bomb.*MAX_IMAGE_PIXELS", id="bomb-warn"),
        pytest.param(png_of(60000, 60000), "decompression bomb.*MAX_IMAGE_PIXELS", id="bomb"),
        pytest.param(
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "git lfs pull",
            id="lfs",
        ),
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"<html>404</html>", "no image that Pillow can read", id="html"),
    ],
)
def test_damaged_files_are_errors_that_name_the_file(tmp_path: Path, content: bytes, says: str):
    path = tmp_path / "cat.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=rf"(?s)^reference image .*cat\.png: .*{says}"):
        load_image(path, "reference image")


def test_a_lazily_opened_truncated_image(tmp_path: Path):
    path = tmp_path / "cat.png"
    path.write_bytes(encoded("PNG")[:4000])
    with Image.open(path) as image, pytest.raises(ImageError, match=r"cat\.png: is truncated"):
        load_image(image)


def test_missing_file_and_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImageError, match=r"^image no\.png: there is no such file \(relative to "):
        load_image("no.png")
    with pytest.raises(ImageError, match="is a directory"):
        load_image(tmp_path)
    with pytest.raises(ImageError, match="cannot be read"):
        load_image("nul\0.png")


def test_running_out_of_memory_is_not_called_a_damaged_image():
    class Large(Image.Image):
        def load(self):
            raise MemoryError

    image = Image.fromarray(SCENE)
    image.__class__ = Large
    with pytest.raises(MemoryError):
        load_image(image)


def test_pairs_of_one_size():
    reference, edited = load_pair(SCENE, Image.fromarray(SCENE[::-1].copy()))
    np.testing.assert_array_equal(reference, edited[::-1])


def test_pairs_of_other_sizes_name_both():
    with pytest.raises(ImageError, match=r"edited image is 17x6 .* reference 17x12.*resize"):
        load_pair(SCENE, SCENE[:6])


def test_resize_brings_the_edited_image_to_the_reference():
    reference, edited = load_pair(SCENE, np.full((24, 34, 3), 9, np.uint8), resize="reference")
    np.testing.assert_array_equal(reference, SCENE)
    assert edited.shape == SCENE.shape
    assert (edited == 9).all()


def test_sides_that_are_swapped_are_said():
    with pytest.raises(
        ImageError, match=r"12x17 pixels \(its sides are swapped: was it rotated\?\)"
    ):
        load_pair(SCENE, np.rot90(SCENE))


def test_another_resize_is_an_error():
    with pytest.raises(InputError, match=r"no resize mode 'refrence'.*'reference'"):
        load_pair(SCENE, SCENE, resize="refrence")


def test_image_errors_are_value_errors_and_ours():
    assert issubclass(ImageError, EditMetricsError)
    assert issubclass(ImageError, ValueError)


def test_a_matrix_says_what_to_pass():
    with pytest.raises(ImageError, match=r"scene: an np.matrix, .*; pass np.asarray\(...\)"):
        load_image(SCENE[..., 0].view(np.matrix), "scene")
