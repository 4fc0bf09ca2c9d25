"""The model is another one, though its weights are the same, and a golden was recorded before"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import make_dino, make_sam2

MODELS = Path(__file__).parents[2] / "fixtures" / "parity" / "models"
OTHER = (
    "*could not be judged: the golden *(only * changed: how images are prepared for the model, *"
)


def rewrite(path: Path, **fields: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.fixture
def recorded(scene: pytest.Pytester) -> Callable[..., None]:
    """Writes a test of one metric with models that lie in folders, and records its golden."""

    def recorded(metric: str, pipes: str, boxes: str = "coords=BOX") -> None:
        scene.makefile(".yaml", editmetrics=f"pipes_default:\n{pipes}")
        scene.makepyfile(
            test_x="from scene import *\ndef test_it(edit_gate):\n"
            f"    edit_gate.check(scene(), edited(), {boxes}, metrics=['{metric}'])\n"
        )
        scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)

    return recorded


@pytest.fixture
def clip(scene: pytest.Pytester, recorded: Callable[..., None]) -> Path:
    folder = Path(shutil.copytree(MODELS / "clip", scene.path / "model"))
    recorded("emd", f"  clip-pipe: {{model_path: '{folder}', device: cpu}}\n")
    return folder


def test_a_preprocessor_of_another_deviation(scene, clip, assert_came, workers):
    """The deviation in CLIP's preprocessor_config.json is another."""
    rewrite(clip / "preprocessor_config.json", image_std=[0.5] * 3)
    assert_came(scene.runpytest_subprocess(*workers), 1, OTHER)


def test_a_processor_config_beside_the_preprocessor(scene, clip, assert_came, workers):
    """A processor_config.json, which comes first, now lies beside the preprocessor."""
    nested = {"image_processor": {"image_processor_type": "CLIPImageProcessor", "resample": 2}}
    (clip / "processor_config.json").write_text(json.dumps(nested))
    assert_came(scene.runpytest_subprocess(*workers), 1, OTHER)


def test_a_preprocessor_that_went(scene, recorded, assert_came, workers):
    """CLIP's preprocessor, whose mean was its own, was deleted."""
    folder = Path(shutil.copytree(MODELS / "clip", scene.path / "model"))
    rewrite(folder / "preprocessor_config.json", image_mean=[0.1] * 3)
    recorded("emd", f"  clip-pipe: {{model_path: '{folder}', device: cpu}}\n")
    (folder / "preprocessor_config.json").unlink()
    assert_came(scene.runpytest_subprocess(*workers), 1, OTHER)


@pytest.mark.parametrize("fields", [{"num_attention_heads": 2}, {"hidden_act": "gelu"}], ids=str)
def test_a_configuration_of_the_same_shapes(scene, clip, assert_came, workers, fields):
    """The heads, or the activation, in CLIP's config.json are others; the weights still fit."""
    rewrite(clip / "config.json", **fields)
    assert_came(scene.runpytest_subprocess(*workers), 1, OTHER)


def test_another_framing(scene, clip, assert_came, workers):
    """The framing in the settings is another, and the preprocessor crops to another edge."""
    rewrite(clip / "preprocessor_config.json", size=300)
    settings = scene.path / "editmetrics.yaml"
    settings.write_text(settings.read_text().replace("cpu}", "cpu, framing: center-crop}"))
    assert_came(scene.runpytest_subprocess(*workers), 1, OTHER)


def test_a_preprocessor_of_dino(scene, recorded, assert_came, workers):
    """DINO's preprocessor crops to another size."""
    folder = make_dino("dinov2", scene.path / "model")
    pipe = f"  dino-v3-pipe: {{model_path: '{folder}', device: cpu}}\n"
    recorded("dino_structure_sim", pipe)
    rewrite(folder / "preprocessor_config.json", crop_size=40)
    assert_came(scene.runpytest_subprocess(*workers), 1, OTHER)


def test_dimensions_of_sam_of_the_same_shapes(scene, recorded, assert_came, workers):
    """The heads in the JSON of SAM's dimensions are others; the weights still fit."""
    path = Path(shutil.copy(MODELS / "sam.json", scene.path / "sam.json"))
    weights = MODELS / "sam.safetensors"
    pipe = f"  sam-pipe: {{model_path: '{weights}', model_cfg: '{path}', device: cpu}}\n"
    recorded("mask_iou", pipe, "ref_boxes=[(8, 8, 90, 90)], edited_boxes=[(8, 8, 90, 90)]")
    heads = json.loads(path.read_text())["decoder_heads"]
    rewrite(path, decoder_heads=heads // 2)
    assert_came(scene.runpytest_subprocess(*workers), 1, OTHER)


def test_a_preprocessor_of_sam2(scene, recorded, assert_came, workers):
    """SAM 2's preprocessor subtracts another mean."""
    folder = make_sam2(scene.path / "model")
    pipe = f"  sam-pipe: {{model_type: sam2, model_path: '{folder}', device: cpu}}\n"
    recorded("mask_iou", pipe, "ref_boxes=[(8, 8, 90, 90)], edited_boxes=[(8, 8, 90, 90)]")
    rewrite(folder / "preprocessor_config.json", image_mean=[0.2] * 3)
    assert_came(scene.runpytest_subprocess(*workers), 1, OTHER)


def test_a_field_that_nobody_knows(scene, clip, assert_came, workers):
    """A field that this project does not know was added to the preprocessor."""
    rewrite(clip / "preprocessor_config.json", crop_pct=0.9)
    assert_came(
        scene.runpytest_subprocess(*workers), 1, "*the field 'crop_pct' may change every number*"
    )
