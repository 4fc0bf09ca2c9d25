"""A DINO vision model (DINOv2, also with registers, or DINOv3): its preprocessing, its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.pipes import pretrained
from pytest_editmetrics.pipes.dino.spec import SPEC
from pytest_editmetrics.pipes.vision_model import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    VisionEncoder,
    VisionInput,
    normalisation,
    pixel_count,
)
from pytest_editmetrics.weights.check import read_json_object

if TYPE_CHECKING:
    import torch

CLASSES = {
    "dinov2": "Dinov2Model",
    "dinov2_with_registers": "Dinov2WithRegistersModel",
    "dinov3_vit": "DINOv3ViTModel",
}
DEFAULT_SIZE = 224
_RESAMPLE: dict[Any, Literal["bicubic", "bilinear"]] = {2: "bilinear", 3: "bicubic"}


class DINOEncoder(VisionEncoder):
    """A DINO model on its device; its tokens are after the final layer norm, without registers."""

    def hidden(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return (images, 1 + patches, hidden) of a batch of inputs on the model's device."""
        import torch

        hidden = self.model(pixel_values=pixels).last_hidden_state
        registers = getattr(self.model.config, "num_register_tokens", 0)
        return torch.cat([hidden[:, :1], hidden[:, 1 + registers :]], dim=1)


def read_dino_input(folder: Path) -> VisionInput:
    """Read what the model in ``folder`` takes, from its configuration and its preprocessor's alone.

    Without a preprocessor that is 224 pixels, ImageNet's mean and deviation, the frame stretched.

    Raises:
        MissingResourceError: transformers is not installed.
        WeightsError: another kind of model, or a preprocessing that cannot be reproduced.
    """
    kind = pretrained.read_model_type(folder, CLASSES, "DINO")
    path = folder / "config.json"
    config = read_json_object(path, "the configuration of a DINO model")
    patch_size = pixel_count(config.get("patch_size"), f"{path}: patch_size")
    path = folder / "preprocessor_config.json"
    what = "the configuration of a preprocessor"
    given = read_json_object(path, what) if path.is_file() else {}
    mean, std = normalisation(given, IMAGENET_MEAN, IMAGENET_STD, path)
    size, shortest_edge = _sizes(given, path)
    if size < patch_size:
        raise WeightsError(f"{path}: the input of {size} pixels is smaller than a patch")
    # 3 is what the image processor of DINOv2 takes, 2 that of DINOv3
    number = given.get("resample", 2 if kind == "dinov3_vit" else 3)
    if number not in _RESAMPLE:
        raise WeightsError(f"{path}: resample is {number!r}; it can be 2 (bilinear) or 3 (bicubic)")
    identity = {
        **pretrained.identity(folder, SPEC.key),
        "input": [size, shortest_edge, patch_size, number],
    }
    return VisionInput(
        identity,
        mean,
        std,
        size,
        patch_size,
        shortest_edge,
        _RESAMPLE[number],
        whole_levels=kind != "dinov3_vit",
    )


def load_dino(folder: Path, taken: VisionInput, device: str, dtype: str) -> DINOEncoder:
    """Load the model in ``folder``; raises as ``pretrained.load_pretrained`` does."""
    import torch

    kind = pretrained.read_model_type(folder, CLASSES, "DINO")
    model = pretrained.load_pretrained(CLASSES[kind], folder, device, SPEC.key)
    return DINOEncoder(model.to(getattr(torch, dtype)), device, dtype, taken)


def _sizes(given: dict[str, Any], path: Path) -> tuple[int, int | None]:
    """Return the edge of the input, and the shortest edge of what it is cropped from, if it is."""
    size = given.get("size", {"height": DEFAULT_SIZE, "width": DEFAULT_SIZE})
    if not given.get("do_center_crop"):
        return _square(size, f"{path}: size"), None
    crop = _square(given.get("crop_size"), f"{path}: crop_size")
    edge = size.get("shortest_edge") if isinstance(size, dict) else size
    shortest_edge = pixel_count(edge, f"{path}: the shortest edge of size")
    if shortest_edge < crop:
        raise WeightsError(
            f"{path}: an image of {shortest_edge} pixels cannot be cropped to {crop} pixels"
        )
    return crop, shortest_edge


def _square(size: Any, what: str) -> int:
    if isinstance(size, dict) and set(size) == {"height", "width"}:
        if size["height"] != size["width"]:
            raise WeightsError(f"{what} is {size!r}; only square inputs can be measured")
        size = size["height"]
    return pixel_count(size, what)
