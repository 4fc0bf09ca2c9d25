"""Small seeded models of many configurations, and preprocessors with each field changed once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from preprocessors import their_class
from tiny_models import IMAGENET, SIGLIP, save, seeded

CLIPS: dict[str, dict[str, Any]] = {
    "patch-16": {},
    "patch-32": {"patch_size": 32, "image_size": 96},
    "patch-14": {"patch_size": 14, "image_size": 70},
    "gelu": {"hidden_act": "gelu"},
    "gelu-tanh": {"hidden_act": "gelu_pytorch_tanh"},
    "relu": {"hidden_act": "relu"},
    "one-head": {"num_attention_heads": 1, "layer_norm_eps": 1e-3},
    "deep": {"num_hidden_layers": 6, "intermediate_size": 200},
}
DINO = {
    "hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "patch_size": 8,
    "image_size": 64,
}  # fmt: skip
DINOS: dict[str, tuple[str, dict[str, Any]]] = {
    "dinov2": ("Dinov2", {}),
    "dinov2-swiglu": ("Dinov2", {"use_swiglu_ffn": True}),
    "dinov2-patch-14": ("Dinov2", {"patch_size": 14, "image_size": 70}),
    "registers": ("Dinov2WithRegisters", {"num_register_tokens": 4}),
    "registers-swiglu": ("Dinov2WithRegisters", {"num_register_tokens": 1, "use_swiglu_ffn": True}),
    "dinov3": ("DINOv3ViT", {"num_register_tokens": 4, "intermediate_size": 96}),
    "dinov3-gated": ("DINOv3ViT", {"num_register_tokens": 4, "use_gated_mlp": True}),
    "dinov3-plain": ("DINOv3ViT", {"num_register_tokens": 0, "key_bias": True}),
    "dinov3-rope": ("DINOv3ViT", {"num_register_tokens": 2, "rope_theta": 30.0}),
}
SIGLIPS: dict[str, tuple[str, dict[str, Any]]] = {
    "siglip": ("Siglip", {"image_size": 64}),
    "siglip-gelu": ("Siglip", {"image_size": 64, "hidden_act": "gelu"}),
    "siglip-patch-14": ("Siglip", {"image_size": 70, "patch_size": 14}),
    "siglip2-naflex": ("Siglip2", {"num_patches": 16}),
}
SAM2S: dict[str, dict[str, Any]] = {
    "tiny": {},
    "deep": {"blocks_per_stage": [1, 2, 3, 1], "global_attention_blocks": [4]},
    "wide": {"hidden_size": 16, "embed_dim_per_stage": [16, 32, 64, 128]},
    "windows": {"window_size_per_stage": [8, 4, 4, 2]},
    "heads": {"num_attention_heads_per_stage": [1, 2, 2, 4]},
}


def changes(edge: int) -> list[dict[str, Any]]:
    """Each field of a preprocessor changed once; all give a square of ``edge`` pixels."""
    crop = {"do_center_crop": True, "crop_size": {"height": edge, "width": edge}}
    square = {"height": edge, "width": edge}
    return [
        {},
        {**crop, "size": edge + 9},
        {**crop, "size": {"shortest_edge": edge + 9}},
        {**crop, "size": {"height": edge + 5, "width": edge + 21}},
        {**crop, "size": {"shortest_edge": edge + 9, "longest_edge": edge + 30}},
        {**crop, "size": {"shortest_edge": edge - 7}},
        {**crop, "crop_size": edge, "size": {"shortest_edge": edge + 9}},
        {"do_center_crop": False, "size": square},
        {**crop, "do_resize": False},
        {"resample": 0},
        {"resample": 1},
        {"resample": 2},
        {"resample": 3},
        {"do_rescale": False},
        {"rescale_factor": 1 / 200},
        {"do_normalize": False},
        {"image_mean": [0.1, 0.2, 0.3]},
        {"image_std": [0.4, 0.2, 0.3]},
        {"do_convert_rgb": False},
    ]


def describe(folder: Path, kind: str, fields: dict[str, Any], nested: bool) -> dict[str, Any]:
    """Write a preprocessor as transformers 4 or, nested, as 5 does; return what it says."""
    given = {"image_processor_type": kind, **fields}
    for name in ("processor_config.json", "preprocessor_config.json"):
        folder.joinpath(name).unlink(missing_ok=True)
    name = "processor_config.json" if nested else "preprocessor_config.json"
    content = {"image_processor": given, "processor_class": "CLIPProcessor"} if nested else given
    folder.joinpath(name).write_text(json.dumps(content))
    return given


def prepared(kind: str, image: np.ndarray, fields: dict[str, Any]) -> dict[str, torch.Tensor]:
    """What transformers' class hands to the model."""
    given = {name: value for name, value in fields.items() if name != "image_processor_type"}
    made = their_class(kind)(**given)
    return dict(made(images=image.copy(), return_tensors="pt"))


def layers(folder: Path, name: str, inputs: dict[str, torch.Tensor]) -> Any:
    """What transformers' model, loaded by itself, gives: every layer, and what comes of the last."""
    import transformers

    model = getattr(transformers, name).from_pretrained(folder, local_files_only=True).eval()
    for parameter in model.parameters():  # where one lies in its file decides last bits
        parameter.data = parameter.data.clone()
    with torch.inference_mode():
        return model(**inputs, output_hidden_states=True)


def make_dino(folder: Path, name: str, sizes: dict[str, Any]) -> Path:
    import transformers

    config = getattr(transformers, f"{name}Config")(**{**DINO, **sizes})
    return save(seeded(getattr(transformers, f"{name}Model"), config), {**IMAGENET}, folder)


def make_siglip(folder: Path, name: str, sizes: dict[str, Any]) -> Path:
    import transformers

    config = getattr(transformers, f"{name}VisionConfig")(**{**SIGLIP, **sizes})
    return save(seeded(getattr(transformers, f"{name}VisionModel"), config), {}, folder)
