"""How torch computes while a pipe does, whatever the test has set: and that stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from pytest_editmetrics.cache.importing import importing
from pytest_editmetrics.cache.threads import own_threads


@contextmanager
def inference(device: str) -> Iterator[None]:
    """Compute on ``device`` in float32, whatever defaults and autocast the test runs under.

    On the CPU with as many threads as ``threads.thread_count`` says.
    """
    with importing("torch"):
        import torch

    where = torch.device(device)
    autocast = torch.autocast(where.type, enabled=False)
    # torch's mode of a default device costs more than a small operation: only where it is another
    default = nullcontext() if torch.get_default_device() == where else where
    with torch.inference_mode(), autocast, default, own_threads():
        yield


@contextmanager
def quiet_random() -> Iterator[None]:
    """Build on the CPU in float32 and leave the test's random numbers as they were."""
    with importing("torch"):
        import torch

    default = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(default)
