"""A SAM of the package ``segment_anything``: its sizes, its embeddings, its masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import EditMetricsError, WeightsError, did_you_mean
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Box, Mask
from pytest_editmetrics.pipes.checkpoint import check_fit, read_state_dict

if TYPE_CHECKING:
    import torch

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


def load_sam(path: Path, config: Path | None, model_type: str, device: str, dtype: str) -> Any:
    """Return the SAM whose weights lie in ``path``, on its device.

    Args:
        path: the checkpoint.
        config: a JSON of dimensions, or ``None`` for those of ``model_type``.
        model_type: a key of ``PUBLISHED``.
        device: as torch writes it.
        dtype: of the image encoder.

    Raises:
        WeightsError: the weights are no SAM of these dimensions.
    """
    # Before the meta device holds: torch 2.6 computes with a tensor when torchvision is imported.
    import segment_anything.modeling  # noqa: F401
    import torch

    state = read_state_dict(path)
    if config is None:
        dimensions, source = PUBLISHED[model_type], model_type
    else:
        dimensions, source = read_dimensions(config), str(config)
    with torch.device("meta"):
        model = _sam_model(dimensions, source)
    needed = {name: tensor.shape for name, tensor in model.state_dict().items()}
    check_fit(needed, state, path, f"a SAM of the dimensions of {source}")
    # A mapped file stays mapped: the model takes the tensors over.
    floats = {name: tensor.detach().float() for name, tensor in state.items()}
    model.load_state_dict(floats, assign=True)
    model = model.eval().requires_grad_(False).to(device)
    encoder: Any = model.image_encoder
    encoder.to(getattr(torch, dtype))
    return model


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
