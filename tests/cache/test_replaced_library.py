"""The classes that a metric's model is made of are its library's, or another installed library's."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from unittest import mock

import numpy as np
import pytest
import torch
from tiny_models import make_dino

from pytest_editmetrics.cache import replaced_library
from pytest_editmetrics.cache.features import FeatureCache
from pytest_editmetrics.cache.replaced_library import (
    Computes,
    check_model,
    modules_of,
    replaced_in,
)
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.pipes.dino.pipe import DINOPipe
from pytest_editmetrics.pipes.lpips.pipe import LPIPSPipe

DINO = modules_of(Computes("transformers", "Dinov2Model"))
SAM = modules_of(Computes("sam"))
BEFORE = np.random.default_rng(3).integers(0, 255, (64, 64, 3), dtype=np.uint8)
AFTER = BEFORE.copy()
AFTER[20:40, 20:40] //= 2


def own(*given: object, **options: object) -> object:
    """A function of a test's."""
    return given[-1]


class Own(torch.nn.Module):
    """A class of a test's."""

    def forward(self, given: object) -> object:
        """Compute nothing."""
        return given


@pytest.fixture(scope="module")
def modeling() -> ModuleType:
    """The module of DINOv2 in transformers."""
    from transformers.models.dinov2 import modeling_dinov2

    return modeling_dinov2


def of_library(name: str) -> FunctionType:
    """A function of a module that looks as an installed library's."""
    module = ModuleType(name)
    module.__file__ = f"/usr/lib/python3/site-packages/{name}/__init__.py"
    exec("def forward(self, *given): return given[0]", vars(module))
    return vars(module)["forward"]


@pytest.mark.parametrize(
    "instead",
    [
        own,
        mock.MagicMock(),
        torch.no_grad()(own),
        Own().forward,
        mock.create_autospec(own),
        torch.nn.Identity.forward,
    ],
    ids=["function", "MagicMock", "no_grad", "method", "autospec", "torch"],
)
def test_a_method_of_a_tests(
    modeling: ModuleType, monkeypatch: pytest.MonkeyPatch, instead: object
) -> None:
    assert replaced_in(DINO) == {}
    monkeypatch.setattr(modeling.Dinov2Layer, "forward", instead)
    with pytest.raises(
        EditMetricsError, match=r"modeling_dinov2\.Dinov2Layer\.forward is replaced"
    ):
        replaced_in(DINO)
    assert replaced_in(SAM) == {}
    monkeypatch.undo()
    assert replaced_in(DINO) == {}


@pytest.mark.parametrize("name", ["Dinov2MLP", "eager_attention_forward"])
def test_a_class_or_function_of_a_tests(
    modeling: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(modeling, name, Own)
    with pytest.raises(EditMetricsError, match=rf"{name} is replaced by the class"):
        replaced_in(DINO)


def test_what_no_model_asks_for_may_be_anyones(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import modeling_utils, pytorch_utils

    monkeypatch.setattr(modeling_utils, "check_torch_load_is_safe", own)
    monkeypatch.setattr(pytorch_utils, "a_name_of_an_older_release", own, raising=False)
    assert replaced_in(DINO) == {}


def test_torch_may_lie_in_any_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of its own source, or of `pip install --target`."""
    here = "/opt/layer/torch/__init__.py"
    monkeypatch.setattr(torch, "__file__", here)
    replaced_library._is_code_of_libraries.cache_clear()
    of = partial(replaced_library._is_code_of_libraries, module="safetensors.torch")
    assert of(here, "torch")
    assert of("/opt/layer/torch/nn/functional.py", "torch.nn.functional")
    assert not of("/opt/layer/editor/patches.py", "torch.nn.functional")
    assert not of("/opt/layer/editor/patches.py", "editor.patches")
    replaced_library._is_code_of_libraries.cache_clear()


def test_what_is_found_by_name(modeling: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS["own_attention"] = own
    assert replaced_in(DINO) == {}
    ALL_ATTENTION_FUNCTIONS["sdpa"] = own
    try:
        with pytest.raises(
            EditMetricsError, match=r"ALL_ATTENTION_FUNCTIONS\['sdpa'\] is replaced"
        ):
            replaced_in(DINO)
    finally:
        del ALL_ATTENTION_FUNCTIONS["sdpa"], ALL_ATTENTION_FUNCTIONS["own_attention"]
    assert replaced_in(DINO) == {}


def test_an_installed_librarys_is_part_of_what_a_feature_depends_on(
    modeling: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modeling.Dinov2MLP, "forward", of_library("quick_layers"))
    at = "transformers.models.dinov2.modeling_dinov2.Dinov2MLP.forward"
    assert replaced_in(DINO) == {at: "quick_layers.forward"}


class TestModel:
    @pytest.fixture
    def layer(self) -> torch.nn.Module:
        """A part of a model."""
        return torch.nn.Sequential(torch.nn.Linear(2, 2))

    def test_as_it_was_made(self, layer: torch.nn.Module) -> None:
        check_model(layer)
        check_model(object())

    def test_a_method_on_a_part(self, layer: torch.nn.Module) -> None:
        layer[0].forward = own
        with pytest.raises(EditMetricsError, match=r"forward of Linear of the metric's model is"):
            check_model(layer)
        layer[0].forward = of_library("quick_layers")
        check_model(layer)

    def test_a_hook_on_a_part(self, layer: torch.nn.Module) -> None:
        layer[0].register_forward_hook(own)
        with pytest.raises(EditMetricsError, match="a hook of Linear of the metric's model is"):
            check_model(layer)

    def test_a_part_of_a_tests_class(self) -> None:
        with pytest.raises(
            EditMetricsError, match=r"a part of the metric\'s model, .*\.Own, is replaced"
        ):
            check_model(torch.nn.Sequential(Own()))


def test_a_model_that_was_changed_computes_nothing(tmp_path: Path) -> None:
    pipe = DINOPipe(str(make_dino("dinov2", tmp_path / "dino")), device="cpu")
    before = pipe.measure(BEFORE, AFTER).value
    handle = pipe.load().model.model.register_forward_hook(own)
    try:
        assert pipe.measure(BEFORE, AFTER).value == before  # from the cache
        with pytest.raises(EditMetricsError, match="a hook of Dinov2Model of the metric's model"):
            pipe.measure(AFTER, 255 - AFTER)
    finally:
        handle.remove()
    assert pipe.measure(AFTER, 255 - AFTER).value is not None


def test_what_computing_replaces_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = FeatureCache()
    pipe = LPIPSPipe(device="cpu")
    pipe.share(cache)
    loads = LPIPSPipe.load

    def loads_and_replaces(self):
        found = loads(self)
        monkeypatch.setattr(torch.nn.functional, "conv2d", own)
        return found

    monkeypatch.setattr(LPIPSPipe, "load", loads_and_replaces)
    for _ in range(2):
        with pytest.raises(EditMetricsError, match="conv2d is replaced by a function of"):
            pipe.measure(BEFORE, AFTER)
    monkeypatch.undo()
    assert pipe.measure(BEFORE, AFTER).value == LPIPSPipe(device="cpu").measure(BEFORE, AFTER).value
