"""The packaged smoke models: loadable, reproducible, and lively enough to test plumbing with."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from safetensors.numpy import load_file

from pytest_editmetrics.weights.catalog import DATA, PACKAGED
from pytest_editmetrics.weights.find import find, sha256_of

TOOL = Path(__file__).parents[2] / "tools" / "make_smoke_models.py"
FILES = (
    "smoke_clip/config.json",
    "smoke_clip/model.safetensors",
    "smoke_clip/preprocessor_config.json",
    "smoke_sam.json",
    "smoke_sam.safetensors",
)


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_smoke_models", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scene(seed: int) -> np.ndarray:
    """A photo-like picture: (96, 128, 3) uint8, a few coloured rectangles on a gradient."""
    random = np.random.RandomState(seed)
    image = np.linspace(0, 200, 128)[None, :, None] * np.ones((96, 1, 3))
    for _ in range(4):
        x, y = random.randint(0, 90), random.randint(0, 60)
        image[y : y + 30, x : x + 35] = random.randint(0, 256, 3)
    return np.asarray(np.clip(image + random.normal(0, 4, image.shape), 0, 255), dtype=np.uint8)


def test_the_tool_makes_the_packaged_files_bit_for_bit(tool: ModuleType, tmp_path: Path) -> None:
    tool.write(tmp_path)
    for file in FILES:
        assert (tmp_path / file).read_bytes() == (DATA / file).read_bytes(), file


@pytest.mark.parametrize("name", list(PACKAGED))
def test_the_catalogue_knows_the_packaged_files(name: str) -> None:
    packaged = PACKAGED[name]
    assert packaged.path.stat().st_size == packaged.size
    assert sha256_of(packaged.path) == packaged.sha256


def test_they_are_small() -> None:
    assert sum((DATA / file).stat().st_size for file in FILES) < 2_000_000


def test_weights_are_finite_float32_and_not_of_one_value() -> None:
    for file in ("smoke_clip/model.safetensors", "smoke_sam.safetensors"):
        for name, tensor in load_file(DATA / file).items():
            assert tensor.dtype == np.float32, name
            assert np.isfinite(tensor).all(), name
            assert tensor.size == 1 or np.ptp(tensor) > 0, name


def test_clip_loads_whole_and_tells_pictures_apart() -> None:
    import torch
    from transformers import CLIPVisionModel

    model, report = CLIPVisionModel.from_pretrained(
        find("clip:smoke").path, output_loading_info=True, local_files_only=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    config = model.config
    assert (config.image_size, config.patch_size) == (224, 32)
    pixels = torch.stack(
        [
            torch.nn.functional.interpolate(
                torch.from_numpy(scene(seed)).permute(2, 0, 1)[None] / 127.5 - 1, size=(224, 224)
            )[0]
            for seed in (0, 1, 2)
        ]
    )
    with torch.inference_mode():
        states = model(pixel_values=pixels).last_hidden_state
    assert states.shape == (3, 50, 48)
    cls = torch.nn.functional.normalize(states[:, 0], dim=-1)
    similarity = cls @ cls.T
    assert similarity[~torch.eye(3, dtype=torch.bool)].max() < 0.999
    assert states[:, 1:].std(dim=1).mean() > 0.1


def test_sam_finds_something_and_not_everything_in_typical_boxes() -> None:
    import torch

    from pytest_editmetrics.pipes.sam import SAMPipe

    boxes = [(0, 0, 128, 96), (32, 24, 96, 72), (5, 5, 40, 60), (80, 40, 120, 90), (60, 40, 70, 50)]
    pipe = SAMPipe(model_type="smoke", device="cpu")
    with torch.inference_mode():
        for seed in (0, 1):
            for box in boxes:
                crop = pipe.isolate(scene(seed), box, (255, 0, 255))
                assert crop is not None, box
                background = (np.asarray(crop) == (255, 0, 255)).all(axis=-1).mean()
                assert 0.02 < background < 0.9, (seed, box, background)


def test_sam_dimensions_are_those_of_the_tool(tool: ModuleType) -> None:
    config = find("sam:smoke").config
    assert config is not None
    assert json.loads(config.read_text()) == tool.SAM_CONFIG
