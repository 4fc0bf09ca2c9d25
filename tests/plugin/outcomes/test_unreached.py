"""The gate that fails first hides the ones after it: how many goldens were not reached is said."""

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
