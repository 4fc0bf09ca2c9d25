"""``editmetrics doctor``: what it prints of models that are well, damaged, missing, and of a machine."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from tiny_models import make_clip, make_dino, make_sam2, make_siglip

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.pipes.preprocessor import Preprocessor
from pytest_editmetrics.pipes.witness import theirs

MODELS = Path(__file__).parents[2] / "fixtures" / "parity" / "models"
SMOKE = """
metrics: [lpips, emd, sam_clip_cls_sim]
pipes_default:
  clip-pipe: {model_path: smoke}
  sam-pipe: {model_type: smoke}
"""


@pytest.fixture(autouse=True)
def alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without any model in the caches."""
    for name in ("CI", "HF_TOKEN", "HF_HOME", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(project / "hub"))
    return project


def configure(project: Path, text: str) -> None:
    (project / "editmetrics.yaml").write_text(text)


def doctor(capsys: pytest.CaptureFixture[str], status: int, *args: str) -> str:
    assert main(["doctor", *args]) == status, capsys.readouterr()
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], status: int) -> dict:
    return json.loads(doctor(capsys, status, "--json"))


@pytest.mark.long
def test_one_screen_of_models_that_are_well(alone, capsys):
    configure(alone, SMOKE)
    out = doctor(capsys, 0)
    assert len(out.splitlines()) <= 24
    for text in ("lpips:alex  sha256 94bbe0919378, cpu, float32;", "clip:smoke ", "sam:smoke "):
        assert f"same       {text}" in out
    assert "tokens differ by 0 <= 0.0001" in out
    assert "masks differ by 0 <= 0.002" in out
    assert "settings         editmetrics.yaml" in out


@pytest.mark.long
def test_json_holds_the_same(alone, capsys):
    configure(alone, SMOKE)
    found = told(capsys, 0)
    assert [model["model"] for model in found["models"]] == [
        "lpips:alex",
        "clip:smoke",
        "sam:smoke",
    ]
    clip = found["models"][1]
    assert (clip["status"], clip["device"], clip["dtype"]) == ("same", "cpu", "float32")
    assert [one["what"] for one in clip["differences"]] == ["tokens", "emd"]
    assert all(one["within"] for model in found["models"] for one in model["differences"])
    assert all(second > 0 for second in clip["seconds"])
    assert found["surroundings"]["versions"]["torch"]


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("pipe", "options", "make"),
    [
        ("clip-pipe", "model_path: '{}', framing: center-crop", make_clip),
        ("clip-pipe", "model_path: '{}', framing: center-crop", lambda f: make_siglip("siglip", f)),
        ("clip-pipe", "model_path: '{}'", lambda f: make_siglip("siglip2", f)),
        ("dino-v3-pipe", "model_path: '{}'", lambda f: make_dino("dinov2_with_registers", f)),
        ("dino-v3-pipe", "model_path: '{}', framing: center-crop", lambda f: make_dino("dinov3_vit", f)),
        ("dino-v3-pipe", "model_path: '{}', dtype: bfloat16", lambda f: make_dino("dinov2", f)),
        ("sam-pipe", "model_type: sam2, model_path: '{}'", make_sam2),
        ("sam-pipe", f"model_path: '{MODELS / 'sam.safetensors'}', model_cfg: '{MODELS / 'sam.json'}'", None),
    ],
)  # fmt: skip
def test_tiny_models_of_every_kind_are_the_same_both_ways(alone, capsys, pipe, options, make):
    folder = None if make is None else make(alone / "model")
    configure(
        alone, f"metrics: [unedit_psnr]\npipes_default:\n  {pipe}: {{{options.format(folder)}}}\n"
    )
    (model,) = told(capsys, 0)["models"]
    assert model["status"] == "same"
    assert model["differences"]


def test_what_differs_is_told_and_is_exit_status_1(alone, capsys, monkeypatch):
    configure(alone, "metrics: [emd]\npipes_default: {clip-pipe: {model_path: smoke}}\n")
    own = Preprocessor._normalised
    monkeypatch.setattr(
        Preprocessor,
        "_normalised",
        lambda self, pixels, rescaled: own(self, pixels, rescaled) * 1.01,
    )
    out = doctor(capsys, 1)
    assert "DIFFERS    clip:smoke" in out
    assert "tokens differ by " in out
    assert "> 0.0001" in out
    assert "do not trust this model's gates" in out


def test_a_mask_that_differs(alone, capsys, monkeypatch):
    configure(alone, "metrics: [mask_iou]\npipes_default: {sam-pipe: {model_type: smoke}}\n")
    own = theirs._sam_mask
    monkeypatch.setattr(theirs, "_sam_mask", lambda *args: [~mask for mask in own(*args)])
    assert "masks differ by 1 > 0.002" in doctor(capsys, 1)


def test_a_damaged_model(alone, capsys):
    folder = make_dino("dinov2", alone / "model")
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-7])
    configure(
        alone,
        f"metrics: [dino_structure_sim]\npipes_default: {{dino-v3-pipe: {{model_path: '{folder}'}}}}\n",
    )
    out = doctor(capsys, 1)
    assert f"BROKEN     dino:{folder}" in out
    assert "the copy was cut off" in out


def test_missing_models_and_the_command_that_fetches_them(alone, capsys):
    configure(
        alone, "metrics: [sam_clip_cls_sim]\npipes_default: {clip-pipe: {model_path: acme/clip}}\n"
    )
    out = doctor(capsys, 1)
    assert "MISSING    clip:acme/clip" in out
    assert "MISSING    sam:vit_b" in out
    assert out.splitlines()[-1].endswith("editmetrics weights fetch clip:acme/clip sam:vit_b")


def test_without_transformers_nothing_is_called_the_same(alone, capsys, monkeypatch):
    configure(alone, "metrics: [emd]\npipes_default: {clip-pipe: {model_path: smoke}}\n")
    monkeypatch.setitem(sys.modules, "transformers", None)
    out = doctor(capsys, 1)
    assert "UNCHECKED  clip:smoke" in out
    assert "nothing to compare with: ModuleNotFoundError" in out


def test_a_package_that_is_not_installed_is_told(alone, capsys, monkeypatch):
    from importlib import metadata

    own = metadata.version

    def version(name):
        if name == "segment-anything":
            raise metadata.PackageNotFoundError(name)
        return own(name)

    monkeypatch.setattr(metadata, "version", version)
    configure(alone, "metrics: [unedit_psnr]\n")
    out = doctor(capsys, 0)
    assert "segment-anything NOT INSTALLED" in out
    assert "no model: the configuration names metrics without one" in out


def test_the_surroundings_are_what_a_run_sees(alone, capsys, monkeypatch):
    configure(alone, "metrics: [unedit_psnr]\n")
    goldens = alone / "tests" / "goldens"
    goldens.mkdir()
    (goldens / "test_x.py.yaml").write_text(
        '"test_a":\n  lpips: {max: 0.1}\n"test_b":\n  lpips: {max: 0.2}\n'
    )
    folder = goldens / "test_x.py"
    folder.mkdir()
    for name in ("test_a-0dc6b5ef.png", "test_a-0dc6b5ef@cuda.webp", "photo.png"):
        (folder / name).write_bytes(b"")
    (alone / "test_a-0dc6b5ef.png").write_bytes(b"")  # what an image of a report may be called
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("EDITMETRICS_MIRROR", "https://me:hush@mirror.local/weights")
    out = doctor(capsys, 0)
    assert "goldens          1 file, 2 tests, 2 images\n" in out
    assert "a CI run: nothing is recorded, smoke weights fail; CI=true" in out
    assert "EDITMETRICS_MIRROR=https://mirror.local/weights" in out
    assert "HF_TOKEN=set" in out
    assert "hush" not in out
    assert "hf_secret" not in out
    assert f"{alone.parent / 'cache'}" in out or "EDITMETRICS_CACHE" in os.environ


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("editmetrics.yaml", "metrics: [lpps]\n", "editmetrics.yaml:1"),
        ("tests/goldens/test_x.py.yaml", '"a":\n  lpips: {min: 0.1}\n', "goldens/test_x.py.yaml:2"),
    ],
)
def test_what_would_fail_a_run_is_exit_status_1(alone, capsys, file, content, says):
    configure(alone, "metrics: [unedit_psnr]\n")
    path = alone / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    out = doctor(capsys, 1)
    assert "PROBLEM  " in out
    assert says in out


def test_a_pipe_of_the_project_is_named(alone, capsys):
    configure(alone, "metrics: [own]\n")
    (alone / "conftest.py").write_text(
        "from pytest_editmetrics import Metric\n"
        "def pytest_editmetrics_register_pipes(registry):\n"
        "    registry.register('own-pipe', lambda **_: lambda *args, **more: 1.0, metrics=[Metric('own', 'lower')])\n"
    )
    assert "not checked: own-pipe, a pipe of this project" in doctor(capsys, 0)
