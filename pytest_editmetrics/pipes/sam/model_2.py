"""SAM 2 (Ravi et al. 2024, https://arxiv.org/abs/2408.00714) of the package transformers.

An image is stretched to the model's square input as its preprocessor says; its features are those
of every level, so that boxes can be decoded without the encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import EditMetricsError, WeightsError
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Box, Mask
from pytest_editmetrics.pipes import pretrained
from pytest_editmetrics.pipes.preprocessor_file import pixel_count, read_preprocessor
from pytest_editmetrics.pipes.sam.spec import SPEC
from pytest_editmetrics.pipes.vision_model import VisionInput
from pytest_editmetrics.weights.check import read_json_object

if TYPE_CHECKING:
    from pytest_editmetrics.weights.folders import FoundWeights

# Published checkpoints are of the video model, whose image part this is.
_CLASSES = {"sam2": "Sam2Model", "sam2_video": "Sam2Model"}
_DECODED_TOGETHER = 16


def read_sam2_input(folder: Path) -> VisionInput:
    """Read what the model in ``folder`` takes, from its configuration alone.

    Raises:
        WeightsError: another kind of model, or a preprocessing that no SAM 2 can have.
    """
    kind = pretrained.read_model_type(folder, _CLASSES, "SAM 2")
    path = folder / "config.json"
    config = pretrained.numbers_of(read_json_object(path, "the configuration of a SAM 2 model"))
    prompts = config.get("prompt_encoder_config")
    prompts = prompts if isinstance(prompts, dict) else {}
    stated = prompts.get("image_size", 1024)
    square = isinstance(stated, list) and len(set(stated)) == 1
    size = pixel_count(stated[0] if square else stated, f"{path}: image_size")
    absent = {"size": {"height": size, "width": size}}
    preprocessor = read_preprocessor(folder, "Sam2ImageProcessor", absent)
    numbers = preprocessor.numbers
    stretched = numbers["do_resize"] and not numbers["do_center_crop"]
    if not (stretched and preprocessor.known_geometry and preprocessor.input_size == size):
        raise WeightsError(
            f"{preprocessor.source} does not stretch an image to the {size}x{size} pixels of the"
            " model's input, so that its masks could not be placed in the image"
        )
    return VisionInput(config, preprocessor, size, prompts.get("patch_size", 16), _CLASSES[kind])


def load_sam2(found: FoundWeights, taken: VisionInput, device: str) -> Any:
    """Load a model; raises as ``pretrained.load_pretrained`` does."""
    return pretrained.load_pretrained(taken.model_class, found, device, SPEC.key)


def encode(model: Any, image: Array, dtype: str, taken: VisionInput) -> list[NDArray[np.float32]]:
    """Return the features of an image (H, W, 3), RGB, uint8: float32 (1, channels, n, n) a level.

    With a ``dtype`` other than ``float32`` the encoder computes in it by autocast.
    """
    import torch

    pixels = taken.pixels(image, "center-crop").to(model.device)
    reduced = dtype != "float32"
    with torch.autocast(model.device.type, getattr(torch, dtype) if reduced else None, reduced):
        levels = model.get_image_embeddings(pixels)
    return [level.float().contiguous().cpu().numpy() for level in levels]


def best_masks(
    model: Any,
    features: Sequence[NDArray[np.float32]],
    size: tuple[int, int],
    boxes: Sequence[Box],
) -> list[Mask]:
    """Return what SAM 2 finds in each box of an encoded image.

    Args:
        model: on its device.
        features: of the image, see ``encode``.
        size: (height, width) of the image in pixels.
        boxes: inside the image, none empty.

    Returns:
        For each box the best-scoring of three masks: boolean, of the box's size.

    Raises:
        EditMetricsError: a score is not finite.
    """
    import torch
    from torch.nn import functional as F

    edge = model.prompt_encoder.input_image_size
    height, width = size
    levels = [torch.from_numpy(level.copy()).to(model.device) for level in features]
    scale = np.array([edge / width, edge / height] * 2)
    prompts = torch.from_numpy((np.array(boxes) * scale).astype(np.float32)).to(model.device)
    masks: list[Mask] = []
    for start in range(0, len(boxes), _DECODED_TOGETHER):
        some = prompts[None, start : start + _DECODED_TOGETHER]
        found = model(image_embeddings=levels, input_boxes=some, multimask_output=True)
        scores = found.iou_scores[0]
        if not bool(torch.isfinite(scores).all()):
            raise EditMetricsError(
                "SAM 2 gave scores that are NaN or infinite: its weights are broken"
            )
        for number, best in enumerate(scores.argmax(dim=1).tolist()):
            x1, y1, x2, y2 = boxes[start + number]
            low = found.pred_masks[0, number, best][None, None]
            mask = F.interpolate(low, size, mode="bilinear", align_corners=False)
            masks.append((mask[0, 0, y1:y2, x1:x2] > 0).cpu().numpy())
    return masks
