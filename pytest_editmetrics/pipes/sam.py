"""Isolate an object: SAM finds it in a box, everything else becomes background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.cache import feature_key
from pytest_editmetrics.errors import EditMetricsError, InputError, WeightsError, did_you_mean
from pytest_editmetrics.images import Array, ImageLike, load_image
from pytest_editmetrics.pipes.base import (
    ModelPipe,
    Request,
    Score,
    Using,
)
from pytest_editmetrics.pipes.checkpoint import check_fit, read_state_dict
from pytest_editmetrics.pipes.computing import inference
from pytest_editmetrics.regions import Box, Mask, clip_box, normalise_boxes

if TYPE_CHECKING:
    import torch

    from pytest_editmetrics.weights.find import FoundWeights

Colour: TypeAlias = "tuple[int, int, int]"

WHITE: Colour = (255, 255, 255)
_DECODED_TOGETHER = 16


@dataclass(frozen=True)
class SAMDimensions:
    """The sizes a SAM is built from; the defaults are what all published ones share.

    ``image_size`` and ``patch_size`` are in pixels, ``window_size`` in patches.
    """

    embed_dim: int
    depth: int
    num_heads: int
    global_attn_indexes: tuple[int, ...]
    image_size: int = 1024
    patch_size: int = 16
    window_size: int = 14
    prompt_embed_dim: int = 256
    decoder_mlp_dim: int = 2048
    decoder_depth: int = 2
    decoder_heads: int = 8


PUBLISHED = {
    "vit_b": SAMDimensions(768, 12, 12, (2, 5, 8, 11)),
    "vit_l": SAMDimensions(1024, 24, 16, (5, 11, 17, 23)),
    "vit_h": SAMDimensions(1280, 32, 16, (7, 15, 23, 31)),
}


class SAMPipe(ModelPipe[Any]):
    """Isolates objects with Segment Anything (Kirillov et al. 2023). It has no metric of its own.

    Args:
        model_type: ``vit_b``, ``vit_l``, ``vit_h``, or ``smoke`` for the packaged random one.
        model_path: the checkpoint, ``.pth`` or ``.safetensors``; left out, the one that
            ``editmetrics weights fetch`` brought.
        model_cfg: a JSON of dimensions (the fields of ``SAMDimensions``) for any other size.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        dtype: ``float32``, or ``bfloat16`` or ``float16``, which the image encoder then computes
            in; the mask decoder always computes in float32.

    >>> SAMPipe("smoke").loaded
    False
    """

    key = "sam-pipe"
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
        valid = (*PUBLISHED, "smoke")
        if model_type not in valid:
            hint = did_you_mean(model_type, valid)
            raise InputError(f"sam-pipe: unknown model_type {model_type!r}{hint}")
        self.model_type = model_type
        self.model_path = model_path
        self.model_cfg = model_cfg

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
        height, width = image.shape[:2]
        clipped = [clip_box(box, width, height) for box in boxes]
        there = [box for box in clipped if box is not None]
        masks = iter(self._masks(image, there) if there else ())
        return [
            None if box is None else _isolated(image, box, next(masks), bg_color) for box in clipped
        ]

    def _masks(self, image: Array, boxes: list[Box]) -> tuple[Mask, ...]:
        """Return the best mask of each box of one image, boolean, of the box's size."""
        depends = self._depends(image)

        def compute() -> list[Mask]:
            model = self.load().model
            with inference(self.use().device):
                embedding = self._embedding(model, image, depends)
                return best_masks(model, embedding, image.shape[:2], boxes)

        return self.cache.get(feature_key("sam-masks-1", boxes=boxes, **depends), compute)

    def _embedding(
        self, model: Any, image: Array, depends: Mapping[str, Any]
    ) -> NDArray[np.float32]:
        def compute() -> list[NDArray[np.float32]]:
            return [encode(model, image, self.use().dtype)]

        return self.cache.get(feature_key("sam-embedding-1", **depends), compute)[0]

    def _depends(self, image: Array) -> dict[str, Any]:
        found = self.use().found
        size = self.model_type if found.config is None else asdict(read_dimensions(found.config))
        return {"size": size, **self.use().depends(image)}

    def _find(self) -> FoundWeights:
        from pytest_editmetrics.weights.find import find_sam

        path = None if self.model_path is None else str(self.model_path)
        config = None if self.model_cfg is None else str(self.model_cfg)
        return find_sam(self.model_type, path, config)

    def _build(self, using: Using) -> Any:
        import torch

        found = using.found
        state = read_state_dict(found.path)
        if found.config is None:
            dimensions, source = PUBLISHED[self.model_type], self.model_type
        else:
            dimensions, source = read_dimensions(found.config), str(found.config)
        with torch.device("meta"):
            model = _sam_model(dimensions, source)
        needed = {name: tensor.shape for name, tensor in model.state_dict().items()}
        check_fit(needed, state, found.path, f"a SAM of the dimensions of {source}")
        # A mapped file stays mapped: the model takes the tensors over.
        floats = {name: tensor.detach().float() for name, tensor in state.items()}
        model.load_state_dict(floats, assign=True)
        model = model.eval().requires_grad_(False).to(using.device)
        model.image_encoder.to(getattr(torch, using.dtype))
        return model

    def _score(self, using: Using, request: Request) -> Score:
        raise AssertionError("sam-pipe declares no metric")


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


def read_dimensions(path: Path) -> SAMDimensions:
    """Read the JSON object of dimensions in ``path``.

    Raises:
        WeightsError: unknown or missing names, or values that are not whole numbers above zero.
    """
    from pytest_editmetrics.weights.check import read_json_object

    given = read_json_object(path, "the dimensions of a SAM model")
    known = [field.name for field in fields(SAMDimensions)]
    for name in given:
        if name not in known:
            raise WeightsError(f"{path}: unknown dimension {name!r}{did_you_mean(name, known)}")
    for field in fields(SAMDimensions):
        if field.name not in given and field.default is MISSING:
            raise WeightsError(f"{path}: the dimension {field.name!r} is missing")
    indexes = given.get("global_attn_indexes")
    counts = [value for name, value in given.items() if name != "global_attn_indexes"]
    if not (
        isinstance(indexes, list)
        and all(type(value) is int and value >= 0 for value in indexes)
        and all(type(value) is int and value > 0 for value in counts)
    ):
        raise WeightsError(
            f"{path}: dimensions are whole numbers above zero, global_attn_indexes is a list of "
            "layers"
        )
    return SAMDimensions(**{**given, "global_attn_indexes": tuple(indexes)})


def _sam_model(size: SAMDimensions, source: str) -> torch.nn.Module:
    import torch
    from segment_anything.modeling import (
        ImageEncoderViT,
        MaskDecoder,
        PromptEncoder,
        Sam,
        TwoWayTransformer,
    )

    cells = size.image_size // size.patch_size
    try:
        model: torch.nn.Module = Sam(
            image_encoder=ImageEncoderViT(
                img_size=size.image_size,
                patch_size=size.patch_size,
                embed_dim=size.embed_dim,
                depth=size.depth,
                num_heads=size.num_heads,
                mlp_ratio=4,
                out_chans=size.prompt_embed_dim,
                qkv_bias=True,
                norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
                use_rel_pos=True,
                window_size=size.window_size,
                global_attn_indexes=size.global_attn_indexes,
            ),
            prompt_encoder=PromptEncoder(
                embed_dim=size.prompt_embed_dim,
                image_embedding_size=(cells, cells),
                input_image_size=(size.image_size, size.image_size),
                mask_in_chans=16,
            ),
            mask_decoder=MaskDecoder(
                num_multimask_outputs=3,
                transformer=TwoWayTransformer(
                    depth=size.decoder_depth,
                    embedding_dim=size.prompt_embed_dim,
                    mlp_dim=size.decoder_mlp_dim,
                    num_heads=size.decoder_heads,
                ),
                transformer_dim=size.prompt_embed_dim,
                iou_head_depth=3,
                iou_head_hidden_dim=size.prompt_embed_dim,
            ),
        )
    except (AssertionError, ValueError, ZeroDivisionError) as error:
        raise WeightsError(f"{source}: no SAM can have these dimensions: {error}") from error
    return model


def encode(model: Any, image: Array, dtype: str) -> NDArray[np.float32]:
    """Return SAM's embedding of an image (H, W, 3), RGB, uint8: float32 (1, channels, n, n)."""
    import torch
    from segment_anything.utils.transforms import ResizeLongestSide

    resized = ResizeLongestSide(model.image_encoder.img_size).apply_image(image)
    pixels = torch.from_numpy(resized.transpose(2, 0, 1)[None].copy()).to(model.device)
    pixels = model.preprocess(pixels).to(getattr(torch, dtype))
    embedding: NDArray[np.float32] = model.image_encoder(pixels).float().cpu().numpy()
    return embedding


def best_masks(
    model: Any, embedding: NDArray[np.float32], size: tuple[int, int], boxes: Sequence[Box]
) -> list[Mask]:
    """Return what SAM finds in each box of an encoded image.

    Args:
        model: SAM, on its device.
        embedding: of the image, see ``encode``.
        size: (height, width) of the image in pixels.
        boxes: inside the image, none empty; decoded in batches of up to 16.

    Returns:
        For each box the best-scoring of SAM's three masks: boolean, of the box's size.

    Raises:
        EditMetricsError: a score is not finite.
    """
    import torch
    from segment_anything.utils.transforms import ResizeLongestSide

    edge = model.image_encoder.img_size
    transform = ResizeLongestSide(edge)
    prompts = transform.apply_boxes(np.array(boxes, np.float32), size).astype(np.float32)
    encoded = torch.from_numpy(embedding.copy()).to(model.device)
    input_size = transform.get_preprocess_shape(*size, edge)
    masks: list[Mask] = []
    for start in range(0, len(boxes), _DECODED_TOGETHER):
        some = torch.from_numpy(prompts[start : start + _DECODED_TOGETHER]).to(model.device)
        sparse, dense = model.prompt_encoder(points=None, boxes=some, masks=None)
        found, scores = model.mask_decoder(
            image_embeddings=encoded,
            image_pe=model.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
        )
        if not bool(torch.isfinite(scores).all()):
            raise EditMetricsError(
                "SAM gave scores that are NaN or infinite: its weights are broken"
            )
        for number, best in enumerate(scores.argmax(dim=1).tolist()):
            x1, y1, x2, y2 = boxes[start + number]
            mask = model.postprocess_masks(found[number, best][None, None], input_size, size)
            masks.append((mask[0, 0, y1:y2, x1:x2] > model.mask_threshold).cpu().numpy())
    return masks


def _isolated(image: Array, box: Box, mask: Mask, colour: Colour) -> Array | None:
    if not mask.any():
        return None
    x1, y1, x2, y2 = box
    return np.where(mask[..., None], image[y1:y2, x1:x2], np.array(colour, dtype=np.uint8))
