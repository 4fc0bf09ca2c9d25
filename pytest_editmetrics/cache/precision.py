"""How exactly torch computes: every setting, of a test or of the environment, that moves bits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

_EVERYWHERE = (
    "get_float32_matmul_precision",
    "are_deterministic_algorithms_enabled",
    "backends.fp32_precision",
    "backends.cuda.flash_sdp_enabled",
    "backends.cuda.math_sdp_enabled",
)
_CPU = (
    "backends.mkldnn.enabled",
    "backends.mkldnn.fp32_precision",
    "backends.mkldnn.matmul.fp32_precision",
    "backends.mkldnn.conv.fp32_precision",
)
_CUDA = (
    "backends.cuda.matmul.allow_tf32",
    "backends.cuda.matmul.fp32_precision",
    "backends.cuda.matmul.allow_fp16_reduced_precision_reduction",
    "backends.cuda.matmul.allow_bf16_reduced_precision_reduction",
    "backends.cuda.matmul.allow_fp16_accumulation",
    "backends.cuda.preferred_blas_library",
    "backends.cuda.cudnn_sdp_enabled",
    "backends.cuda.mem_efficient_sdp_enabled",
    "backends.cudnn.enabled",
    "backends.cudnn.benchmark",
    "backends.cudnn.deterministic",
    "backends.cudnn.allow_tf32",
    "backends.cudnn.fp32_precision",
    "backends.cudnn.conv.fp32_precision",
)
ENVIRONMENT = (
    "CUBLAS_WORKSPACE_CONFIG",
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
)
SETTINGS = (*_EVERYWHERE, *_CPU)  # of the CPU
_GETTERS = {name: attrgetter(name) for name in (*_EVERYWHERE, *_CPU, *_CUDA)}
_UNTOLD = "untold"

FULL = "float32"
AUTO = "auto"
_BFLOAT16 = {"amx_bf16", "avx512_bf16"}


def resolve_dtype(requested: str, device: str) -> str:
    """Return the precision to compute in on ``device``, of what was asked for.

    ``auto`` is ``bfloat16`` where the hardware multiplies in it (CUDA from capability 8.0; on Linux
    a processor with AMX or AVX512 instructions for it), else ``float32``.

    >>> resolve_dtype("float16", "cpu")
    'float16'
    """
    if requested != AUTO:
        return requested
    return "bfloat16" if _has_bfloat16(device) else FULL


def _has_bfloat16(device: str) -> bool:
    if not device.startswith("cuda"):
        return device == "cpu" and not _BFLOAT16.isdisjoint(_instructions())
    import torch

    return torch.version.hip is None and torch.cuda.get_device_capability(device) >= (8, 0)


@cache
def _instructions(told: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return the instructions that Linux tells of the processor, none elsewhere."""
    try:
        lines = told.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())


def precision(device: str) -> Mapping[str, str]:
    """Return the settings that hold on ``device``, by name; one that this torch lacks is left out.

    A test that sets ``fp32_precision`` makes torch refuse to tell the older settings, which it
    replaces: such a one is ``untold``, and the newer one beside it tells.

    >>> precision("cpu")["backends.mkldnn.enabled"] in ("True", "False")
    True
    """
    return dict(_settings(device))


def _settings(device: str) -> Iterator[tuple[str, str]]:
    import torch

    own = _CUDA if device.startswith("cuda") else _CPU if device == "cpu" else ()
    for name in (*_EVERYWHERE, *own):
        try:
            value: Any = _GETTERS[name](torch)
            yield name, str(value() if callable(value) else value)
        except AttributeError:
            continue
        except RuntimeError:
            yield name, _UNTOLD
    for name in ENVIRONMENT:
        if value := os.environ.get(name):
            yield name, value
