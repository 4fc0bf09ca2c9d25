"""Images in which no fault can show pass with no difference: the end of the session says so."""

from __future__ import annotations

import json
import re

import pytest

from pytest_editmetrics.cli.main import main

TEST = """
from scene import *
def test_it(edit_gate):
    before, after = scene() / 255, edited() / 255
    edit_gate.check({}, {}, metrics=["unedit_max_diff", "unedit_psnr"], name="a")
"""
CAST = TEST.format("before.astype('uint8')", "after.astype('uint8')")
SAID = (
    "black: 2 gates compared black images alone, in which no fault shows (first test_x.py::test_it);"
    " floats in [[]0, 1] become levels by (x [*] 255).astype('uint8')"
)
BOUNDS = "thresholds: {unedit_max_diff: {max: 4}, unedit_psnr: {min: 5}}\n"


@pytest.fixture
def bounded(scene):
    (scene.path / "editmetrics.yaml").write_text(BOUNDS)
    return scene


@pytest.mark.quick(1)
@pytest.mark.parametrize("mode", [(), ("-n2",), ("--editmetrics-update=all",)])
def test_floats_that_were_cast_to_black_are_told_in_one_line(bounded, mode):
    bounded.makepyfile(test_x=CAST)
    result = bounded.runpytest(*mode)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([SAID])
    assert str(result.stdout).count("black: ") == 1


@pytest.mark.parametrize(
    "images",
    [
        ("before", "after"),
        ("before.astype('uint8')", "before"),
        ("np.full((64, 64, 3), 2, np.uint8)", "np.full((64, 64, 3), 2, np.uint8)"),
        ("np.full((64, 64, 3), 255, np.uint8)", "np.full((64, 64, 3), 255, np.uint8)"),
    ],
)
def test_nothing_is_said_of_others(bounded, images):
    bounded.makepyfile(test_x=TEST.format(*images))
    bounded.runpytest().stdout.no_fnmatch_line("black: *")


IN_PLACE = """
from PIL import Image
from scene import *

def edit(image):  # paints into its input, and returns a copy of that
    image.paste((255, 0, 0), (0, 0, 64, 64))
    return image.copy()

def test_it(edit_gate):
    before, after = scene(), edited()
    photo = Image.fromarray(before)
    made = edit(photo)
    edit_gate.check(photo, made, {area}, metrics=["unedit_max_diff"])
    edit_gate.check(before, after, [(9, 9, 20, 20)], metrics=["unedit_psnr"], name="differs")
"""
EQUAL = (
    "unchanged: 1 gate compared an image with its equal, the edit area too (first"
    " test_x.py::test_it); was the edit lost, or does the editor paint into its input and return a"
    " copy[?] edit_lpips fails on that, inside an edit area"
)


@pytest.mark.parametrize("mode", [(), ("-n2",)])
def test_an_editor_that_paints_into_its_input_and_returns_a_copy_is_told(bounded, mode):
    bounded.makepyfile(test_x=IN_PLACE.replace("{area}", "[(9, 9, 20, 20)]"))
    result = bounded.runpytest(*mode)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([EQUAL])


def test_without_an_edit_area_equal_images_are_what_was_asked_for(bounded):
    bounded.makepyfile(test_x=IN_PLACE.replace("{area}", "None"))
    bounded.runpytest().stdout.no_fnmatch_line("unchanged: *")


WHOLE = """
import os
from scene import *

def test_whole(edit_gate):
    made = scene() if os.environ.get("BROKEN") else scene()[:, :, ::-1].copy()
    edit_gate.check(scene(), made, {area}, expect="{expect}", metrics=["unedit_max_diff"], name="a")
"""


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("expect", "area", "lost"),
    [
        ("generative", "None", True),
        ("reencoded", "None", True),
        ("composited", "[(9, 9, 20, 20)]", True),
        ("composited", "None", True),
    ],
)
def test_an_edit_that_its_golden_saw_and_that_is_lost_is_an_error(
    scene, monkeypatch, expect, area, lost
):
    scene.makepyfile(test_x=WHOLE.format(area=area, expect=expect))
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    scene.runpytest().assert_outcomes(passed=1)
    monkeypatch.setenv("BROKEN", "1")
    result = scene.runpytest()
    result.assert_outcomes(failed=lost, passed=not lost)
    line = "*the golden goldens/test_x.py.yaml:* was measured on an edit, and today the edited image equals its reference, pixel by pixel: was the edit lost[?]*"
    if lost:
        result.stdout.fnmatch_lines([line])
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    scene.runpytest().assert_outcomes(passed=1)


COMPOSITED = """
import os
from scene import *

def test_it(edit_gate):
    image = scene().copy()
    image[9:20, 9:20] += np.uint8(os.environ.get("BY", "90"))
    edit_gate.check(scene(), image, [(9, 9, 20, 20)], metrics=["unedit_max_diff"])
"""


def test_a_lost_edit_is_an_error_where_the_background_measures_as_before(scene, monkeypatch):
    """Composited edits leave the background bit by bit, so that its value tells nothing."""
    golden = scene.path / "goldens/test_x.py.yaml"
    scene.makepyfile(test_x=COMPOSITED)
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    assert "edit:" not in golden.read_text()
    monkeypatch.setenv("BY", "0")
    result = scene.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*was measured on an edit, and today the edited image equals*"])
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    assert 'edit: "none"' in golden.read_text()
    scene.runpytest().assert_outcomes(passed=1)
    monkeypatch.setenv("BY", "90")
    scene.runpytest().assert_outcomes(passed=1)
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    assert 'edit: "made"' in golden.read_text()
    monkeypatch.setenv("BY", "0")
    scene.runpytest().assert_outcomes(failed=1)


def test_of_a_whole_picture_too(scene, monkeypatch):
    """Without an edit area, and by a metric that does not see this edit: its golden is 0."""
    call = 'None, metrics=["moved_share"])'
    scene.makepyfile(
        test_x=COMPOSITED.replace('[(9, 9, 20, 20)], metrics=["unedit_max_diff"])', call)
    )
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    golden = scene.path / "goldens/test_x.py.yaml"
    assert "measured: 0.0," in golden.read_text()
    scene.runpytest().assert_outcomes(passed=1)
    monkeypatch.setenv("BY", "0")
    scene.runpytest().assert_outcomes(failed=1)
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    assert 'edit: "none"' in golden.read_text()
    scene.runpytest().assert_outcomes(passed=1)


def test_what_is_approved_of_a_run_without_an_edit_says_so(scene, monkeypatch):
    scene.makepyfile(test_x=COMPOSITED)
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    monkeypatch.setenv("BY", "0")
    scene.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    monkeypatch.chdir(scene.path)
    assert main(["approve", "run"]) == 0
    assert 'edit: "none"' in (scene.path / "goldens/test_x.py.yaml").read_text()
    scene.runpytest().assert_outcomes(passed=1)


def test_calibrate_takes_no_value_of_a_lost_edit(scene, monkeypatch, capsys):
    scene.makepyfile(test_x=COMPOSITED)
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    monkeypatch.chdir(scene.path)
    for run, by in enumerate(("90", "80", "0")):
        monkeypatch.setenv("BY", by)
        scene.runpytest(f"--editmetrics-run-dir=run{run}")
        results = scene.path / f"run{run}/results.jsonl"
        text = results.read_text()  # all may be of one second
        results.write_text(re.sub('"started": ?"20', f'"started":"2{run + 1}', text, count=1))
    capsys.readouterr()
    assert main(["calibrate", "run0", "run1", "run2", "--write"]) == 1
    assert "in run2 the edited image equals its reference" in capsys.readouterr().out
    assert "edit:" not in (scene.path / "goldens/test_x.py.yaml").read_text()


@pytest.mark.parametrize("area", ["[(9, 9, 20, 20)]", "None"])
def test_a_golden_of_repetitions_of_which_one_edits_nothing_holds_for_each(scene, area):
    scene.makepyfile(
        test_x=f"""
        from hypothesis import HealthCheck, example, given, settings, strategies as st
        from scene import *

        @given(st.just(90))
        @example(0)
        @settings(max_examples=2, suppress_health_check=list(HealthCheck), deadline=None)
        def test_it(edit_gate, by):
            image = scene().copy()
            image[9:20, 9:20] += np.uint8(by)
            edit_gate.check(scene(), image, {area}, metrics=["unedit_max_diff"])
        """
    )
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    assert 'edit: "none"' in (scene.path / "goldens/test_x.py.yaml").read_text()
    scene.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(("expect", "told"), [("generative", True), ("composited", False)])
def test_a_whole_picture_that_was_to_be_rewritten_and_was_not_is_told(bounded, expect, told):
    bounded.makepyfile(
        test_x=WHOLE.format(area="None", expect=expect).replace(
            "made = scene() if", "made = scene() if 1 or"
        )
    )
    result = bounded.runpytest()
    result.assert_outcomes(passed=1)
    assert ("unchanged: 1 gate compared an image with its equal" in result.stdout.str()) == told


def test_score_says_so_too(bounded, capsys):
    from PIL import Image

    for name in ("a", "b"):
        Image.new("RGB", (64, 64)).save(bounded.path / f"{name}.png")
    row = {"id": "r", "reference": "a.png", "edited": "b.png", "metrics": ["unedit_max_diff"]}
    (bounded.path / "m.jsonl").write_text(json.dumps(row))
    assert main(["score", "m.jsonl"]) == 0
    assert "black: 1 gate compared black images alone" in capsys.readouterr().out


def test_what_recording_refuses_of_a_lost_edit_approve_refuses(scene, monkeypatch):
    text = WHOLE.format(area="[(9, 9, 20, 20)]", expect="composited")
    scene.makepyfile(
        test_x=text.replace('["unedit_max_diff"], name="a"', '["unedit_max_diff", "edit_lpips"]')
    )
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    golden = scene.path / "goldens" / "test_x.py.yaml"
    before = golden.read_text()
    monkeypatch.setenv("BROKEN", "1")
    scene.runpytest("--editmetrics-update=failed").assert_outcomes(failed=1)
    assert golden.read_text() == before
    scene.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    main(["approve", "run"])
    assert golden.read_text() == before


def test_a_black_golden_image_is_told_as_it_is_recorded_and_as_it_holds(suite):
    suite.makepyfile(
        test_x="""
        import numpy as np
        def test_it(golden_image): golden_image.check(np.zeros((32, 32, 3), np.uint8))
        def test_other(golden_image): golden_image.check(np.full((32, 32, 3), 9, np.uint8))
        """
    )
    said = "black: 3 gates compared black images alone, in which no fault shows (first test_x.py::*"
    suite.runpytest("--editmetrics-update=missing").stdout.fnmatch_lines([said])
    suite.runpytest().stdout.fnmatch_lines([said])
