"""How exactly torch computes: every setting, of a test or of the environment, that moves bits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import reduce
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
_ENVIRONMENT = (
    "CUBLAS_WORKSPACE_CONFIG",
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
)
_UNTOLD = "untold"


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
            value: Any = reduce(getattr, name.split("."), torch)
            yield name, str(value() if callable(value) else value)
        except AttributeError:
            continue
        except RuntimeError:
            yield name, _UNTOLD
    for name in _ENVIRONMENT:
        if value := os.environ.get(name):
            yield name, value
