"""What is recorded for the first time is held to nothing: a pair that looks broken is told."""

from __future__ import annotations

import pytest

TEST = """
from scene import *


def other():
    random = np.random.default_rng(5)
    coarse = Image.fromarray(random.integers(30, 220, (24, 24, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((128, 128), Image.Resampling.BICUBIC))


def test_edit(edit_gate):
    edit_gate.check(scene(), {made}, BOX)
"""
MISSING = "--editmetrics-update=missing"


def recorded(scene, made: str, *options: str, update: str = MISSING) -> pytest.RunResult:
    scene.makepyfile(test_edit=TEST.format(made=made))
    result = scene.runpytest(update, *options)
    result.assert_outcomes(passed=1)
    return result


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("made", "cause"),
    [
        ("other()", "redrawn (* %)*"),
        ("edited()[:, ::-1]", "background mirrored (100 %)*"),
        ("edited()[..., ::-1]", "red and blue are swapped (BGR?) (100 %)"),
        ("np.full_like(scene(), 0)", "*"),
    ],
)
def test_a_pair_that_looks_broken_is_told_as_it_is_recorded(scene, made, cause):
    result = recorded(scene, made)
    head = ["recorded, and worth a look: 1", f"  test_edit.py::test_edit: lpips *: {cause}"]
    result.stdout.fnmatch_lines(head, consecutive=True)
    scene.runpytest().stdout.no_fnmatch_line("*worth a look*")


def test_the_table_shows_the_worst_value_that_was_recorded(scene):
    result = recorded(scene, "other()")
    result.stdout.fnmatch_lines(
        ["metric  gates*worst value", "lpips  *  0.* (recorded, max *): test_edit.py::test_edit"]
    )


@pytest.mark.parametrize("made", ["edited()", "jpeg(edited(), 60)", "np.roll(edited(), 1, axis=1)"])
def test_what_a_model_may_do_to_a_background_is_recorded_without_a_word(scene, made):
    recorded(scene, made).stdout.no_fnmatch_line("*worth a look*")


def test_what_is_recorded_beyond_what_expect_holds_has_its_cause_too(scene):
    (scene.path / "editmetrics.yaml").write_text("expect: generative\n")
    result = recorded(scene, "edited()[:, ::-1]", update="--editmetrics-update=all")
    result.stdout.fnmatch_lines(["  test_edit.py::test_edit: *: background mirrored (* %)*"])
