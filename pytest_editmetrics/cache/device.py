"""Which device a pipe runs on."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

from pytest_editmetrics.cache.accelerator import no_gpu
from pytest_editmetrics.cache.device_names import DEVICES
from pytest_editmetrics.cache.importing import importing
from pytest_editmetrics.cache.precision import precision
from pytest_editmetrics.cache.replaced_library import Computes, replaced
from pytest_editmetrics.cache.replaced_torch import check_torch
from pytest_editmetrics.cache.threads import share_of
from pytest_editmetrics.cache.unset_torch import on_cpu
from pytest_editmetrics.errors import EditMetricsError, nearest
from pytest_editmetrics.images.replacements import package_of, told


def resolve_device(requested: str = "auto") -> str:
    """Turn a requested device into one that exists here.

    Args:
        requested: ``auto`` (CUDA if there is a GPU, else MPS, else the CPU), ``cpu``, ``mps``,
            ``cuda`` or ``cuda:N``. ``auto`` and ``cuda`` spread the workers of pytest-xdist over
            the GPUs: worker ``gwK`` gets GPU K modulo their number.

    Returns:
        ``cpu``, ``mps`` or ``cuda:N``.

    Raises:
        EditMetricsError: unknown or not available here; names what is available.

    >>> resolve_device("cpu")
    'cpu'
    """
    requested = str(requested)
    if requested == "cpu" or (requested == "auto" and only_cpu()):
        return "cpu"  # asking torch would start CUDA, and no forked child could use it
    check_torch()
    with importing("torch"):
        import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = torch.backends.mps.is_available()
    available = ["cpu", *(["mps"] if mps else []), *(f"cuda:{index}" for index in range(gpus))]
    if requested == "auto":
        requested = "cuda" if gpus else "mps" if mps else "cpu"
    if requested == "cuda" and gpus:
        return f"cuda:{_worker_number() % gpus}"
    if requested in available:
        return requested
    kind, _, index = requested.partition(":")
    known = kind in ("cpu", "mps", "cuda") and re.fullmatch(r"\d*", index)
    near = None if known else nearest(kind, DEVICES)
    hint = f" (did you mean {near!r}?)" if near not in (None, kind) else ""
    raise EditMetricsError(
        f"device {requested!r} is {'not available here' if known else f'unknown{hint}'}; available:"
        f" auto, {', '.join(available)}"
    )


def only_cpu() -> bool:
    """Tell whether this is known, without torch, to be a machine without a GPU for it.

    Where torch is imported it is asked instead.
    """
    return "torch" not in sys.modules and sys.platform == "linux" and no_gpu()


def device_name(device: str) -> str:
    """Return what a report calls ``device``: ``cpu``, ``mps``, or the name of the GPU.

    Raises:
        EditMetricsError: only a mock says that the GPU is there.

    >>> device_name("cpu")
    'cpu'
    """
    if not device.startswith("cuda"):
        return device
    import torch

    try:
        return torch.cuda.get_device_name(device)
    except (RuntimeError, AssertionError) as error:
        for name in ("is_available", "device_count"):
            function = getattr(torch.cuda, name)
            if package_of(function) != "torch":
                raise EditMetricsError(
                    f"there is no GPU here, as torch.cuda.{name} says, which is replaced by"
                    f" {told(function)}: end that before the check, or give"
                    f" --editmetrics-device=cpu ({error})"
                ) from error
        raise


def numerics(
    device: str, computes: Computes | None = None
) -> dict[str, str | int | Mapping[str, str]]:
    """Return what the last bits of a result depend on besides its inputs.

    The version of torch, the device, and how exactly it computes there; on the CPU its instructions
    and the number of threads that computing is divided among. ``replaced`` are other libraries'
    functions in the place of those that ``computes`` calls, where there are any.

    Raises:
        EditMetricsError: a function that ``computes`` calls is mocked, see ``replaced``.

    >>> sorted(numerics("cpu"))
    ['device', 'instructions', 'precision', 'threads', 'torch']
    """
    others = {} if computes is None else replaced(computes)
    by_others = {"replaced": others} if others else {}
    if device == "cpu":
        told = on_cpu()
        return {
            "torch": told.torch,
            "device": device,
            "precision": told.precision,
            "instructions": told.instructions,
            "threads": share_of(told.threads),
            **by_others,
        }
    import torch

    return {
        "torch": torch.__version__,
        "device": device_name(device),
        "precision": precision(device),
        **by_others,
    }


def _worker_number() -> int:
    match = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
    return int(match[1]) if match else 0
