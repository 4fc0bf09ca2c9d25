"""Pillow's functions are mocked, or replaced, while an image is read or written"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from pytest_editmetrics.errors import ImageError, RegionError
from pytest_editmetrics.images.load import (
    load_image,
    load_pair,
    read_encoded,
    read_encoded_pixels,
    read_pixels,
)
from pytest_editmetrics.images.pixels import encode
from pytest_editmetrics.images.shapes import Region

SCENE = np.random.default_rng(7).integers(0, 256, (12, 17, 3), dtype=np.uint8)
OTHER = Image.fromarray(255 - SCENE)
CLEAR = np.dstack([SCENE, SCENE[..., 0]])


def encoded() -> bytes:
    file = io.BytesIO()
    Image.fromarray(SCENE).save(file, "PNG")
    return file.getvalue()


TEAM = """
import contextlib, functools
from PIL import Image
its_open = Image.open
def opens(path, *args, **kwargs):
    return its_open(path, *args, **kwargs)
@functools.wraps(its_open)
def traced(*args, **kwargs):
    return its_open(*args, **kwargs)
def decorated(function):
    @functools.wraps(function)
    def called(*args, **kwargs):
        return function(*args, **kwargs)
    return called
again = decorated(decorated(its_open))
class timer(contextlib.ContextDecorator):
    def __enter__(self): pass
    def __exit__(self, *_): pass
timed = timer()(its_open)
"""


def library(folder: Path, name: str) -> Any:
    """Write a package that replaces what Pillow opens files with, and import it."""
    package = folder / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(TEAM, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, package / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def opens_another(*_, **__):
    return OTHER


MOCKS = {
    "mock": lambda owner, name: mock.patch.object(owner, name, return_value=OTHER),
    "autospec": lambda owner, name: mock.patch.object(
        owner, name, autospec=True, return_value=OTHER
    ),
    "spy": lambda owner, name: mock.patch.object(owner, name, wraps=getattr(owner, name)),
    "function": lambda owner, name: mock.patch.object(owner, name, opens_another),
    "wrapped": lambda owner, name: mock.patch.object(
        owner, name, functools.wraps(getattr(owner, name))(opens_another)
    ),
    "partial": lambda owner, name: mock.patch.object(
        owner, name, functools.partial(getattr(owner, name))
    ),
}


@pytest.mark.parametrize("kind", MOCKS)
def test_an_opener_that_is_no_pillow_s(kind: str, tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded())
    says = r"PIL\.Image\.open is replaced by .* while the check runs.* end the mock"
    with MOCKS[kind](Image, "open"):
        with pytest.raises(ImageError, match=says):
            load_image(path)
        with pytest.raises(ImageError, match=says):
            read_pixels(path)
        with pytest.raises(ImageError, match=says):
            read_encoded(encoded(), "image")
        with pytest.raises(ImageError, match=says):
            read_encoded_pixels(encoded(), "golden image")
        with pytest.raises(RegionError, match=says):
            Region(mask=path).read().inside(12, 17)
        with pytest.raises(ImageError, match=says):
            encode(SCENE, "png")
        # what needs no file is read as it is
        np.testing.assert_array_equal(load_image(SCENE), SCENE)
        np.testing.assert_array_equal(load_image(Image.fromarray(SCENE)), SCENE)
    np.testing.assert_array_equal(load_image(path), SCENE)


@pytest.mark.parametrize(
    ("owner", "name", "called"),
    [
        (Image.Image, "convert", "PIL.Image.Image.convert"),
        (Image.Image, "load", "PIL.Image.Image.load"),
        (Image.Image, "tobytes", "PIL.Image.Image.tobytes"),
        (ImageFile.ImageFile, "load", "PIL.ImageFile.ImageFile.load"),
        (ImageOps, "exif_transpose", "PIL.ImageOps.exif_transpose"),
    ],
)
@pytest.mark.parametrize("kind", MOCKS)
def test_what_gives_the_pixels(owner, name: str, called: str, kind: str):
    image, data = Image.fromarray(SCENE), encoded()
    with MOCKS[kind](owner, name):
        for read in (
            lambda: load_image(image),
            lambda: read_pixels(image),
            lambda: read_encoded(data, "image"),
        ):
            with pytest.raises(ImageError, match=f"^{called} is replaced by"):
                read()
        np.testing.assert_array_equal(load_image(SCENE), SCENE)


@pytest.mark.parametrize("kind", MOCKS)
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Image.Image, "save"),
        (Image, "fromarray"),
        (Image, "frombuffer"),
        (Image, "alpha_composite"),
    ],
)
def test_what_only_writes_or_makes_images_is_no_matter_to_reading(
    owner: Any, name: str, kind: str, tmp_path: Path
):
    path = tmp_path / "a.png"
    image, data = Image.fromarray(SCENE), encoded()
    path.write_bytes(data)
    with MOCKS[kind](owner, name):
        np.testing.assert_array_equal(load_image(path), SCENE)
        np.testing.assert_array_equal(load_image(image), SCENE)
        np.testing.assert_array_equal(read_encoded(data, "image").pixels, SCENE)


def test_what_resizes_and_lays_on_white():
    small = SCENE[:6]
    with (
        mock.patch.object(Image.Image, "resize", return_value=Image.fromarray(small)),
        pytest.raises(ImageError, match=r"^PIL\.Image\.Image\.resize is replaced by a MagicMock"),
    ):
        load_pair(small, np.concatenate([SCENE, SCENE])[:12, ::1], "reference", "any")
    with (
        mock.patch.object(Image, "alpha_composite", return_value=OTHER),
        pytest.raises(ImageError, match=r"^PIL\.Image\.alpha_composite is replaced by a MagicMock"),
    ):
        load_image(CLEAR)


def test_what_stands_in_the_place_is_named():
    with (
        mock.patch.object(Image, "open", opens_another),
        pytest.raises(ImageError, match=r"by a function of .*test_replaced\.py, line \d+, while"),
    ):
        read_encoded(encoded(), "image")
    with (
        mock.patch.object(Image, "open", autospec=True),
        pytest.raises(ImageError, match="by a mock while"),
    ):
        read_encoded(encoded(), "image")


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_a_library_may_replace_what_is_pillow_s(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "a.png"
    path.write_bytes(encoded())
    team = library(tmp_path / folder, "team")
    for opens in (team.opens, team.traced, team.again, team.timed):
        monkeypatch.setattr(Image, "open", opens)
        np.testing.assert_array_equal(load_image(path), SCENE)
        np.testing.assert_array_equal(read_encoded(encode(SCENE, "png")[0], "image").pixels, SCENE)
    monkeypatch.undo()
    monkeypatch.setattr(Image.Image, "convert", team.decorated(Image.Image.convert))
    np.testing.assert_array_equal(load_image(Image.fromarray(SCENE)), SCENE)


@contextlib.contextmanager
def opens_for_a_while(*_, **__):
    yield OTHER


@pytest.mark.parametrize("name", ["team", "flexmock", "mockito", "mock"])
def test_what_a_library_makes_of_a_fake_is_a_fake(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    team = library(tmp_path / "site-packages", name)
    fakes = [team.decorated(opens_another), team.decorated(mock.MagicMock()), opens_for_a_while]
    auto = mock.create_autospec(team.opens)
    fakes += [auto, team.decorated(auto), mock.create_autospec(team.traced)]
    if name != "team":
        fakes += [team.opens, team.traced]
    for fake in fakes:
        monkeypatch.setattr(Image, "open", fake)
        with pytest.raises(ImageError, match=r"^PIL\.Image\.open is replaced by"):
            read_encoded(encoded(), "image")


def test_code_of_the_project_is_refused_with_both_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "a.png"
    path.write_bytes(encoded())
    team = library(tmp_path / "src", "team")
    says = r"by a function of .*__init__\.py, line \d+, while .*: end the mock .* as an array"
    for opens in (team.opens, team.traced, team.again):
        monkeypatch.setattr(Image, "open", opens)
        with pytest.raises(ImageError, match=says):
            load_image(path)


@pytest.mark.parametrize("image_format", ["png", "webp"])
@pytest.mark.parametrize("kind", MOCKS)
def test_no_golden_is_written_by_a_mock(image_format: str, kind: str):
    for owner, name in ((Image.Image, "save"), (Image, "fromarray")):
        with MOCKS[kind](owner, name), pytest.raises(ImageError, match="is replaced by"):
            encode(SCENE, image_format)


@pytest.mark.parametrize("written", [b"", b"nothing"])
@pytest.mark.parametrize("image_format", ["png", "webp"])
def test_a_golden_of_no_image_is_an_error(image_format: str, written: bytes, monkeypatch):
    def save(_image, file, _name):
        file.write(written)

    kind = "PNG" if image_format == "png" else "WEBP"
    monkeypatch.setitem(Image.SAVE, kind, save)
    with pytest.raises(
        ImageError, match=rf"cannot be written as {kind}: Pillow wrote {len(written)} b"
    ):
        encode(SCENE, image_format)


def test_another_plugin_s_images_are_read(tmp_path: Path):
    class Theirs(ImageFile.ImageFile):
        format = "THEIRS"

        def _open(self):
            self._mode, self._size = "RGB", (17, 12)
            self.tile = []

        def load(self):
            self.im = Image.fromarray(SCENE).im
            return super().load()

        def convert(self, *args, **kwargs):
            return Image.fromarray(SCENE).convert(*args, **kwargs)

    np.testing.assert_array_equal(load_image(Theirs(io.BytesIO(b"theirs"))), SCENE)
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    path = tmp_path / "a.heic"
    Image.fromarray(np.full((64, 64, 3), 99, np.uint8)).save(path)
    assert abs(int(load_image(path)[9, 9, 0]) - 99) < 9


def test_a_function_that_is_not_there_or_of_c_is_no_mock(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(Image, "preinit")
    monkeypatch.setattr(Image.Image, "tell", len)
    np.testing.assert_array_equal(load_image(Image.fromarray(SCENE)), SCENE)


def test_the_class_of_images():
    image, data = Image.fromarray(SCENE), encoded()
    with mock.patch("PIL.Image.Image"):
        for read in (lambda: load_image(image), lambda: read_encoded(data, "image")):
            with pytest.raises(ImageError, match=r"^PIL\.Image\.Image is replaced by a MagicMock"):
                read()
        np.testing.assert_array_equal(load_image(SCENE), SCENE)


@pytest.mark.parametrize("name", ["PIL.Image", "PIL.Image.Image"])
def test_a_mock_while_the_first_image_is_read_spoils_no_later_one(name: str):
    code = f"""
from unittest import mock
from PIL import Image, ImageFile, ImageOps
import pytest_editmetrics
image = Image.new("L", (3, 2), 7)
with mock.patch("{name}"):
    try:
        pytest_editmetrics.load_image(image)
    except ValueError as error:
        print(error)
print(pytest_editmetrics.load_image(image).max())
"""
    lines = subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()
    assert lines[0].startswith(f"{name} is replaced by a MagicMock while the check runs")
    assert lines[1:] == ["7"]


EDITOR = """
from unittest import mock
import numpy as np
from PIL import Image, ImageOps

SCENE = Image.fromarray(np.random.default_rng(7).integers(0, 256, (12, 17, 3), dtype=np.uint8))

def edit(path):
    return {made}

def test_it(golden_image):
    with mock.patch("PIL.Image.{name}"{more}):
        golden_image.check(edit("in.png"), comparator="pixel")
"""
OPEN = {"name": "open", "more": ", return_value=SCENE"}


def test_an_editor_that_is_tested_without_files(suite):
    mirrored = "ImageOps.mirror(Image.open(path))"
    suite.makepyfile(test_x=EDITOR.format(made=mirrored, **OPEN))
    result = suite.runpytest("--editmetrics-update=missing")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*PIL.Image.open is replaced by a MagicMock while the check*"])
    assert not list(suite.path.rglob("*.png"))
    outside = EDITOR.replace("        golden_image.check(", "        edited = (").replace(
        '("in.png"), comparator="pixel")', '("in.png"))\n    golden_image.check(edited)'
    )
    suite.makepyfile(test_x=outside.format(made=mirrored, **OPEN))
    assert suite.runpytest("--editmetrics-update=missing").ret == 0
    assert suite.runpytest().ret == 0
    suite.makepyfile(test_x=outside.format(made="Image.open(path)", **OPEN))
    assert suite.runpytest().ret == 1
    suite.makepyfile(test_x=EDITOR.format(made="Image.open(path)", **OPEN))
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*PIL.Image.open is replaced by a MagicMock while the check*"])


def test_a_golden_that_a_mock_would_write(suite):
    suite.makepyfile(test_x=EDITOR.format(made="SCENE", name="Image.save", more=""))
    result = suite.runpytest("--editmetrics-update=missing")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*PIL.Image.Image.save is replaced by a MagicMock*"])
    assert "recorded" not in result.stdout.str()
    assert not list(suite.path.rglob("*.png"))


OF_FILES = [(Path, "read_bytes"), (Path, "open"), (Path, "stat"), (io, "open")]


@pytest.mark.parametrize("kind", MOCKS)
@pytest.mark.parametrize(("owner", "name"), OF_FILES)
def test_what_reads_the_bytes_of_a_file(owner: Any, name: str, kind: str, tmp_path: Path):
    path, data = tmp_path / "a.png", encoded()
    path.write_bytes(data)
    called = rf"{'io' if owner is io else r'pathlib.Path'}\.{name}"
    with MOCKS[kind](owner, name):
        with pytest.raises(ImageError, match=rf"^{called} is replaced by .*: end the mock before"):
            load_image(path)
        with pytest.raises(ImageError, match=rf"^{called} is replaced by"):
            encode(SCENE, "png")
        for given in (SCENE, Image.fromarray(SCENE)):
            np.testing.assert_array_equal(load_image(given), SCENE)
        np.testing.assert_array_equal(read_encoded(data, "image").pixels, SCENE)
    np.testing.assert_array_equal(load_image(path), SCENE)


def test_a_text_that_a_mock_opens_is_no_matter(tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded())
    with (
        mock.patch("builtins.open", mock.mock_open(read_data="add a hat")),
        mock.patch.object(Path, "read_text", return_value="add a hat"),
    ):
        np.testing.assert_array_equal(load_image(path), SCENE)


UPLOAD = """
from pathlib import Path
from unittest import mock
import numpy as np
from PIL import Image

def test_it(golden_image, tmp_path):
    edited = np.random.default_rng(7).integers(0, 255, (32, 32, 3), np.uint8)
    path = tmp_path / "out.png"
    Image.fromarray(edited // {worse}).save(path)
    with mock.patch.object(Path, "{name}", return_value=path.read_bytes()):
        golden_image.check(path, comparator="pixel")
"""


def test_a_golden_and_the_image_that_one_mock_gives(suite):
    suite.makepyfile(test_x=UPLOAD.format(worse=1, name="owner"))
    assert suite.runpytest("--editmetrics-update=missing").ret == 0
    suite.makepyfile(test_x=UPLOAD.format(worse=2, name="read_bytes"))
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*pathlib.Path.read_bytes is replaced by a MagicMock while the*"])


@pytest.mark.long
def test_files_of_pyfakefs(suite):
    pytest.importorskip("pyfakefs")
    suite.makepyfile(
        """
        import io
        import numpy as np
        from PIL import Image
        import pytest

        @pytest.mark.editmetrics(metrics="unedit_psnr", thresholds={"unedit_psnr": 30})
        def test_it(fs, edit_gate):
            file = io.BytesIO()
            Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(file, "PNG")
            fs.create_file("/in.png", contents=file.getvalue())
            edit_gate.check("/in.png", np.full((20, 20, 3), 1, np.uint8))
        """
    )
    suite.runpytest_subprocess("-ppyfakefs.pytest_plugin").assert_outcomes(passed=1)


def test_outputs_that_a_mock_does_not_write(suite):
    """The usual way to write none: a check that only reads is no matter of it."""
    suite.makepyfile(
        """
        from unittest import mock
        from PIL import Image
        import numpy as np
        import pytest

        @pytest.mark.editmetrics(metrics="unedit_psnr", thresholds={"unedit_psnr": 30})
        def test_it(edit_gate, tmp_path):
            path = tmp_path / "in.png"
            Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(path)
            with mock.patch.object(Image.Image, "save"):
                edit_gate.check(path, np.full((20, 20, 3), 1, np.uint8))
        """
    )
    suite.runpytest().assert_outcomes(passed=1)
