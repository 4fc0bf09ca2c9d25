"""Ctrl-C in an update, and two updates at once: goldens are old or new, and none is lost unseen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest_text import add_to_conftest
from hostile import EXACT

from pytest_editmetrics.goldens.images import sha256_of
from pytest_editmetrics.goldens.provenance import PROVENANCE, entry_of, read_provenance
from pytest_editmetrics.runs.folder import read_run

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX")

PATIENCE = 60


@pytest.fixture
def start(suite):
    """Start pytest as a process of its own; what is still running in the end is killed."""
    started = []

    def start(*args):
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args],
            cwd=suite.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process

    (suite.path / "editmetrics.yaml").write_text(EXACT)
    os.mkfifo(suite.path / "reached")
    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_until(process, pipe: Path) -> None:
    """Wait until the other side has opened a named pipe to write."""
    signal.alarm(PATIENCE)
    try:
        pipe.open("rb", buffering=0).close()
    finally:
        signal.alarm(0)
    assert process.poll() is None


def interrupt(process) -> str:
    """Press Ctrl-C: the whole group gets the signal, as at a terminal."""
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    return output


def whole_goldens(suite) -> tuple[set[str], set[str]]:
    """Return the tests with golden thresholds and images; each of them must be whole."""
    folder = suite.path / "goldens"
    text = (folder / "test_x.py.yaml").read_text() if (folder / "test_x.py.yaml").exists() else ""
    thresholds = {line.strip('":') for line in text.splitlines() if not line.startswith(" ")}
    assert text.count("measured:") == len(thresholds)
    entries = read_provenance(folder / "test_x.py" / PROVENANCE, folder)
    images = set()
    for path in (folder / "test_x.py").glob("*.png"):
        entry = entry_of(entries, path.name, sha256_of(path))
        assert entry is not None
        images.add(entry["test"])
    return thresholds, images


@pytest.mark.long
@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["serial", "xdist"])
def test_ctrl_c_while_a_test_runs(suite, start, mode):
    suite.makepyfile(
        test_x="""
        import signal
        import numpy as np

        def test_a(check, golden_image):
            check(20)
            golden_image.check(np.full((8, 8, 3), 1, np.uint8))

        def test_b(check, golden_image):
            check(20)
            golden_image.check(np.full((8, 8, 3), 2, np.uint8))
            open("reached", "wb").close()
            signal.pause()
        """
    )
    process = start("--editmetrics-update=missing", "--editmetrics-results=r.jsonl", *mode)
    wait_until(process, suite.path / "reached")
    interrupt(process)
    run = read_run(suite.path / "r.jsonl")
    assert not run.complete
    finished = {record.nodeid.partition("::")[2] for record in run.gates}
    assert finished <= {"test_a"}
    assert mode or finished
    assert whole_goldens(suite) == (finished, finished)


def test_ctrl_c_while_goldens_are_written(suite, start, monkeypatch):
    """The signal comes as the golden file is to take the place of the one before."""
    suite.makepyfile(
        test_x="""
        import os
        import signal
        import numpy as np

        replace = os.replace

        def wait_and_replace(source, target, **named):
            if str(target).endswith("test_x.py.yaml"):
                os.replace = replace
                open("reached", "wb").close()
                signal.pause()
            return replace(source, target, **named)

        def test_a(check, golden_image):
            check(20)
            golden_image.check(np.full((8, 8, 3), 1, np.uint8))
            if os.environ.get("WAITS"):
                os.replace = wait_and_replace
        """
    )
    monkeypatch.setenv("WAITS", "1")
    process = start("--editmetrics-update=missing", "--editmetrics-results=r.jsonl")
    wait_until(process, suite.path / "reached")
    interrupt(process)
    assert not read_run(suite.path / "r.jsonl").complete
    goldens = suite.path / "goldens"
    assert all(path.name.endswith(".staged") for path in goldens.iterdir())
    monkeypatch.delenv("WAITS")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    assert whole_goldens(suite) == ({"test_a"}, {"test_a"})
    assert sorted(p.name for p in goldens.iterdir()) == ["test_x.py", "test_x.py.yaml"]


@pytest.mark.long
def test_two_sessions_update_the_same_goldens(suite, start):
    """Both have measured before either writes; the file must hold what each of them recorded."""
    add_to_conftest(
        suite,
        """

@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop(session):
    result = yield
    open("reached", "rb" if session.config.option.keyword == "test_a" else "wb").close()
    return result
""",
    )
    suite.makepyfile(
        test_x="""
        import numpy as np
        import pytest

        @pytest.mark.parametrize("i", range(10))
        def test_a(check, golden_image, i):
            check(20)
            golden_image.check(np.full((8, 8, 3), i, np.uint8))

        @pytest.mark.parametrize("i", range(10))
        def test_b(check, golden_image, i):
            check(30)
            golden_image.check(np.full((8, 8, 3), 100 + i, np.uint8))
        """
    )
    sessions = [start("--editmetrics-update=missing", "-k", name) for name in ("test_a", "test_b")]
    for process in sessions:
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output
    every = {f"test_{name}[{i}]" for name in "ab" for i in range(10)}
    assert whole_goldens(suite) == (every, every)
    names = sorted(path.name for path in (suite.path / "goldens").iterdir())
    assert names == ["test_x.py", "test_x.py.yaml"]
