"""The first verdict imports torch and what its metric cannot do without, nothing else heavy; one
whose features are kept does without torch.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

MODELS = Path(__file__).parents[3] / "fixtures" / "parity" / "models"
CLIP = MODELS / "clip"

pytestmark = pytest.mark.usefixtures("no_other_plugin")

NEVER = ["torchvision", "lpips", "transformers", "skimage", "segment_anything", "huggingface_hub",
         "pooch", "jinja2", "sympy", "torch._dynamo", "torch._inductor", "torch.onnx",
         "multiprocessing.pool"]  # fmt: skip
ONLY_EMD = ["ot", "scipy", "networkx", "numpy.ma"]
ONLY_FAILING = [f"pytest_editmetrics.{name}" for name in (
    "background.diagnosis", "background.colour_profile", "background.drift", "report.picture")]  # fmt: skip

SCRIPT = """
import json, sys
import torch
alone = set(sys.modules)
import pytest
code = pytest.main(["-p", "pytest_editmetrics.plugin", "-q"])
print("RESULT", json.dumps([int(code), sorted(set(sys.modules) - alone)]))
"""

TEST = """
import numpy as np

def test_it(edit_gate):
    reference = np.zeros((64, 64, 3), np.uint8)
    edited = reference.copy()
    edited[8:24, 8:24] = 200
    edit_gate.check(reference, edited, [(4, 4, 40, 40)])
"""


def imported(pytester: pytest.Pytester, metric: str) -> set[str]:
    """What a session with one verdict of ``metric`` imports besides what ``import torch`` does."""
    pytester.makepyfile(test_x=TEST)
    pytester.path.joinpath("editmetrics.yaml").write_text(
        f"metrics: [{metric}]\n"
        f"pipes_default: {{clip-pipe: {{model_path: '{CLIP.as_posix()}', device: cpu}}}}\n"
        f"metric_configs: {{{metric}: {{scope: edit_area}}}}\n"
        f"thresholds: {{{metric}: {{max: 1000}}}}\n"
    )
    process = subprocess.run(
        [sys.executable, "-I", "-c", SCRIPT],
        cwd=pytester.path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "RESULT" in process.stdout, process.stdout + process.stderr
    code, names = json.loads(process.stdout.rpartition("RESULT ")[2])
    assert code == 0, process.stdout
    assert "pytest_editmetrics.pipes.base" in names
    return set(names)


@pytest.mark.slow
def test_the_first_lpips_verdict_needs_torch_and_nothing_else_heavy(pytester):
    assert not imported(pytester, "lpips") & {*NEVER, *ONLY_EMD, *ONLY_FAILING}


WARM = """
import json, sys
import pytest
code = pytest.main(["-p", "pytest_editmetrics.plugin", "-q", *sys.argv[1:]])
print("RESULT", json.dumps([int(code), sorted({name.partition(".")[0] for name in sys.modules})]))
"""
# what a session needs for no number that is kept, and none of its outputs (HTML is written by jinja2)
WARM_NEVER = {"torch", "torchvision", "transformers", "lpips", "segment_anything", "scipy", "skimage",
              "matplotlib", "ot", "networkx", "sympy", "huggingface_hub", "pooch", "pandas"}  # fmt: skip
OUTPUTS = ["--editmetrics-run-dir=run", "--editmetrics-html=page.html", "--junitxml=junit.xml",
           "--editmetrics-results=results.jsonl", "--editmetrics-profile"]  # fmt: skip

# the golden image is another one by two levels, so that LPIPS has something to show of it, too
WARM_TESTS = f"""{TEST}
    edited[40:44, 40:50] = 2
    edit_gate.check(reference, edited, [(4, 4, 40, 40)], name="and-outside")

def test_object(edit_gate):
    reference = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    box = [(10, 8, 50, 52)]
    edit_gate.check(reference, 255 - reference, box, ref_boxes=box, edited_boxes=box,
                    metrics="sam_clip_cls_sim")

def test_image(golden_image, request):
    updates = request.config.getoption("--editmetrics-update") != "none"
    image = np.random.default_rng(0).integers(0, 250, (64, 64, 3), np.uint8)
    golden_image.check(image if updates else image + np.uint8(2), comparator="lpips", tolerance=1)
"""
WARM_CASES = """
cases:
  - {id: of-a-file, reference: before.png, edited: after.png, coords: [[4, 4, 40, 40]]}
"""


@pytest.mark.long
def test_what_is_in_the_cache_is_judged_and_shown_without_torch(pytester):
    pytester.makepyfile(test_x=WARM_TESTS)
    pytester.path.joinpath("test_cases.edit.yaml").write_text(WARM_CASES)
    for name, levels in {"before": 20, "after": 22}.items():
        Image.new("RGB", (64, 64), (levels,) * 3).save(pytester.path / f"{name}.png")
    models = MODELS.as_posix()
    pytester.path.joinpath("editmetrics.yaml").write_text(
        "metrics: [lpips]\npipes_default:\n"
        f"  clip-pipe: {{model_path: '{models}/clip'}}\n"
        f"  sam-pipe: {{model_path: '{models}/sam.safetensors', model_cfg: '{models}/sam.json'}}\n"
        "thresholds: {lpips: {max: 1000}, sam_clip_cls_sim: {min: -0.99}}\n"
    )

    def session(*options: str) -> set[str]:
        process = subprocess.run(
            [sys.executable, "-I", "-c", WARM, "--editmetrics-device=cpu", *options],
            cwd=pytester.path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "4 passed" in process.stdout, process.stdout + process.stderr
        code, names = json.loads(process.stdout.rpartition("RESULT ")[2])
        assert code == 0, process.stdout
        return set(names)

    assert "torch" in session("--editmetrics-update=missing")
    session()  # the golden image is another one now, which is measured and kept
    assert not session() & {*WARM_NEVER, "jinja2"}
    assert not session(*OUTPUTS) & WARM_NEVER
    lines = (pytester.path / "results.jsonl").read_text().splitlines()
    gates = [line for line in map(json.loads, lines) if line["record"] == "gate"]
    shown = {gate["nodeid"] for gate in gates if "heat" in (gate["images"] or {})}
    assert shown == {
        "test_x.py::test_it",
        "test_x.py::test_image",
        "test_cases.edit.yaml::of-a-file",
    }


@pytest.mark.slow
def test_the_first_emd_verdict_needs_torch_and_pot(pytester):
    names = imported(pytester, "emd")
    assert "ot" in names
    assert not names & set(NEVER)
