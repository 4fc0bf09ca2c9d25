"""A file is read whole or not at all, whatever the process told Pillow, by however many threads."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from pytest_editmetrics.errors import ImageError, RegionError
from pytest_editmetrics.images.load import load_image, read_encoded, read_pixels
from pytest_editmetrics.images.shapes import Region

SCENE = np.random.default_rng(5).integers(0, 256, (64, 80, 3), dtype=np.uint8)


def encoded(kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(SCENE).save(file, kind, **options)
    return file.getvalue()


CUT = r"is truncated or damaged|is no image that Pillow can read"


@pytest.fixture(params=[False, True])
def lenient(request, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", request.param)
    yield request.param
    assert ImageFile.LOAD_TRUNCATED_IMAGES is request.param, "what others set is theirs"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "PPM", "QOI"])
def test_a_file_that_was_cut_off_is_an_error_at_every_door(
    tmp_path: Path, kind: str, lenient: bool
):
    path = tmp_path / "a.img"
    data = encoded(kind)
    path.write_bytes(data[: len(data) * 2 // 3])
    doors = [
        (load_image, path),
        (read_pixels, path),
        (lambda data: read_encoded(data, "image"), path.read_bytes()),
    ]
    for load, source in doors:
        with pytest.raises(ImageError, match=CUT):
            load(source)
    with pytest.raises(RegionError, match=CUT):
        Region(mask=path).read()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_opened_image_that_was_cut_off_is_an_error_too(kind: str, lenient: bool):
    data = encoded(kind)
    with pytest.raises(ImageError, match="truncated or damaged"):
        load_image(Image.open(io.BytesIO(data[: len(data) * 2 // 3])))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.97])
def test_a_jpeg_that_ends_early_with_the_mark_of_an_end_is_damaged(options: dict, share: float):
    data = encoded("JPEG", **options)
    scan = data.rindex(b"\xff\xda") + 14
    cut = data[: scan + int((len(data) - scan) * share)] + b"\xff\xd9"
    with pytest.raises(ImageError, match=r"truncated or damaged \(its data end before"):
        read_encoded(cut, "image")


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"quality": 1}]
)
@pytest.mark.parametrize("level", [0, 255, None])
def test_a_whole_jpeg_is_read_however_plain_its_end_and_whatever_follows(
    options: dict, level: int | None
):
    picture = SCENE.copy()
    if level is not None:
        picture[20:] = level
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", **options)
    with Image.open(file) as image:
        wanted = np.asarray(image)
    for data in (file.getvalue(), file.getvalue() + file.getvalue(), file.getvalue() + b"tail"):
        np.testing.assert_array_equal(read_encoded(data, "image").pixels, wanted)


@pytest.mark.quick(2)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_one_opened_image_is_read_by_many_threads(tmp_path: Path, kind: str, lenient: bool):
    path = tmp_path / "a.img"
    big = np.tile(SCENE, (6, 6, 1))
    Image.fromarray(big).save(path, kind)
    wanted = load_image(path)
    for _ in range(3):
        with Image.open(path) as image, ThreadPoolExecutor(8) as threads:
            for loaded in threads.map(load_image, [image] * 16):
                np.testing.assert_array_equal(loaded, wanted)


def test_an_opened_image_is_taken_as_its_owner_changed_it(tmp_path: Path):
    path = tmp_path / "a.png"
    Image.fromarray(SCENE[..., 0]).save(path, transparency=int(SCENE[0, 0, 0]))
    with Image.open(path) as image:
        assert load_image(image)[0, 0].tolist() == [255] * 3
        del image.info["transparency"]
        assert load_image(image)[0, 0, 0] == SCENE[0, 0, 0]
        assert image.tile, "it is still not read"
    path = tmp_path / "a.jpg"
    Image.fromarray(np.tile(SCENE, (4, 4, 1))).save(path)
    with Image.open(path) as image:
        image.draft("RGB", (80, 64))
        assert load_image(image).shape == (64, 80, 3)


@pytest.mark.parametrize("edge", [1, 2, 3, 4])
def test_a_picture_of_few_pixels_is_measured_and_no_doubtful_array(suite, edge: int):
    suite.path.joinpath("editmetrics.yaml").write_text(
        "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: {max: 9}}\n"
    )
    suite.makepyfile(
        f"""
        from PIL import Image

        def test_rows(edit_gate):
            edit_gate.check(Image.new("RGB", (40, {edge})), Image.new("RGB", (40, {edge}), (1, 2, 3)))

        def test_columns(edit_gate):
            edit_gate.check(Image.new("L", ({edge}, {edge})), Image.new("L", ({edge}, {edge}), 3))
        """
    )
    suite.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


@pytest.mark.parametrize("how", ["closed", "verified", "with", "own file", "loaded, then closed"])
def test_an_image_without_pixels_or_file_is_no_damaged_one(tmp_path, how: str):
    path = tmp_path / "a.png"
    Image.new("RGB", (3, 2)).save(path)
    with path.open("rb") as file:
        image = Image.open(file if how == "own file" else path)
        if how == "with":
            with image:
                pass
        elif how == "verified":
            image.verify()
        elif how.startswith("loaded"):
            image.load()
        if how.endswith("closed"):
            image.close()
    with pytest.raises(ImageError, match="was closed, or verified, before its pixels were read"):
        load_image(image)
