"""One machine, one number of threads: every metric gives the same bits, however a suite is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_models import make_dino

from pytest_editmetrics.pipes.registry import PipeRegistry

FIXTURES = Path(__file__).parents[3] / "fixtures"
MODELS = FIXTURES / "parity" / "models"
NO_WEIGHTS = ("pie_bench_lpips",)  # SqueezeNet's are not packaged

SETTINGS = """\
pipes_default:
  clip-pipe: {{model_path: '{models}/clip', device: cpu}}
  dino-v3-pipe: {{model_path: '{dino}', device: cpu}}
  lpips-pipe: {{device: cpu}}
  sam-pipe: {{model_path: '{models}/sam.safetensors', model_cfg: '{models}/sam.json', device: cpu}}
metrics: [{metrics}]
"""
TESTS = """
import numpy as np
import pytest
from PIL import Image

BOX = [(50, 30, 110, 95)]

@pytest.mark.parametrize("photo", ["astronaut", "cat", "coffee", "rocket"])
def test_edit(edit_gate, photo):
    picture = Image.open(f"PHOTOS/{photo}.png").convert("RGB")
    picture.thumbnail((192, 192))
    reference = np.asarray(picture)
    noise = np.random.default_rng(3).normal(0, 3, reference.shape)
    edited = np.roll(reference + noise, 1, axis=1).clip(0, 255).astype(np.uint8)
    edited[40:80, 60:100] = edited[40:80, 60:100, ::-1]
    edit_gate.check(reference, edited, BOX, ref_boxes=BOX, edited_boxes=BOX)
"""


def measured() -> list[str]:
    registry = PipeRegistry()
    names = {registry.metric(name).name for name in registry.names}
    return sorted(names - set(NO_WEIGHTS))


@pytest.fixture
def demo(pytester: pytest.Pytester) -> pytest.Pytester:
    dino = make_dino("dinov3_vit", pytester.path / "dino")
    settings = SETTINGS.format(models=MODELS, dino=dino, metrics=", ".join(measured()))
    (pytester.path / "editmetrics.yaml").write_text(settings)
    pytester.makepyfile(test_x=TESTS.replace("PHOTOS", str(FIXTURES / "demo" / "images")))
    return pytester


def gates(demo: pytest.Pytester, name: str, *args: str) -> list[str]:
    """Run the suite and return its gates as lines, in no order: no golden is there to pass."""
    demo.runpytest(f"--editmetrics-results={name}", *args).assert_outcomes(failed=4)
    lines = (demo.path / name).read_text().splitlines()
    return sorted(line for line in lines if json.loads(line)["record"] == "gate")


@pytest.mark.slow
def test_every_metric_gives_the_same_bits(demo):
    cold = gates(demo, "cold", "--editmetrics-cache-dir=one")
    found = [json.loads(line) for line in cold]
    assert sorted(gate["metric"] for gate in found) == sorted(measured() * 4)
    assert all(gate["verdict"] == "missing-golden" for gate in found)
    moved = {gate["value"] for gate in found if gate["metric"] != "altered"}  # nothing is gone here
    assert len(moved) > 4 * (len(measured()) - 1) - 8  # a ratio of 10 is that of several
    assert gates(demo, "warm", "--editmetrics-cache-dir=one") == cold
    assert gates(demo, "again", "--no-editmetrics-cache") == cold
    assert gates(demo, "workers", "--editmetrics-cache-dir=two", "-n2") == cold
