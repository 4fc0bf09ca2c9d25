"""How many CPU threads the pipes compute with: pytest-xdist's workers divide the cores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_editmetrics.cache.unset_torch import on_cpu

_STATED = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def thread_count() -> int:
    """Return the number of CPU threads that a forward pass of ours computes with.

    Outside pytest-xdist, or where ``OMP_NUM_THREADS`` or ``MKL_NUM_THREADS`` is set, that is what
    torch is set to. Each of n workers takes at most one n-th of the cores, at least one; fewer
    where ``torch.set_num_threads`` said so.

    >>> thread_count() >= 1
    True
    """
    return share_of(on_cpu().threads)


def share_of(current: int) -> int:
    """Return ``thread_count()`` where torch is set to ``current`` threads."""
    workers = _workers()
    if workers is None or any(os.environ.get(name) for name in _STATED):
        return current
    return min(current, max(1, _cores() // workers))


@contextmanager
def own_threads() -> Iterator[None]:
    """Compute with ``thread_count()`` threads inside, and with torch's own number afterwards."""
    import torch

    before, ours = torch.get_num_threads(), thread_count()
    if ours == before:
        yield
        return
    torch.set_num_threads(ours)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _workers() -> int | None:
    """Return the number of workers of pytest-xdist, in one of them; elsewhere ``None``."""
    count = os.environ.get("PYTEST_XDIST_WORKER_COUNT", "")
    return int(count) if count.isdecimal() and int(count) else None


def _cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
