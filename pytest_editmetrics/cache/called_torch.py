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
PLAIN = (
    "arange", "bmm", "cat", "cos", "div", "einsum", "empty", "from_numpy", "isfinite", "linspace",
    "matmul", "meshgrid", "ones", "pow", "repeat_interleave", "rsub", "sigmoid", "sin", "softmax",
    "split_with_sizes", "sqrt", "stack", "tensor", "unbind", "zeros",
)  # fmt: skip
METHODS = (
    "__add__", "__bool__", "__getitem__", "__len__", "__matmul__", "__mul__", "__neg__",
    "__radd__", "__rmul__", "__rpow__", "__rsub__", "__rtruediv__", "__setitem__", "__sub__",
    "__truediv__", "abs_", "add", "add_", "all", "argmax", "clamp", "clamp_", "clone",
    "contiguous", "copy_", "cos", "cpu", "cumsum", "dim", "div", "div_", "expand", "expand_as",
    "flatten", "float", "gt", "is_floating_point", "item", "le", "long", "lt", "matmul", "mean",
    "mul", "neg", "numel", "numpy", "permute", "pow", "prod", "reciprocal", "repeat",
    "repeat_interleave", "reshape", "round_", "sigmoid", "sin", "size", "softmax", "split",
    "sqrt_", "squeeze", "square", "square_", "sub", "sub_", "sum", "tile", "to", "tolist",
    "transpose", "unbind", "unflatten", "unsqueeze", "view",
)  # fmt: skip
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
    for name in PLAIN:
        yield "torch", torch, name
    for name in METHODS:
        yield "torch.Tensor", torch.Tensor, name
    for layer, names in LAYERS.get(kind, {}).items():
        yield "torch.nn", nn, layer
        for name in names:
            yield f"torch.nn.{layer}", getattr(nn, layer, None), name
