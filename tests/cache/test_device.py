from __future__ import annotations

import pytest
import torch

from pytest_editmetrics.cache.device import device_name, resolve_device
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
