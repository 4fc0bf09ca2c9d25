"""A hostile environment: no home, no cache, a clock that went back, no memory, a lost GPU."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hostile import read_only

from pytest_editmetrics.cache.folder import CacheFolder
from pytest_editmetrics.cli.main import main
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.runs.results import ResultsFile
from pytest_editmetrics.runs.writing import RunDir

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="as on Linux")
LPIPS = """
import numpy as np
from pytest_editmetrics import assert_unedit_lpips_below

def test_it():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert_unedit_lpips_below(image, 255 - image, None, 9)
"""


@pytest.fixture
def no_account(monkeypatch):
    """Run under a number of no account, as containers do, and without HOME."""
    if not hasattr(os, "setresuid") or os.geteuid() != 0:
        pytest.skip("only root can take another user's number")
    for name in ("HOME", "XDG_CACHE_HOME", "EDITMETRICS_CACHE"):
        monkeypatch.delenv(name, raising=False)
    try:
        os.setresuid(54321, 0, 0)
    except OSError as error:
        pytest.skip(f"this user namespace has no other user: {error}")
    with pytest.raises(RuntimeError, match="home"):
        Path.home()
    yield
    os.setresuid(0, 0, 0)


def test_no_home(pytester, no_account):
    pytester.makepyfile(LPIPS)
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["feature cache: there is no home*EDITMETRICS_CACHE*goes on without"]
    )
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_no_home_for_the_cache_command(no_account, capsys):
    assert main(["cache", "info"]) == 1
    assert "there is no home directory" in capsys.readouterr().err


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null"])
def test_a_home_that_is_none(pytester, monkeypatch, home):
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv("EDITMETRICS_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    pytester.makepyfile(LPIPS)
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [f"feature cache: {home}/.cache/*cannot be written*goes on without"]
    )


@linux
def test_a_cache_that_is_read_only(pytester, monkeypatch, tmp_path):
    """Features that are there are read; new ones are computed, and it is said once."""
    cache = tmp_path / "kept"
    cache.mkdir()
    monkeypatch.setenv("EDITMETRICS_CACHE", str(cache))
    pytester.makepyfile(LPIPS)
    pytester.runpytest().assert_outcomes(passed=1)
    with read_only(cache):
        pytester.makepyfile(LPIPS + LPIPS.replace("test_it", "test_other").replace("(0)", "(1)"))
        result = pytester.runpytest()
        result.assert_outcomes(passed=2)
        (said,) = [line for line in result.outlines if line.startswith("feature cache:")]
        assert "Read-only file system" in said
        assert "cannot be written" in said
        pytester.makepyfile(LPIPS)
        result = pytester.runpytest()
        result.assert_outcomes(passed=1)
        result.stdout.no_fnmatch_line("feature cache:*")


def test_features_whose_date_cannot_be_set_are_read(tmp_path, monkeypatch):
    """Of another user, or mounted read-only, they are whole."""
    CacheFolder(tmp_path, 24_000).write("a", [np.arange(9)])

    def refuse(path, *args, **named):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "utime", refuse)
    folder = CacheFolder(tmp_path, 24_000)
    (found,) = folder.read("a")
    assert found.tolist() == list(range(9))
    assert folder.take_notes() == []


def test_a_clock_that_went_back(tmp_path):
    """What was kept under the wrong date makes room for what is new; it is read meanwhile."""
    folder = CacheFolder(tmp_path, 24_000)
    far_ahead = 4_102_444_800  # the year 2100
    for number in range(4):
        folder.write(f"future {number}", [np.zeros(1000, np.float32)])
    for path in tmp_path.rglob("*.safetensors"):
        os.utime(path, (far_ahead, far_ahead))
    assert folder.read("future 0") is not None
    for number in range(4):
        folder.write(f"new {number}", [np.zeros(1000, np.float32)])
        assert folder.read(f"new {number}") is not None
        assert folder.info().nbytes <= 24_000
    assert folder.read("new 0") is not None
    assert folder.read("future 0") is not None
    assert folder.read("future 1") is None
    assert folder.take_notes() == []


@linux
def test_no_memory_for_a_model(pytester):
    """The address space of the process is limited for real while lpips needs hundreds of MB.

    In a process of its own: what a library kept of the failure would meet the tests after it.
    """
    pytester.makepyfile(
        """
        import resource
        from pathlib import Path
        import numpy as np
        import pytest

        @pytest.fixture
        def little_memory():
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            soft, hard = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (used + 100 * 2**20, hard))
            yield
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

        def check(edit_gate, size):
            image = np.zeros((size, size, 3), np.uint8)
            edit_gate.check(image, image + 100, metrics=["lpips", "unedit_psnr"])

        @pytest.mark.editmetrics(thresholds={"lpips": 100, "unedit_psnr": 0.1})
        class TestIt:
            def test_before(self, edit_gate): check(edit_gate, 64)
            def test_large(self, edit_gate, little_memory): check(edit_gate, 2000)
            def test_after(self, edit_gate): check(edit_gate, 96)
        """
    )
    result = pytester.runpytest_subprocess("--editmetrics-results=r.jsonl")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*out of memory: lpips of a 2000x2000 image with lpips:alex on cpu. Call release()*"]
    )
    gates = {
        (r.nodeid[-5:], r.gate.metric): r.gate for r in read_run(pytester.path / "r.jsonl").gates
    }
    assert len(gates) == 6
    assert gates["large", "lpips"].verdict == "error"
    assert gates["after", "lpips"].verdict == "pass"


PIPE = """
import pytest
import torch
from pytest_editmetrics import Metric

class Pipe:
    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        if reference[0, 0, 0]:
            FAULT
        return 0.0

def pytest_editmetrics_register_pipes(registry):
    registry.register("my-pipe", Pipe, metrics=[Metric("mine", "lower")])
"""
USES_PIPE = """
import numpy as np
import pytest

@pytest.mark.parametrize("level", [0, 1, 0])
def test_it(edit_gate, level):
    image = np.full((40, 60, 3), level, np.uint8)
    edit_gate.check(image, image.copy(), metrics="mine", expect=None)
"""


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            "torch.empty(10**15, dtype=torch.uint8)",
            "*out of memory: mine of a 60x40 image: my-pipe raised RuntimeError:*",
        ),
        ("bytearray(2**60)", "*out of memory: mine of a 60x40 image: my-pipe raised MemoryError:*"),
        (  # simulated: there is no GPU to lose
            'raise getattr(torch, "AcceleratorError", RuntimeError)("CUDA error: device lost")',
            "*my-pipe raised *Error: CUDA error: device lost (*conftest.py:*",
        ),
    ],
    ids=["torch-memory", "memory", "gpu-lost-simulated"],
)
def test_a_pipe_that_fails_leaves_the_rest_of_the_suite_alone(pytester, fault, says):
    pytester.makeconftest(PIPE.replace("FAULT", fault))
    pytester.makepyfile(USES_PIPE)
    (pytester.path / "editmetrics.yaml").write_text("thresholds: {mine: 1}\n")
    result = pytester.runpytest("--editmetrics-results=r.jsonl")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([says])
    verdicts = [record.gate.verdict for record in read_run(pytester.path / "r.jsonl").gates]
    assert verdicts == ["pass", "error", "pass"]


@pytest.mark.parametrize(
    "command",
    [
        ["report", "new"],
        ["compare", "new", "old"],
        ["compare", "old", "new"],
        ["merge", "-o", "out", "old", "new"],
        ["approve", "new"],
        ["score", "new"],
        ["prune", "new"],
        ["calibrate", "old", "new"],
        ["selftest", "new"],
    ],
    ids=" ".join,
)
def test_results_of_a_newer_version_are_refused(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    for name in ("old", "new"):
        RunDir(tmp_path / name).prepare()
        with ResultsFile(tmp_path / name / "results.jsonl", {}, "2026-01-01") as results:
            results.close({"gates": 0})
    results_file = tmp_path / "new" / "results.jsonl"
    results_file.write_text(results_file.read_text().replace('"version": 1', '"version": 2'))
    before = sorted(tmp_path.rglob("*"))
    assert main(command) != 0
    said = capsys.readouterr().err
    assert "new/results.jsonl:1: version 2 is newer than this pytest-editmetrics reads (1)" in said
    assert "upgrade it" in said
    assert sorted(tmp_path.rglob("*")) == before
