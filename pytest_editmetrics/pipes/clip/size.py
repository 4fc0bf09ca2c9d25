"""The dimensions of a CLIP vision model, without torch."""

from __future__ import annotations

from dataclasses import dataclass, fields

ACTIVATIONS = ("gelu", "quick_gelu")


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
