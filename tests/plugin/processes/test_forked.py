"""A suite that is forked from a warm process does, to its end, what it does in one of its own.

Most suites under test are forked from a process that has imported everything, and end without the
interpreter's own end: here what they say and leave is held against what a user's process does.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = "thresholds: {lpips: 9, unedit_max_diff: 2}\n"
TESTS = """
import numpy as np
import pytest

BEFORE = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
EDITED = BEFORE.copy()
EDITED[40:, 40:] //= 2
BOX = [(0, 0, 32, 32)]


def test_value(edit_gate):
    edit_gate.check(BEFORE, EDITED, BOX, metrics=["lpips"])


def test_image(golden_image):
    golden_image.check(EDITED)


def test_failing(edit_gate):
    edit_gate.check(BEFORE, EDITED, BOX, metrics=["unedit_max_diff"])
"""
OUTPUTS = (
    "--editmetrics-update=missing",
    "--editmetrics-results=out/r.jsonl",
    "--editmetrics-summary=out/s.md",
    "--editmetrics-html=out/r.html",
    "--editmetrics-run-dir=out/run",
)


@pytest.fixture(params=[(), pytest.param(("-n2",), marks=pytest.mark.slow)], ids=["serial", "-n2"])
def both(request, pytester, monkeypatch):
    """Run the suite, forked and in processes of its own; return what each said and left."""

    def run(how: str, *options: str) -> tuple[int, list[str], str, set[str]]:
        folder = pytester.path / how / "project"
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / "editmetrics.yaml").write_text(SETTINGS)
            (folder / "test_x.py").write_text(TESTS)
            (folder / "pytest.ini").write_text("[pytest]\n")
        monkeypatch.chdir(folder)
        monkeypatch.setenv("EDITMETRICS_CACHE", str(folder / "cache"))
        args = (*request.param, "-p", "no:cacheprovider", *options)
        if how == "forked":
            done = pytester.runpytest_subprocess(*args)
            status, said, wrong = int(done.ret), done.outlines, str(done.stderr)
        else:
            ran = subprocess.run(
                [sys.executable, "-m", "pytest", f"--basetemp={pytester.path / 'temporary'}", *args],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            status, said, wrong = ran.returncode, ran.stdout.splitlines(), ran.stderr
        said = sorted(_plain(line, folder) for line in said)
        return status, said, wrong, {_plain(name, folder) for name in _left(folder)}

    def both(*options: str) -> list[tuple[int, list[str], str, set[str]]]:
        return [run(how, *options) for how in ("forked", "its own")]

    return both


def _plain(line: str, folder: Path) -> str:
    """Return a line without what differs from run to run: times, the folder, which worker it was."""
    line = re.sub(r"\b\d+(\.\d+)? ?m?s\b", "TIME", line.replace(str(folder), "FOLDER"))
    line = re.sub(r"--basetemp=\S+", "--basetemp", line)
    line = re.sub(r"^[.F]{3} ", "... ", re.sub(r"\[gw\d\]", "[gw]", line))
    return re.sub(r"=+", "=", re.sub(r"project-[0-9a-f]{8}", "project", line))


def _left(folder: Path) -> list[str]:
    """Return the files, but what a process that had torch already need not remember."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return [name for name in names if not name.startswith("cache/torch")]


@pytest.mark.slow
def test_it_ends_as_one_in_a_process_of_its_own_does(both):
    for options in (OUTPUTS, ()):  # the second without torch, which keeps much from being let go of
        forked, own = both(*options)
        assert forked == own
        status, said, wrong, left = own
        assert (status, wrong) == (1, "")
        assert any("1 failed, 2 passed" in line for line in said)
        assert {"out/run/results.jsonl", "out/r.jsonl", "out/r.html", "out/s.md"} <= left
        assert any(name.startswith("cache/features/") for name in left)
        assert not any(name.startswith("cache/work") or "tmp" in name for name in left)
