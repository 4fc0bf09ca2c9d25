"""DINO, SAM 2 and mask overlap as a user meets them: by configuration, fixtures and other names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_models import make_dino, make_sam2

MODELS = Path(__file__).parents[3] / "fixtures" / "parity" / "models"
SAM = f"{{model_path: '{MODELS / 'sam.safetensors'}', model_cfg: '{MODELS / 'sam.json'}'}}"
TEST = """
import numpy as np
import pytest

BOX = [(10, 8, 50, 52)]

def image():
    ramp = np.arange(64, dtype=np.uint8)
    picture = np.stack(np.broadcast_arrays(ramp[:, None] * 3, ramp * 2, 90), axis=-1).astype(np.uint8)
    picture[20:44, 18:40] = (200, 40, 40)
    return picture

def check(edit_gate, metrics, **more):
    edited = image()
    edited[24:40, 22:36] = (40, 200, 60)
    return edit_gate.check(image(), edited, BOX, ref_boxes=BOX, edited_boxes=BOX,
                           metrics=metrics, **more)
"""
EVERY = """
def test_it(edit_gate):
    check(edit_gate, ["dinov3_structure_similarity", "sam_dino_cls_sim", "iou"])
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        "dino": make_dino("dinov3_vit", tmp_path_factory.mktemp("models") / "dino"),
        "sam2": make_sam2(tmp_path_factory.mktemp("models") / "sam2"),
    }


@pytest.fixture
def configure(pytester: pytest.Pytester, folders: dict[str, Path]):
    def configure(sam: str, more: str = "") -> None:
        pytester.makefile(
            ".yaml",
            editmetrics=(
                "pipes_default:\n"
                f"  dino-v3-pipe: {{model_path: '{folders['dino']}', device: cpu}}\n"
                f"  sam-pipe: {sam}\n{more}"
            ),
        )

    return configure


def run(pytester: pytest.Pytester, body: str, *args: str) -> pytest.RunResult:
    pytester.makepyfile(test_x=TEST + body)
    return pytester.runpytest(
        "-q", "--editmetrics-results=r.jsonl", "--editmetrics-device=cpu", *args
    )


def gates(pytester: pytest.Pytester) -> dict[str, dict[str, object]]:
    lines = (pytester.path / "r.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return {row["metric"]: row for row in rows if "metric" in row}


@pytest.mark.parametrize("sam", ["sam", "sam2"])
def test_goldens_and_results_know_a_metric_by_its_own_name(pytester, configure, folders, sam):
    configure(SAM if sam == "sam" else f"{{model_type: sam2, model_path: '{folders['sam2']}'}}")
    run(pytester, EVERY, "--editmetrics-update=missing").assert_outcomes(passed=1)
    golden = (pytester.path / "goldens" / "test_x.py.yaml").read_text()
    for name in ("dino_structure_sim: {min:", "sam_dino_cls_sim: {min:", "mask_iou: {min:"):
        assert name in golden
    assert "dinov3_structure" not in golden
    run(pytester, EVERY).assert_outcomes(passed=1)
    found = gates(pytester)
    assert set(found) == {"dino_structure_sim", "sam_dino_cls_sim", "mask_iou"}
    names = [used["name"] for used in found["sam_dino_cls_sim"]["weights"]]
    of_sam = "sam:sam.safetensors" if sam == "sam" else "sam2:sam2"
    expected = ["dino:dino", of_sam]
    assert names == [text for name in expected for text in (name, f"{name} configuration")]
    assert found["mask_iou"]["weights"][0]["name"] == of_sam
    assert found["dino_structure_sim"]["scope"] == "edit_area"


def test_a_value_below_its_bound_fails(pytester, configure):
    configure(SAM, "thresholds: {dino_structure_sim: {min: 0.999}, mask_iou: {min: 0.999}}\n")
    result = run(pytester, EVERY.replace('"sam_dino_cls_sim", ', ""))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*edit dino_structure_sim 0.* < min 0.999*", "*object mask_iou 0.* < min 0.999*"]
    )


def test_the_users_sam_isolates_for_dino(pytester, configure):
    configure("{model_type: vit_b}")
    pytester.makeconftest(
        "import pytest\nfrom pytest_editmetrics.pipes.sam import SAMPipe\n"
        "@pytest.fixture(scope='session')\n"
        f"def sam_pipe():\n    return SAMPipe(model_path={str(MODELS / 'sam.safetensors')!r},"
        f" model_cfg={str(MODELS / 'sam.json')!r}, device='cpu')\n"
    )
    body = (
        "@pytest.mark.editmetrics(framing='center-crop')\n"
        "def test_it(edit_gate, dino_v3_pipe, sam_pipe):\n"
        "    assert dino_v3_pipe.sam_block is sam_pipe\n"
        "    check(edit_gate, 'sam_dino_cls_sim')\n"
        "    check(edit_gate, 'mask_iou')\n"
    )
    run(pytester, body, "--editmetrics-update=all").assert_outcomes(passed=1)


def test_the_marker_takes_other_names_too(pytester, configure):
    configure(SAM)
    body = (
        "@pytest.mark.editmetrics(metrics=['iou'], thresholds={'iou': 0.1})\n"
        "def test_it(edit_gate):\n    check(edit_gate, None)\n"
        "@pytest.mark.editmetrics(thresholds={'iou': 0.1, 'mask_iou': 0.1})\n"
        "def test_twice(edit_gate):\n    check(edit_gate, 'iou')\n"
    )
    result = run(pytester, body)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*thresholds name mask_iou twice*"])


def test_both_names_in_one_check_are_an_error(pytester, configure):
    configure(SAM)
    result = run(pytester, "def test_it(edit_gate):\n    check(edit_gate, ['iou', 'mask_iou'])\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a second mask_iou gate in one test*"])


def test_a_missing_model_is_an_error_unless_it_may_be_missing(pytester, configure):
    configure(SAM)
    path = pytester.path / "editmetrics.yaml"
    path.write_text("pipes_default: {dino-v3-pipe: {model_path: acme/none}}\n")
    body = "def test_it(edit_gate):\n    check(edit_gate, 'dino_structure_sim')\n"
    result = run(pytester, body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*EditMetricsError*weights fetch dino:acme/none*"])
    skipped = run(pytester, body, "--editmetrics-skip-missing=dino-v3-pipe")
    skipped.assert_outcomes(skipped=1)


def test_sam2_under_xdist_gives_the_same_numbers(pytester, configure, folders):
    configure(f"{{model_type: sam2, model_path: '{folders['sam2']}'}}")
    body = EVERY + EVERY.replace("test_it", "test_again")
    run(pytester, body, "--editmetrics-update=all").assert_outcomes(passed=2)
    serial = {name: row["value"] for name, row in gates(pytester).items()}
    run(pytester, body, "-n2").assert_outcomes(passed=2)
    assert {name: row["value"] for name, row in gates(pytester).items()} == serial
