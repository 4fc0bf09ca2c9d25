"""Full-size models with fixed random weights: as fast as published ones, nothing to download.

CLIP ViT-B/32 (the vision model, 350 MB), SAM ViT-B (375 MB), SAM 2 tiny (156 MB) and small (184 MB)
are made on first use into a folder of the machine's temporary directory. LPIPS needs no model
made: its genuine weights are packaged.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
import make_smoke_models as smoke

FOLDER = Path(tempfile.gettempdir()) / "editmetrics-benchmarks"
CLIP_SEED = 32
SAM_SEED = 16
SAM2_SEED = 2
SAM2_SIZES = {
    "tiny": {"blocks_per_stage": [1, 2, 7, 2], "global_attention_blocks": [5, 7, 9]},
    "small": {"blocks_per_stage": [1, 2, 11, 2], "global_attention_blocks": [7, 10, 13]},
}
CLIP_B32 = {
    **smoke.CLIP_CONFIG,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "projection_dim": 512,
}


def clip_b32() -> Path:
    """Return the directory of a CLIP ViT-B/32 vision model, made if it is not there."""
    folder = FOLDER / f"clip-b32-{CLIP_SEED}"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        from transformers import CLIPVisionConfig, CLIPVisionModel

        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (
            ("config.json", CLIP_B32),
            ("preprocessor_config.json", smoke.CLIP_PREPROCESSOR),
        ):
            (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")
        model = CLIPVisionModel(CLIPVisionConfig(**CLIP_B32))
        shapes = {
            "vision_model." + name.removeprefix("vision_model."): tuple(tensor.shape)
            for name, tensor in model.state_dict().items()
        }
        _write(weights, shapes, CLIP_SEED)
    return folder


def sam_vit_b() -> Path:
    """Return the checkpoint of a SAM ViT-B, made if it is not there."""
    path = FOLDER / f"sam-vit-b-{SAM_SEED}.safetensors"
    if not path.is_file():
        from segment_anything import sam_model_registry

        FOLDER.mkdir(parents=True, exist_ok=True)
        model = sam_model_registry["vit_b"]()
        shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
        _write(path, shapes, SAM_SEED)
    return path


def sam2(size: str) -> Path:
    """Return the directory of a SAM 2 of that size, ``tiny`` or ``small``."""
    folder = FOLDER / f"sam2-{size}-{SAM2_SEED}"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        from transformers import Sam2Config, Sam2Model

        backbone = {"model_type": "sam2_hiera_det_model", **SAM2_SIZES[size]}
        config = Sam2Config(vision_config={"backbone_config": backbone})
        config.architectures = ["Sam2Model"]
        config.save_pretrained(folder)
        (folder / "preprocessor_config.json").write_text(
            json.dumps(
                {
                    "image_processor_type": "Sam2ImageProcessorFast",
                    "size": {"height": 1024, "width": 1024},
                }
            ),
            encoding="utf-8",
        )
        state = Sam2Model(config).state_dict()
        shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
        _write(weights, shapes, SAM2_SEED)
    return folder


def _write(path: Path, shapes: dict[str, tuple[int, ...]], seed: int) -> None:
    """Write seeded tensors so that another process sees the whole file or none."""
    from safetensors.numpy import save_file

    print(f"making {path}", file=sys.stderr)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    save_file(smoke.random_tensors(shapes, seed), part, metadata={"format": "pt"})
    part.replace(path)


def main() -> None:
    """Make all models."""
    made = (lambda: sam2("tiny"), lambda: sam2("small"))
    makers: tuple[Callable[[], Path], ...] = (clip_b32, sam_vit_b, *made)
    for make in makers:
        print(make())


if __name__ == "__main__":
    main()
