"""The example repository passes, and says what is wrong with its model (`make example` does all)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from run_example import BREAKS, EXAMPLE, MODEL  # noqa: E402


@pytest.fixture
def run(tmp_path, programs, monkeypatch):
    """A copy; runs its suite."""
    unwanted = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    project = shutil.copytree(EXAMPLE, tmp_path / "project", ignore=unwanted)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    def run(*args: str) -> tuple[int, str]:
        command = ["pytest", "-p", "no:cacheprovider", *args]
        done = subprocess.run(
            [*command, "-o", "pythonpath=src"], cwd=project, capture_output=True, text=True, check=False
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return project / MODEL, run


def test_it_passes_and_a_break_is_named(run):
    model, suite = run
    status, said = suite()
    assert status == 0, said
    one = BREAKS[0]
    model.write_text(model.read_text("utf-8").replace(one.line, one.broken), encoding="utf-8")
    status, said = suite("-k", "blue")
    assert status == 1
    assert re.search(one.said, said)


def test_each_break_has_its_line():
    model = (EXAMPLE / MODEL).read_text("utf-8")
    assert len(BREAKS) == 3
    for one in BREAKS:
        assert model.count(one.line) == 1
        assert one.broken != one.line
