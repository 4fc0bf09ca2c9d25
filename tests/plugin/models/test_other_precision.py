"""A golden says in which precision its value was computed; another one is an error that names both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_editmetrics.cache import precision
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.saved_runs.approve import approve
from pytest_editmetrics.saved_runs.project import in_project

TEST = """
from scene import *
def test_it(edit_gate):
    edit_gate.check(scene(), jpeg(edited()), coords=BOX, metrics=['lpips', 'unedit_psnr'])
"""
OBJECTS = """
from scene import *
def test_it(edit_gate):
    edit_gate.check(scene(), edited(), ref_boxes=BOX, edited_boxes=BOX,
                    metrics=['sam_clip_cls_sim'])
"""


def computes_in(scene: pytest.Pytester, dtype: str | None) -> None:
    block = "" if dtype is None else f"pipes_default: {{lpips-pipe: {{dtype: {dtype}}}}}\n"
    (scene.path / "editmetrics.yaml").write_text(block)


@pytest.fixture
def golden(scene: pytest.Pytester) -> Path:
    scene.makepyfile(test_x=TEST)
    return scene.path / "goldens" / "test_x.py.yaml"


@pytest.mark.parametrize(("then", "now"), [(None, "bfloat16"), ("bfloat16", "float32")])
def test_another_precision_is_an_error_that_names_both(scene, golden, then, now):
    computes_in(scene, then)
    scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    recorded = golden.read_text()
    lpips, psnr = recorded.splitlines()[1:]
    assert re.findall(r'dtype: "(\w+)"', lpips) == ([] if then is None else [then])
    assert "dtype" not in psnr
    scene.runpytest().assert_outcomes(passed=1)
    computes_in(scene, now)
    for mode in ((), ("--editmetrics-update=missing",)):
        result = scene.runpytest(*mode)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                f"*EditMetricsError: lpips could not be judged: the golden {golden.parent.name}/"
                f"test_x.py.yaml:2 was measured in dtype {then or 'float32'}, and today's value in"
                f" dtype {now}: *",
                "*to accept*pytest test_x.py::test_it --editmetrics-update=failed",
            ]
        )
    assert golden.read_text() == recorded
    scene.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    assert f'dtype: "{now}"' in golden.read_text()
    scene.runpytest().assert_outcomes(passed=1)


def test_a_bound_that_somebody_wrote_says_nothing_of_a_precision(scene, golden):
    golden.parent.mkdir()
    golden.write_text('"test_it":\n  lpips: {max: 0.9}\n  unedit_psnr: {min: 5}\n')
    computes_in(scene, "bfloat16")
    scene.runpytest().assert_outcomes(passed=1)


def test_auto_is_stamped_as_what_it_chose(scene, golden, monkeypatch):
    monkeypatch.setattr(precision, "_instructions", lambda: frozenset({"avx512_bf16"}))
    computes_in(scene, "auto")
    scene.runpytest("--editmetrics-update=missing", "--editmetrics-run-dir=run").assert_outcomes(
        passed=1
    )
    assert 'dtype: "bfloat16"' in golden.read_text()
    told = {record.gate.metric: record.gate.dtype for record in read_run(scene.path / "run").gates}
    assert told == {"lpips": "bfloat16", "unedit_psnr": "float32"}
    monkeypatch.setattr(precision, "_instructions", frozenset)
    result = scene.runpytest("--editmetrics-run-dir=run")
    result.stdout.fnmatch_lines(
        ["*measured in dtype bfloat16, and today's value in dtype float32*"]
    )
    assert (
        in_project(lambda session: approve(session, read_run(scene.path / "run"), None, print)) == 1
    )
    assert "dtype: " in golden.read_text()
    scene.runpytest().assert_outcomes(passed=1)


def test_the_precision_of_the_sam_alone_is_told(scene, golden):
    scene.makepyfile(test_x=OBJECTS)
    models = "{model_path: smoke, sam: {model_type: smoke%s}}"
    settings = scene.path / "editmetrics.yaml"
    settings.write_text(f"pipes_default: {{clip-pipe: {models % ', dtype: bfloat16'}}}\n")
    scene.runpytest("--editmetrics-update=missing", "--editmetrics-allow-smoke").assert_outcomes(
        passed=1
    )
    assert 'dtype: "float32, sam bfloat16"' in golden.read_text()
    settings.write_text(f"pipes_default: {{clip-pipe: {models % ''}}}\n")
    result = scene.runpytest("--editmetrics-allow-smoke")
    result.stdout.fnmatch_lines(
        ["*in dtype float32, sam bfloat16, and today's value in dtype float32: *"]
    )
