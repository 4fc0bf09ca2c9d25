"""A CLIP vision model: its input size, its preprocessing, its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.pipes.checkpoint import check_fit, read_state_dict
from pytest_editmetrics.pipes.vision_model import (
    Three,
    VisionEncoder,
    VisionInput,
    normalisation,
    pixel_count,
)
from pytest_editmetrics.weights.check import read_json_object

if TYPE_CHECKING:
    import torch

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
_PREFIX = "vision_model."
_DIMENSIONS = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "image_size",
    "patch_size",
    "hidden_act",
    "layer_norm_eps",
)


class CLIPEncoder(VisionEncoder):
    """A CLIP vision model on its device; its tokens are without post-layernorm."""

    def hidden(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return (images, 1 + patches, hidden) of a batch of inputs on the model's device."""
        hidden: torch.Tensor = self.model(pixels)
        return hidden


def read_clip_input(folder: Path, cropped: bool) -> VisionInput:
    """Read what the vision model in ``folder`` takes, from its configuration alone.

    ``cropped`` tells whether images will be resized and cropped as the checkpoint does.

    Raises:
        WeightsError: another kind of model, or a preprocessing that cannot be reproduced.
    """
    config = _vision_config(folder / "config.json")
    size = config["image_size"]
    mean, std = _preprocessing(folder / "preprocessor_config.json", size if cropped else None)
    return VisionInput(config, mean, std, size, config["patch_size"], shortest_edge=size)


def load_clip(folder: Path, taken: VisionInput, device: str, dtype: str) -> CLIPEncoder:
    """Load the vision model in ``folder``: a CLIP checkpoint, whole or its vision part alone.

    Raises:
        WeightsError: weights that do not fit the configuration.
    """
    import torch

    weights = folder / "model.safetensors"
    if not weights.is_file():
        weights = folder / "pytorch_model.bin"
    state = read_state_dict(weights)
    from pytest_editmetrics.pipes.clip.vision import CLIPVision, CLIPVisionSize

    try:
        dimensions = CLIPVisionSize(**taken.config)
    except ValueError as error:
        raise WeightsError(f"{folder / 'config.json'} makes no CLIP model: {error}") from error
    given = _vision_tensors(state)
    needed = dimensions.tensors()
    check_fit(needed, given, weights, f"the CLIP vision model of {folder / 'config.json'}")
    model = CLIPVision(dimensions, given, device, getattr(torch, dtype))
    return CLIPEncoder(model, device, dtype, taken)


def _vision_tensors(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of the vision model, without prefix, from any CLIP checkpoint."""
    prefixed = {_bare(name): tensor for name, tensor in state.items() if name.startswith(_PREFIX)}
    vision = prefixed or dict(state)
    # Old checkpoints hold the numbers of the positions, which the model makes itself.
    vision.pop("embeddings.position_ids", None)
    return vision


def _bare(name: str) -> str:
    return name.removeprefix(_PREFIX)


def _vision_config(path: Path) -> dict[str, Any]:
    whole = read_json_object(path, "the configuration of a CLIP model")
    config = whole.get("vision_config", whole)
    kind = whole.get("model_type", "clip_vision_model")
    if kind not in ("clip", "clip_vision_model") or not isinstance(config, Mapping):
        raise WeightsError(
            f"{path} describes a model of type {kind!r}; clip-pipe takes CLIP models"
        )
    dimensions = {name: config[name] for name in _DIMENSIONS if name in config}
    # Published configurations leave out what is the default of CLIP ViT-B/32.
    dimensions.setdefault("image_size", 224)
    dimensions.setdefault("patch_size", 32)
    for name in ("image_size", "patch_size"):
        pixel_count(dimensions[name], f"{path}: {name}")
    return dimensions


def _preprocessing(path: Path, crop: int | None) -> tuple[Three, Three]:
    """Return the checkpoint's mean and deviation of RGB in [0, 1]; CLIP's own if it has none."""
    if not path.is_file():
        return _MEAN, _STD
    config = read_json_object(path, "the configuration of a preprocessor")
    for name in ("size", "crop_size"):
        value = config.get(name, crop)
        edges = set(value.values()) if isinstance(value, dict) else {value}
        if crop is not None and edges != {crop}:
            raise WeightsError(
                f"{path}: {name} is {value!r}, the model's input is {crop} pixels; only framing "
                "'stretch' can measure with this checkpoint"
            )
    return normalisation(config, _MEAN, _STD, path)
