"""The first verdict imports torch and what its metric cannot do without, nothing else heavy; one
whose features are kept does without torch.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CLIP = Path(__file__).parents[3] / "fixtures" / "parity" / "models" / "clip"

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
import sys
import pytest
code = pytest.main(["-p", "pytest_editmetrics.plugin", "-q", *sys.argv[1:]])
print("RESULT", int(code), "torch" in sys.modules)
"""


def test_what_is_in_the_cache_is_judged_without_torch(pytester):
    pytester.makepyfile(
        test_x=f"{TEST}\n\ndef test_image(golden_image):\n"
        "    golden_image.check(np.zeros((64, 64, 3), np.uint8))\n"
    )
    pytester.path.joinpath("editmetrics.yaml").write_text(
        "metrics: [lpips]\nmetric_configs: {lpips: {scope: edit_area}}\n"
        "thresholds: {lpips: {max: 1000}}\n"
    )

    def session(*options: str) -> str:
        process = subprocess.run(
            [sys.executable, "-I", "-c", WARM, *options],
            cwd=pytester.path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "2 passed" in process.stdout, process.stdout + process.stderr
        return process.stdout.rpartition("RESULT ")[2].strip()

    assert session("--editmetrics-update=missing") == "0 True"
    assert session() == "0 False"


@pytest.mark.slow
def test_the_first_emd_verdict_needs_torch_and_pot(pytester):
    names = imported(pytester, "emd")
    assert "ot" in names
    assert not names & set(NEVER)
