"""Names of environments: what they are, which goes before which, which nobody has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_editmetrics.cache.accelerator import Accelerator
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.goldens import environment
from pytest_editmetrics.goldens.environment import (
    Environment,
    Seen,
    environment_here,
    environment_name,
    is_accelerator,
    less_specific,
    wrong_name,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "nvidia-h100-80gb-hbm3"),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "nvidia-h100-80gb-hbm3-mig-1g-10gb"),
        ("Intel(R) Arc(TM) A770", "intel-r-arc-tm-a770"),
        ("__GPU é__", "gpu"),
        ("é", ""),
        ("x" * 70, "x" * 64),
    ],
)
def test_names_are_of_letters_digits_and_hyphens(text, name):
    assert environment_name(text) == name


@given(st.text(max_size=80))
def test_a_name_that_was_made_is_right_and_is_made_once(text):
    name = environment_name(text)
    assert environment_name(name) == name
    assert not name or wrong_name(name) is None
    assert (wrong_name(text) is None) == (text == name != "")


def test_which_names_are_accelerators():
    kinds = ["cpu", "cuda", "mps", "xpu", "cuda-sm90", "cuda-sm120", "rocm-gfx942", "rocm-gfx90a"]
    names = ["nvidia-geforce-rtx-4090", "tesla-t4", "amd-instinct-mi300x", "apple-m2"]
    assert all(map(is_accelerator, kinds + names))
    assert not any(map(is_accelerator, ["cdua", "gpu", "cuda-ci", "cpu-2", "nvidia", "lab", ""]))


@pytest.mark.parametrize(
    ("other", "less"),
    [
        ("nvidia-h100", {"cuda", "cuda-sm90", "mps", "rocm", "rocm-gfx942"}),
        ("cuda-sm90", {"cuda"}),
        ("rocm-gfx942", {"cuda", "rocm"}),
        ("rocm", {"cuda"}),
        ("cuda", set()),
        ("cpu", set()),
        ("lab", {"nvidia-h100", "cuda-sm90", "cuda", "cpu", "mps", "rocm", "rocm-gfx942", "ci"}),
    ],
)
def test_what_holds_where_a_name_states_nothing(other, less):
    every = ("nvidia-h100", "cuda-sm90", "cuda", "cpu", "mps", "rocm", "rocm-gfx942", "lab", "ci")
    names = [name for name in (*every, "smoke") if less_specific(name, other)]
    assert set(names) == less


def test_an_environment_here_prefers_what_torch_started(monkeypatch):
    asked = []
    seen = {"started": None, "none": False}
    t4 = Accelerator("Tesla T4", ("cuda",), "sm75", ("NVIDIA H100",))

    def ask():
        asked.append(1)
        return t4

    monkeypatch.setattr(environment, "started_here", lambda: seen["started"])
    monkeypatch.setattr(environment, "no_accelerator", lambda: seen["none"])
    monkeypatch.setattr(environment, "ask_aside", ask)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    here = environment_here(["lab"])
    assert here.known() is None
    assert here.names_if_known() == ()
    told = Seen("Tesla T4", ("lab", "tesla-t4", "cuda-sm75", "cuda"), ("NVIDIA H100",))
    assert here.seen() == here.seen() == here.known() == told
    assert len(asked) == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert here.known() is None
    assert here.seen() == told
    assert len(asked) == 2
    seen["started"] = Accelerator("AMD Instinct MI300X", ("rocm", "cuda"), "gfx942")
    assert here.seen().names == ("lab", "amd-instinct-mi300x", "rocm-gfx942", "rocm", "cuda")
    seen.update(started=None, none=True)
    assert environment_here(()).known() == Seen("cpu", ("cpu",))
    assert len(asked) == 2


def test_a_recorded_environment_asks_nobody():
    ran = Environment.recorded(["nvidia-h100", "cuda"], "NVIDIA H100", "test_a lpips")
    assert ran.seen() == ran.known() == Seen("NVIDIA H100", ("nvidia-h100", "cuda"))
    silent = Environment.recorded([], None, "test_a lpips")
    assert silent.known() is None
    assert silent.among([]) == silent.among(["smoke"]) == []
    with pytest.raises(EditMetricsError, match="does not say where the edit of test_a lpips ran"):
        silent.among(["cpu"])
