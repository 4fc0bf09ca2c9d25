"""What the models of our pipes call of torch, as a test of all of them counts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_OF_BOTH = "conv2d interpolate layer_norm linear pad gelu"
FUNCTIONAL: Mapping[str, tuple[str, ...]] = {
    "lpips": ("conv2d", "max_pool2d", "pad", "relu", "relu_"),
    "lpips-package": ("conv2d", "dropout", "max_pool2d", "relu", "relu_"),
    "clip": (*_OF_BOTH.split(), "scaled_dot_product_attention"),
    "sam": (*_OF_BOTH.split(), "conv_transpose2d", "relu"),
    "transformers": (
        *_OF_BOTH.split(), "conv_transpose2d", "dropout", "embedding", "max_pool2d",
        "multi_head_attention_forward", "relu", "scaled_dot_product_attention", "sigmoid", "silu",
        "softmax",
    ),
}  # fmt: skip
"""By kind of model: functions of ``torch.nn.functional``, some of which call ``torch``'s."""
PLAIN: Mapping[str, tuple[str, ...]] = {
    "lpips": ("from_numpy", "tensor"),
    "lpips-package": ("cat", "from_numpy", "sqrt", "sum"),
    "clip": ("cat", "from_numpy", "sigmoid", "tensor"),
    "sam": (
        "arange", "cat", "cos", "einsum", "empty", "from_numpy", "isfinite", "ones",
        "repeat_interleave", "sin", "softmax", "sqrt", "stack",
    ),
    "transformers": (
        "arange", "bmm", "cat", "cos", "div", "from_numpy", "isfinite", "linspace", "matmul",
        "meshgrid", "ones", "pow", "rsub", "sin", "split_with_sizes", "stack", "tensor", "unbind",
        "zeros",
    ),
}  # fmt: skip
"""By kind of model: functions of ``torch``."""
_OPERATORS = (
    "__add__", "__bool__", "__getitem__", "__len__", "__matmul__", "__mul__", "__neg__", "__pow__",
    "__radd__", "__rmul__", "__rpow__", "__rsub__", "__rtruediv__", "__setitem__", "__sub__",
    "__truediv__",
)  # fmt: skip
_OF_ALL = (*_OPERATORS, "cpu", "div", "float", "numpy", "sub", "to")
METHODS: Mapping[str, tuple[str, ...]] = {
    "lpips": (
        *_OF_ALL, "add_", "clone", "div_", "flatten", "matmul", "numel", "sqrt_", "square",
        "square_", "sub_", "sum", "view",
    ),
    "lpips-package": (*_OF_ALL, "add", "add_", "copy_", "mean", "pow"),
    "clip": (
        *_OF_ALL, "add", "div_", "expand", "flatten", "is_floating_point", "mul", "reshape",
        "round_", "transpose", "view",
    ),
    "sam": (
        *_OF_ALL, "add", "add_", "all", "argmax", "clone", "contiguous", "copy_", "cumsum",
        "expand", "flatten", "gt", "long", "matmul", "mean", "mul", "permute", "pow", "reshape",
        "size", "softmax", "tolist", "transpose", "unbind", "unsqueeze", "view",
    ),
    "transformers": (
        *_OF_ALL, "abs_", "add", "add_", "all", "argmax", "clamp", "clamp_", "clone", "contiguous",
        "copy_", "cos", "cumsum", "dim", "div_", "expand", "expand_as", "flatten", "gt",
        "is_floating_point", "item", "le", "lt", "matmul", "mean", "mul", "neg", "permute", "prod",
        "reciprocal", "repeat", "repeat_interleave", "reshape", "round_", "sigmoid", "sin", "size",
        "softmax", "split", "squeeze", "sum", "tile", "tolist", "transpose", "unflatten",
        "unsqueeze", "view",
    ),
}  # fmt: skip
"""By kind of model: methods of tensors."""
_MODULE = (
    "__call__", "_call_impl", "_wrapped_call_impl", "__getattr__", "_apply",
    "_load_from_state_dict", "load_state_dict", "to",
)  # fmt: skip
_CONVOLUTION = ("__init__", "forward", "_conv_forward")
_BOTH = ("__init__", "forward")
LAYERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "lpips-package": {
        "Module": _MODULE,
        "Conv2d": _CONVOLUTION,
        **dict.fromkeys(("Dropout", "MaxPool2d", "ReLU", "Sequential"), _BOTH),
    },
    "sam": {
        "Module": _MODULE,
        **dict.fromkeys(("Conv2d", "ConvTranspose2d"), _CONVOLUTION),
        **dict.fromkeys(("GELU", "LayerNorm", "Linear", "ReLU", "Sequential"), _BOTH),
    },
    "transformers": {
        "Module": _MODULE,
        **dict.fromkeys(("Conv2d", "ConvTranspose2d"), _CONVOLUTION),
        **dict.fromkeys(
            (
                "Dropout",
                "Embedding",
                "GELU",
                "Identity",
                "LayerNorm",
                "Linear",
                "MultiheadAttention",
                "ReLU",
            ),
            _BOTH,
        ),
    },
}
"""By kind of model: torch's layers that it is made of, and their methods; others have none."""


def called(torch: Any, kind: str) -> Iterator[tuple[str, Any, str]]:
    """Yield each owner, by name and itself, and the name of what a kind of model calls of it."""
    nn = torch.nn
    for name in FUNCTIONAL[kind]:
        yield "torch.nn.functional", nn.functional, name
        yield "torch", torch, name
    for name in PLAIN[kind]:
        yield "torch", torch, name
    for name in METHODS[kind]:
        yield "torch.Tensor", torch.Tensor, name
    for layer, names in LAYERS.get(kind, {}).items():
        yield "torch.nn", nn, layer
        for name in names:
            yield f"torch.nn.{layer}", getattr(nn, layer, None), name
