"""A DINO vision model (DINOv2, also with registers, or DINOv3): its preprocessing, its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.pipes import pretrained
from pytest_editmetrics.pipes.dino.spec import SPEC
from pytest_editmetrics.pipes.preprocessor import Preprocessor
from pytest_editmetrics.pipes.preprocessor_file import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    pixel_count,
    read_preprocessor,
)
from pytest_editmetrics.pipes.vision_model import VisionEncoder, VisionInput
from pytest_editmetrics.weights.check import read_json_object

if TYPE_CHECKING:
    import torch

    from pytest_editmetrics.weights.folders import FoundWeights

CLASSES = {
    "dinov2": "Dinov2Model",
    "dinov2_with_registers": "Dinov2WithRegistersModel",
    "dinov3_vit": "DINOv3ViTModel",
}
# what DINOv2 is used with where no preprocessor says how
_ABSENT = {
    "size": {"height": 224, "width": 224},
    "do_center_crop": False,
    "image_mean": list(IMAGENET_MEAN),
    "image_std": list(IMAGENET_STD),
}


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
        WeightsError: another kind of model, or a preprocessing that cannot be reproduced.
    """
    kind = pretrained.read_model_type(folder, CLASSES, "DINO")
    path = folder / "config.json"
    config = pretrained.numbers_of(read_json_object(path, "the configuration of a DINO model"))
    patch_size = pixel_count(config.get("patch_size"), f"{path}: patch_size")
    class_name = "DINOv3ViTImageProcessor" if kind == "dinov3_vit" else "BitImageProcessor"
    preprocessor = read_preprocessor(folder, class_name, _ABSENT)
    size = _square(preprocessor)
    if size < patch_size:
        raise WeightsError(
            f"{preprocessor.source}: the input of {size} pixels is smaller than a patch"
        )
    return VisionInput(config, preprocessor, size, patch_size, CLASSES[kind])


def load_dino(found: FoundWeights, taken: VisionInput, device: str, dtype: str) -> DINOEncoder:
    """Load a model; raises as ``pretrained.load_pretrained`` does."""
    import torch

    model = pretrained.load_pretrained(taken.model_class, found, device, SPEC.key)
    return DINOEncoder(model.to(getattr(torch, dtype)), device, dtype, taken)


def _square(preprocessor: Preprocessor) -> int:
    """Return the edge of the input; where images keep their aspect, that of a stretched one."""
    size, crop = preprocessor.numbers["size"], preprocessor.numbers["crop_size"]
    edges = set(crop) if crop is not None else set(size.values())
    if preprocessor.input_size is None and len(edges) != 1:
        raise WeightsError(
            f"{preprocessor.source}: the input is {crop or dict(size)}; only square inputs can be"
            " measured"
        )
    return preprocessor.input_size or int(edges.pop())
