from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from pytest_editmetrics.cache import accelerator
from pytest_editmetrics.cache.device import device_name, only_cpu, resolve_device
from pytest_editmetrics.errors import EditMetricsError


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch):
    def have(count: int, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Fast {device}")

    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return have


@pytest.mark.parametrize(
    ("count", "mps", "device"),
    [(0, False, "cpu"), (0, True, "mps"), (2, True, "cuda:0"), (1, False, "cuda:0")],
)
def test_auto_takes_the_fastest_there_is(gpus, count, mps, device):
    gpus(count, mps)
    assert resolve_device() == device


@pytest.mark.parametrize(
    ("worker", "device"),
    [("gw0", "cuda:0"), ("gw1", "cuda:1"), ("gw5", "cuda:2"), ("master", "cuda:0")],
)
def test_workers_spread_over_the_gpus(gpus, monkeypatch, worker, device):
    gpus(3)
    monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    assert resolve_device("auto") == device
    assert resolve_device("cuda") == device


def test_a_stated_device_is_kept(gpus, monkeypatch):
    gpus(3)
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw1")
    assert resolve_device("cuda:2") == "cuda:2"
    assert resolve_device("cpu") == "cpu"


def test_the_cpu_is_taken_without_starting_cuda(gpus, monkeypatch):
    def start():
        raise AssertionError("CUDA was started")

    monkeypatch.setattr(torch.cuda, "is_available", start)
    assert resolve_device("cpu") == "cpu"


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_not_here_never_falls_back(gpus, device):
    gpus(0)
    with pytest.raises(EditMetricsError, match=f"{device}' is not available.*: auto, cpu$"):
        resolve_device(device)


def test_a_gpu_number_too_high_names_those_there_are(gpus):
    gpus(2)
    with pytest.raises(EditMetricsError, match=r"not available here.*auto, cpu, cuda:0, cuda:1"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x", "tpu:0"])
def test_an_unknown_device(gpus, device):
    gpus(0)
    with pytest.raises(EditMetricsError, match=f"'{device}' is unknown"):
        resolve_device(device)


def test_names(gpus):
    gpus(1)
    assert device_name("cpu") == "cpu"
    assert device_name("mps") == "mps"
    assert device_name("cuda:0") == "Fast cuda:0"


ONLY_CPU = """
import sys
from pytest_editmetrics.cache.device import only_cpu, resolve_device
print(only_cpu(), resolve_device("auto") if only_cpu() else "cpu", "torch" in sys.modules)
import torch
print(only_cpu(), resolve_device("auto"))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch is always asked")
def test_what_is_known_without_torch_is_what_torch_says():
    done = subprocess.run(
        [sys.executable, "-c", ONLY_CPU], capture_output=True, text=True, check=True
    )
    alone, asked = (line.split() for line in done.stdout.splitlines())
    assert alone[2] == "False"
    assert asked[0] == "False"
    if alone[0] == "True":
        assert alone[1] == asked[1] == "cpu"
    else:
        assert torch.cuda.is_available() or torch.version.hip or Path("/dev/nvidiactl").exists()


NO_OTHER = "hip = None\nxpu: Optional[str] = None\n"


@pytest.mark.parametrize(
    ("version", "without_driver", "with_driver"),
    [
        ("cuda = '13.0'\n" + NO_OTHER, True, False),
        ("hip = None\n", True, False),
        ("cuda: Optional[str] = None\n" + NO_OTHER, True, True),
        ("hip: Optional[str] = '6.4'\n", False, False),
        ("cuda = None\nhip: Optional[str] = None\nxpu = '20250301'\n", False, False),
        ("cuda = None\n", False, False),
    ],
)
def test_only_what_proves_that_there_is_no_gpu_is_believed(
    monkeypatch, tmp_path, version, without_driver, with_driver
):
    driver = False

    def load(name: str) -> None:
        if not driver:
            raise OSError(name)

    (tmp_path / "version.py").write_text(version)
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(accelerator, "find_spec", lambda name: spec)
    monkeypatch.setattr(accelerator, "_GPUS", ())
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("ctypes.CDLL", load)
    assert not only_cpu()  # torch is imported, so it is asked
    monkeypatch.delitem(sys.modules, "torch")
    assert only_cpu() == without_driver
    driver = True
    assert only_cpu() == with_driver
    monkeypatch.setattr(accelerator, "_GPUS", (str(tmp_path),))
    assert only_cpu() == with_driver
