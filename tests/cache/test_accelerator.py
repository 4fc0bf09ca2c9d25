"""Which accelerator torch sees: asked without starting CUDA in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_editmetrics.cache import accelerator
from pytest_editmetrics.cache.accelerator import (
    Accelerator,
    ask_aside,
    no_accelerator,
    seen_by,
    started_here,
)
from pytest_editmetrics.errors import EditMetricsError

H100 = {"name": "NVIDIA H100 80GB HBM3", "capability": (9, 0)}
T4 = {"name": "Tesla T4", "capability": (7, 5)}


def torch_that_sees(*gpus, current=0, hip=None, mps=None, other=None):
    """Return what this package asks of torch, on a machine with these devices."""
    properties = [SimpleNamespace(gcnArchName=gpu.get("arch", "")) for gpu in gpus]
    kind = None if other is None else SimpleNamespace(type=other)
    return SimpleNamespace(
        cuda=SimpleNamespace(
            is_available=lambda: bool(gpus),
            is_initialized=lambda: bool(gpus),
            device_count=lambda: len(gpus),
            current_device=lambda: current,
            get_device_name=lambda index: gpus[index]["name"],
            get_device_capability=lambda index: gpus[index]["capability"],
            get_device_properties=lambda index: properties[index],
        ),
        version=SimpleNamespace(hip=hip),
        backends=SimpleNamespace(
            mps=SimpleNamespace(is_available=lambda: mps is not None, get_name=lambda: mps)
        ),
        accelerator=SimpleNamespace(
            is_available=lambda: other is not None, current_accelerator=lambda: kind
        ),
        xpu=SimpleNamespace(get_device_name=lambda: "Intel(R) Data Center GPU Max 1550"),
    )


MI300X = {"name": "AMD Instinct MI300X", "arch": "gfx942:sramecc+:xnack-"}


@pytest.mark.parametrize(
    ("torch", "seen", "names"),
    [
        (
            torch_that_sees(H100, H100),
            Accelerator("NVIDIA H100 80GB HBM3", ("cuda",), "sm90"),
            ("NVIDIA H100 80GB HBM3", "cuda-sm90", "cuda"),
        ),
        (
            torch_that_sees(H100, T4, current=1),
            Accelerator("Tesla T4", ("cuda",), "sm75", ("NVIDIA H100 80GB HBM3",)),
            ("Tesla T4", "cuda-sm75", "cuda"),
        ),
        (
            torch_that_sees(MI300X, hip="6.4"),
            Accelerator("AMD Instinct MI300X", ("rocm", "cuda"), "gfx942"),
            ("AMD Instinct MI300X", "rocm-gfx942", "rocm", "cuda"),
        ),
        (torch_that_sees(mps="Apple M2"), Accelerator("Apple M2", ("mps",)), ("Apple M2", "mps")),
        (
            torch_that_sees(other="xpu"),
            Accelerator("Intel(R) Data Center GPU Max 1550", ("xpu",)),
            ("Intel(R) Data Center GPU Max 1550", "xpu"),
        ),
        (torch_that_sees(other="npu"), Accelerator("npu", ("npu",)), ("npu", "npu")),
        (torch_that_sees(), None, None),
    ],
)
def test_what_torch_sees(torch, seen, names):
    found = seen_by(torch)
    assert found == seen
    assert (found and found.names) == names


def test_what_cuda_that_was_started_here_sees_is_asked_for_here(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", torch_that_sees(H100, T4, current=1))
    found = started_here()
    assert found is not None
    assert found.name == "Tesla T4"
    monkeypatch.setitem(sys.modules, "torch", torch_that_sees())
    assert started_here() is None
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())  # half imported
    assert started_here() is None
    monkeypatch.delitem(sys.modules, "torch")
    assert started_here() is None


FAKE = """
import os
from types import SimpleNamespace

visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0,1").split(",")
names = [{"0": "NVIDIA H100 80GB HBM3", "1": "Tesla T4"}[i] for i in visible if i]
print("a backend says hello")
cuda = SimpleNamespace(
    is_available=lambda: bool(names),
    is_initialized=lambda: False,
    device_count=lambda: len(names),
    current_device=lambda: 0,
    get_device_name=lambda index: names[index],
    get_device_capability=lambda index: (9, 0) if "H100" in names[index] else (7, 5),
)
version = SimpleNamespace(hip=None)
backends = SimpleNamespace(mps=SimpleNamespace(is_available=lambda: False))
accelerator = SimpleNamespace(is_available=lambda: False)
"""


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Put another torch at the beginning of the search path; the one imported here stays."""

    def write(text):
        (tmp_path / "torch.py").write_text(text)

    monkeypatch.syspath_prepend(tmp_path)
    return write


@pytest.mark.parametrize(
    ("visible", "seen"),
    [
        (None, Accelerator("NVIDIA H100 80GB HBM3", ("cuda",), "sm90", ("Tesla T4",))),
        ("1", Accelerator("Tesla T4", ("cuda",), "sm75")),
        ("1,0", Accelerator("Tesla T4", ("cuda",), "sm75", ("NVIDIA H100 80GB HBM3",))),
        ("", None),
    ],
)
def test_another_process_sees_the_devices_that_this_one_may(fake, monkeypatch, visible, seen):
    fake(FAKE)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(sys, "path", [*sys.path, Path("no text")])  # the import system skips it
    assert ask_aside() == seen


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("raise RuntimeError('no driver')", "exit status 1: RuntimeError: no driver"),
        ("import os; os._exit(0)", "exit status 0: it said nothing"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "exit status -11"),
        ("import time; time.sleep(60)", "TimeoutExpired"),
    ],
)
def test_a_process_that_does_not_tell_is_an_error(fake, monkeypatch, text, says):
    monkeypatch.setattr(accelerator, "_LONGEST", 0.5 if "sleep" in text else 30)
    fake(text)
    with pytest.raises(EditMetricsError, match=says) as caught:
        ask_aside()
    assert "--editmetrics-env=cpu" in str(caught.value)


def test_no_process_is_no_answer(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(EditMetricsError, match="FileNotFoundError"):
        ask_aside()


FORKED = """
import os, sys
import torch
from pytest_editmetrics.cache import accelerator
{ask}
child = os.fork()
if child == 0:
    os._exit(40 + torch.cuda._is_in_bad_fork())
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize(
    ("ask", "status"), [("accelerator.ask_aside()", 40), ("accelerator.seen_by(torch)", 41)]
)
def test_a_child_that_is_forked_after_asking_may_start_cuda(ask, status):
    import torch

    if torch.version.cuda is None:
        pytest.skip("this torch has no CUDA to start")
    script = FORKED.format(ask=ask)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == str(status), done.stderr


def test_nothing_is_known_where_another_kind_of_device_registered_itself(monkeypatch):
    monkeypatch.setattr(accelerator, "no_gpu", lambda: True)
    monkeypatch.setattr(accelerator, "entry_points", lambda group: ())
    assert no_accelerator()
    npu = EntryPoint("torch_npu", "torch_npu:_autoload", "torch.backends")
    monkeypatch.setattr(accelerator, "entry_points", lambda group: (npu,))
    assert not no_accelerator()


def test_without_torch_there_is_none(monkeypatch):
    monkeypatch.setattr(accelerator, "find_spec", lambda name: None)
    assert accelerator.no_gpu()

    def broken(name):
        raise ValueError("torch.__spec__ is None")

    monkeypatch.setattr(accelerator, "find_spec", broken)
    assert not accelerator.no_gpu()


def test_asking_keeps_the_coverage_of_a_process_to_itself(fake, monkeypatch, tmp_path):
    fake(
        f"import json, os\nopen({str(tmp_path / 'env')!r}, 'w').write(json.dumps(dict(os.environ)))"
    )
    monkeypatch.setenv("COV_CORE_SOURCE", "x")
    with pytest.raises(EditMetricsError):
        ask_aside()
    assert "COV_CORE_SOURCE" not in json.loads(Path(tmp_path / "env").read_text())
