"""The three metrics as they are published, step by step: what the benchmarks compare with.

Each call encodes what it needs and keeps nothing, as the original (AutoPipeline of GEditBench v2)
does: both images for every metric and every candidate, and SAM's encoder once for every box. It is
plain, not careless: it runs without gradients, imports only what a metric needs, and its models are
loaded once. Images are RGB, uint8, (S, S, 3), both of one size and square, for which every framing
of the project means the same; boxes are ``(x1, y1, x2, y2)`` in whole pixels inside the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

import pytest_editmetrics

Array = NDArray[np.uint8]
Box = tuple[int, int, int, int]
MaskMode = Literal["inner", "outer"]

PATCH_MASK_THRESHOLD = 0.1
WHITE = (255, 255, 255)
LPIPS_ALEX = (
    Path(pytest_editmetrics.__file__).parent / "weights" / "data" / "lpips_alex.safetensors"
)


def pixel_mask(boxes: Sequence[Box], mask_mode: MaskMode, size: int) -> NDArray[np.bool_]:
    """Return the measured pixels of a square image, boolean (size, size)."""
    inside = np.zeros((size, size), dtype=np.bool_)
    for x1, y1, x2, y2 in boxes:
        inside[y1:y2, x1:x2] = True
    return inside if mask_mode == "inner" else ~inside


class _Vision:
    """A CLIP vision model in ``folder`` with the image processor of its checkpoint."""

    def __init__(self, folder: Path):
        from transformers import CLIPImageProcessor, CLIPVisionModel

        self.processor = CLIPImageProcessor.from_pretrained(folder)
        self.model = CLIPVisionModel.from_pretrained(folder).eval()
        self.size = self.model.config.image_size
        self.patch = self.model.config.patch_size

    def pixels(self, image: Array) -> torch.Tensor:
        """Return the model's input, float32 (1, 3, size, size)."""
        pixels: torch.Tensor = self.processor(images=image, return_tensors="pt")["pixel_values"]
        return pixels

    @torch.inference_mode()
    def tokens(self, image: Array) -> NDArray[np.float64]:
        """Return ``last_hidden_state``, float64 (1 + patches, hidden), the CLS token first."""
        hidden = self.model(pixel_values=self.pixels(image)).last_hidden_state[0]
        tokens: NDArray[np.float64] = hidden.numpy().astype(np.float64)
        return tokens


class PlainEMD:
    """``emd``: earth mover's distance from all reference patches to the edited ones measured."""

    def __init__(self, clip_folder: Path):
        import ot

        self.ot = ot
        self.vision = _Vision(clip_folder)

    def __call__(
        self, reference: Array, edited: Array, boxes: Sequence[Box], mask_mode: MaskMode
    ) -> float:
        """Return the distance; at least one patch must be measured."""
        selected = self._patch_mask(boxes, mask_mode, reference.shape[0])
        source = self.vision.tokens(reference)[1:]
        target = self.vision.tokens(edited)[1:][selected]
        cost = self.ot.dist(source, target, metric="sqeuclidean")
        return float(self.ot.emd2(self.ot.unif(len(source)), self.ot.unif(len(target)), cost))

    def _patch_mask(
        self, boxes: Sequence[Box], mask_mode: MaskMode, edge: int
    ) -> NDArray[np.bool_]:
        """Return the measured patches, row by row: those with enough of their pixels measured."""
        size, patch = self.vision.size, self.vision.patch
        scaled = [
            (x1 * size // edge, y1 * size // edge, x2 * size // edge, y2 * size // edge)
            for x1, y1, x2, y2 in boxes
        ]
        mask = pixel_mask(scaled, mask_mode, size)
        count = size // patch
        share = mask.reshape(count, patch, count, patch).mean(axis=(1, 3))
        return (share > PATCH_MASK_THRESHOLD).ravel()


class PlainLPIPS:
    """``lpips``: the package ``lpips`` on the reference and the composite, scaled by the area."""

    def __init__(self) -> None:
        import lpips

        # pnet_rand: the backbone's weights come from the file, not from torchvision's download
        self.model = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()
        weights = load_file(LPIPS_ALEX)
        own = self.model.net.state_dict()
        state = {name: weights[f"features.{name.partition('.')[2]}"] for name in own}
        self.model.net.load_state_dict(state)

    def __call__(
        self, reference: Array, edited: Array, boxes: Sequence[Box], mask_mode: MaskMode
    ) -> float:
        """Return the distance divided by the measured fraction; some pixel must be measured."""
        mask = pixel_mask(boxes, mask_mode, reference.shape[0])
        return self.unscaled(reference, edited, mask) / float(mask.mean())

    @torch.inference_mode()
    def unscaled(self, reference: Array, edited: Array, mask: NDArray[np.bool_]) -> float:
        """Return the distance of the composite to the reference before it is scaled."""
        composite = np.where(mask[..., None], edited, reference)
        return float(self.model(signed(reference), signed(composite)))


class PlainObjectSimilarity:
    """``sam_clip_cls_sim``: cosine of the CLS tokens of objects that SAM isolates in boxes."""

    def __init__(self, clip_folder: Path, sam_path: Path, sam: torch.nn.Module):
        """``sam`` is a model of the right dimensions, which the weights in ``sam_path`` fill."""
        from segment_anything import SamPredictor

        sam.load_state_dict(load_file(sam_path))
        self.predictor = SamPredictor(sam.eval())
        self.vision = _Vision(clip_folder)

    def __call__(
        self,
        reference: Array,
        edited: Array,
        reference_boxes: Sequence[Box],
        edited_boxes: Sequence[Box],
    ) -> float:
        """Return the mean over the pairs of boxes; SAM must find something in each."""
        similarities = []
        for before, after in zip(reference_boxes, edited_boxes, strict=True):
            one, other = self._cls(reference, before), self._cls(edited, after)
            norms = float(np.linalg.norm(one) * np.linalg.norm(other))
            similarities.append(float(one @ other) / norms)
        return float(np.mean(similarities))

    def _cls(self, image: Array, box: Box) -> NDArray[np.float64]:
        import cv2

        size = self.vision.size
        square = _padded(self._isolated(image, box))
        kind = cv2.INTER_AREA if square.shape[0] > size else cv2.INTER_CUBIC
        resized = cv2.resize(square, (size, size), interpolation=kind)
        token: NDArray[np.float64] = self.vision.tokens(resized)[0]
        return token

    def _isolated(self, image: Array, box: Box) -> Array:
        """Return the crop of ``box`` with everything but SAM's best mask painted white."""
        self.predictor.set_image(image)
        masks, scores, _ = self.predictor.predict(box=np.array(box), multimask_output=True)
        mask = masks[int(scores.argmax())]
        x1, y1, x2, y2 = box
        if not mask[y1:y2, x1:x2].any():
            raise ValueError(f"SAM found nothing in {box}")
        white = np.array(WHITE, dtype=np.uint8)
        crop: Array = np.where(mask[..., None], image, white)[y1:y2, x1:x2]
        return crop


def _padded(crop: Array) -> Array:
    """Return the crop in the middle of a white square."""
    height, width = crop.shape[:2]
    edge = max(height, width)
    square = np.full((edge, edge, 3), WHITE, dtype=np.uint8)
    top, left = (edge - height) // 2, (edge - width) // 2
    square[top : top + height, left : left + width] = crop
    return square


def signed(image: Array) -> torch.Tensor:
    """Return the image as float32 (1, 3, S, S) in [-1, 1]."""
    return torch.from_numpy(image.transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1
