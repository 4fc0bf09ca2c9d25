"""What a metric's model computes with is torch's own, or is known to be another library's."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode, resolve_name

from pytest_editmetrics.cache.device import numerics
from pytest_editmetrics.cache.replaced_torch import FUNCTIONAL, METHODS, PLAIN, replacements
from pytest_editmetrics.errors import EditMetricsError, WeightsError
from pytest_editmetrics.pipes import computing
from pytest_editmetrics.pipes.checkpoint import read_state_dict
from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.dino import DINOPipe
from pytest_editmetrics.pipes.lpips import LPIPSPipe
from pytest_editmetrics.pipes.sam import SAMPipe

MODELS = Path(__file__).parents[2] / "fixtures" / "parity" / "models"
BOX = [(10, 10, 50, 50)]
REAL = F.gelu


def own(*args: object, **options: object) -> torch.Tensor:
    """A function of a test's."""
    return REAL(*args, **options)


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
        assert replacements(layers=True) == {}
        assert "replaced" not in numerics("cpu")

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
        ],
        ids=["function", "partial", "wraps", "MagicMock", "autospec", "no_grad", "decorated"],
    )
    def test_a_tests_own_is_refused(self, monkeypatch: pytest.MonkeyPatch, instead: object) -> None:
        monkeypatch.setattr(F, "gelu", instead)
        with pytest.raises(EditMetricsError, match=r"torch\.nn\.functional\.gelu is replaced by"):
            numerics("cpu", layers=False)

    def test_what_torch_wraps_is_torchs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(F, "gelu", torch.no_grad()(F.interpolate))
        assert replacements(layers=True) == {}

    def test_a_librarys_is_part_of_what_a_feature_depends_on(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(F, "scaled_dot_product_attention", of_library())
        said = {"torch.nn.functional.scaled_dot_product_attention": "fast_attention.attention"}
        assert numerics("cpu")["replaced"] == said

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
            replacements(layers=True)

    def test_layers_and_their_hooks_matter_to_a_model_of_layers_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch.nn.Conv2d, "__init__", own)
        handle = torch.nn.modules.module.register_module_forward_hook(lambda *given: None)
        try:
            assert replacements(layers=False) == {}
            monkeypatch.undo()
            with pytest.raises(EditMetricsError, match=r"a hook of all modules, .*lambda.*active"):
                replacements(layers=True)
        finally:
            handle.remove()

    def test_a_default_device_is_no_replacement(self) -> None:
        with torch.device("cpu"):
            assert replacements(layers=True) == {}

    def test_how_to_go_on_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(F, "relu", own)
        with pytest.raises(EditMetricsError) as caught:
            replacements(layers=False)
        assert f"a function of {__file__}, line " in str(caught.value)
        assert "end it before the check (monkeypatch.undo()" in str(caught.value)


class _Counts(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.names.add(resolve_name(function) or str(getattr(function, "__qualname__", "")))
        return function(*args, **(kwargs or {}))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> _Counts:
    """Every function of torch's that a pipe calls while it computes."""
    counts, inference = _Counts(), computing.inference

    @contextlib.contextmanager
    def watched(device: str) -> Iterator[None]:
        with inference(device), counts:
            yield

    for module in ("lpips.pipe", "sam.pipe", "vision_model"):
        monkeypatch.setattr(f"pytest_editmetrics.pipes.{module}.inference", watched)
    return counts


def test_whatever_the_models_call_is_looked_at(counted: _Counts, tmp_path: Path) -> None:
    from tiny_models import make_dino, make_sam2

    before = np.random.default_rng(3).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    after = before.copy()
    after[20:40, 20:40] //= 2
    sams = [
        SAMPipe(
            model_path=str(MODELS / "sam.safetensors"),
            model_cfg=str(MODELS / "sam.json"),
            device="cpu",
        ),
        SAMPipe(model_type="sam2", model_path=str(make_sam2(tmp_path / "sam2")), device="cpu"),
    ]
    LPIPSPipe(device="cpu").measure(before, after, BOX, "inner")
    for sam in sams:
        clip = CLIPPipe(str(MODELS / "clip"), device="cpu", sam=sam)
        clip.measure(before, after, BOX, "outer", "emd")
        clip.measure(before, after, BOX + BOX, None, "sam_clip_cls_sim")
    for kind in ("dinov2", "dinov2_with_registers", "dinov3_vit"):
        dino = DINOPipe(str(make_dino(kind, tmp_path / kind)), device="cpu", sam=sams[0])
        dino.measure(before, after, BOX, "outer", "dino_structure_sim")
    looked_at = {
        *(f"torch.nn.functional.{name}" for name in FUNCTIONAL),
        *(f"torch.{name}" for name in PLAIN),
        *(f"torch.functional.{name}" for name in PLAIN),
        *(f"torch.Tensor.{name}" for name in METHODS),
    }
    called = {name for name in counted.names if "__get__" not in name}  # shape, dtype, device
    assert "torch.nn.functional.conv2d" in called
    assert "torch.nn.functional.conv_transpose2d" in called
    assert sorted(called - looked_at) == ["_set_grad_enabled"]


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
