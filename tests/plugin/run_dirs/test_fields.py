"""Every field that a run holds is declared, and the reference page is made from the declarations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields as fields_of
from typing import Any

import pytest
from PIL import Image
from tiny_models import make_dino

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.gates.verdict import Checked, Gate
from pytest_editmetrics.measurement import GOLDEN_IMAGE
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.runs.fields import (
    ATTEMPT,
    CRASHED,
    DETAILS,
    END,
    FAILED,
    GATE,
    PROBLEM,
    SESSION,
    Field,
)
from pytest_editmetrics.suites.gate import SuiteGate

REGISTRY = PipeRegistry()
LINES = {
    "session": SESSION,
    "gate": (*ATTEMPT, *GATE),
    "crashed": CRASHED,
    "failed": FAILED,
    "problem": PROBLEM,
    "end": END,
}
TYPES: Mapping[str, Any] = {
    "text": str,
    "verdict": str,
    "name": str,
    "names": list,
    "number": (int, float, str),
    "whole": int,
    "flag": bool,
    "mapping": dict,
    "list": (list, dict),
    "weights": list,
}


def undeclared(given: Mapping[str, Any], declared: Iterable[Field], where: str) -> Iterator[str]:
    """Say what is not declared of a mapping, or is something else than is declared."""
    known = {field.name: field for field in declared}
    for name, value in given.items():
        field, path = known.get(name), f"{where}.{name}"
        if field is None:
            yield f"{path} is not declared"
        elif value is None:
            if not field.null:
                yield f"{path} is null"
        elif not isinstance(value, TYPES[field.kind]):
            yield f"{path} is {value!r}, and no {field.kind}"
        elif field.inner:
            for part in value if isinstance(value, list) else [value]:
                yield from undeclared(part, field.inner, path)


def of_details(gate: Mapping[str, Any]) -> Iterator[str]:
    known = {field.name: field for field in DETAILS}
    metric = gate["metric"].removeprefix(GOLDEN_IMAGE)
    pipe = REGISTRY.pipe_of(metric).details if metric in REGISTRY.names else {}
    ours = {name: value for name, value in gate["details"].items() if name not in pipe}
    yield from undeclared(ours, known.values(), f"details of {gate['metric']}")


def held(path) -> set[str]:
    """Hold a run to the declarations, and return what kinds of things it has."""
    seen, path = set(), path / "results.jsonl" if path.is_dir() else path
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        kind = record["record"]
        problems = list(undeclared(record, LINES[kind], kind))
        seen |= {kind, *record}
        if kind == "gate":
            problems += of_details(record)
            seen |= {record["verdict"], record["outcome"], *record["details"], *record["images"]}
            seen |= {*(record["golden"] or ()), record["metric"]}
        assert problems == [], line
    return seen


TESTS = """
import pathlib

import numpy as np
import pytest
from scene import *
from scene import scene as before

def test_pass(edit_gate): edit_gate.check(before(), edited(), BOX, metrics=["drift_px", "zoom"])
def test_fail(edit_gate): edit_gate.check(before(), 255 - before(), BOX, expect="reencoded")
def test_soft(edit_gate): edit_gate.check(before(), edited(), [(0, 0, 128, 128)], metrics=[
                                          "unedit_max_diff"])
def test_error(edit_gate): edit_gate.check(before(), edited(), "no-such.png")
def test_golden(edit_gate): edit_gate.check(before(), edited(), BOX, metrics=["unedit_psnr", "lpips"])
@pytest.mark.parametrize("seed", [{"number": 7}])
def test_place(edit_gate, seed): edit_gate.check(before(), edited(), BOX, metrics=["unedit_ssim"])
@pytest.mark.editmetrics(framing="center-crop")
def test_models(edit_gate):
    edit_gate.check(before(), edited(), BOX, ref_boxes=BOX, edited_boxes=BOX, metrics=[
        "emd", "emd_excess", "sam_clip_cls_sim", "mask_iou", "dino_structure_sim"])
def test_resized(edit_gate):
    edit_gate.check(before(), edited()[:64, :64], BOX, resize="reference", metrics=["unedit_max_diff",
        "l_channel_ssim", "pie_bench_psnr"])
@pytest.mark.parametrize("comparator", ["exact", "pixel", "ssim", "lpips"])
def test_image(golden_image, comparator):
    shift = 90 if pathlib.Path("changed").exists() else 0
    golden_image.check(np.roll(edited(), shift, 1), comparator=comparator)
def test_flaky(edit_gate):
    first = not pathlib.Path("seen").exists()
    pathlib.Path("seen").touch()
    edit_gate.check(before(), 255 - before() if first else before(), BOX, metrics=["unedit_max_diff"])
def test_subtests(edit_gate, subtests):
    for number in range(2):
        with subtests.test(number=number):
            edit_gate.check(before(), edited(), BOX, name=f"of {number}", metrics=["unedit_max_diff"])
"""
CASES = (
    "cases: [{id: a, reference: a.png, edited: a.png, expect: composited, metrics: [unedit_psnr]}]"
)
SETTINGS = """
metrics: [unedit_max_diff]
pipes_default:
  clip-pipe: {{model_path: smoke}}
  sam-pipe: {{model_type: smoke}}
  dino-v3-pipe: {{model_path: {dino}}}
thresholds: {{unedit_max_diff: 254, drift_px: 1, zoom: 1, emd: 1e9, emd_excess: 1e9, mask_iou: 0.001,
  sam_clip_cls_sim: -0.99, dino_structure_sim: 0.001, l_channel_ssim: -0.9, pie_bench_psnr: 1}}
suite:
  base: first/results.jsonl
  unedit_max_diff: {{mean: 254, regressions: {{max: 9}}, paired: {{alpha: 0.01}}}}
"""


@pytest.mark.long
@pytest.mark.skipif(pytest.version_tuple < (9,), reason="subtests are a fixture of pytest 9")
def test_every_field_of_real_runs_is_declared(scene, tmp_path):
    dino = make_dino("dinov2", tmp_path / "dino")
    scene.makefile(".yaml", editmetrics=SETTINGS.format(dino=dino))
    scene.makepyfile(test_x=TESTS)
    scene.makefile(".edit.yaml", test_y=CASES)
    Image.new("RGB", (64, 64)).save(scene.path / "a.png")
    first = "--editmetrics-run-dir=first"
    scene.runpytest(first, "--editmetrics-update=missing", "--reruns=1")
    (scene.path / "changed").touch()
    scene.runpytest("--editmetrics-run-dir=second")
    scene.runpytest("--editmetrics-results=third.jsonl", "--editmetrics-selftest", "-k", "golden")
    Image.new("RGB", (64, 64)).save(scene.path / "b.png")
    (scene.path / "m.jsonl").write_text('{"reference": "a.png", "edited": "b.png"}')
    main(["score", "m.jsonl", "-o", "scored", "--allow-unbounded"])
    for shard in ("pass", "soft"):
        scene.runpytest(f"--editmetrics-run-dir={shard}", "-k", shard)
    main(["merge", "pass", "soft", "-o", "merged"])
    main(["score", "first", "-o", "again"])
    files = ["first", "second", "third.jsonl", "scored", "merged", "again"]
    seen = set().union(*(held(scene.path / name) for name in files))
    assert {
        "session",
        "gate",
        "end",
        "pass",
        "fail",
        "unmeasured",
        "error",
        "recorded",
        "rerun",
    } <= seen
    assert {
        "heat",
        "crops",
        "mask",
        "golden",
        "digest",
        "selftest",
        "suite",
        "scored",
        "shards",
    } <= seen


def test_a_crashed_test_is_declared(suite):
    suite.makepyfile(test_x="import os\ndef test_dies(check): os._exit(3)")
    suite.runpytest("-n1", "--editmetrics-results=r.jsonl")
    assert "crashed" in held(suite.path / "r.jsonl")


def names(declared):
    return [field.name for field in declared]


def inner(declared, name):
    return next(field.inner for field in declared if field.name == name)


def test_what_is_declared_is_what_the_records_hold():
    assert sorted(names(GATE)) == sorted(field.name for field in fields_of(Gate))
    assert names(inner(GATE, "region")) == [field.name for field in fields_of(Checked)]
    gates = inner(inner(END, "suite"), "gates")
    assert sorted(names(gates)) == sorted(field.name for field in fields_of(SuiteGate))


def test_what_may_be_null_is_what_a_gate_may_leave_open():
    optional = {field.name for field in fields_of(Gate) if "None" in str(field.type)}
    assert {field.name for field in GATE if field.null} == optional
