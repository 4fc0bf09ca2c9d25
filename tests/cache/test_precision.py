"""What a test sets of torch's arithmetic: it is in every key, and breaks no measurement."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
import torch

from pytest_editmetrics.cache import precision as precision_of
from pytest_editmetrics.cache.device import numerics
from pytest_editmetrics.cache.features import feature_key
from pytest_editmetrics.cache.precision import precision, resolve_dtype
from pytest_editmetrics.pipes.lpips import LPIPSPipe

SETTINGS = [
    ("cpu", "backends.fp32_precision", "ieee"),
    ("cpu", "backends.mkldnn.fp32_precision", "bf16"),
    ("cpu", "backends.mkldnn.matmul.fp32_precision", "bf16"),
    ("cpu", "backends.mkldnn.conv.fp32_precision", "tf32"),
    ("cuda:0", "backends.cuda.matmul.fp32_precision", "tf32"),
    ("cuda:0", "backends.cudnn.fp32_precision", "ieee"),
    ("cuda:0", "backends.cudnn.conv.fp32_precision", "ieee"),
    ("cuda:0", "backends.cuda.matmul.allow_fp16_reduced_precision_reduction", False),
    ("cuda:0", "backends.cuda.matmul.allow_bf16_reduced_precision_reduction", False),
    ("cuda:0", "backends.cudnn.enabled", False),
    ("cuda:0", "backends.cudnn.benchmark", True),
    ("cuda:0", "backends.cudnn.deterministic", True),
]


@pytest.fixture
def setting(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Fast")
    undo = []

    def set_it(name, value):
        *path, last = name.split(".")
        try:
            owner = reduce(getattr, path, torch)
            undo.append((owner, last, getattr(owner, last)))
        except AttributeError:
            pytest.skip(f"this torch has no torch.{name}")
        setattr(owner, last, value)

    yield set_it
    for owner, last, value in reversed(undo):
        setattr(owner, last, value)


@pytest.mark.parametrize(("device", "name", "value"), SETTINGS)
def test_every_setting_that_moves_bits_is_in_the_key(setting, device, name, value):
    before = feature_key("x-1", **numerics(device))
    setting(name, value)
    assert precision(device)[name] == str(value)
    assert feature_key("x-1", **numerics(device)) != before


@pytest.mark.parametrize("variable", ["ONEDNN_DEFAULT_FPMATH_MODE", "NVIDIA_TF32_OVERRIDE"])
def test_what_the_environment_says_is_in_the_key(monkeypatch, variable):
    before = numerics("cpu")
    monkeypatch.setenv(variable, "1")
    assert numerics("cpu") != before


@pytest.mark.parametrize("name", ["cuda.matmul", "mkldnn.matmul", "mkldnn.conv", "cudnn.conv"])
def test_a_gate_is_measured_whatever_a_test_has_set(setting, name):
    pair = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 9, np.uint8)
    plain = LPIPSPipe(device="cpu")(*pair)
    setting(f"backends.{name}.fp32_precision", "tf32")
    assert LPIPSPipe(device="cpu")(*pair) == pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize(
    ("flags", "chosen"),
    [
        ("fpu sse avx2 avx512f amx_bf16 amx_tile", "bfloat16"),
        ("fpu avx512f avx512_bf16", "bfloat16"),
        ("fpu avx512f avx512_fp16 avx_vnni", "float32"),
    ],
)
def test_auto_goes_by_what_the_processor_multiplies_in(tmp_path, monkeypatch, flags, chosen):
    told = tmp_path / "cpuinfo"
    told.write_text(f"processor\t: 0\nflags\t\t: {flags}\nflags\t\t: none\n")
    instructions = precision_of._instructions
    monkeypatch.setattr(precision_of, "_instructions", lambda: instructions(told))
    assert resolve_dtype("auto", "cpu") == chosen
    assert resolve_dtype("float16", "cpu") == "float16"


@pytest.mark.parametrize(
    ("hip", "capability", "chosen"),
    [(None, (7, 5), "float32"), (None, (8, 0), "bfloat16"), (None, (9, 0), "bfloat16"),
     ("6.2", (9, 0), "float32")],
)  # fmt: skip
def test_auto_goes_by_the_gpus_capability(monkeypatch, hip, capability, chosen):
    monkeypatch.setattr(torch.version, "hip", hip)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert resolve_dtype("auto", "cuda:0") == chosen


def test_auto_is_float32_where_nothing_is_known(tmp_path, monkeypatch):
    nothing = precision_of._instructions(tmp_path / "none")
    monkeypatch.setattr(precision_of, "_instructions", lambda: nothing)
    assert {resolve_dtype("auto", device) for device in ("cpu", "mps")} == {"float32"}
