"""Isolate an object: SAM finds it in a box, everything else becomes background. ``mask_iou``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.cache.features import feature_key
from pytest_editmetrics.cache.replaced_library import Computes
from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.images.load import Array, ImageLike, load_image
from pytest_editmetrics.images.regions import Box, Mask, clip_box, normalise_boxes
from pytest_editmetrics.measurement import Scope
from pytest_editmetrics.pipes.base import Request, Score
from pytest_editmetrics.pipes.computing import inference
from pytest_editmetrics.pipes.objects import boxes_used, mean_over_pairs, overlap, pair_boxes
from pytest_editmetrics.pipes.sam import model as sam_model
from pytest_editmetrics.pipes.sam import model_2 as sam2_model
from pytest_editmetrics.pipes.sam.spec import SPEC
from pytest_editmetrics.pipes.vision_model import VisionInput
from pytest_editmetrics.pipes.with_model import ModelPipe, Using

if TYPE_CHECKING:
    from pytest_editmetrics.weights.find import FoundWeights

Colour: TypeAlias = "tuple[int, int, int]"
_Found: TypeAlias = "tuple[Mask, Box]"

WHITE: Colour = (255, 255, 255)
MODEL_TYPES = (*sam_model.PUBLISHED, "sam2", "smoke")


class SAMPipe(ModelPipe[Any]):
    """Finds objects with Segment Anything (Kirillov et al. 2023), or with SAM 2.

    Its metric, ``mask_iou`` (higher is better, in [0, 1]), tells whether objects kept their place
    and outline: SAM's best mask in each box of the reference and of the edited image, as far as it
    lies in the box; the intersection over union of the two in the image; the mean over pairs.
    ``coords`` holds the reference boxes, then the edited boxes, paired in order; ``mask_mode`` is
    ignored. Details: ``ious`` of each pair.

    Args:
        model_type: ``vit_b``, ``vit_l``, ``vit_h``, ``sam2``, or ``smoke`` for the packaged random
            one.
        model_path: the checkpoint, ``.pth`` or ``.safetensors``; left out, the one that
            ``editmetrics weights fetch`` brought. Of ``sam2`` a hub id in the local hub cache, or
            a directory in the transformers layout; left out, ``facebook/sam2.1-hiera-tiny``.
        model_cfg: a JSON of dimensions (the fields of ``SAMDimensions``) for any other size.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        dtype: ``float32``, or ``bfloat16`` or ``float16``, which the image encoder then computes
            in; the mask decoder always computes in float32.

    >>> SAMPipe("smoke").loaded
    False
    """

    spec = SPEC
    variants = ("model_type",)

    def __init__(
        self,
        model_type: str = "vit_b",
        model_path: str | Path | None = None,
        model_cfg: str | Path | None = None,
        device: str = "auto",
        dtype: str = "float32",
    ):
        super().__init__(device, dtype)
        if model_type not in MODEL_TYPES:
            hint = did_you_mean(model_type, MODEL_TYPES)
            raise InputError(f"sam-pipe: unknown model_type {model_type!r}{hint}")
        if model_type == "sam2" and model_cfg is not None:
            raise InputError(
                "sam-pipe: model_type 'sam2' takes no model_cfg: its sizes are in the config.json "
                "of the directory that model_path names"
            )
        self.model_type = model_type
        self.model_path = model_path
        self.model_cfg = model_cfg
        self._taken: VisionInput | None = None

    def release(self) -> None:
        """Free the weights; the pipe stays usable."""
        super().release()
        self._taken = None

    def isolate(
        self, image: ImageLike, box: Sequence[float], bg_color: Sequence[int] = WHITE
    ) -> Array | None:
        """Return the object in ``box``, cropped to the box, on a background of one colour.

        Args:
            image: of any kind that ``images.load_image`` takes.
            box: ``(x1, y1, x2, y2)`` in pixels, half-open; clipped to the image.
            bg_color: red, green, blue, each in [0, 255].

        Returns:
            RGB, uint8, (box height, box width, 3); ``None`` if the box holds no pixel of the image
            or SAM finds no object in it.

        Raises:
            ImageError, RegionError, InputError: an image, box or colour that cannot be used.
            EditMetricsError: weights, device or memory; see ``load``.
        """
        boxes, colour = normalise_boxes([box], "box"), check_colour(bg_color)
        with self.explained("isolating an object"):
            return self.isolate_all(load_image(image), boxes, colour)[0]

    def isolate_all(
        self, image: Array, boxes: Sequence[Box], bg_color: Colour
    ) -> list[Array | None]:
        """Return ``isolate`` of each box of one image (H, W, 3).

        The image is encoded once, and all boxes are decoded in one batch.
        """
        return _isolated(image, self._find_all(image, boxes), bg_color)

    def mask_of(self, image: Array, box: Box) -> Mask:
        """Return the best mask of a box inside an image (H, W, 3), boolean, of the box's size."""
        with self.explained("finding an object"):
            return self._masks(image, [box])[0]

    def calc_iou(
        self, ref_image: ImageLike, edited_image: ImageLike, coords: Any = None
    ) -> float | None:
        """Return ``mask_iou`` of the same boxes in both images, or ``None`` for a soft failure."""
        boxes = normalise_boxes(coords)
        return self.measure(ref_image, edited_image, [*boxes, *boxes], metric="mask_iou").value

    def _find_all(self, image: Array, boxes: Sequence[Box]) -> list[_Found | None]:
        """Return the best mask of each box, boolean, and the part of the image that it covers.

        ``None`` if the box holds no pixel of the image or SAM finds no object in it.
        """
        height, width = image.shape[:2]
        clipped = [clip_box(box, width, height) for box in boxes]
        there = [box for box in clipped if box is not None]
        masks = iter(self._masks(image, there) if there else ())
        found = [None if box is None else (next(masks), box) for box in clipped]
        return [one if one is not None and one[0].any() else None for one in found]

    def _masks(self, image: Array, boxes: list[Box]) -> tuple[Mask, ...]:
        """Return the best mask of each box of one image, boolean, of the box's size."""

        def compute() -> list[Mask]:
            model = self.load().model
            with inference(self.use().device):
                features = self._embedding(model, image)
                if self.model_type == "sam2":
                    return sam2_model.best_masks(model, features, image.shape[:2], boxes)
                return sam_model.best_masks(model, features[0], image.shape[:2], boxes)

        return self.cache.get(lambda: self._key("sam-masks-1", image, boxes=boxes), compute)

    def _embedding(self, model: Any, image: Array) -> Sequence[NDArray[np.float32]]:
        def compute() -> list[NDArray[np.float32]]:
            with self.models.telling("SAM looks at an image"):
                using = self.use()
                if self.model_type == "sam2":
                    return sam2_model.encode(model, image, using.dtype, self._input(using))
                return [sam_model.encode(model, image, self.use().dtype)]

        return self.cache.get(lambda: self._key("sam-embedding-1", image), compute)

    def _described(self, using: Using) -> Mapping[str, Any] | None:
        if self.model_type == "sam2":
            return self._input(using).described("center-crop")
        config = using.found.config
        return None if config is None else asdict(sam_model.read_dimensions(config))

    def _input(self, using: Using) -> VisionInput:
        with self._lock:
            if self._taken is None:
                self._taken = sam2_model.read_sam2_input(using.found.path)
            return self._taken

    def _key(self, kind: str, image: Array, **more: Any) -> str:
        using = self.use()
        size: Any = self._described(using) or self.model_type
        theirs = self._input(using).arithmetic() if self.model_type == "sam2" else {}
        return feature_key(kind, size=size, **more, **theirs, **self.depends(image))

    def _computes(self, using: Using) -> Computes:
        return self._input(using).computes if self.model_type == "sam2" else Computes("sam")

    def _find(self) -> FoundWeights:
        from pytest_editmetrics.weights.find import find_sam, find_sam2

        path = None if self.model_path is None else str(self.model_path)
        if self.model_type == "sam2":
            return find_sam2() if path is None else find_sam2(path)
        config = None if self.model_cfg is None else str(self.model_cfg)
        return find_sam(self.model_type, path, config)

    def _build(self, using: Using) -> Any:
        found = using.found
        if self.model_type == "sam2":
            return sam2_model.load_sam2(found, self._input(using), using.device)
        return sam_model.load_sam(
            found.path, found.config, self.model_type, using.device, using.dtype
        )

    def _scope(self, request: Request) -> Scope | None:
        return "edit_area"

    def _score(self, using: Using, request: Request) -> Score:
        pairs = pair_boxes(request)
        if isinstance(pairs, Score):
            return pairs
        before, after = pairs
        found = self._find_all(request.reference, before)
        found_after = self._find_all(request.edited, after)
        if request.evidence is not None:
            crops = _isolated(request.reference, found, WHITE)
            edited_crops = _isolated(request.edited, found_after, WHITE)
            request.evidence.crops = list(zip(crops, edited_crops, strict=True))
        return mean_over_pairs(
            zip(found, found_after, strict=True),
            lambda one, other: overlap(*one, *other),
            boxes_used(before, after),
            "ious",
        )


def check_colour(colour: Any) -> Colour:
    """Return three integers in [0, 255]; raise ``InputError`` for anything else.

    >>> check_colour([127, 64, 200])
    (127, 64, 200)
    """
    values = list(colour) if isinstance(colour, (list, tuple, np.ndarray)) else []
    if len(values) != 3 or not all(
        isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= value <= 255
        for value in values
    ):
        raise InputError(f"bg_color must be three integers from 0 to 255, not {colour!r}")
    red, green, blue = map(int, values)
    return red, green, blue


def _isolated(image: Array, found: Sequence[_Found | None], colour: Colour) -> list[Array | None]:
    crops: list[Array | None] = []
    for one in found:
        if one is None:
            crops.append(None)
            continue
        mask, (x1, y1, x2, y2) = one
        background = np.array(colour, dtype=np.uint8)
        crops.append(np.where(mask[..., None], image[y1:y2, x1:x2], background))
    return crops
