"""Workers of pytest-xdist divide the cores, for our forward passes and for nothing else."""

from __future__ import annotations

import os

import pytest
import torch

from pytest_editmetrics.cache import threads
from pytest_editmetrics.cache.threads import own_threads, thread_count


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "_cores", lambda: 8)
    before = torch.get_num_threads()
    torch.set_num_threads(8)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("workers", "ours"), [("1", 8), ("2", 4), ("3", 2), ("8", 1), ("20", 1), ("", 8), ("0", 8)]
)
def test_each_worker_takes_its_share(monkeypatch, workers, ours):
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", workers)
    assert thread_count() == ours
    with own_threads():
        assert torch.get_num_threads() == ours == thread_count()
    assert torch.get_num_threads() == 8


def test_outside_xdist_torch_is_left_alone():
    torch.set_num_threads(5)
    with own_threads():
        assert torch.get_num_threads() == 5
        torch.set_num_threads(6)
    assert torch.get_num_threads() == 6


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "MKL_NUM_THREADS"])
def test_a_stated_number_holds_in_a_worker(monkeypatch, name):
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "8")
    monkeypatch.setenv(name, "3")
    torch.set_num_threads(3)  # as torch does when it is imported
    assert thread_count() == 3


def test_fewer_threads_than_the_share_stay_fewer(monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "2")
    torch.set_num_threads(2)
    with own_threads():
        assert torch.get_num_threads() == 2


def test_the_number_comes_back_after_an_error(monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "2")
    with pytest.raises(RuntimeError), own_threads():
        raise RuntimeError("out of memory")
    assert torch.get_num_threads() == 8


def test_the_cores_are_those_this_process_may_use(monkeypatch):
    monkeypatch.undo()
    assert 1 <= threads._cores() <= (os.cpu_count() or 1)
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5, 7}, raising=False)
    assert threads._cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads._cores() == 1
