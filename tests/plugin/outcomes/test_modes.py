"""Ways of running pytest that take a part of it away, stop it early or run tests twice."""

from __future__ import annotations

import json

import pytest
from conftest_text import add_to_conftest

from pytest_editmetrics.cli.main import main

SUITE = """
from conftest import *
def test_inside(check): check(5, 0.05)
def test_outside(check): check(14, 0.1)
def test_soft(check): check(NOT_FOUND, 1)
"""


@pytest.fixture
def three(suite):
    suite.makepyfile(test_x=SUITE)
    return suite


def gates(suite):
    lines = (suite.path / "r.jsonl").read_text(encoding="utf-8").splitlines()
    return [r for r in map(json.loads, lines) if r["record"] == "gate"]


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    "mode",
    ["-p no:cacheprovider", "-p no:cacheprovider -n2", "-p no:xdist", "-n0", "-p no:debugging",
     "-n2 --dist loadfile", "-p no:junitxml", "-p no:logging -p no:capture"],
)  # fmt: skip
def test_gates_and_summary_without_a_part_of_pytest(three, mode):
    result = three.runpytest("--editmetrics-results=r.jsonl", *mode.split())
    assert result.ret == 1
    result.assert_outcomes(passed=1, failed=1, xfailed=1)
    result.stdout.fnmatch_lines(["score * 3 * 1 * 1 * 1 *(max 0.100, 0.040 beyond): *test_outside"])
    assert len(gates(three)) == 3


def test_without_the_cache_plugin_a_failure_leaves_its_picture_elsewhere(three):
    result = three.runpytest("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["*GateFailure: unedit score 0.140 > max 0.100*", "*to accept*"])
    result.stdout.fnmatch_lines(["*look at*pictures*.png*"])


@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["serial", "xdist"])
def test_without_what_heeds_marks_of_skip_and_xfail_a_gate_is_as_good(suite, mode):
    known = "import pytest\n@pytest.mark.xfail\ndef test_known(check): check(14, 0.1)\n"
    suite.makepyfile(test_x=SUITE + known)
    result = suite.runpytest("-rA", "-p", "no:skipping", "--editmetrics-results=r.jsonl", *mode)
    assert result.ret == 1
    result.assert_outcomes(passed=1, failed=2, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * test_x.py:4: unedit score unmeasured (no-value)*"])
    result.stdout.fnmatch_lines(["FAILED test_x.py::test_known - unedit score 0.140 > max 0.100*"])
    assert len(gates(suite)) == 4


@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["serial", "xdist"])
def test_without_a_terminal_the_exit_status_and_the_results_speak(three, mode):
    result = three.runpytest("-p", "no:terminal", "--editmetrics-results=r.jsonl", *mode)
    assert result.ret == 1
    assert len(gates(three)) == 3
    three.makepyfile(test_x="from conftest import *\ndef test_soft(check): check(NOT_FOUND, 1)")
    assert three.runpytest("-p", "no:terminal", *mode).ret == 1


@pytest.mark.parametrize("stop", ["-x", "--maxfail=1"])
def test_stopping_at_a_failure_under_xdist_keeps_the_gates_that_were_reported(suite, stop):
    suite.makepyfile(test_x="def test_a(check): check(14, 0.1)\ndef test_b(check): check(15, 0.1)")
    result = suite.runpytest("-n2", stop, "--editmetrics-results=r.jsonl")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    failed = result.parseoutcomes()["failed"]
    assert failed >= 1
    assert [gate["verdict"] for gate in gates(suite)] == ["fail"] * failed
    result.stdout.fnmatch_lines(["score*(max 0.100, * beyond)*"])


def test_leaving_the_debugger_keeps_the_gate_that_opened_it(three):
    add_to_conftest(three, "def pytest_exception_interact(): pytest.exit('left the debugger')\n")
    result = three.runpytest("--editmetrics-results=r.jsonl")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert [(g["nodeid"], g["verdict"], g["outcome"]) for g in gates(three)] == [
        ("test_x.py::test_inside", "pass", "passed"),
        ("test_x.py::test_outside", "fail", "failed"),
    ]
    result.stdout.fnmatch_lines(["score * 2 * 1 * 1 * 0 *"])


def test_each_worker_that_runs_a_test_is_an_attempt_of_its_own(three):
    result = three.runpytest(
        "--dist=each", "--tx=2*popen", "--editmetrics-results=r.jsonl", "--tb=no"
    )
    result.assert_outcomes(passed=2, failed=2, xfailed=2)
    addresses = {(g["nodeid"], g["attempt"]) for g in gates(three)}
    names = ("test_inside", "test_outside", "test_soft")
    assert addresses == {(f"test_x.py::{name}", n) for name in names for n in (1, 2)}
    assert all(gate["final"] for gate in gates(three))


def test_two_workers_that_measure_the_same_record_one_golden(suite):
    suite.makepyfile(test_x="def test_it(check): check(20)")
    each = ("--dist=each", "--tx=2*popen")
    suite.runpytest("--editmetrics-update=missing", *each).assert_outcomes(passed=2)
    golden = suite.path / "goldens" / "test_x.py.yaml"
    assert golden.read_text(encoding="utf-8").count('measured: 0.2, size: "8x8"}') == 1
    suite.runpytest(*each).assert_outcomes(passed=2)


@pytest.mark.usefixtures("no_other_plugin")
def test_a_crashed_test_that_ran_again_is_not_called_unmeasured(suite, monkeypatch, capsys):
    # only by the name of its entry point does pytest-rerunfailures find xdist
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_editmetrics.plugin")
    suite.makepyfile(
        test_x="""
        import os, pathlib
        def test_dies(check):
            first = not pathlib.Path("seen").exists()
            pathlib.Path("seen").touch()
            check(5, 0.1)
            if first:
                os._exit(3)
        """
    )
    result = suite.runpytest(
        *("-p", "xdist", "-p", "rerunfailures", "-n1", "--reruns", "1"),
        *("--editmetrics-results=r.jsonl", "--editmetrics-run-dir=run"),
        "--editmetrics-html=r.html",
    )
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 1, "rerun": 1}
    said = ["crashed, then run again: 1", "  test_x.py::test_dies"]
    result.stdout.fnmatch_lines(said)
    result.stdout.no_fnmatch_line("*not measured*")
    assert "Crashed, then run again: 1" in (suite.path / "r.html").read_text(encoding="utf-8")
    monkeypatch.chdir(suite.path)
    capsys.readouterr()
    assert main(["merge", "run", "-o", "merged"]) == 0
    assert capsys.readouterr().out.splitlines()[2:4] == said
    assert main(["comment", "merged"]) == 0
    assert "### Crashed, then run again: 1\n- <code>test_x.py::test_dies" in capsys.readouterr().out
    assert [(g["attempt"], g["final"], g["verdict"]) for g in gates(suite)] == [(2, True, "pass")]


def test_a_case_file_is_collected_in_importlib_mode(suite):
    from PIL import Image

    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8)).save(suite.path / name)
    (suite.path / "test_a.edit.yaml").write_text(
        "metrics: [score]\ncases:\n"
        "  - {id: a, reference: a.png, edited: b.png, thresholds: {score: {max: 1}}}\n"
    )
    suite.runpytest("--import-mode=importlib").assert_outcomes(passed=1)
