"""The CLIP vision transformer (Radford et al. 2021), with the tensors' names of transformers.

Written out here because importing transformers' model takes longer than importing torch; a test
holds it to transformers, bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import torch
from torch.nn import functional as F


def _quick_gelu(values: torch.Tensor) -> torch.Tensor:
    return values * torch.sigmoid(1.702 * values)


ACTIVATIONS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gelu": F.gelu,
    "quick_gelu": _quick_gelu,
}


@dataclass(frozen=True)
class CLIPVisionSize:
    """What a CLIP vision model is built from, named as in its ``config.json``.

    The defaults are those of ViT-B/32. ``image_size`` and ``patch_size`` are edges in pixels.

    Raises:
        ValueError: no model can have these dimensions.

    >>> CLIPVisionSize(patch_size=16).positions
    197
    """

    hidden_size: int = 768
    intermediate_size: int = 3072
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    image_size: int = 224
    patch_size: int = 32
    hidden_act: str = "quick_gelu"
    layer_norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        for field in fields(self)[:6]:
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{field.name} is {value!r}, not a whole number above zero")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} cannot be divided among num_attention_heads "
                f"{self.num_attention_heads}"
            )
        if self.hidden_act not in ACTIVATIONS:
            known = " nor ".join(map(repr, ACTIVATIONS))
            raise ValueError(f"hidden_act is {self.hidden_act!r}, neither {known}")
        if not isinstance(self.layer_norm_eps, float) or not 0 < self.layer_norm_eps < 1:
            raise ValueError(f"layer_norm_eps is {self.layer_norm_eps!r}, not between 0 and 1")

    @property
    def positions(self) -> int:
        """The number of tokens: the patches and CLS."""
        return (self.image_size // self.patch_size) ** 2 + 1

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each tensor of the model by its name."""
        width, inner, patch = self.hidden_size, self.intermediate_size, self.patch_size
        linear = {f"self_attn.{name}_proj": (width, width) for name in ("q", "k", "v", "out")}
        linear |= {"mlp.fc1": (inner, width), "mlp.fc2": (width, inner)}
        shapes: dict[str, tuple[int, ...]] = {
            "embeddings.class_embedding": (width,),
            "embeddings.patch_embedding.weight": (width, 3, patch, patch),
            "embeddings.position_embedding.weight": (self.positions, width),
        }
        norms = ["pre_layrnorm", "post_layernorm"]
        for number in range(self.num_hidden_layers):
            layer = f"encoder.layers.{number}."
            norms += [f"{layer}layer_norm1", f"{layer}layer_norm2"]
            for name, shape in linear.items():
                shapes[f"{layer}{name}.weight"] = shape
                shapes[f"{layer}{name}.bias"] = shape[:1]
        for name in norms:
            shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (width,)
        return shapes


class CLIPVision:
    """A CLIP vision model on its device.

    Args:
        size: its dimensions.
        state: the tensors that ``size.tensors()`` names. They are used as they are, not copied,
            where device and dtype agree: a mapped file stays mapped.
        device: ``cpu``, ``mps`` or ``cuda:N``.
        dtype: what it computes in.
    """

    def __init__(
        self,
        size: CLIPVisionSize,
        state: Mapping[str, torch.Tensor],
        device: str,
        dtype: torch.dtype = torch.float32,
    ):
        self._size = size
        self._state = {
            name: state[name].detach().to(device=device, dtype=dtype) for name in size.tensors()
        }

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the tokens after the last layer, without post-layernorm.

        Args:
            pixels: normalised, of the model's dtype and device, (N, 3, S, S).

        Returns:
            (N, 1 + patches, hidden), of the same dtype: the CLS token, then the patches, row by
            row.
        """
        embeddings = "embeddings."
        patches = F.conv2d(
            pixels,
            self._state[f"{embeddings}patch_embedding.weight"],
            stride=self._size.patch_size,
        )
        cls = self._state[f"{embeddings}class_embedding"].expand(len(pixels), 1, -1)
        tokens = torch.cat([cls, patches.flatten(2).transpose(1, 2)], dim=1)
        tokens = tokens + self._state[f"{embeddings}position_embedding.weight"]
        tokens = self._norm(tokens, "pre_layrnorm")
        activation = ACTIVATIONS[self._size.hidden_act]
        for number in range(self._size.num_hidden_layers):
            layer = f"encoder.layers.{number}."
            normed = self._norm(tokens, f"{layer}layer_norm1")
            tokens = tokens + self._attention(normed, f"{layer}self_attn.")
            normed = self._norm(tokens, f"{layer}layer_norm2")
            inner = activation(self._linear(normed, f"{layer}mlp.fc1"))
            tokens = tokens + self._linear(inner, f"{layer}mlp.fc2")
        return tokens

    def _attention(self, tokens: torch.Tensor, prefix: str) -> torch.Tensor:
        heads = self._size.num_attention_heads
        edge = self._size.hidden_size // heads
        query, key, value = (
            self._linear(tokens, f"{prefix}{name}_proj")
            .view(*tokens.shape[:2], heads, edge)
            .transpose(1, 2)
            for name in ("q", "k", "v")
        )
        mixed = F.scaled_dot_product_attention(query, key, value, scale=edge**-0.5)
        return self._linear(mixed.transpose(1, 2).reshape(tokens.shape), f"{prefix}out_proj")

    def _norm(self, tokens: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = self._state[f"{name}.weight"], self._state[f"{name}.bias"]
        return F.layer_norm(tokens, weight.shape, weight, bias, self._size.layer_norm_eps)

    def _linear(self, tokens: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(tokens, self._state[f"{name}.weight"], self._state[f"{name}.bias"])
