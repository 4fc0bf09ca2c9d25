"""Files of strangers: nothing in them is executed, followed out of its root, or allowed to grow."""

from __future__ import annotations

import ast
import io
import pickle
import resource
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import pytest_editmetrics
from pytest_editmetrics.config.case_file import read_case_file
from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.errors import (
    ConfigError,
    EditMetricsError,
    ImageError,
    WeightsError,
)
from pytest_editmetrics.goldens.environment import Environment
from pytest_editmetrics.goldens.file import read_golden_file
from pytest_editmetrics.goldens.provenance import read_provenance
from pytest_editmetrics.goldens.store import Goldens
from pytest_editmetrics.images.load import load_image, read_image
from pytest_editmetrics.pipes.checkpoint import read_state_dict
from pytest_editmetrics.pipes.registry import PipeRegistry

PACKAGE = Path(pytest_editmetrics.__file__).parent


class TestTheSource:
    """What would let a file run code is called nowhere, or in the one way that does not."""

    FORBIDDEN = frozenset(
        {"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "np.load"}
        | {
            f"{module}.{name}"
            for module in ("pickle", "marshal", "dill")
            for name in ("load", "loads")
        }
        | {"os.system", "os.popen", "shelve.open", "torch.hub.load"}
    )
    RAY = "saved_runs/engines/ray.py"  # Ray's own transport, between the processes of one user's cluster

    @staticmethod
    @cache
    def calls() -> list[tuple[str, str, ast.Call]]:
        return [
            (path.relative_to(PACKAGE).as_posix(), ast.unparse(node.func), node)
            for path in sorted(PACKAGE.rglob("*.py"))
            for node in ast.walk(ast.parse(path.read_bytes()))
            if isinstance(node, ast.Call)
        ]

    @pytest.mark.long
    def test_nothing_is_called_that_executes(self) -> None:
        found = {(file, name) for file, name, _ in self.calls() if name in self.FORBIDDEN}
        assert found == {(self.RAY, "pickle.loads")}

    def test_torch_loads_weights_only(self) -> None:
        checkpoints = (
            "pipes/checkpoint.py"  # there ``load`` is torch's own, whatever wraps torch.load
        )
        loads = [
            node
            for file, name, node in self.calls()
            if name == "torch.load" or (file, name) == (checkpoints, "load")
        ]
        assert len(loads) == 1
        (stated,) = [word.value for word in loads[0].keywords if word.arg == "weights_only"]
        assert isinstance(stated, ast.Constant)
        assert stated.value is True

    def test_no_shell_and_no_code_of_models(self) -> None:
        words = [
            (word.arg, word.value.value)
            for _, _, node in self.calls()
            for word in node.keywords
            if isinstance(word.value, ast.Constant)
        ]
        assert ("use_safetensors", True) in words  # so that the test would see the others
        assert ("shell", True) not in words
        assert ("trust_remote_code", True) not in words
        assert ("allow_pickle", True) not in words


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return open, (str(self.target), "w")


def zipped(path: Path, bomb: Bomb) -> None:
    torch.save({"weight": bomb}, path)


def legacy(path: Path, bomb: Bomb) -> None:
    torch.save({"weight": bomb}, path, _use_new_zipfile_serialization=False)


def plain(path: Path, bomb: Bomb) -> None:
    path.write_bytes(pickle.dumps({"weight": bomb}, protocol=2))


@pytest.mark.parametrize("suffix", [".pth", ".bin", ".safetensors"])
@pytest.mark.parametrize("write", [zipped, legacy, plain])
def test_weights_execute_nothing(
    tmp_path: Path, write: Callable[[Path, Bomb], None], suffix: str
) -> None:
    target, path = tmp_path / "owned", tmp_path / f"model{suffix}"
    write(path, Bomb(target))
    with pytest.raises(WeightsError, match=f"model{suffix} cannot be read as weights"):
        read_state_dict(path)
    assert not target.exists()
    if suffix == ".pth":  # the bomb is none that would not have gone off
        load = pickle.loads if write is plain else lambda _: torch.load(path, weights_only=False)
        load(path.read_bytes())["weight"].close()
        assert target.exists()


TAGS = [
    "!!python/object/apply:os.mkdir ['{target}']",
    "!!python/object/new:os.mkdir ['{target}']",
    "!!python/name:os.mkdir ''",
    "!!python/module:os ''",
    "!<tag:yaml.org,2002:python/object/apply:os.mkdir> ['{target}']",
]
READERS = {
    "settings": (
        "thresholds: {value}\n",
        lambda path: load_settings(path, PipeRegistry(), path.parent),
    ),
    "goldens": (
        '"test_a": {value}\n',
        lambda path: read_golden_file(path, PipeRegistry(), path.parent),
    ),
    "cases": ("cases: {value}\n", lambda path: read_case_file(path, PipeRegistry(), path.parent)),
    "provenance": ("a.png: {value}\n", lambda path: read_provenance(path, path.parent)),
}


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("reader", READERS)
def test_yaml_constructs_nothing(tmp_path: Path, reader: str, tag: str) -> None:
    target, path = tmp_path / "owned", tmp_path / "file.yaml"
    text, read = READERS[reader]
    path.write_text(text.format(value=tag.format(target=target)))
    with pytest.raises(ConfigError, match=r"file\.yaml:1: the tag"):
        read(path)
    assert not target.exists()


@contextmanager
def little_memory() -> Iterator[None]:
    """Let the process grow by 400 MB and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    now = pages * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + (400 << 20), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def zeros(count: int) -> bytes:
    """That many zeros, compressed, without having them in memory."""
    packer = zlib.compressobj(1)
    parts = [packer.compress(bytes(1_000_000)) for _ in range(count // 1_000_000)]
    return b"".join([*parts, packer.flush()])


def chunk(kind: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(kind + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + kind + data + crc


def png(width: int, height: int, *more: bytes, data: bytes = zlib.compress(b"")) -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    parts = [chunk(b"IHDR", header), *more, chunk(b"IDAT", data)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def saved(kind: str, size: tuple[int, int] = (8, 8), **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind, **options)
    return file.getvalue()


def resized(data: bytes, at: int, size: int, order: str = "little") -> bytes:
    """A file that says another number in four bytes than it was written with."""
    return data[:at] + size.to_bytes(4, order) + data[at + 4 :]  # type: ignore[arg-type]


BOMBS = {
    "a PNG of 60,000 x 60,000 px": (png(60_000, 60_000), "decompression bomb"),
    "a PNG of 2^31 x 2^31 px": (png(2**31 - 1, 2**31 - 1), "decompression bomb"),
    "a PNG of 9,500 x 9,500 px": (png(9_500, 9_500), "decompression bomb"),
    "a PNG that is compressed 1000:1 and cut": (png(9_000, 9_000, data=zeros(10**8)), "truncated"),
    "a BMP of 100,000 x 100,000 px": (
        resized(resized(saved("BMP"), 18, 100_000), 22, 100_000),
        "decompression bomb",
    ),
    "a GIF of 65,535 x 65,535 px": (
        saved("GIF")[:6] + b"\xff\xff\xff\xff" + saved("GIF")[10:],
        "decompression bomb",
    ),
    "a TIFF of 2^31 x 8 px": (
        saved("TIFF").replace(b"\x00\x01\x04\x00\x01\x00\x00\x00\x08\x00\x00\x00",
                              b"\x00\x01\x04\x00\x01\x00\x00\x00\xff\xff\xff\x7f"),
        "decompression bomb",
    ),
    "a PPM of 10^6 x 10^6 px": (b"P6 1000000 1000000 255\n", "decompression bomb"),
    "PostScript, which Ghostscript would run": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n",
        "no image that Pillow can read",
    ),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image that Pillow can read"),
    "PDF": (b"%PDF-1.7\n", "no image that Pillow can read"),
    "a zip": (b"PK\x03\x04" + bytes(100), "no image that Pillow can read"),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_image_may_not_grow(tmp_path: Path, bomb: str) -> None:
    content, says = BOMBS[bomb]
    assert len(content) < 10_000_000
    path = tmp_path / "cat.png"
    path.write_bytes(content)
    with (
        pytest.raises(ImageError, match=rf"(?s)^image .*cat\.png: .*({says})"),
        little_memory(),
    ):
        load_image(path)


@pytest.mark.long
@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt"])
def test_what_is_no_pixel_of_a_png_does_not_grow(tmp_path: Path, kind: bytes) -> None:
    """A profile or a text that unpacks to 1 GB is left aside, the profile with a warning."""
    grey = zlib.compress(bytes(8 * (1 + 3 * 8)))
    path = tmp_path / "cat.png"
    path.write_bytes(png(8, 8, chunk(kind, b"k\0\0" + zeros(10**9)), data=grey))
    with little_memory():
        image = read_image(path)
    assert not image.pixels.any()
    told = image.notes.get("colour", {}).get("ignored")
    assert told == ("it is longer than 16 MiB" if kind == b"iCCP" else None)


def test_the_limit_of_pixels_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    Image.new("RGB", (40, 30)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1199)
    with pytest.raises(ImageError, match=r"1200 pixels.*1199.* raise PIL\.Image\.MAX_IMAGE"):
        load_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1200)
    assert load_image(path).shape == (30, 40, 3)


class TestLinks:
    """Goldens do not follow a link out of the project, neither to read nor to write."""

    @pytest.fixture
    def secret(self, tmp_path: Path) -> Path:
        folder = tmp_path / "secret"
        folder.mkdir()
        (folder / "test_x.py.yaml").write_text('"test_it":\n  lpips: {max: 9.0}\n')
        return folder

    def test_a_file_of_goldens(self, project: Path, secret: Path) -> None:
        golden = project / "tests" / "goldens" / "test_x.py.yaml"
        golden.parent.mkdir()
        golden.symlink_to(secret / "test_x.py.yaml")
        says = r"tests/goldens/test_x\.py\.yaml: a link leads to .*secret/"
        with pytest.raises(EditMetricsError, match=says):
            self.looked_up(project)

    def test_the_folder(self, project: Path, secret: Path) -> None:
        (project / "tests" / "goldens").symlink_to(secret)
        says = r"a link leads to .*secret/test_x\.py\.yaml, out of the project"
        with pytest.raises(EditMetricsError, match=says):
            self.looked_up(project)

    def test_of_a_test_outside_the_rootdir(self, project: Path, secret: Path) -> None:
        other = project.parent / "other"
        other.mkdir()
        (other / "goldens").symlink_to(secret)
        with pytest.raises(EditMetricsError, match=r"a link leads to .*secret"):
            self.looked_up(project, other / "test_x.py")

    def test_inside_the_project_it_may_lead_anywhere(self, project: Path, secret: Path) -> None:
        secret.rename(project / "approved")
        (project / "tests" / "goldens").symlink_to(project / "approved")
        assert self.looked_up(project).threshold.bound == 9.0

    def test_a_root_of_all_goldens_may_be_a_link(self, project: Path, secret: Path) -> None:
        (project / "all").symlink_to(secret)
        (secret / "tests").mkdir()
        (secret / "test_x.py.yaml").rename(secret / "tests" / "test_x.py.yaml")
        assert self.looked_up(project, root=project / "all").threshold.bound == 9.0

    @staticmethod
    def looked_up(project: Path, test_file: Path | None = None, root: Path | None = None):
        goldens = Goldens(root, project, PipeRegistry())
        address = goldens.address(test_file or project / "tests" / "test_x.py", "test_it", "lpips")
        return goldens.lookup(address, Environment.recorded(["cpu"], None, "a gate"), smoke=False)


def test_an_array_of_objects_is_no_image() -> None:
    with pytest.raises(ImageError, match="values of type object"):
        load_image(np.full((8, 8, 3), Bomb(Path("/nowhere")), object))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_the_limit_holds_where_pillow_only_warns(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(png(9_500, 9_500))
    with pytest.raises(ImageError, match=r"90250000 pixels, over .* decompression bomb"):
        load_image(tmp_path / "cat.png")
