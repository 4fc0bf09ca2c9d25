"""A CLIP or SigLIP vision model: its input size, its preprocessing, its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.images.regions import Framing
from pytest_editmetrics.pipes.checkpoint import check_fit, read_state_dicts
from pytest_editmetrics.pipes.clip.size import ACTIVATIONS, CLIPVisionSize
from pytest_editmetrics.pipes.preprocessor import Preprocessor
from pytest_editmetrics.pipes.preprocessor_file import pixel_count, read_preprocessor
from pytest_editmetrics.pipes.vision_model import VisionEncoder, VisionInput
from pytest_editmetrics.weights.check import read_json_object

if TYPE_CHECKING:
    import torch

    from pytest_editmetrics.weights.folders import FoundWeights

_PREFIX = "vision_model."
_NAFLEX = "Siglip2VisionModel"
# by model_type: transformers' class, its image processor, what its configuration leaves out
_KINDS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    # published configurations leave out what is the default of CLIP ViT-B/32
    "clip": ("CLIPVisionModel", "CLIPImageProcessor", asdict(CLIPVisionSize())),
    "siglip": ("SiglipVisionModel", "SiglipImageProcessor", {"image_size": 224, "patch_size": 16}),
    "siglip2": (_NAFLEX, "Siglip2ImageProcessor", {"patch_size": 16}),
}
_KINDS = {
    **_KINDS,
    "clip_vision_model": _KINDS["clip"],
    "siglip_vision_model": _KINDS["siglip"],
    "siglip2_vision_model": _KINDS["siglip2"],
}
POOLED = "pooler_output"


class CLIPEncoder(VisionEncoder):
    """This project's CLIP vision model on its device; its tokens are without post-layernorm."""

    def hidden(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return (images, 1 + patches, hidden) of a batch of inputs on the model's device."""
        hidden: torch.Tensor = self.model(pixels)
        return hidden


class TheirEncoder(VisionEncoder):
    """A vision model of transformers on its device: CLIP of another kind, SigLIP or SigLIP 2.

    SigLIP has no CLS token: in its place stands what its attention head pools from the patches.
    """

    def hidden(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return (images, 1 + patches, hidden) of a batch of inputs on the model's device."""
        import torch

        if self.input.model_class == _NAFLEX:
            found = self.model(*_flattened(pixels, self.input.patch_size))
        else:
            found = self.model(pixel_values=pixels)
        hidden: torch.Tensor = found.last_hidden_state
        if has_cls(self.input):
            return hidden
        return torch.cat([found.pooler_output[:, None], hidden], dim=1)


def has_cls(taken: VisionInput) -> bool:
    """Tell whether a model has a CLS token; the others have ``POOLED`` in its place."""
    return "Siglip" not in taken.model_class


def read_clip_input(folder: Path, framing: Framing) -> VisionInput:
    """Read what the vision model in ``folder`` takes, from its configuration alone.

    Raises:
        WeightsError: another kind of model, or a preprocessing that ``framing`` cannot have.
    """
    path = folder / "config.json"
    model_class, kind, config = _vision_config(path)
    patch = pixel_count(config["patch_size"], f"{path}: patch_size")
    if model_class == _NAFLEX:
        preprocessor = read_preprocessor(folder, kind)
        size = _naflex_size(preprocessor, patch)
    else:
        size = pixel_count(config["image_size"], f"{path}: image_size")
        whole = {"height": size, "width": size}
        short = {"size": {"shortest_edge": size}, "crop_size": whole}
        absent = short if kind == "CLIPImageProcessor" else {"size": whole}
        preprocessor = read_preprocessor(folder, kind, absent)
    given, crop = preprocessor.input_size, preprocessor.numbers["crop_size"]
    framed = given == size or (given is None and crop is None and model_class != _NAFLEX)
    if framing != "stretch" and not framed:
        height, width = crop or (given, given)
        what = f"{width}x{height} pixels" if given or crop else "patches of any aspect"
        raise WeightsError(
            f"{preprocessor.source} makes {what}, the model's input is {size} pixels; only framing "
            "'stretch' can measure with this checkpoint"
        )
    if model_class != "CLIPVisionModel":
        return VisionInput(config, preprocessor, size, patch, model_class)
    act = config["hidden_act"]
    if act in ACTIVATIONS:
        dimensions = {field.name: config[field.name] for field in fields(CLIPVisionSize)}
        return VisionInput(dimensions, preprocessor, size, patch)
    return VisionInput(config, preprocessor, size, patch, model_class, f"hidden_act {act!r}")


def load_clip(found: FoundWeights, taken: VisionInput, device: str, dtype: str) -> VisionEncoder:
    """Load a vision model: a CLIP or SigLIP checkpoint, whole or its vision part alone.

    Raises:
        WeightsError: weights that do not fit the configuration.
    """
    import torch

    state = _vision_tensors(read_state_dicts(found.files))
    weights, config = found.files[0], found.path / "config.json"
    if taken.model_class:
        from pytest_editmetrics.pipes.pretrained import configured

        model = configured(taken.model_class, taken.config, state, weights, config, "clip-pipe")
        return TheirEncoder(model.to(device, getattr(torch, dtype)), device, dtype, taken)
    from pytest_editmetrics.pipes.clip.vision import CLIPVision

    try:
        dimensions = CLIPVisionSize(**taken.config)
    except ValueError as error:
        raise WeightsError(f"{config} makes no CLIP model: {error}") from error
    check_fit(dimensions.tensors(), state, weights, f"the CLIP vision model of {config}")
    own = CLIPVision(dimensions, state, device, getattr(torch, dtype))
    return CLIPEncoder(own, device, dtype, taken)


def _vision_tensors(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of the vision model, without prefix, from any such checkpoint."""
    prefixed = {_bare(name): tensor for name, tensor in state.items() if name.startswith(_PREFIX)}
    vision = prefixed or dict(state)
    # Old checkpoints hold the numbers of the positions, which the model makes itself.
    vision.pop("embeddings.position_ids", None)
    return vision


def _bare(name: str) -> str:
    return name.removeprefix(_PREFIX)


def _vision_config(path: Path) -> tuple[str, str, dict[str, Any]]:
    whole = read_json_object(path, "the configuration of a CLIP model")
    config = whole.get("vision_config", whole)
    kind = whole.get("model_type", "clip_vision_model")
    if kind not in _KINDS or not isinstance(config, Mapping):
        raise WeightsError(
            f"{path} describes a model of type {kind!r}; clip-pipe takes CLIP and SigLIP models"
        )
    if config.get("vision_use_head") is False:
        raise WeightsError(
            f"{path}: vision_use_head is false, so that no vector stands for the whole image;"
            " clip-pipe takes SigLIP models with their attention head"
        )
    from pytest_editmetrics.pipes.pretrained import numbers_of

    model_class, processor, left_out = _KINDS[kind]
    return model_class, processor, {**left_out, **numbers_of(config)}


def _naflex_size(preprocessor: Preprocessor, patch: int) -> int:
    """Return the edge of the largest square whose patches a SigLIP 2 of any aspect takes."""
    stated = preprocessor.numbers.get("max_num_patches")
    count = pixel_count(stated, f"{preprocessor.source}: max_num_patches")
    if preprocessor.numbers.get("patch_size") != patch:
        raise WeightsError(
            f"{preprocessor.source}: patch_size is {preprocessor.numbers['patch_size']!r}, the"
            f" model's is {patch}"
        )
    return isqrt(count) * patch


def _flattened(pixels: torch.Tensor, patch: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return patches, which of them are there, and their rows and columns, as SigLIP 2 takes them.

    Each patch of (N, 3, S, S) becomes its pixels row by row, each with its three channels.
    """
    import torch

    images, channels, edge, _ = pixels.shape
    count = edge // patch
    grid = pixels.reshape(images, channels, count, patch, count, patch)
    patches = grid.permute(0, 2, 4, 3, 5, 1).reshape(images, count * count, -1)
    there = torch.ones(images, count * count, dtype=torch.int32, device=pixels.device)
    shapes = torch.tensor([[count, count]] * images, device=pixels.device)
    return patches, there, shapes
