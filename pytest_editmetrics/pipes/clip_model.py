"""A CLIP vision model: its input size, its preprocessing, its tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.images import Array
from pytest_editmetrics.pipes.checkpoint import check_fit, read_state_dict
from pytest_editmetrics.pipes.computing import inference
from pytest_editmetrics.regions import Framing, crop_geometry
from pytest_editmetrics.threads import thread_count

if TYPE_CHECKING:
    import torch

    from pytest_editmetrics.pipes.clip_vision import CLIPVision

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
_BATCH = {"cpu": 4, "mps": 8, "cuda": 32}
_FEW_PATCHES = 64
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


@dataclass(frozen=True)
class CLIPInput:
    """What a CLIP vision model takes, without the model. Sizes are edges of squares, in pixels.

    ``config`` holds the dimensions of the model as ``CLIPVisionSize`` names them.
    """

    config: Mapping[str, Any]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def input_size(self) -> int:
        """Edge of the input."""
        return int(self.config["image_size"])

    @property
    def patch_size(self) -> int:
        """Edge of a patch."""
        return int(self.config["patch_size"])

    def pixels(self, image: Array, framing: Framing) -> torch.Tensor:
        """Return the model's input, float32 (1, 3, S, S), on the CPU.

        Args:
            image: RGB, uint8, (H, W, 3).
            framing: ``stretch`` resizes the whole frame to the input; ``center-crop`` and
                ``autopipeline`` resize the shortest edge to it and crop the centre.
        """
        import torch
        from torch.nn import functional as F

        size = self.input_size
        height, width, top, left = size, size, 0, 0
        if framing != "stretch":
            height, width, top, left = crop_geometry(image.shape[0], image.shape[1], size)
        pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
        if (height, width) != image.shape[:2]:
            pixels = F.interpolate(pixels, (height, width), mode="bicubic", antialias=True)
        pixels = pixels[..., top : top + size, left : left + size].float() / 255
        mean = torch.tensor(self.mean, dtype=torch.float32, device="cpu").view(1, 3, 1, 1)
        std = torch.tensor(self.std, dtype=torch.float32, device="cpu").view(1, 3, 1, 1)
        return (pixels - mean) / std


@dataclass
class CLIPEncoder:
    """A CLIP vision model on its device, computing in ``dtype``."""

    model: CLIPVision
    device: str
    dtype: str
    input: CLIPInput
    _exact: dict[int, bool] = field(default_factory=dict)

    def encode(self, images: Sequence[Array], framing: Framing) -> list[NDArray[np.float32]]:
        """Return the tokens of each image: together where that gives the bits of one at a time.

        Of a long list the first batch is encoded both ways, once for each number of CPU threads:
        if the bits differ, as they may by processor and library, nothing is encoded together.
        """
        batch = _BATCH[self.device.partition(":")[0]]
        threads = thread_count()
        done: list[NDArray[np.float32]] = []
        if threads not in self._exact and len(images) >= 2 * batch and self._gains:
            done = [self.tokens([image], framing)[0] for image in images[:batch]]
            together = self.tokens(images[:batch], framing)
            self._exact[threads] = all(map(np.array_equal, together, done))
        if self._exact.get(threads):
            while len(done) + batch <= len(images):
                done += list(self.tokens(images[len(done) : len(done) + batch], framing))
        return done + [self.tokens([image], framing)[0] for image in images[len(done) :]]

    @property
    def _gains(self) -> bool:
        """Whether one image leaves the device idle: a CPU is busy with more than a few patches."""
        patches = (self.input.input_size // self.input.patch_size) ** 2
        return self.device != "cpu" or patches <= _FEW_PATCHES

    def tokens(self, images: Sequence[Array], framing: Framing) -> NDArray[np.float32]:
        """Return the tokens of ``last_hidden_state`` of a batch.

        Args:
            images: RGB, uint8, (H, W, 3), of any sizes.
            framing: see ``CLIPInput.pixels``.

        Returns:
            float32 (images, 1 + patches, hidden): the CLS token, then the patches, row by row;
            without post-layernorm.
        """
        import torch

        with inference(self.device):
            pixels = torch.cat([self.input.pixels(image, framing) for image in images])
            pixels = pixels.to(self.device, getattr(torch, self.dtype))
            hidden = self.model(pixels)
            tokens: NDArray[np.float32] = hidden.float().cpu().numpy()
        return tokens


def read_clip_input(folder: Path, cropped: bool) -> CLIPInput:
    """Read what the vision model in ``folder`` takes, from its configuration alone.

    ``cropped`` tells whether images will be resized and cropped as the checkpoint does.

    Raises:
        WeightsError: another kind of model, or a preprocessing that cannot be reproduced.
    """
    config = _vision_config(folder / "config.json")
    size = config["image_size"]
    mean, std = _preprocessing(folder / "preprocessor_config.json", size if cropped else None)
    return CLIPInput(config, mean, std)


def load_clip(folder: Path, taken: CLIPInput, device: str, dtype: str) -> CLIPEncoder:
    """Load the vision model in ``folder``: a CLIP checkpoint, whole or its vision part alone.

    Raises:
        WeightsError: weights that do not fit the configuration.
    """
    import torch

    weights = folder / "model.safetensors"
    if not weights.is_file():
        weights = folder / "pytorch_model.bin"
    state = read_state_dict(weights)
    from pytest_editmetrics.pipes.clip_vision import CLIPVision, CLIPVisionSize

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
    whole = _read_json(path)
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
        if type(dimensions[name]) is not int or dimensions[name] < 1:
            raise WeightsError(f"{path}: {name} is {dimensions[name]!r}, not a number of pixels")
    return dimensions


def _preprocessing(
    path: Path, crop: int | None
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the checkpoint's mean and deviation of RGB in [0, 1]; CLIP's own if it has none."""
    if not path.is_file():
        return _MEAN, _STD
    config = _read_json(path)
    for name in ("size", "crop_size"):
        value = config.get(name, crop)
        edges = set(value.values()) if isinstance(value, dict) else {value}
        if crop is not None and edges != {crop}:
            raise WeightsError(
                f"{path}: {name} is {value!r}, the model's input is {crop} pixels; only framing "
                "'stretch' can measure with this checkpoint"
            )
    return (
        _three(config.get("image_mean", _MEAN), f"{path}: image_mean"),
        _three(config.get("image_std", _STD), f"{path}: image_std"),
    )


def _three(values: Any, what: str) -> tuple[float, float, float]:
    try:
        red, green, blue = map(float, values)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{what} is {values!r}, not three numbers") from error
    return red, green, blue


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise WeightsError(f"{path} holds no JSON object")
    return value
