"""Workers that are killed: nothing is lost, and nothing is green that did not run."""

from __future__ import annotations

import os

import pytest
from hostile import EXACT

from pytest_editmetrics.runs.folder import read_run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGKILL is POSIX")

TESTS = """
import os
import signal

import numpy as np
import pytest


@pytest.fixture
def dies_late(request):
    yield
    if request.node.callspec.params["i"] == 4:
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("i", range(8))
def test_it(check, golden_image, dies_late, i):
    check(10 + i)
    golden_image.check(np.full((8, 8, 3), i, np.uint8))
    if i == 2:
        os.kill(os.getpid(), signal.SIGKILL)
"""
KILLED = ["test_x.py::test_it[2]", "test_x.py::test_it[4]"]


def test_killed_in_the_test_and_in_its_teardown(suite):
    (suite.path / "editmetrics.yaml").write_text(EXACT)
    suite.makepyfile(test_x=TESTS)
    result = suite.runpytest(
        "-n2", "--editmetrics-update=missing", "--editmetrics-results=r.jsonl",
        "--editmetrics-run-dir=run",
    )  # fmt: skip
    assert result.ret == 1
    for nodeid in KILLED:
        result.stdout.fnmatch_lines([f"*crashed*{nodeid.replace('[', '[[]')}*"])
    run = read_run(suite.path / "r.jsonl")
    assert sorted(run.crashed) == KILLED
    others = [f"test_x.py::test_it[{i}]" for i in range(8) if i not in (2, 4)]
    expected = sorted((nodeid, metric) for nodeid in others for metric in ("score", "golden_exact"))
    assert sorted((record.nodeid, record.gate.metric) for record in run.gates) == expected
    assert all(record.gate.verdict == "recorded" for record in run.gates)
    assert run.end["crashed"] == 2
    assert len(read_run(suite.path / "run").gates) == len(expected)
    golden = (suite.path / "goldens" / "test_x.py.yaml").read_text()
    images = {path.name for path in (suite.path / "goldens" / "test_x.py").glob("*.png")}
    for i in range(8):
        assert (f'"test_it[{i}]"' in golden) == (i not in (2, 4))
        assert any(name.startswith(f"test_it-{i}-") for name in images) == (i not in (2, 4))

    suite.makepyfile(test_x=TESTS.replace("SIGKILL", "SIGCONT"))
    again = suite.runpytest("--editmetrics-update=missing")
    again.assert_outcomes(passed=8)
    assert len(list((suite.path / "goldens" / "test_x.py").glob("*.png"))) == 8
    assert sorted(path.name for path in (suite.path / "goldens").iterdir()) == [
        "test_x.py",
        "test_x.py.yaml",
    ]


def test_killed_and_not_restarted(suite):
    """What did not run is in no count, and the session fails."""
    suite.makepyfile(test_x=TESTS.replace("golden_image.check", "len"))
    result = suite.runpytest(
        "-n1", "--max-worker-restart=0", "--editmetrics-update=missing",
        "--editmetrics-results=r.jsonl",
    )  # fmt: skip
    assert result.ret == 1
    run = read_run(suite.path / "r.jsonl")
    assert [record.nodeid[-3:] for record in run.gates] == ["[0]", "[1]"]
    assert run.crashed == (KILLED[0],)
    assert not run.end["full"]
    assert (suite.path / "goldens" / "test_x.py.yaml").read_text().count("score") == 2


LOST = """
import os, pathlib, signal, subprocess, sys

CALL = (
    "import numpy as np\\n"
    "from pytest_editmetrics import assert_unedit_lpips_below as below\\n"
    "image = np.zeros((8, 8, 3), np.uint8)\\n"
    "below(image, image, None, 1)\\n"
)

def test_1_process(): subprocess.run([sys.executable, "-c", CALL])
def test_2(check): check(1, 1)
def test_3(check):
    there = pathlib.Path(__file__).with_name("there")
    if not there.exists() and "KILL" in os.environ:
        there.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    check(1, 1)
"""


@pytest.mark.parametrize("kill", [False, True])
def test_what_a_worker_lost_before_it_was_killed_is_told(suite, monkeypatch, kill):
    if kill:
        monkeypatch.setenv("KILL", "1")
    suite.makepyfile(test_x=LOST)
    result = suite.runpytest("-n1")
    assert result.ret == 1
    lines = [line for line in result.outlines if line.startswith("FAILED: a gate reached no")]
    assert len(lines) == 1
    assert "test_x.py::test_1_process: a helper was called in another process" in lines[0]
    assert ("node down" in str(result.stdout)) == kill
