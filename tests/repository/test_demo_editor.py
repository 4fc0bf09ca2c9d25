"""The demo's promises: what its editor leaves alone and breaks, and what its runner accepts."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "fixtures" / "demo"
CASES = {
    case["id"]: case
    for case in yaml.safe_load((DEMO / "tests" / "test_edits.edit.yaml").read_text())["cases"]
}
REGRESSED = ["remove-badge", "blue-cup", "second-rocket-by-guess"]


def load(path: Path) -> ModuleType:
    """Import a file that is not on the path, under a name of its own."""
    name = f"_demo_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    return load(DEMO / "editor.py")


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    return load(ROOT / "tools" / "run_demo.py")


def reference(case: dict[str, Any]) -> Image.Image:
    return Image.open(DEMO / "tests" / case["reference"]).convert("RGB")


def edited(demo: ModuleType, case: dict[str, Any], version: int) -> np.ndarray:
    pipe = demo.DemoEditor(version=version)
    output = pipe(image=reference(case), instruction=case["params"]["instruction"])
    return np.asarray(output.images[0])


def inside(case: dict[str, Any]) -> np.ndarray:
    mask = np.zeros(reference(case).size[::-1], bool)
    for x1, y1, x2, y2 in case["coords"]:
        mask[y1:y2, x1:x2] = True
    return mask


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_version_1_changes_the_edit_area_and_nothing_else(demo, case):
    before, after = np.asarray(reference(case)), edited(demo, case, version=1)
    area = inside(case)
    assert np.array_equal(before[~area], after[~area])
    assert np.abs(before[area].astype(int) - after[area]).mean() > 8


@pytest.mark.parametrize("name", REGRESSED)
def test_version_2_changes_the_background_and_still_edits(demo, name):
    case = CASES[name]
    before, after = np.asarray(reference(case)), edited(demo, case, version=2)
    area = inside(case)
    assert np.abs(before[~area].astype(int) - after[~area]).mean() > 0.5
    assert np.abs(before[area].astype(int) - after[area]).mean() > 8


def test_version_2_moves_the_frame_of_a_removal_by_one_pixel(demo):
    case = CASES["remove-badge"]
    before, after = (
        np.asarray(image, float) for image in (reference(case), edited(demo, case, version=2))
    )
    outside = ~inside(case)[:, 1:]
    in_place = np.abs(after - before)[:, 1:][outside].mean()
    moved_back = np.abs(after[:, 1:] - before[:, :-1])[outside].mean()
    assert moved_back < in_place / 1.5


def test_version_2_leaves_the_other_edits_as_they_were(demo):
    case = CASES["matcha"]
    assert np.array_equal(edited(demo, case, version=1), edited(demo, case, version=2))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_same_call_gives_the_same_pixels(demo, case, version):
    assert np.array_equal(edited(demo, case, version), edited(demo, case, version))


def test_a_style_change_leaves_no_background(demo):
    cat = Image.open(DEMO / "images" / "cat.png").convert("RGB")
    sketch = demo.DemoEditor(1)(image=cat, instruction="make it a pencil sketch").images[0]
    changed = (np.asarray(cat) != np.asarray(sketch)).any(axis=2)
    assert sketch.size == cat.size
    assert changed.mean() > 0.99


def test_an_unknown_instruction_or_version_is_refused(demo):
    cat = Image.open(DEMO / "images" / "cat.png").convert("RGB")
    with pytest.raises(ValueError, match=r"unknown instruction 'add a hat'; known: .*'add a"):
        demo.DemoEditor()(image=cat, instruction="add a hat")
    with pytest.raises(ValueError, match="no version 3"):
        demo.DemoEditor(version=3)


def test_every_photo_has_its_licence_written_down():
    listed = (DEMO / "images" / "README.md").read_text()
    assert [p.name for p in (DEMO / "images").glob("*.png") if f"`{p.name}`" not in listed] == []


def as_promised(runner: ModuleType, version: int) -> Any:
    gates = {
        key: {
            "metric": "lpips",
            "verdict": expected[version - 1],
            "value": 0.05 if expected[version - 1] == "fail" else 0.0,
            "bound": 0.005,
            "origin": "golden",
            "reason": "empty-region",
            "smoke": False,
        }
        for key, expected in runner.EXPECTED.items()
    }
    return runner.Run(version, version - 1, gates)


def test_the_runner_accepts_what_is_promised_and_says_who_caught_what(runner):
    runs = [as_promised(runner, version) for version in (1, 2)]
    assert [runner.problems(run) for run in runs] == [[], []]
    text = "\n".join(runner.summary(runs[1]))
    assert "exit status 1, 11 gates, 3 passed, 1 unmeasured, 7 failed" in text
    for regression in (runner.MOVED, runner.SPILL, runner.COMPRESSED):
        assert f"caught by lpips: {regression}" in text
    assert "caught" not in "\n".join(runner.summary(runs[0]))


@pytest.mark.parametrize("version", [1, 2])
def test_the_runner_refuses_any_other_verdict(runner, version):
    for key, expected in runner.EXPECTED.items():
        for verdict in {"pass", "fail", "unmeasured", "error", "missing-golden"}:
            run = as_promised(runner, version)
            run.gates[key]["verdict"] = verdict
            assert bool(runner.problems(run)) == (verdict != expected[version - 1])


def test_the_runner_refuses_a_missing_gate_a_surplus_one_smoke_and_a_wrong_status(runner):
    lost, surplus, smoke = (as_promised(runner, 1) for _ in range(3))
    key = next(iter(lost.gates))
    del lost.gates[key]
    surplus.gates[runner.Key("tests/test_new.py::test_new")] = dict(surplus.gates[key])
    smoke.gates[key]["smoke"] = True
    green = as_promised(runner, 2)
    green = runner.Run(2, 0, green.gates)
    cases = [(lost, "not there"), (surplus, "not expected"), (smoke, "smoke"), (green, "status 0")]
    for run, word in cases:
        (problem,) = runner.problems(run)
        assert word in problem


def test_the_runner_refuses_results_that_are_missing_or_cut_off(runner, tmp_path):
    with pytest.raises(runner.BadResults, match="no usable results"):
        runner.read_gates(tmp_path / "none.jsonl")
    gate = {"record": "gate", "nodeid": "a", "name": None, "final": True}
    lines = [json.dumps(record) for record in (gate, {"record": "end"})]
    whole, cut, twice = (tmp_path / f"{name}.jsonl" for name in ("whole", "cut", "twice"))
    whole.write_text("\n".join(lines))
    cut.write_text(lines[0])
    twice.write_text("\n".join([lines[0], *lines]))
    assert list(runner.read_gates(whole)) == [runner.Key("a")]
    with pytest.raises(runner.BadResults, match="cut off"):
        runner.read_gates(cut)
    with pytest.raises(runner.BadResults, match="twice"):
        runner.read_gates(twice)
