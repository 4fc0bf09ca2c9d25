"""Whose code the libraries run that hold models and read weights: their own, or a test's.

A repository may speed up a class of transformers for its own pipeline: the models of metrics are
made of the same classes. What an installed library puts in a class is let pass, as it is of torch.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache, partial
from operator import is_
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from pytest_editmetrics.cache.importing import imported
from pytest_editmetrics.cache.replaced_torch import refused, replaced_in_torch
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.images.replacements import (
    code_of,
    file_of,
    is_installed,
    is_mock,
    module_of,
    named,
    told,
)


class Computes(NamedTuple):
    """What computes a feature: a kind of model, see ``called_torch``, and what prepares its input.

    ``model_class`` is transformers' name of a model of that kind; ``processor`` tells whether one
    of its image processors makes the input.
    """

    kind: str
    model_class: str = ""
    processor: bool = False


READING = ("safetensors", "safetensors.torch", "torch.serialization", "torch._utils")
"""The modules that read weights, whatever model they are of."""
_TRANSFORMERS = (
    "transformers.activations",
    "transformers.core_model_loading",
    "transformers.integrations.sdpa_attention",
    "transformers.modeling_layers",
    "transformers.modeling_utils",
    "transformers.pytorch_utils",
)
_MODULES = {
    "lpips-package": (
        "lpips",
        "lpips.lpips",
        "lpips.pretrained_networks",
        "torchvision.models.squeezenet",
    ),
    "sam": (
        *(f"segment_anything.modeling.{name}" for name in ("common", "image_encoder")),
        *(f"segment_anything.modeling.{name}" for name in ("mask_decoder", "prompt_encoder")),
        *("segment_anything.modeling.sam", "segment_anything.modeling.transformer"),
        "segment_anything.utils.transforms",
    ),
    "processor": (
        *(f"transformers.image_{name}" for name in ("processing_backends", "processing_utils")),
        *("transformers.image_processing_utils_fast", "transformers.image_transforms"),
        *("torchvision.transforms.functional", "torchvision.transforms.v2.functional"),
    ),
}
# of what transformers finds by name, what our models ask for
_REGISTERED = {
    "ALL_ATTENTION_FUNCTIONS": ("sdpa",),
    "ACT2FN": ("gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "relu", "silu"),
}
_FOLDERS = {
    "CLIPVisionModel": "clip",
    "Dinov2Model": "dinov2",
    "Dinov2WithRegistersModel": "dinov2_with_registers",
    "DINOv3ViTModel": "dinov3_vit",
    "Sam2Model": "sam2",
    "Siglip2VisionModel": "siglip2",
    "SiglipVisionModel": "siglip",
}
# what editing pipelines replace, by a widespread recipe, to read weights of a `.bin` file
_NO_COMPUTING = ("check_torch_load_is_safe",)
_LIBRARIES = ("lpips", "safetensors", "segment_anything", "torch", "torchvision", "transformers")
_ENTRY = ("forward", "__call__", "__init__", "from_pretrained")


def replaced(computes: Computes) -> dict[str, str]:
    """Return what libraries put in the place of what computes a feature, by name; mostly nothing.

    Raises:
        EditMetricsError: something is mocked, or was replaced by code that is no installed
            library's.
    """
    return {**replaced_in_torch(computes.kind), **replaced_in(modules_of(computes))}


def modules_of(computes: Computes) -> tuple[str, ...]:
    """Return the modules whose code computes, besides torch's."""
    found = _MODULES.get(computes.kind, ())
    if computes.kind == "transformers":
        folder = _FOLDERS[computes.model_class]
        found = (*_TRANSFORMERS, f"transformers.models.{folder}.modeling_{folder}")
    return (*found, *(_MODULES["processor"] if computes.processor else ()))


def replaced_in(modules: tuple[str, ...]) -> dict[str, str]:
    """Return what other libraries put into the classes of modules, by name; mostly nothing.

    A module that is not imported is as it is installed.

    Raises:
        EditMetricsError: a function or class is mocked, or was replaced by code that is no
            installed library's.
    """
    found: dict[str, str] = {}
    for name in modules:
        module = imported(name)
        if module is None:
            continue
        seen = _seen.get(name)
        if seen is None or not seen.still(module):
            seen = _seen[name] = _look(name, module)
        found.update(seen.found)
        _check_registered(name, module)
    return found


class _Seen(NamedTuple):
    """What was found in a module, and all that was looked at: while that is the same, so is this.

    A look at every function of transformers that matters takes longer than all else of a gate.
    """

    module: Any
    looked_at: list[tuple[Mapping[str, Any], tuple[Any, ...]]]
    found: dict[str, str]

    def still(self, module: Any) -> bool:
        return module is self.module and all(
            len(now) == len(then) and all(map(is_, now.values(), then))
            for now, then in self.looked_at
        )


_seen: dict[str, _Seen] = {}


def _look(name: str, module: Any) -> _Seen:
    if not isinstance(module, ModuleType):
        raise refused(f"{name} is replaced by {told(module)}")
    looked_at: list[tuple[Mapping[str, Any], tuple[Any, ...]]] = [
        (vars(module), tuple(vars(module).values()))
    ]
    found: dict[str, str] = {}
    for of, value in list(vars(module).items()):
        if of.startswith("__") or of in _NO_COMPUTING:
            continue
        try:
            _check(f"{name}.{of}", value, name)
        except EditMetricsError:
            if not _states(module, of):  # it was added, and the library does not ask for it
                continue
            raise
        if isinstance(value, type) and value.__module__ == name and _is_layer(value):
            package = name.partition(".")[0]
            for owner in value.__mro__:
                if owner.__module__.partition(".")[0] == package:
                    looked_at.append((vars(owner), tuple(vars(owner).values())))
                    found.update(_in_class(owner, package))
    return _Seen(module, looked_at, found)


def _states(module: ModuleType, name: str) -> bool:
    """Tell whether the source of a module has a name, or may have."""
    try:
        source = inspect.getsource(module)
    except (OSError, TypeError):
        return True
    return re.search(rf"\b{re.escape(name)}\b", source) is not None


def _check_registered(name: str, module: Any) -> None:
    for of, keys in _REGISTERED.items():
        kept = vars(module).get(of)
        if isinstance(kept, Mapping):
            get = partial(dict.get, kept) if isinstance(kept, dict) else kept.get
            for key in keys:
                value = get(key)
                _check(f"{name}.{of}[{key!r}]", value[0] if type(value) is tuple else value, name)


def check_model(model: Any) -> None:
    """Refuse a model whose parts, methods or hooks are no library's.

    Raises:
        EditMetricsError: a part of it is of a class that is no installed library's, or a method or
            hook was put on it by such code.
    """
    own = type(model).__module__
    for part in model.modules() if hasattr(model, "modules") else ():
        kind = type(part)
        of = f"{kind.__qualname__} of the metric's model"
        _check(f"a part of the metric's model, {kind.__module__}.{kind.__qualname__},", kind, own)
        for name in _ENTRY:
            if name in part.__dict__:
                _check(f"{name} of {of}", part.__dict__[name], own)
        for hook in (*part._forward_hooks.values(), *part._forward_pre_hooks.values()):
            if not _is_ours(hook):
                _check(f"a hook of {of}", hook, own)


def _is_ours(hook: Any) -> bool:
    return module_of(code_of(hook)).partition(".")[0] == __name__.partition(".")[0]


def _is_layer(kind: type) -> bool:
    return any(one.__module__ == "torch.nn.modules.module" for one in kind.__mro__)


def _in_class(owner: type, package: str) -> dict[str, str]:
    """Return what other libraries put into a class of layers."""
    found: dict[str, str] = {}
    for name, value in list(vars(owner).items()):
        at = f"{owner.__module__}.{owner.__qualname__}.{name}"
        for function in _functions(value):
            _check(at, function, owner.__module__)
            other = _other_package(function, package) if name in _ENTRY else None
            if other is None:
                continue
            if module_of(other).partition(".")[0] == "torch":  # a library writes its own
                raise refused(f"{at} is replaced by {told(function)}")
            found[at] = named(other)
    return found


def _functions(value: Any) -> Iterator[Any]:
    if isinstance(value, property):
        yield from (one for one in (value.fget, value.fset) if one is not None)
    elif callable(value) or isinstance(value, (classmethod, staticmethod)):
        yield value


def _other_package(function: Any, package: str) -> Any:
    """Return the code of a method if it is neither its library's own nor Python's."""
    code = code_of(function)
    while type(code) is FunctionType and "__wrapped__" in vars(code):
        code = code_of(vars(code)["__wrapped__"])
    root = module_of(code).partition(".")[0]
    return None if root == package or root in sys.stdlib_module_names else code


def _check(name: str, value: Any, module: str) -> None:
    """Refuse a function or class, or what wraps one, that is neither a library's nor Python's."""
    while value is not None:
        code = code_of(value)
        if is_mock(value) or not _is_code_of_libraries(file_of(code), module_of(code), module):
            raise refused(f"{name} is replaced by {told(value)}")
        value = vars(code).get("__wrapped__") if type(code) is FunctionType else None


@cache
def _is_code_of_libraries(file: str, made_in: str, module: str) -> bool:
    """Tell whether a file, which may be empty, is that of a library or of the module's own.

    torch and its like may lie where nothing says that they are installed: beside their source, or
    in a folder of PYTHONPATH.
    """
    if not file or is_installed(file):
        return True
    package = made_in.partition(".")[0]
    own = str(getattr(sys.modules.get(package), "__file__", None) or "")
    known = package in (*_LIBRARIES, module.partition(".")[0])
    return known and bool(own) and _folder(file).startswith(_folder(own))


def _folder(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[0]
