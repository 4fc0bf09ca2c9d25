"""Images of unlike sizes are brought together in a way that hides something"""

from __future__ import annotations

import json
import sys

import pytest

UNLIKE = """
from scene import *
EDIT = scene().copy()
EDIT[24:64, 20:60] = 255 - EDIT[24:64, 20:60]
CUT = EDIT[2:122, 4:124]
SMALL = np.asarray(Image.fromarray(EDIT).resize((96, 96), Image.Resampling.LANCZOS))
FLAT = np.asarray(Image.fromarray(EDIT).resize((128, 72), Image.Resampling.LANCZOS))
"""
LAX = "metrics: [unedit_psnr]\nthresholds: {unedit_psnr: {min: 1}}\n"


@pytest.fixture
def lax(scene):
    """A suite whose default bound holds for nearly every pair."""
    scene.makepyfile(unlike=UNLIKE)
    settings(scene)
    return scene


def settings(suite, more: str = "") -> None:
    (suite.path / "editmetrics.yaml").write_text(LAX + more)


def write(suite, call: str, head: str = "") -> None:
    suite.makepyfile(
        test_x=f"from unlike import *\nimport pytest\n{head}"
        f"def test_it(edit_gate):\n    edit_gate.check({call})\n"
    )


def recorded(suite, call: str, *options: str) -> None:
    write(suite, call)
    suite.runpytest("--editmetrics-update=all", *options).assert_outcomes(passed=1)


def test_no_mode(lax, assert_came, workers):
    """An edited image of another size, and nobody says a mode."""
    write(lax, "scene(), CUT, BOX")
    assert_came(lax.runpytest(*workers), 1, "*resize='crop-center' fits best (in YAML `resize: *")


def test_a_model_that_begins_to_cut(lax, assert_came, workers):
    """The settings say `resize: crop-center`, and a model whose goldens are of the reference's size
    begins to return a part of it."""
    settings(lax, "resize: crop-center\n")
    recorded(lax, "scene(), EDIT, BOX")
    write(lax, "scene(), CUT, BOX")
    result = lax.runpytest(*workers)
    assert_came(result, 1, "*was measured on images of one size, and today's value under resize *")


def test_another_mode_in_the_settings(lax, assert_came, workers):
    """The settings' mode is changed after goldens were recorded."""
    settings(lax, "resize: edited\n")
    recorded(lax, "scene(), SMALL, BOX")
    settings(lax, "resize: reference\n")
    result = lax.runpytest(*workers)
    assert_came(result, 1, "*measured under resize 'edited', and today's value under resize 'ref*")


def test_another_mode_while_missing_goldens_are_recorded(lax, assert_came):
    """The same, under `--editmetrics-update=missing`."""
    settings(lax, "resize: edited\n")
    recorded(lax, "scene(), SMALL, BOX")
    settings(lax, "resize: reference\n")
    result = lax.runpytest("--editmetrics-update=missing")
    assert_came(result, 1, "*measured under resize 'edited', and today's value under resize 'ref*")


def test_another_mode_behind_an_xfail_mark(lax, assert_came):
    """The same, of a test that is expected to fail."""
    recorded(lax, "scene(), SMALL, BOX, resize='edited'")
    write(lax, "scene(), SMALL, BOX, resize='reference'", "@pytest.mark.xfail\n")
    result = lax.runpytest()
    result.assert_outcomes(failed=1)
    assert_came(result, 1, "*measured under resize 'edited', and today's value under resize 'ref*")


def test_a_stretch(lax, assert_came, workers):
    """A model returns 128x72 px of a square, under `resize: edited`."""
    settings(lax, "resize: edited\n")
    write(lax, "scene(), FLAT, BOX")
    assert_came(lax.runpytest(*workers), 1, "*resize='edited' would stretch: *128x72*128x128*")


def test_a_crop_that_leaves_the_edit_out(lax, assert_came, workers):
    """A crop keeps nothing of the edit area, and only the background is measured."""
    write(lax, "scene(), EDIT[:, 31:97], [(0, 0, 30, 128)], resize='crop-center'")
    result = lax.runpytest(*workers)
    assert_came(result, 1, "*nothing of it can be seen in the other image")


def test_a_mode_on_a_marker(lax, assert_came):
    """`@pytest.mark.editmetrics(resize="edited")`, which no marker takes."""
    write(lax, "scene(), SMALL, BOX", "@pytest.mark.editmetrics(resize='edited')\n")
    assert_came(lax.runpytest(), 1, "*marker of * has 'resize', which no pipe takes*")


def test_runs_of_two_modes_calibrated_together(lax, assert_came):
    """`editmetrics calibrate` takes runs of two modes."""
    for number, mode in enumerate(("edited", "reference")):
        write(lax, f"scene(), SMALL, BOX, resize={mode!r}")
        lax.runpytest(f"--editmetrics-run-dir=run{number}").assert_outcomes(passed=1)
    result = lax.run(
        sys.executable, "-m", "pytest_editmetrics.cli.main", "calibrate", "run0", "run1"
    )
    assert_came(result, 1, "*was measured in different ways: *resize edited*resize reference*")


def test_a_paired_suite_gate_of_two_modes(lax, assert_came):
    """A suite gate compares with a base of another mode."""
    write(lax, "scene(), SMALL, BOX, resize='reference'")
    lax.runpytest("--editmetrics-results=base.jsonl").assert_outcomes(passed=1)
    settings(lax, "suite: {base: base.jsonl, unedit_psnr: {regressions: {max: 1, by: 1}}}\n")
    write(lax, "scene(), SMALL, BOX, resize='edited'")
    assert_came(lax.runpytest(), 1, "*resize reference, then resize edited*")


def test_goldens_of_two_cases_swapped(lax, assert_came):
    """The goldens of a test whose images are of one size and of one whose are not are swapped."""
    lax.makepyfile(
        test_x="from unlike import *\nimport pytest\n"
        "@pytest.mark.parametrize('image', [EDIT, CUT], ids=['x', 'y'])\n"
        "def test_it(edit_gate, image):\n"
        "    edit_gate.check(scene(), image, BOX, resize='crop-center')\n"
    )
    lax.runpytest("--editmetrics-update=all").assert_outcomes(passed=2)
    golden = lax.path / "goldens" / "test_x.py.yaml"
    text = golden.read_text()
    golden.write_text(text.replace("[x]", "[?]").replace("[y]", "[x]").replace("[?]", "[y]"))
    result = lax.runpytest()
    result.assert_outcomes(failed=2)
    assert_came(result, 1, "*was measured on images of one size, and today's value under resize *")


def test_a_saved_run_whose_mode_was_edited(lax, assert_came):
    """Somebody writes another mode into a saved run, and scores it."""
    recorded(lax, "scene(), SMALL, BOX, resize='edited'", "--editmetrics-run-dir=run")
    path = lax.path / "run" / "results.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        if "region" in record:
            record["region"]["resize"] = "reference"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    result = lax.run(
        sys.executable, "-m", "pytest_editmetrics.cli.main", "score", "run", "-o", "again"
    )
    assert_came(result, 1, "FAILED: 1 gate could not be judged")
