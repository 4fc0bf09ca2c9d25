"""A large package is imported without looks for garbage, and what anyone else made is looked at."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_editmetrics.cache.importing import importing

MADE = """
import gc
looked = gc.isenabled()
kept = [[number] for number in range(5000)]
"""
FROM_FILES = """
from PIL import Image

def test_one(edit_gate, tmp_path):
    for name, level in (("a.png", 0), ("b.png", 9)):
        image = Image.linear_gradient("L")
        image.putpixel((9, 9), level)
        image.save(tmp_path / name)
    edit_gate.check(tmp_path / "a.png", tmp_path / "b.png", [(90, 90, 99, 99)], metrics=["lpips"])
"""
SAYS = """
import gc, sys

def pytest_unconfigure():
    print("apart:", gc.get_freeze_count(), "looks:", gc.isenabled(), "torch" in sys.modules)
"""
SETTINGS = "thresholds: {lpips: {max: 1.0e+9}}\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of 5,000 objects that no one imported; its module tells whether gc was on."""
    (tmp_path / "large_one.py").write_text(MADE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "large_one", raising=False)
    yield "large_one"
    gc.unfreeze()


class TestImporting:
    def test_nothing_looks_for_garbage_meanwhile_nor_in_it_later(self, package: str) -> None:
        before = gc.get_freeze_count()
        with importing(package):
            module = __import__(package)
        assert not module.looked
        assert gc.isenabled()
        assert gc.get_freeze_count() >= before + 5000

    def test_where_it_is_imported_nothing_is_done(self, package: str) -> None:
        __import__(package)
        before = gc.get_freeze_count()
        with importing(package):
            assert gc.isenabled()
        assert gc.get_freeze_count() == before

    def test_who_looks_for_no_garbage_is_not_made_to(self, package: str) -> None:
        gc.disable()
        try:
            with importing(package):
                __import__(package)
            assert not gc.isenabled()
        finally:
            gc.enable()

    def test_an_import_that_fails_leaves_all_as_it_was(self) -> None:
        before = gc.get_freeze_count()
        with pytest.raises(ImportError), importing("no_such_package"):
            __import__("no_such_package")
        assert (gc.isenabled(), gc.get_freeze_count()) == (True, before)

    def test_a_ring_that_is_made_afterwards_is_found(self, package: str) -> None:
        with importing(package):
            __import__(package)
        ring: list[object] = []
        ring.append(ring)
        identity = id(ring)
        assert any(id(one) == identity for one in gc.get_objects())
        del ring
        assert gc.collect() > 0


class TestOfASession:
    def run(self, folder: Path, first: str) -> str:
        (folder / "test_files.py").write_text(first + FROM_FILES, encoding="utf-8")
        (folder / "conftest.py").write_text(SAYS, encoding="utf-8")
        (folder / "editmetrics.yaml").write_text(SETTINGS, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-s", "--editmetrics-device=cpu"]
        done = subprocess.run(
            [*command, f"--editmetrics-cache-dir={folder / 'cache'}"],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def test_the_torch_that_a_gate_imports_is_left_out(self, tmp_path: Path) -> None:
        said = next(x for x in self.run(tmp_path, "").splitlines() if "apart:" in x).split()
        assert int(said[1]) > 50_000
        assert said[2:] == ["looks:", "True", "True"]

    def test_the_torch_of_a_test_is_its_own(self, tmp_path: Path) -> None:
        assert "apart: 0 looks: True True" in self.run(tmp_path, "import torch\n")
