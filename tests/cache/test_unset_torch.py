"""What torch says of the CPU is remembered only as it says it itself, and only while that holds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pytest_editmetrics.cache import unset_torch
from pytest_editmetrics.cache.unset_torch import Told, on_cpu

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="remembered on Linux only")

ASK = """
import json, sys
{before}
from pytest_editmetrics.cache.device import numerics
said = numerics("cpu")
print(json.dumps([said, "torch" in sys.modules]))
"""
TOLD = Told("2.0", 3, "AVX2", {"get_float32_matmul_precision": "highest"})


def ask(before: str = "") -> tuple[dict[str, object], bool]:
    """What a new process says, and whether it imported torch for that."""
    done = subprocess.run(
        [sys.executable, "-c", ASK.format(before=before)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said, imported = json.loads(done.stdout)
    return said, imported


@pytest.mark.slow
def test_a_second_process_knows_without_torch_what_it_says_before_anyone_sets_it():
    said, _ = ask("import torch; torch.set_num_threads(5)")
    assert said["threads"] == 5
    first, imported = ask()
    assert (first["threads"], imported) == (1, True)
    assert ask() == (first, False)
    assert ask("import torch") == (first, True)


@pytest.fixture
def without_torch(monkeypatch):
    """This process as one that has not imported torch; what is asked is counted."""
    asked = []
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(unset_torch, "_known", {})
    monkeypatch.setattr(unset_torch, "_openmp_loaded", lambda: False)
    monkeypatch.setattr(unset_torch, "_files", lambda: ["torch"])
    monkeypatch.setattr(unset_torch, "_asked", lambda: asked.append(1) or TOLD)
    return asked


def forget(monkeypatch) -> None:
    """Go on as another process does."""
    monkeypatch.setattr(unset_torch, "_known", {})


SETS_IT = """
import importlib.abc, importlib.util, sys

class Hook(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name != "torch" or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        sys.meta_path.insert(0, self)
        self.theirs, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec):
        return self.theirs.create_module(spec)

    def exec_module(self, module):
        self.theirs.exec_module(module)
        module.set_num_threads(5)

sys.meta_path.insert(0, Hook())
"""
OPENMP = Path(torch.__file__).parent / "lib" / "libgomp.so.1"


@pytest.mark.slow
@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize(
    "before",
    [
        "import os; os.environ['CUBLAS_WORKSPACE_CONFIG'] = ':4096:8'",
        "import os; os.environ.update(OMP_PROC_BIND='true', PYTEST_XDIST_WORKER_COUNT='1');"
        " del os.environ['OMP_NUM_THREADS']",
        "import os; os.environ['OMP_NUM_THREADS'] = '5'; os.environ = dict(os.environ,"
        " OMP_NUM_THREADS='1')",
        SETS_IT,
        pytest.param(
            f"import ctypes; ctypes.CDLL({str(OPENMP)!r}).omp_set_num_threads(5)",
            marks=pytest.mark.skipif(not OPENMP.exists(), reason="another library of threads"),
        ),
    ],
    ids=["setting", "bound to cores", "environment replaced", "import hook", "OpenMP was set"],
)
def test_what_is_said_without_torch_is_what_it_says_in_that_process(before):
    says, _ = ask(f"{before}\nimport torch")
    assert ask(before)[0] == says == ask(before)[0]


@pytest.fixture(scope="module")
def note(tmp_path_factory):
    """What is remembered of a torch that nobody set."""
    folder = tmp_path_factory.mktemp("known")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDITMETRICS_CACHE", str(folder))
        ask()
    (note,) = folder.joinpath("torch").iterdir()
    return note


@pytest.fixture
def remembered(note):
    """This test's processes remember that."""
    folder = Path(os.environ["EDITMETRICS_CACHE"], "torch")
    folder.mkdir(parents=True)
    shutil.copy(note, folder)


def test_another_thread_that_imports_torch_meanwhile_may_set_it(without_torch, monkeypatch):
    monkeypatch.setattr(unset_torch, "_read", lambda key: sys.modules.update(torch=torch))
    on_cpu()
    assert not Path(os.environ["EDITMETRICS_CACHE"], "torch").exists()


def test_it_is_asked_once(without_torch, monkeypatch):
    assert on_cpu() == TOLD == on_cpu()
    forget(monkeypatch)
    assert on_cpu() == TOLD
    assert len(without_torch) == 1


@pytest.mark.parametrize(
    ("in_a_session", "change"),
    [
        (True, lambda patch: patch.setenv("MKL_NUM_THREADS", "7")),
        (True, lambda patch: patch.setattr(os, "sched_getaffinity", lambda pid: {41})),
        (False, lambda patch: patch.setattr(unset_torch, "_processor", lambda: "another")),
        (False, lambda patch: patch.setattr(unset_torch, "_files", lambda: ["another torch"])),
        (False, lambda patch: patch.setattr(unset_torch, "SETTINGS", ("another",))),
    ],
    ids=["environment", "cores", "processor", "torch", "what is asked"],
)
def test_it_is_asked_again_where_anything_changed(without_torch, monkeypatch, in_a_session, change):
    on_cpu()
    change(monkeypatch)
    if not in_a_session:
        forget(monkeypatch)
    on_cpu()
    assert len(without_torch) == 2


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{", "null", '{"torch": "2.0"}',
        json.dumps({**TOLD._asdict(), "threads": "3"}),
        json.dumps({**TOLD._asdict(), "precision": None}),
        json.dumps({**TOLD._asdict(), "torch": 2}),
        json.dumps({**TOLD._asdict(), "more": 1}),
        json.dumps({**TOLD._asdict(), "precision": {"get_float32_matmul_precision": 1}}),
    ],
)  # fmt: skip
def test_a_note_that_is_not_ours_is_asked_over(without_torch, monkeypatch, content):
    on_cpu()
    (note,) = (Path(os.environ["EDITMETRICS_CACHE"]) / "torch").iterdir()
    note.write_text(content)
    forget(monkeypatch)
    assert on_cpu() == TOLD
    assert len(without_torch) == 2
    forget(monkeypatch)
    on_cpu()
    assert len(without_torch) == 2  # the note is whole again


def test_no_folder_to_write_to_only_costs_asking(without_torch, monkeypatch, tmp_path):
    tmp_path.joinpath("file").write_text("")
    monkeypatch.setenv("EDITMETRICS_CACHE", str(tmp_path / "file"))
    assert on_cpu() == TOLD
    monkeypatch.delenv("EDITMETRICS_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "expanduser", lambda path: (_ for _ in ()).throw(RuntimeError()))
    forget(monkeypatch)
    assert on_cpu() == TOLD


def test_what_changes_while_a_processor_runs_is_left_out(tmp_path, monkeypatch):
    told = "flags\t\t: avx2\ncpu MHz\t\t: {}\ncores : 2\nbogomips\t: {}\n"
    seen = []
    for number in (1000, 2400.5):
        tmp_path.joinpath("cpuinfo").write_text(told.format(number, number))
        monkeypatch.setattr(unset_torch, "_PROCESSOR", tmp_path / "cpuinfo")
        unset_torch._processor.cache_clear()
        seen.append(unset_torch._processor())
    unset_torch._processor.cache_clear()
    assert seen[0] == seen[1]
    assert "avx2" in seen[0]


def test_a_torch_without_the_files_of_a_wheel_is_asked(monkeypatch, tmp_path):
    package = tmp_path / "torch"
    for path in (package / "__init__.py", package / "version.py", package / "lib/libtorch_cpu.so"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    seen = [unset_torch._files()]
    package.joinpath("version.py").write_text("other")
    seen.append(unset_torch._files())
    package.joinpath("lib/libtorch_cpu.so").unlink()
    seen.append(unset_torch._files())
    assert seen[0] != seen[1]
    assert seen[1] is not None
    assert seen[2] is None


def test_a_package_that_is_installed_may_set_torch_as_it_is_imported(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    before = unset_torch._files()
    tmp_path.joinpath("site-packages/its-1.0.dist-info").mkdir(parents=True)
    assert unset_torch._files() != before


def test_where_the_system_tells_nothing_torch_is_asked(without_torch, monkeypatch):
    monkeypatch.setattr(unset_torch, "_processor", lambda: None)
    for name in ("RTLD_NOLOAD", "sched_getaffinity"):  # which Windows does not have
        monkeypatch.delattr(os, name)
    on_cpu()
    on_cpu()
    assert len(without_torch) == 2


def test_an_imported_torch_is_asked(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 11)
    assert on_cpu().threads == 11
