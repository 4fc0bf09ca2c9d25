"""pytest's short summary has one line of a failing gate, also in CI, where pytest cuts nothing."""

from __future__ import annotations

from xml.etree import ElementTree

TEST = """
from scene import *

def test_edit(edit_gate):
    edit_gate.check(scene(), np.roll(edited(), 3, axis=1), BOX, expect="composited")

def test_wrong(edit_gate):
    edit_gate.check(scene(), edited(), BOX, expect="composit")
"""


def test_it_is_one_line_in_ci(scene, monkeypatch):
    monkeypatch.setenv("CI", "true")
    scene.makepyfile(test_edit=TEST)
    result = scene.runpytest("-ra", "--junitxml=j.xml")
    result.assert_outcomes(failed=2)
    lines = result.outlines
    start = next(i for i, line in enumerate(lines) if "short test summary info" in line)
    short = [line for line in lines[start + 1 :] if not line.startswith("::")]
    gate, error, end = (line for line in short if line)
    assert gate.startswith("FAILED test_edit.py::test_edit - unedit_max_diff ")
    assert gate.endswith("background moved 3.00 px right (100 %)")
    assert error.startswith("FAILED test_edit.py::test_wrong - unknown expect='composit'")
    assert "2 failed" in end
    result.stdout.fnmatch_lines(["E           cause     shift (100 %)*"])
    failure = next(ElementTree.parse(scene.path / "j.xml").iter("failure"))
    assert f" - {failure.get('message')}" in gate
    assert "cause     shift (100 %)" in (failure.text or "")
