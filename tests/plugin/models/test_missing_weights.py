"""Weights that are not here: each is named, and one command fetches all; other preprocessing is noticed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

CLIP = Path(__file__).parents[3] / "fixtures" / "parity" / "models" / "clip"
OBJECTS = """
from scene import *
def test_objects(edit_gate):
    boxes = [(10, 10, 60, 60)]
    edit_gate.check(scene(), edited(), ref_boxes=boxes, edited_boxes=boxes,
                    metrics=["sam_clip_cls_sim"], **{})
def test_background(edit_gate):
    edit_gate.check(scene(), edited(), coords=BOX, metrics=["emd", "unedit_psnr"])
def test_structure(edit_gate):
    edit_gate.check(scene(), edited(), coords=BOX, metrics=["dino_structure_sim"])
"""
COMMAND = (
    "to fetch what is missing: editmetrics weights fetch clip:acme/clip@v2 sam:vit_b dino:acme/dino"
)


@pytest.fixture
def nothing_here(scene: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("HF_HUB_CACHE", str(scene.path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(scene.path / "hub"))
    scene.makefile(
        ".yaml",
        editmetrics=(
            "pipes_default:\n"
            "  clip-pipe: {model_path: acme/clip, revision: v2, sam: '${pipes_default.sam-pipe}'}\n"
            "  dino-v3-pipe: {model_path: acme/dino}\n"
            "  sam-pipe: {model_type: vit_b}\n"
        ),
    )
    scene.makepyfile(test_x=OBJECTS)
    return scene


@pytest.mark.parametrize("args", [(), ("-n2",)], ids=["serial", "xdist"])
def test_the_session_ends_with_what_fetches_all_that_is_missing(nothing_here, args):
    if args:
        pytest.importorskip("xdist")
    result = nothing_here.runpytest(*args)
    result.assert_outcomes(failed=3)
    (line,) = (line for line in result.outlines if "to fetch what is missing" in line)
    assert sorted(line.split()) == sorted(COMMAND.split())
    shown = result.stdout.str()
    assert shown.index("= editmetrics =") < shown.index(line) < shown.index("short test summary")


def test_a_metric_that_lacks_two_models_names_both(nothing_here):
    result = nothing_here.runpytest("-k", "objects")
    result.stdout.fnmatch_lines(
        ["*EditMetricsError*sam_clip_cls_sim*2 models are missing. revision 'v2' of CLIP model*"]
    )
    text = result.stdout.str()
    assert "And: " not in text
    assert "And sam:vit_b is not at" in text
    assert "Together: editmetrics weights fetch clip:acme/clip@v2 sam:vit_b" in text


def test_what_may_be_missing_is_told_too(nothing_here):
    skip = "--editmetrics-skip-missing=clip-pipe,sam-pipe,dino-v3-pipe"
    result = nothing_here.runpytest(skip, "-k", "not background")
    assert "to fetch what is missing: editmetrics" in result.stdout.str()


def test_a_session_that_lacks_nothing_says_nothing(scene):
    scene.makepyfile(
        test_x="from scene import *\ndef test_it(edit_gate):\n"
        "    edit_gate.check(scene(), scene(), coords=BOX, metrics=['unedit_psnr'])\n"
    )
    assert "to fetch what is missing" not in scene.runpytest().stdout.str()


def test_a_golden_notices_another_preprocessor(scene):
    folder = shutil.copytree(CLIP, scene.path / "model")
    scene.makefile(
        ".yaml",
        editmetrics=f"pipes_default: {{clip-pipe: {{model_path: '{folder}', device: cpu}}}}",
    )
    scene.makepyfile(
        test_x="from scene import *\ndef test_it(edit_gate):\n"
        "    edit_gate.check(scene(), edited(), coords=BOX, metrics=['emd'])\n"
    )
    scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    scene.runpytest().assert_outcomes(passed=1)
    golden = (scene.path / "goldens" / "test_x.py.yaml").read_text()
    path = folder / "preprocessor_config.json"
    given = json.loads(path.read_text())
    # a processor_config.json, as transformers 5 writes it, comes before the file beside it
    nested = {"image_processor": {**given, "image_std": [0.5] * 3}}
    (folder / "processor_config.json").write_text(json.dumps(nested))
    result = scene.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*EditMetricsError: emd could not be judged: the golden goldens/test_x.py.yaml:2 was measured*"
            "today's are clip:model sha256 * clip:model configuration sha256 *(only clip:model configuration changed*"
        ]
    )
    assert (scene.path / "goldens" / "test_x.py.yaml").read_text() == golden
    # what changes no number is no other preprocessor
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": given}))
    scene.runpytest().assert_outcomes(passed=1)
