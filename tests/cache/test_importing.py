"""A large package is imported without looks for garbage; what anyone deletes is freed as ever."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from pytest_editmetrics.cache.importing import imported, importing, leave_out, take_back

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
import pytest

def said():
    print("apart:", gc.get_freeze_count(), "looks:", gc.isenabled(), "torch" in sys.modules)

@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session):  # what is added last is done first
    session.config.add_cleanup(said)
"""
DELETES = """
import gc, sys, weakref
import numpy as np

class Model:
    def __init__(self):
        self.itself = self

def test_model(edit_gate):
    model = Model()
    edited = np.zeros((64, 64, 3), np.uint8)
    edited[9] = 255
    edit_gate.check(np.zeros_like(edited), edited, [(40, 40, 50, 50)], metrics=["METRIC"])
    left = weakref.ref(model)
    del model
    gc.collect()
    print("freed:", left() is None)
    assert "LARGE" in sys.modules
"""
GOES_ON = """
import gc, sys, weakref
import pytest

class Model:
    def __init__(self):
        self.itself = self

model = Model()
left = weakref.ref(model)
assert pytest.main(["-q", "--editmetrics-device=cpu", "--editmetrics-cache-dir=another"]) == 0
assert "torch" in sys.modules
del model
gc.collect()
print("freed:", left() is None)
"""
SETTINGS = """
pipes_default: {clip-pipe: {model_path: smoke}}
thresholds: {lpips: {max: 1.0e+9}, emd: {max: 1.0e+9}}
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of 5,000 objects that no one imported; its module tells whether gc was on."""
    (tmp_path / "large_one.py").write_text(MADE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "large_one", raising=False)
    left_out = gc.get_freeze_count()
    yield "large_one"
    take_back()
    if left_out:  # by the tests' own process, which is faster so
        gc.freeze()


IN_THREADS = """
from concurrent.futures import ThreadPoolExecutor
from PIL import Image

def test_one(edit_gate):
    before = Image.linear_gradient("L")
    after = before.copy()
    after.putpixel((9, 9), 99)
    def check(n):
        edit_gate.check(before, after, [(90, 90, 99, 99)], metrics=["lpips"], name=str(n))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(check, range(8)))
"""


class TestImported:
    def test_what_nobody_imported_is_none(self, package: str) -> None:
        assert imported(package) is None
        assert package not in sys.modules

    def test_what_was_put_in_its_place_is_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for other in (None, object()):
            monkeypatch.setitem(sys.modules, "torch", other)
            assert imported("torch") is other

    def test_another_threads_import_is_waited_for(
        self, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun, go_on = threading.Event(), threading.Event()
        monkeypatch.setattr(sys, "of_the_test", (begun, go_on), raising=False)
        slow = "import sys\nbegun, go_on = sys.of_the_test\nbegun.set()\ngo_on.wait(60)\nlast = 1\n"
        (tmp_path / "large_one.py").write_text(slow, encoding="utf-8")
        thread = threading.Thread(target=__import__, args=(package,))
        thread.start()
        assert begun.wait(60)
        threading.Timer(0.2, go_on.set).start()
        assert imported(package).last == 1
        thread.join()


class TestImporting:
    def test_nothing_looks_for_garbage_meanwhile(self, package: str) -> None:
        before = gc.get_freeze_count()
        with importing(package):
            module = __import__(package)
        assert not module.looked
        assert gc.isenabled()
        assert gc.get_freeze_count() <= before

    def test_what_it_made_is_left_out_at_the_end(self, package: str) -> None:
        with importing(package):
            __import__(package)
        before = gc.get_freeze_count()
        leave_out()
        made = gc.get_freeze_count()
        assert made >= before + 5000
        take_back()
        assert gc.get_freeze_count() == 0
        leave_out()
        assert gc.get_freeze_count() == 0

    def test_where_it_is_imported_nothing_is_done(self, package: str) -> None:
        __import__(package)
        before = gc.get_freeze_count()
        with importing(package):
            assert gc.isenabled()
        leave_out()
        assert gc.get_freeze_count() <= before

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
        leave_out()
        assert gc.isenabled()
        assert gc.get_freeze_count() <= before  # what is freed is left out no more

    def test_a_ring_from_before_is_freed_at_the_end_too(self, package: str) -> None:
        ring = Ring()
        left = weakref.ref(ring)
        with importing(package):
            __import__(package)
        del ring
        leave_out()
        assert left() is None


class Ring:
    def __init__(self) -> None:
        self.itself = self


@pytest.mark.slow
class TestOfASession:
    def run(self, folder: Path, first: str, test: str = FROM_FILES, *options: str) -> str:
        (folder / "test_files.py").write_text(first + test, encoding="utf-8")
        (folder / "conftest.py").write_text(SAYS, encoding="utf-8")
        (folder / "editmetrics.yaml").write_text(SETTINGS, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-s", "--editmetrics-device=cpu"]
        command += ["--editmetrics-allow-smoke"]
        done = subprocess.run(
            [*command, f"--editmetrics-cache-dir={folder / 'cache'}", *options],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def test_the_first_gates_of_a_process_may_come_in_threads(self, tmp_path: Path) -> None:
        said = self.run(tmp_path, "", IN_THREADS, "--editmetrics-require=lpips=8")
        assert "required gates were measured: 8 of 8 lpips" in said
        assert "1 passed" in said

    def test_the_torch_that_a_gate_imports_is_left_out(self, tmp_path: Path) -> None:
        said = next(x for x in self.run(tmp_path, "").splitlines() if "apart:" in x).split()
        assert int(said[1]) > 50_000
        assert said[2:] == ["looks:", "True", "True"]

    def test_the_torch_of_a_test_is_its_own(self, tmp_path: Path) -> None:
        assert "apart: 0 looks: True True" in self.run(tmp_path, "import torch\n")

    def test_a_caller_that_goes_on_has_its_model_freed(self, tmp_path: Path) -> None:
        self.run(tmp_path, "")
        done = subprocess.run(
            [sys.executable, "-c", GOES_ON],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "freed: True" in done.stdout, done.stdout + done.stderr

    @pytest.mark.parametrize(
        ("first", "metric", "large"), [("", "lpips", "torch"), ("import torch\n", "emd", "ot")]
    )
    def test_a_model_that_a_test_deletes_is_freed(
        self, tmp_path: Path, first: str, metric: str, large: str
    ) -> None:
        said = self.run(tmp_path, first, DELETES.replace("METRIC", metric).replace("LARGE", large))
        assert "freed: True" in said
