"""How many goldens of failing tests were not reached, behind the gate that failed, or dropped."""

from __future__ import annotations

import pytest

TEST = """
import os
from scene import *

def made():
    return np.roll(edited(), int(os.environ["MOVED"]), axis=1)

def test_edit(edit_gate, golden_image):
    edit_gate.check(scene(), made(), BOX, metrics=["lpips"])
    edit_gate.check(scene(), made(), BOX, metrics=["lpips", "tone"], name="again")
    golden_image.check(made())

def test_other(edit_gate):
    edit_gate.check(scene(), edited(), BOX, metrics=["lpips"])
"""
LINE = (
    "not reached: 3 goldens of 1 test that failed before (first test_edit.py::test_edit); what it"
    " would hold is unknown until the gates before pass or are accepted: pytest"
    " --editmetrics-update=failed accepts those and goes on"
)


@pytest.fixture
def recorded(scene, monkeypatch):
    monkeypatch.setenv("MOVED", "0")
    scene.makepyfile(test_edit=TEST)
    scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    monkeypatch.setenv("MOVED", "3")
    return scene


def test_goldens_behind_the_gate_that_fails_are_counted(recorded):
    result = recorded.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([LINE.replace("[", "[[]")])


def test_an_update_takes_all_of_them_at_once(recorded):
    result = recorded.runpytest("--editmetrics-update=failed")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*not reached*")
    result = recorded.runpytest()
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*not reached*")


def test_a_test_that_came_to_all_of_its_gates_says_nothing(recorded):
    first = 'edit_gate.check(scene(), made(), BOX, metrics=["lpips"])'
    text = TEST.replace(first, first.replace("made()", "edited()"))
    text = text.replace("    golden_image.check(made())\n", "")
    head = "(edit_gate, golden_image):\n"
    recorded.makepyfile(test_edit=text.replace(head, f"{head}    golden_image.check(edited())\n"))
    result = recorded.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*not reached*")


def test_golden_images_alone_are_counted_too(scene, monkeypatch):
    monkeypatch.setenv("MOVED", "0")
    scene.makepyfile(
        test_edit=TEST.partition("def test_edit")[0]
        + "def test_edit(golden_image):\n    golden_image.check(made())\n"
        "    golden_image.check(made()[::-1], name='second')\n"
    )
    scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    monkeypatch.setenv("MOVED", "3")
    scene.runpytest().stdout.fnmatch_lines(["not reached: 1 golden of 1 test that failed before *"])


CASES = "cases:\n" + "".join(
    f"  - {{id: {name}, reference: before.png, edited: after.png,"
    " coords: [[20, 24, 60, 64]], expect: EXPECT}\n"
    for name in ("one", "two")
)
PICTURES = """
from scene import *
Image.fromarray(scene()).save("before.png")
Image.fromarray(jpeg(edited(), 90)).save("after.png")
"""
DROPPED = (
    "not measured: 16 goldens of 2 tests that failed, while other metrics of their checks were"
    " (first goldens/test_x.edit.yaml.yaml:*: one *; expect='composited' measures unedit_max_diff,"
    " lpips, edit_lpips); measure or delete them"
)


def test_goldens_that_another_expect_does_not_measure_are_not_behind_anything(scene):
    scene.runpython_c(PICTURES)
    cases = scene.path / "test_x.edit.yaml"
    cases.write_text(CASES.replace("EXPECT", "reencoded"))
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=2)
    cases.write_text(CASES.replace("EXPECT", "composited"))
    result = scene.runpytest()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines([DROPPED])
    result.stdout.no_fnmatch_line("*not reached*")


def test_a_check_of_a_test_may_be_measured_later_under_the_same_name(recorded):
    text = TEST.replace('metrics=["lpips", "tone"]', 'metrics=["lpips"]')
    text = text.replace('edit_gate.check(scene(), made(), BOX, metrics=["lpips"])', "pass")
    recorded.makepyfile(test_edit=text)
    result = recorded.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "not reached: 2 goldens of 1 test that failed before *",
            "not measured: 1 golden of 1 test that failed, while other metrics of its check were"
            " (first goldens/test_edit.py.yaml:*: test_edit tone@again; measured: lpips); measure"
            " or delete it, if no later check measures it",
        ]
    )
