"""Make the smoke models: a tiny CLIP and a tiny SAM with fixed random weights.

    python tools/make_smoke_models.py [FOLDER]

Writes ``smoke_clip/{config.json,model.safetensors,preprocessor_config.json}`` and
``smoke_sam.{json,safetensors}`` into FOLDER (default: the package's own ``weights/data``), bit for
bit the files that are in the package. The numbers come from numpy's ``RandomState``, whose stream
is frozen, tensor by tensor in the order of their names; torch only tells names and shapes. After a
change the new sizes and hashes, which are printed, belong into ``weights/catalog.py``.

The seed of SAM was chosen so that its best-scored mask leaves, in many boxes on photos, neither
nothing nor everything of the box. No quality may be judged with these models.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "pytest_editmetrics" / "weights" / "data"
CLIP_SEED = 20251
SAM_SEED = 20264

CLIP_CONFIG = {
    "architectures": ["CLIPVisionModel"],
    "attention_dropout": 0.0,
    "hidden_act": "quick_gelu",
    "hidden_size": 48,
    "image_size": 224,
    "initializer_factor": 1.0,
    "initializer_range": 0.02,
    "intermediate_size": 96,
    "layer_norm_eps": 1e-05,
    "model_type": "clip_vision_model",
    "num_attention_heads": 4,
    "num_channels": 3,
    "num_hidden_layers": 2,
    "patch_size": 32,
    "projection_dim": 48,
}
CLIP_PREPROCESSOR = {
    "image_processor_type": "CLIPImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": 224},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "do_convert_rgb": True,
}
SAM_CONFIG = {
    "image_size": 256,
    "patch_size": 16,
    "embed_dim": 32,
    "depth": 2,
    "num_heads": 2,
    "window_size": 7,
    "global_attn_indexes": [1],
    "prompt_embed_dim": 32,
    "decoder_mlp_dim": 64,
    "decoder_depth": 2,
    "decoder_heads": 4,
}
_EMBEDDINGS = ("_embed.weight", "_token.weight", "_tokens.weight")


def clip_shapes() -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every tensor, named as the published CLIP checkpoints are."""
    from transformers import CLIPVisionConfig, CLIPVisionModel

    model = CLIPVisionModel(CLIPVisionConfig(**CLIP_CONFIG))
    return {
        "vision_model." + name.removeprefix("vision_model."): tuple(tensor.shape)
        for name, tensor in model.state_dict().items()
        if not name.endswith("position_ids")
    }


def sam_shapes() -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every tensor of a Sam of ``SAM_CONFIG``'s dimensions."""
    from pytest_editmetrics.pipes.sam.model import SAMDimensions, _sam_model

    model = _sam_model(SAMDimensions(**SAM_CONFIG), "SAM_CONFIG")
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def random_tensors(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, np.ndarray]:
    """Return float32 arrays of ``shapes``, scaled so that activations stay near one."""
    random = np.random.RandomState(seed)
    return {name: _tensor(random, name, shapes[name]) for name in sorted(shapes)}


def _tensor(random: np.random.RandomState, name: str, shape: tuple[int, ...]) -> np.ndarray:
    noise = random.standard_normal(shape)
    if name.endswith(_EMBEDDINGS) or "point_embeddings" in name or "gaussian_matrix" in name:
        values = noise
    elif name.endswith(("class_embedding", "position_embedding.weight", "pos_embed")):
        values = 0.3 * noise
    elif len(shape) == 1:
        values = 0.05 * noise + (1.0 if name.endswith("weight") else 0.0)
    else:
        values = noise / math.sqrt(math.prod(shape[1:]))
    return values.astype(np.float32)


def write(folder: Path) -> list[Path]:
    """Write the five files into ``folder`` and return the two that hold weights."""
    from safetensors.numpy import save

    clip = folder / "smoke_clip"
    clip.mkdir(parents=True, exist_ok=True)
    for path, content in (
        (clip / "config.json", CLIP_CONFIG),
        (clip / "preprocessor_config.json", CLIP_PREPROCESSOR),
        (folder / "smoke_sam.json", SAM_CONFIG),
    ):
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    weights = [clip / "model.safetensors", folder / "smoke_sam.safetensors"]
    for path, shapes, seed in zip(
        weights, (clip_shapes(), sam_shapes()), (CLIP_SEED, SAM_SEED), strict=True
    ):
        path.write_bytes(save(random_tensors(shapes, seed), metadata={"format": "pt"}))
    return weights


def main() -> None:
    for path in write(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA):
        content = path.read_bytes()
        print(f"{path}: {len(content):_} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
