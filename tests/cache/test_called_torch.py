"""What is looked at of torch, and of libraries, is what the models of our pipes call."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tiny_models import make_dino, make_sam2, make_siglip
from torch.overrides import TorchFunctionMode, resolve_name
from torchvision.models import squeezenet1_1

from pytest_editmetrics.cache import replaced_library
from pytest_editmetrics.cache.called_torch import FUNCTIONAL, LAYERS, METHODS, PLAIN, called
from pytest_editmetrics.cache.replaced_library import modules_of, replaced_in
from pytest_editmetrics.cache.replaced_torch import replaced_in_torch
from pytest_editmetrics.pipes import computing
from pytest_editmetrics.pipes.clip.pipe import CLIPPipe
from pytest_editmetrics.pipes.dino.pipe import DINOPipe
from pytest_editmetrics.pipes.lpips.pipe import LPIPSPipe
from pytest_editmetrics.pipes.sam.pipe import SAMPipe

MODELS = Path(__file__).parents[2] / "fixtures" / "parity" / "models"
BOX = [(10, 10, 50, 50)]
BEFORE = np.random.default_rng(3).integers(0, 255, (64, 64, 3), dtype=np.uint8)
AFTER = BEFORE.copy()
AFTER[20:40, 20:40] //= 2


def _functions() -> Iterator[tuple[object, str]]:
    for of, owner in (("F", F), ("torch", torch), ("torch", torch.functional)):
        for name, value in vars(owner).items():
            if isinstance(value, FunctionType) and value.__code__.co_name == name:
                yield value.__code__, f"{of}.{name}"
            elif isinstance(value, BuiltinFunctionType):
                yield id(value), f"{of}.{name}"


class Counted(TorchFunctionMode):
    """Every function of torch's that a pipe calls while it computes; what those call, too."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._known = {}
        for key, name in _functions():
            self._known.setdefault(key, set()).add(name)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = resolve_name(function) or str(getattr(function, "__qualname__", ""))
        for long, short in (("torch.nn.functional.", "F."), ("torch.functional.", "torch.")):
            name = name.replace(long, short)
        self.names.add(name)
        return function(*args, **(kwargs or {}))

    def seen(self, frame: Any, event: str, given: Any) -> None:
        """Take what ``sys.setprofile`` tells."""
        if event == "call":
            code = frame.f_code
            self.names.update(self._known.get(code, ()))
            if "/torch/nn/modules/" in code.co_filename and code.co_name == "forward":
                of = type(frame.f_locals["self"])
                while not of.__module__.startswith("torch."):
                    of = of.__base__
                self.names.add(f"nn.{of.__name__}")
        elif event == "c_call":
            self.names.update(self._known.get(id(given), ()))
            if isinstance(getattr(given, "__self__", None), torch.Tensor):
                self.names.add(f"torch.Tensor.{given.__name__}")


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], set[str]]:
    """Measure, and return what was called."""
    counted, inference = Counted(), computing.inference

    @contextlib.contextmanager
    def watched(device: str) -> Iterator[None]:
        before = sys.getprofile()
        with inference(device), counted:
            sys.setprofile(counted.seen)
            try:
                yield
            finally:
                sys.setprofile(before)

    monkeypatch.setattr(replaced_library, "replaced_in_torch", lambda kind: {})  # sees the mode
    for module in ("lpips.pipe", "sam.pipe", "vision_model"):
        monkeypatch.setattr(f"pytest_editmetrics.pipes.{module}.inference", watched)

    def measure(measured: Callable[[], object]) -> set[str]:
        counted.names.clear()
        measured()
        return {name for name in counted.names if "__get__" not in name}  # shape, dtype, device

    return measure


def pipes(kind: str, folder: Path) -> Iterator[tuple[Any, str | None, str]]:
    """Yield each pipe of a kind, and what to measure of it."""
    if kind == "lpips":
        yield LPIPSPipe(device="cpu"), "inner", "lpips"
    elif kind == "lpips-package":
        file = folder / "squeeze.safetensors"
        save_file(squeezenet1_1().state_dict(), file)
        yield LPIPSPipe("squeeze", device="cpu", model_path=file), "inner", "lpips"
    elif kind == "clip":
        yield CLIPPipe(str(MODELS / "clip"), device="cpu"), "outer", "emd"
    elif kind == "sam":
        config = {"model_path": MODELS / "sam.safetensors", "model_cfg": MODELS / "sam.json"}
        yield SAMPipe(**config, device="cpu"), None, "mask_iou"
    else:
        sam = SAMPipe(model_type="sam2", model_path=str(make_sam2(folder / "sam2")), device="cpu")
        yield sam, None, "mask_iou"
        for name in ("dinov2", "dinov2_with_registers", "dinov3_vit"):
            model = str(make_dino(name, folder / name))
            yield DINOPipe(model, device="cpu"), "outer", "dino_structure_sim"
        for name in ("siglip", "siglip2"):
            yield CLIPPipe(str(make_siglip(name, folder / name)), device="cpu"), "outer", "emd"


# settings, checks of what was given, and what holds other layers
_NO_NUMBERS = re.compile(
    r".*torch_function.*|_set_grad_enabled|torch\.__getattr__|nn\.ModuleList|torch\.Tensor\.(__hash__|dim)|(torch|F|torch\.Tensor)\._[^_].*"
    r"|torch\.(are|get|is|set|autocast)_.*"
)


def numbers(called: set[str]) -> set[str]:
    """Leave out what computes nothing."""
    return {name for name in called if not _NO_NUMBERS.fullmatch(name)}


@pytest.mark.quick(1)
@pytest.mark.parametrize("kind", FUNCTIONAL)
def test_whatever_a_model_calls_is_looked_at(count, kind: str, tmp_path: Path) -> None:
    called_now: set[str] = set()
    for pipe, mask, metric in pipes(kind, tmp_path):
        boxes = BOX + BOX if metric == "mask_iou" else BOX
        called_now |= count(
            lambda p=pipe, b=boxes, m=mask, n=metric: p.measure(BEFORE, AFTER, b, m, n)
        )
        computes = pipe._computes(pipe.use())
        assert computes.kind == kind
        assert replaced_in_torch(kind) == replaced_in(modules_of(computes)) == {}
        model = pipe.load().model
        model = getattr(model, "model", model)
        made_in = {type(part).__module__ for part in model.modules()} if LAYERS.get(kind) else set()
        made_in = {name for name in made_in if not name.startswith("torch.")}
        assert made_in <= set(modules_of(computes))
    looked_at = {
        *(f"F.{name}" for name in FUNCTIONAL[kind]),
        *(f"torch.{name}" for name in (*FUNCTIONAL[kind], *PLAIN[kind])),
        *(f"torch.Tensor.{name}" for name in METHODS[kind]),
        *(f"nn.{name}" for name in LAYERS.get(kind, ())),
    }
    assert sorted(numbers(called_now) - looked_at) == []
    if kind == "lpips":  # of its one network every call is known, and no other matters
        unheard = {f"torch.{name}" for name in PLAIN[kind]} - called_now
        assert unheard == set()


def test_what_is_looked_at_is_there() -> None:
    for kind in FUNCTIONAL:
        missing = [
            f"{of}.{name}" for of, owner, name in called(torch, kind) if not hasattr(owner, name)
        ]
        assert [name for name in missing if not name.startswith("torch.")] == []
        assert [name for name in missing if name.startswith(("torch.nn.", "torch.Tensor."))] == []
