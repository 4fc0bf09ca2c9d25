"""The CLIP vision transformer (Radford et al. 2021), with the tensors' names of transformers.

Written out here because importing transformers' model takes longer than importing torch; a test
holds it to transformers, bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch.nn import functional as F

from pytest_editmetrics.pipes.clip.size import CLIPVisionSize


def _quick_gelu(values: torch.Tensor) -> torch.Tensor:
    return values * torch.sigmoid(1.702 * values)


def _gelu(values: torch.Tensor) -> torch.Tensor:
    return F.gelu(values)  # looked up as it computes: a test may replace it


_ACTIVATIONS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gelu": _gelu,
    "quick_gelu": _quick_gelu,
}


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
        activation = _ACTIVATIONS[self._size.hidden_act]
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
