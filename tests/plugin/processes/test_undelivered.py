"""A gate in a forked process that cannot tell what it came to: the session is not green."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

TESTS = """
import os, resource, shutil, subprocess, sys
import pytest

def run(check, before=lambda: None, after=lambda: None):
    check(3, name="here")
    pid = os.fork()
    if pid == 0:
        try:
            before()
            try: check(9, name="there")
            finally: after()
        except BaseException as error:
            print("CHILD", type(error).__name__, error, flush=True)
            os._exit(1)
        os._exit(0)
    os.waitpid(pid, 0)

def limit(what, to): resource.setrlimit(what, (to, to))
def remove(): shutil.rmtree(os.environ["EDITMETRICS_CACHE"])

def test_removed_before(check): remove(); run(check)
def test_removed_there(check): run(check, remove)
def test_removed_after(check): run(check, after=remove)
def test_full_disk(check): run(check, lambda: limit(resource.RLIMIT_FSIZE, 0))
def test_almost_full_disk(check): run(check, lambda: limit(resource.RLIMIT_FSIZE, 150))
def test_no_files_left(check): run(check, lambda: limit(resource.RLIMIT_NOFILE, 3))
def test_closed_files(check): run(check, lambda: (remove(), os.closerange(3, 200)))
def test_another_user(check): run(check, lambda: os.setuid(65534))
"""
WAYS = [line[4:].partition("(")[0] for line in TESTS.splitlines() if line.startswith("def test_")]
no_root = pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can")


@pytest.fixture
def forking(suite, monkeypatch):
    monkeypatch.setenv("EDITMETRICS_CACHE", str(suite.path / "cache"))
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 0.05}}\n")
    suite.makepyfile(TESTS)
    return suite


@pytest.mark.quick(3)
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["serial", "xdist"])
@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=no_root if "user" in way else ()) for way in WAYS]
)
def test_a_gate_of_a_forked_process_that_cannot_be_told_fails_the_session(forking, way, workers):
    result = forking.runpytest_subprocess("-s", "-k", way, *workers)
    said = result.stdout.str() + result.stderr.str()
    assert result.ret == 1, said
    assert "FAILED: a gate reached no report: " in said or "1 failed" in said
    assert way in said.partition("FAILED")[2]


MANY = """
def test_many_more(check):
    for number in range(300):
        pid = os.fork()
        if pid == 0:
            try: check(1, name=f"n{number}")
            finally: os._exit(0)
        os.waitpid(pid, 0)
"""


@pytest.mark.long
def test_it_does_however_many_processes_could_tell_after_it(forking):
    forking.makepyfile(TESTS + MANY)
    command = [sys.executable, "-m", "pytest", "-s", "-k", "test_full_disk or many_more"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1, result.stdout + result.stderr
    told = result.stdout.partition("FAILED: a gate reached no report: ")[2]
    assert "test_full_disk" in told
    assert "test_many_more" not in told


@pytest.mark.parametrize("variable", ["EDITMETRICS_CACHE", "XDG_CACHE_HOME"])
def test_a_cache_of_a_relative_path_stays_where_the_session_began(forking, monkeypatch, variable):
    monkeypatch.delenv("EDITMETRICS_CACHE")
    monkeypatch.setenv(variable, "kept")
    forking.makepyfile(
        TESTS.partition("def limit")[0]
        + "def test_folder(check, tmp_path, monkeypatch): monkeypatch.chdir(tmp_path); run(check)\n"
        "def test_folder_there(check, tmp_path): run(check, lambda: os.chdir(tmp_path))\n"
        "def test_it_stays(tmp_path, monkeypatch):\n"
        "    from pytest_editmetrics.weights.kept import own_cache\n"
        "    before = own_cache(); monkeypatch.chdir(tmp_path)\n"
        "    assert before == own_cache() and before.is_absolute()\n"
    )
    result = forking.runpytest_subprocess("-s")
    result.assert_outcomes(failed=2, passed=1)
    assert "CHILD GateFailure" in result.stdout.str()
    assert [path.name for path in forking.path.glob("**/kept")] in ([], ["kept"])


def test_a_mock_of_getpid_makes_no_other_process(suite):
    suite.makepyfile(
        """
        import os

        def test_it(check, monkeypatch):
            check(5, 0.1)
            monkeypatch.setattr(os, "getpid", lambda: 1)
            check(6, 0.1, name="again")
        """
    )
    suite.runpytest("--editmetrics-require=2").assert_outcomes(passed=1)
