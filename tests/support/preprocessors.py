"""Fields of preprocessors, each changed once, and what transformers' own class makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

SQUARE = {"height": 32, "width": 32}

# each of the fields that decide an input, in each of its forms
CHANGES: list[dict[str, Any]] = [
    {},
    {"do_resize": False, "do_center_crop": True, "crop_size": 40},
    {"do_resize": False, "do_center_crop": True, "crop_size": 231},
    {"do_center_crop": False, "size": SQUARE},
    {"do_center_crop": True, "crop_size": 32, "size": 41},
    {"do_center_crop": True, "crop_size": {"height": 40, "width": 40}, "size": {"shortest_edge": 33}},
    {"do_center_crop": True, "crop_size": 32, "size": {"height": 37, "width": 50}},
    {"do_center_crop": True, "crop_size": [32, 32], "size": [37, 50]},
    {"do_center_crop": True, "crop_size": 32, "size": {"shortest_edge": 64, "longest_edge": 70}},
    {"do_center_crop": True, "crop_size": 32, "size": {"max_height": 64, "max_width": 50}},
    {"do_center_crop": True, "crop_size": 32, "size": 41, "default_to_square": True},
    {"do_center_crop": True, "crop_size": 32, "size": 41, "default_to_square": False},
    {"resample": 2},
    {"resample": 3},
    {"resample": 0},
    {"resample": 1},
    {"resample": 4},
    {"do_rescale": False},
    {"do_normalize": False},
    {"do_normalize": False, "do_rescale": False},
    {"rescale_factor": 0.5 / 255},
    {"rescale_factor": 1 / 127.5},
    {"image_mean": [0.1, 0.2, 0.3]},
    {"image_std": [0.1, 0.2, 0.3]},
    {"image_mean": 0.4, "image_std": 0.6},
    {"do_convert_rgb": False},
]  # fmt: skip

# what keeps the inputs of the tests small
OWN: dict[str, dict[str, Any]] = {
    "CLIPImageProcessor": {"size": {"shortest_edge": 40}, "crop_size": SQUARE},
    "BitImageProcessor": {"size": {"shortest_edge": 40}, "crop_size": SQUARE},
    "SiglipImageProcessor": {"size": SQUARE},
    "ViTImageProcessor": {"size": SQUARE},
    "DINOv3ViTImageProcessor": {"size": SQUARE},
    "Sam2ImageProcessor": {"size": {"height": 64, "width": 64}},
}


def their_class(kind: str) -> Any:
    """The class of transformers that computes with torchvision."""
    import transformers

    if transformers.__version__.startswith("4."):
        return getattr(transformers, f"{kind}Fast", None) or getattr(transformers, kind)
    return getattr(transformers, kind)


def same_rounding() -> bool:
    """Whether this torchvision resizes whole levels as the newest does on this processor."""
    from torchvision.transforms.v2.functional import _geometry

    from pytest_editmetrics.pipes.preprocessor import _whole_levels

    mode = _geometry.InterpolationMode.BILINEAR
    return _geometry._do_native_uint8_resize_on_cpu(mode) == _whole_levels("bilinear")


def theirs(kind: str, image: np.ndarray, fields: dict[str, Any]) -> torch.Tensor:
    """What transformers' class makes of an image, (1, 3, H, W)."""
    service = ("image_processor_type",)
    given = {name: value for name, value in fields.items() if name not in service}
    processor = their_class(kind)(**given)
    return processor(images=image.copy(), return_tensors="pt").pixel_values
