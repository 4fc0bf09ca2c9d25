"""What a killed recording left beside goldens goes with the next one, or with `prune`, and is told."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.goldens.leftovers import staged_name

TEST = """
import numpy as np

def test_it(golden_image):
    golden_image.check(np.full((8, 8, 3), 9, np.uint8))
"""
ALIVE = staged_name()
TOLD = "removed: 2 unfinished goldens of sessions that were killed"


@pytest.fixture
def left(suite):
    """A project with goldens, in whose folders a killed session left two files."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    host = ALIVE.split("-")[1]
    suite.makepyfile(test_x=TEST, test_y=TEST)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    for digit in "ab":
        name = f".editmetrics-{host}-{process.pid}-{digit * 16}.staged"
        (suite.path / "goldens" / name).touch()
    (suite.path / "goldens" / ALIVE).touch()
    return suite


def beside(project):
    return {path.name for path in (project.path / "goldens").iterdir() if path.is_file()}


def test_the_next_recording_removes_it(left):
    result = left.runpytest("--editmetrics-update=missing", "test_x.py")
    result.stdout.fnmatch_lines([TOLD])
    assert beside(left) == {ALIVE}


def test_a_session_that_records_nothing_leaves_it(left):
    left.runpytest().stdout.no_fnmatch_line("removed: *")
    assert len(beside(left)) == 3


def test_prune_removes_it_where_it_may(left, monkeypatch, capsys):
    left.runpytest("--editmetrics-run-dir=run")
    monkeypatch.chdir(left.path)
    assert main(["prune", "run"]) == 0
    assert len(beside(left)) == 3
    assert main(["prune", "run", "--yes"]) == 0
    assert "removed 2 unfinished goldens of sessions that were killed" in capsys.readouterr().out
    assert beside(left) == {ALIVE}
