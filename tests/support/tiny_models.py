"""Tiny seeded models of transformers' own classes, saved as a user's local directory is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
CROPPING = {
    "image_processor_type": "BitImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": 40},
    "do_center_crop": True,
    "crop_size": {"height": 32, "width": 32},
    "do_rescale": True,
    "do_normalize": True,
    "resample": 3,
    **IMAGENET,
}
STRETCHING = {
    "image_processor_type": "DINOv3ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "do_rescale": True,
    "do_normalize": True,
    "resample": 2,
    **IMAGENET,
}
SAM2 = {"image_processor_type": "Sam2ImageProcessor", "size": {"height": 128, "width": 128}}


def seeded(model_class: type[Any], config: Any) -> Any:
    """A model whose weights are large enough for its tokens to differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        model = model_class(config).eval()
        with torch.no_grad():
            for name, tensor in model.named_parameters():
                if tensor.ndim > 1:
                    tensor.normal_(0, 0.15)
                elif name.endswith("bias"):
                    tensor.normal_(0, 0.05)
    return model


def save(model: Any, preprocessor: dict[str, Any], folder: Path) -> Path:
    model.save_pretrained(folder)
    folder.joinpath("preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


def make_dino(kind: str, folder: Path) -> Path:
    """``dinov2``, ``dinov2_with_registers`` or ``dinov3_vit`` of 16 patches."""
    import transformers

    names = {
        "dinov2": "Dinov2",
        "dinov2_with_registers": "Dinov2WithRegisters",
        "dinov3_vit": "DINOv3ViT",
    }
    sizes: dict[str, Any] = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8,
        "image_size": 64,
    }  # fmt: skip
    if kind == "dinov3_vit":
        sizes.update(intermediate_size=64, num_register_tokens=3)
    elif kind == "dinov2_with_registers":
        sizes.update(num_register_tokens=3)
    config = getattr(transformers, f"{names[kind]}Config")(**sizes)
    model = seeded(getattr(transformers, f"{names[kind]}Model"), config)
    return save(model, STRETCHING if kind == "dinov3_vit" else CROPPING, folder)


def make_sam2(folder: Path, **sizes: Any) -> Path:
    """SAM 2 with an input of 128 pixels; ``sizes`` are of its backbone."""
    from transformers import Sam2Config, Sam2Model

    stages = sizes.get("embed_dim_per_stage", [8, 16, 32, 64])
    config = Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "image_size": [128, 128],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 1, 2, 2],
                "window_size_per_stage": [4, 2, 4, 2],
                "global_attention_blocks": [3],
                **sizes,
            },
            "backbone_channel_list": stages[::-1],
            "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": 128, "patch_size": 16},
        mask_decoder_config={"hidden_size": 32, "mlp_dim": 64, "num_attention_heads": 2,
                             "iou_head_hidden_dim": 32},
    )  # fmt: skip
    return save(seeded(Sam2Model, config), SAM2, folder)


SIGLIP = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "patch_size": 16,
}  # fmt: skip


def make_siglip(kind: str, folder: Path) -> Path:
    """``siglip`` (whole), ``siglip_vision_model`` or ``siglip2`` of 16 patches."""
    import transformers

    second = kind == "siglip2"
    vision = {**SIGLIP, **({"num_patches": 16} if second else {"image_size": 64})}
    name = "Siglip2Vision" if second else "SiglipVision" if kind != "siglip" else "Siglip"
    text = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
            "num_attention_heads": 2, "vocab_size": 50}  # fmt: skip
    config_class = getattr(transformers, f"{name}Config")
    if name == "Siglip":
        config = config_class(text_config=text, vision_config=vision)
    else:
        config = config_class(**vision)
    size = {"max_num_patches": 16} if second else {"size": {"height": 64, "width": 64}}
    preprocessor = {"image_processor_type": f"Siglip{'2' * second}ImageProcessor", **size}
    return save(seeded(getattr(transformers, f"{name}Model"), config), preprocessor, folder)


CLIP = {
    "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
    "image_size": 64, "patch_size": 16,
}  # fmt: skip


def make_clip(folder: Path, **sizes: Any) -> Path:
    """CLIP's vision model of 16 patches, unless ``sizes`` say otherwise."""
    import transformers

    config = transformers.CLIPVisionConfig(**{**CLIP, **sizes})
    edge = config.image_size
    preprocessor = {"size": {"shortest_edge": edge}, "crop_size": edge}
    return save(seeded(transformers.CLIPVisionModel, config), preprocessor, folder)
