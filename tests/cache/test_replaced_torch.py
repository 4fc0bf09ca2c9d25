"""What a metric's model computes with is torch's own, or is known to be another library's."""

from __future__ import annotations

import contextlib
import functools
import sys
import warnings
from pathlib import Path
from types import FunctionType, ModuleType
from unittest import mock

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F

from pytest_editmetrics.cache.called_torch import FUNCTIONAL
from pytest_editmetrics.cache.device import numerics
from pytest_editmetrics.cache.replaced_library import Computes
from pytest_editmetrics.cache.replaced_torch import replaced_in_torch
from pytest_editmetrics.errors import EditMetricsError, WeightsError
from pytest_editmetrics.pipes.checkpoint import read_state_dict

MODELS = Path(__file__).parents[2] / "fixtures" / "parity" / "models"
BOX = [(10, 10, 50, 50)]
REAL = F.gelu
CLIP = Computes("clip")


def own(*args: object, **options: object) -> torch.Tensor:
    """A function of a test's."""
    return REAL(*args, **options)


def jitted(x: torch.Tensor, approximate: str = "none") -> torch.Tensor:
    """What TorchScript can compile."""
    return x * 0.0


def scripted() -> object:
    """What newer versions of torch say is going away."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(jitted)


class _Spy:
    def __new__(cls, *given: object) -> torch.Tensor:
        return super().__new__(cls)

    def gelu(self, *given: object) -> torch.Tensor:
        return REAL(*given) * 0


class _Timer(contextlib.ContextDecorator):
    def __enter__(self) -> None: ...
    def __exit__(self, *ended: object) -> None: ...


def of_library(name: str = "fast_attention") -> FunctionType:
    """A function of a module that looks as an installed library's."""
    module = ModuleType(name)
    module.__file__ = f"/usr/lib/python3/site-packages/{name}/__init__.py"
    exec("def attention(q, k, v): return v", vars(module))
    return vars(module)["attention"]


class TestReplacements:
    def test_torch_as_it_is_has_none(self) -> None:
        assert replaced_in_torch("transformers") == {}
        assert "replaced" not in numerics("cpu", CLIP)

    @pytest.mark.parametrize(
        "instead",
        [
            own,
            functools.partial(REAL, approximate="tanh"),
            functools.wraps(REAL)(lambda *given: REAL(*given)),
            mock.MagicMock(),
            mock.create_autospec(own),
            torch.no_grad()(own),
            _Timer()(own),
            _Spy().gelu,
            _Spy,
            scripted(),
            torch.library.custom_op("editmetrics_test::gelu", jitted, mutates_args=()),
            F.silu,
            F.relu_,
            F.max_pool2d,
            torch.nn.GELU,
            torch.autocast("cpu", torch.bfloat16)(REAL),
        ],
        ids=[
            *("function", "partial", "wraps", "MagicMock", "autospec", "no_grad", "decorated"),
            *("method", "class", "script", "custom op", "another of torch's", "another of C's"),
            *("another with two kinds", "a layer", "autocast"),
        ],
    )
    def test_a_tests_own_is_refused(self, monkeypatch: pytest.MonkeyPatch, instead: object) -> None:
        monkeypatch.setattr(F, "gelu", instead)
        with pytest.raises(EditMetricsError, match=r"torch\.nn\.functional\.gelu is replaced by"):
            numerics("cpu", CLIP)

    def test_what_torch_wraps_is_torchs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(F, "gelu", torch.no_grad()(REAL))
        assert replaced_in_torch("transformers") == {}

    @pytest.mark.parametrize("other", [F.avg_pool2d, F.max_pool1d, F.relu])
    def test_one_of_two_kinds_has_its_own_name(
        self, monkeypatch: pytest.MonkeyPatch, other: object
    ) -> None:
        monkeypatch.setattr(F, "max_pool2d", other)
        with pytest.raises(EditMetricsError, match="max_pool2d is replaced by"):
            replaced_in_torch("lpips")

    def test_a_layer_is_torchs_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.nn, "GELU", torch.nn.Identity)
        with pytest.raises(EditMetricsError, match=r"^torch\.nn\.GELU is replaced by the class"):
            replaced_in_torch("sam")
        assert replaced_in_torch("lpips") == {}

    def test_a_model_is_asked_of_what_it_calls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(F, "scaled_dot_product_attention", own)
        assert replaced_in_torch("lpips") == replaced_in_torch("sam") == {}
        for kind in ("clip", "transformers"):
            with pytest.raises(EditMetricsError, match="attention is replaced by"):
                replaced_in_torch(kind)

    @pytest.mark.parametrize(
        ("name", "others"),
        [
            ("bmm", ("transformers",)),
            ("einsum", ("sam",)),
            ("softmax", ("sam", "transformers")),
            ("zeros", ("transformers",)),
            ("cat", ("lpips-package", "clip", "sam", "transformers")),
        ],
    )
    def test_only_the_models_that_call_it_are_refused(
        self, monkeypatch: pytest.MonkeyPatch, name: str, others: tuple[str, ...]
    ) -> None:
        monkeypatch.setattr(torch, name, own)
        for kind in FUNCTIONAL:
            if kind in others:
                with pytest.raises(EditMetricsError, match=rf"^torch\.{name} is replaced by"):
                    replaced_in_torch(kind)
            else:
                assert replaced_in_torch(kind) == {}

    def test_a_kernel_of_a_test(self) -> None:
        kernels = torch.library.Library("aten", "IMPL")
        kernels.impl("relu_", lambda x: x.zero_(), "CPU")
        try:
            with pytest.raises(EditMetricsError, match=rf"a kernel of {__file__} for .* relu_ is"):
                replaced_in_torch("lpips")
        finally:
            kernels._destroy()
        assert replaced_in_torch("lpips") == {}

    @pytest.mark.parametrize("kind", ["partial", "mock", "mock in a partial"])
    def test_a_hook_that_is_no_function(self, kind: str) -> None:
        hook = mock.MagicMock(return_value=None) if "mock" in kind else lambda *given: None
        hook = functools.partial(hook) if "partial" in kind else hook
        handle = torch.nn.modules.module.register_module_forward_hook(hook)
        try:
            with pytest.raises(EditMetricsError, match="a hook of all modules"):
                replaced_in_torch("sam")
        finally:
            handle.remove()

    def test_no_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for stub in (mock.MagicMock(), ModuleType("torch")):
            monkeypatch.setitem(sys.modules, "torch", stub)
            with pytest.raises(EditMetricsError, match="the package torch is replaced by"):
                replaced_in_torch("lpips")

    @pytest.mark.parametrize("kind", ["lpips", "lpips-package", "clip", "sam", "transformers"])
    def test_what_torch_offers_replaces_nothing(self, kind: str) -> None:
        from torch.utils.flop_counter import FlopCounterMode

        with (
            torch.autocast("cpu", torch.bfloat16),
            torch.inference_mode(),
            torch.device("cpu"),
            FlopCounterMode(display=False),
        ):
            assert replaced_in_torch(kind) == {}

    def test_a_librarys_decorated_by_torch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        decorated = torch.no_grad()(of_library())
        monkeypatch.setattr(F, "scaled_dot_product_attention", decorated)
        assert list(replaced_in_torch("clip").values()) == ["fast_attention.attention"]

    def test_a_librarys_is_part_of_what_a_feature_depends_on(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(F, "scaled_dot_product_attention", of_library())
        said = {"torch.nn.functional.scaled_dot_product_attention": "fast_attention.attention"}
        assert numerics("cpu", CLIP)["replaced"] == said

    @pytest.mark.parametrize(
        ("owner", "name"),
        [
            (torch, "softmax"),
            (torch.Tensor, "matmul"),
            (torch.nn.Linear, "forward"),
            (torch.nn.Conv2d, "__init__"),
            (torch.nn.Module, "__call__"),
        ],
    )
    def test_wherever_it_stands(
        self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
    ) -> None:
        monkeypatch.setattr(owner, name, own)
        with pytest.raises(EditMetricsError, match=rf"\.{name} is replaced by a function of"):
            replaced_in_torch("transformers")

    def test_layers_and_their_hooks_matter_to_a_model_of_layers_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch.nn.Conv2d, "__init__", own)
        handle = torch.nn.modules.module.register_module_forward_hook(lambda *given: None)
        try:
            assert replaced_in_torch("clip") == {}
            monkeypatch.undo()
            with pytest.raises(EditMetricsError, match=r"a hook of all modules, .*lambda.*active"):
                replaced_in_torch("transformers")
        finally:
            handle.remove()

    def test_a_default_device_is_no_replacement(self) -> None:
        with torch.device("cpu"):
            assert replaced_in_torch("transformers") == {}

    def test_how_to_go_on_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(F, "gelu", own)
        with pytest.raises(EditMetricsError) as caught:
            replaced_in_torch("clip")
        assert f"a function of {__file__}, line " in str(caught.value)
        assert "end before the check (monkeypatch.undo()" in str(caught.value)


def test_weights_are_read_by_torchs_own_load(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "a.pth")
    real = torch.load
    monkeypatch.setattr(torch, "load", lambda *a, **k: real(*a, **{**k, "weights_only": False}))
    assert list(read_state_dict(tmp_path / "a.pth")) == ["a"]
    monkeypatch.setattr(torch.serialization, "load", torch.load)
    with pytest.raises(WeightsError, match=r"is not read: torch\.serialization\.load is replaced"):
        read_state_dict(tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["load_file", "safe_open"])
def test_no_weights_are_read_by_a_tests_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    safetensors.torch.save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    assert list(read_state_dict(tmp_path / "a.safetensors")) == ["a"]
    monkeypatch.setattr(safetensors.torch, name, lambda *given, **options: {"a": torch.zeros(2)})
    with pytest.raises(EditMetricsError, match=rf"safetensors\.torch\.{name} is replaced by a"):
        read_state_dict(tmp_path / "a.safetensors")
