"""SAM 2 (Ravi et al. 2024, https://arxiv.org/abs/2408.00714) of the package transformers.

An image is stretched to the model's square input; its features are those of every level, so that
boxes can be decoded without the encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Box, Mask
from pytest_editmetrics.pipes import pretrained
from pytest_editmetrics.pipes.sam.spec import SPEC
from pytest_editmetrics.pipes.vision_model import IMAGENET_MEAN, IMAGENET_STD

# Published checkpoints are of the video model, whose image part this is.
_CLASSES = {"sam2": "Sam2Model", "sam2_video": "Sam2Model"}
_DECODED_TOGETHER = 16


def identity(folder: Path) -> dict[str, str]:
    """Return what features depend on besides the weights; see ``pretrained.identity``."""
    return {"sam2": "1", **pretrained.identity(folder, SPEC.key)}


def load_sam2(folder: Path, device: str) -> Any:
    """Load the model in ``folder``; raises as ``pretrained.load_pretrained`` does."""
    kind = pretrained.read_model_type(folder, _CLASSES, "SAM 2")
    return pretrained.load_pretrained(_CLASSES[kind], folder, device, SPEC.key)


def encode(model: Any, image: Array, dtype: str) -> list[NDArray[np.float32]]:
    """Return the features of an image (H, W, 3), RGB, uint8: float32 (1, channels, n, n) a level.

    With a ``dtype`` other than ``float32`` the encoder computes in it by autocast.
    """
    import torch
    from torch.nn import functional as F

    edge = model.prompt_encoder.input_image_size
    pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
    pixels = F.interpolate(pixels, (edge, edge), mode="bilinear", antialias=True).float() / 255
    mean = torch.tensor(IMAGENET_MEAN, device="cpu").view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD, device="cpu").view(1, 3, 1, 1)
    pixels = ((pixels - mean) / std).to(model.device)
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
