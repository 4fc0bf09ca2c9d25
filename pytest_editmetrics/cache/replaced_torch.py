"""Whose functions a model of ours computes with: torch's own, or what stands in their place.

A test may stub the convolutions of its model, a repository may put a faster attention in the place
of torch's. What a metric's model computed with them is no number, and no later session may find it
in the cache. A library's replacements are let pass: they are part of what a feature depends on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.images.replacements import is_installed, is_of_library, package_of, told

FUNCTIONAL = (
    "conv2d", "conv_transpose2d", "dropout", "gelu", "interpolate", "layer_norm", "linear",
    "max_pool2d", "pad", "relu", "scaled_dot_product_attention", "silu", "softmax",
)  # fmt: skip
PLAIN = (
    "arange", "cat", "conv2d", "cos", "div", "einsum", "empty", "from_numpy", "isfinite",
    "linspace", "matmul", "max_pool2d", "meshgrid", "ones", "repeat_interleave", "sigmoid", "sin",
    "softmax", "sqrt", "stack", "tensor", "unbind", "zeros",
)  # fmt: skip
METHODS = (
    "__add__", "__bool__", "__getitem__", "__len__", "__matmul__", "__mul__", "__neg__",
    "__radd__", "__rmul__", "__rpow__", "__rsub__", "__rtruediv__", "__setitem__", "__sub__",
    "__truediv__", "add", "add_", "all", "argmax", "clone", "contiguous", "cos", "cpu", "cumsum",
    "div", "div_", "expand", "expand_as", "flatten", "float", "gt", "is_floating_point", "long",
    "matmul", "mean", "mul", "neg", "numel", "numpy", "permute", "pow", "repeat",
    "repeat_interleave", "reshape", "sigmoid", "sin", "size", "softmax", "split", "sqrt_",
    "square", "square_", "sub", "sub_", "sum", "tile", "to", "tolist", "transpose", "unbind",
    "unsqueeze", "view",
)  # fmt: skip
"""What the models of our pipes call, as a test of all of them counts it."""
_LAYERS = {
    **dict.fromkeys(("Module",), ("__call__", "_call_impl", "_wrapped_call_impl", "__getattr__")),
    **dict.fromkeys(("Conv2d", "ConvTranspose2d"), ("__init__", "forward", "_conv_forward")),
    **dict.fromkeys(
        ("Dropout", "GELU", "Identity", "LayerNorm", "Linear", "ReLU", "Sequential"),
        ("__init__", "forward"),
    ),
}
_HOOKS = ("_global_forward_pre_hooks", "_global_forward_hooks")
_MODES = (
    ("a TorchFunctionMode", "torch.overrides", "_get_current_function_mode_stack"),
    ("a TorchDispatchMode", "torch.utils._python_dispatch", "_get_current_dispatch_mode_stack"),
)


def replacements(*, layers: bool) -> dict[str, str]:
    """Return what libraries put in the place of torch's functions, by name; mostly nothing.

    ``layers`` tells whether the model is made of torch's layers, which call hooks.

    Raises:
        EditMetricsError: one is mocked, or was replaced by code that is no installed library's; or
            a hook or mode of such code changes what torch computes.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    found: dict[str, str] = {}
    for name, function in _used(torch, layers):
        while function is not None:
            if not _is_own(function):
                if not is_of_library(function, "torch"):
                    raise _refused(f"{name} is replaced by {told(function)}")
                found[name] = _name(function)
            function = vars(function).get("__wrapped__") if hasattr(function, "__dict__") else None
    for what, code in _around(torch, layers):
        module = _module(code)
        if module.partition(".")[0] == "torch":
            continue
        if not is_installed(getattr(sys.modules.get(module), "__file__", "")):
            raise _refused(f"{what}, {_name(code)}, is active")
        found[_name(code)] = what
    return found


def _used(torch: Any, layers: bool) -> Iterator[tuple[str, Any]]:
    nn = torch.nn
    owners: list[tuple[str, Any, tuple[str, ...]]] = [
        ("torch.nn.functional", nn.functional, FUNCTIONAL),
        ("torch", torch, PLAIN),
        ("torch.Tensor", torch.Tensor, METHODS),
    ]
    if layers:
        owners += [(f"torch.nn.{kind}", getattr(nn, kind), _LAYERS[kind]) for kind in _LAYERS]
    for of, owner, names in owners:
        for name in names:
            yield f"{of}.{name}", getattr(owner, name, None)


def _is_own(function: Any) -> bool:
    if type(function) is FunctionType:
        return package_of(function) == "torch"
    return type(function).__module__.partition(".")[0] in ("builtins", "torch")


def _around(torch: Any, layers: bool) -> Iterator[tuple[str, Any]]:
    """Give the function or class of each hook and mode that torch calls whatever it computes."""
    for name in _HOOKS if layers else ():
        for hook in getattr(torch.nn.modules.module, name, {}).values():
            function = getattr(hook, "__func__", hook)
            yield "a hook of all modules", _function_or_class(function)
    for what, where, stack in _MODES:
        for mode in getattr(sys.modules.get(where), stack, list)():
            yield what, type(mode)


def _function_or_class(code: Any) -> Any:
    return code if isinstance(code, FunctionType) else type(code)


def _module(code: Any) -> str:
    if isinstance(code, FunctionType):
        return str(code.__globals__.get("__name__"))
    return str(code.__module__)


def _name(code: Any) -> str:
    """Return a function or class by its name, with the version of its library."""
    module = _module(code)
    version = getattr(sys.modules.get(module.partition(".")[0]), "__version__", "")
    return f"{module}.{code.__qualname__} {version}".rstrip()


def _refused(what: str) -> EditMetricsError:
    return EditMetricsError(
        f"{what} while the check runs, so the metric's model would not compute as it is: end it"
        " before the check (monkeypatch.undo(), hook.remove(), or the end of its with), or patch"
        " the modules of your own model alone (editmetrics score measures in a process without it)"
    )
