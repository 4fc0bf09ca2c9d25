"""Workers that are killed: nothing is lost, and nothing is green that did not run."""

from __future__ import annotations

import os

import pytest
from conftest_text import add_to_conftest
from hostile import EXACT

from pytest_editmetrics.cli.main import main
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
    others = [f"test_x.py::test_it[{i}]" for i in range(8) if i != 2]
    expected = sorted((nodeid, metric) for nodeid in others for metric in ("score", "golden_exact"))
    assert sorted((record.nodeid, record.gate.metric) for record in run.gates) == expected
    for record in run.gates:  # what was measured before the end is told, and not recorded
        lost = record.nodeid == KILLED[1]
        assert record.gate.verdict == ("missing-golden" if lost else "recorded")
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
    assert not run.complete
    assert (suite.path / "goldens" / "test_x.py.yaml").read_text().count("score") == 2


LATE = """
import os
import pytest

@pytest.fixture(scope="session")
def model():
    yield
    os._exit(9)

def test_a(check, model): check({}, 0.1)
"""


@pytest.mark.quick(1)
@pytest.mark.parametrize(("value", "verdict"), [(5, "pass"), (30, "fail")])
@pytest.mark.parametrize("mode", [(), ("--dist=loadfile",), ("--max-worker-restart=0",)])
def test_what_was_measured_before_its_worker_died_is_told(suite, monkeypatch, value, verdict, mode):
    """In the teardown of a fixture of the session: it is that of the last test."""
    page = suite.path / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    suite.makepyfile(test_x=LATE.format(value))
    result = suite.runpytest("-n1", *mode, "--editmetrics-run-dir=run")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["score *", "crashed, so not measured to the end: 1"])
    run = read_run(suite.path / "run")
    assert run.crashed == ("test_x.py::test_a",)
    (gate,) = [record for record in run.gates if record.final]
    assert (gate.gate.verdict, gate.outcome, gate.other_failure) == (verdict, "failed", True)
    assert "## ❌ editmetrics failed: " in page.read_text(encoding="utf-8")
    assert "1 test crashed" in page.read_text(encoding="utf-8")


def test_a_worker_that_dies_after_its_tests_has_no_last_word(suite):
    """What a check came to that no report told of would be in it; pytest-xdist ends with 0."""
    add_to_conftest(
        suite,
        "import os\ndef pytest_sessionfinish():\n"
        "    if 'PYTEST_XDIST_WORKER' in os.environ: os._exit(9)\n",
    )
    suite.makepyfile(test_x="def test_a(check): check(5, 0.1)")
    result = suite.runpytest("-n1", "--max-worker-restart=0")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: the worker gw0 of pytest-xdist died after its tests, before it told *"]
    )
    suite.makepyfile(test_x="def test_a(): pass")
    assert suite.runpytest("-n1", "--max-worker-restart=0").ret == 0


@pytest.mark.quick(1)
@pytest.mark.parametrize("phase", ["call", "setup"])
def test_the_page_tells_of_a_crash_that_came_before_any_gate(suite, monkeypatch, phase):
    page = suite.path / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    suite.makepyfile(
        test_x=f"""
        import os, pytest
        @pytest.fixture
        def model():
            if {phase == "setup"}: os._exit(9)
        def test_a(edit_gate, model): os._exit(9)
        """
    )
    assert suite.runpytest("-n1").ret == 1
    assert "❌ editmetrics failed: 0 gates, 1 test crashed" in page.read_text(encoding="utf-8")
    page.unlink()
    suite.makepyfile(test_x="import os\ndef test_a(): os._exit(9)")
    assert suite.runpytest("-n1").ret == 1
    assert not page.exists()


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


@pytest.mark.quick(1)
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


DYING = """
import os
import pytest

@pytest.mark.parametrize("n", range(4))
def test_it(check, n):
    if "KILL" in os.environ and str(n) in os.environ["KILL"]:
        os._exit(9)
    check(5, 1)
"""


def test_a_session_that_xdist_gave_up_did_not_finish(suite, monkeypatch, capsys):
    monkeypatch.chdir(suite.path)
    suite.makepyfile(test_x=DYING)
    suite.runpytest("--editmetrics-run-dir=base").assert_outcomes(passed=4)
    monkeypatch.setenv("KILL", "1")
    result = suite.runpytest(
        "-n1", "--max-worker-restart=0", "--editmetrics-run-dir=run", "--editmetrics-summary=s.md",
        "--editmetrics-html=r.html",
    )  # fmt: skip
    assert result.ret == 1
    said = (
        "2 tests never ran, as test_x.py::test_it[2]: pytest-xdist gave up when 1 worker had died"
    )
    assert f"FAILED: {said} (--max-worker-restart): exit status 1" in result.outlines
    assert "so not every test ran" in (suite.path / "s.md").read_text(encoding="utf-8")
    assert "1 case, and the run did not finish" in (suite.path / "r.html").read_text("utf-8")
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    comment = capsys.readouterr().out
    assert "1 test crashed, interrupted, so not every test ran" in comment
    assert "2 tests never ran, as" in comment
    assert main(["merge", "run", "--shards", "1", "-o", "merged"]) == 1
    assert "run was cut off, so tests are missing" in capsys.readouterr().err
    assert main(["compare", "base", "run", "--fail", "score:0.5"]) == 1
    assert "the head was cut off" in capsys.readouterr().out


@pytest.mark.usefixtures("no_other_plugin")
def test_a_crashed_test_that_never_ran_again_is_no_pass(suite, monkeypatch):
    """None of its tests failed: pytest's own exit status would be 0."""
    # only by the name of its entry point does pytest-rerunfailures find xdist
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_editmetrics.plugin")
    suite.makepyfile(test_x=DYING)
    monkeypatch.setenv("KILL", "1")
    result = suite.runpytest(
        *("-p", "xdist", "-p", "rerunfailures", "-n1", "--reruns=1", "--max-worker-restart=0"),
        "--editmetrics-run-dir=run",
    )
    assert result.ret == 1
    assert result.parseoutcomes() == {"passed": 1, "rerun": 1}
    result.stdout.fnmatch_lines(
        ["FAILED: 3 tests never ran, as test_x.py::test_it[[]1]: pytest-x*"]
    )
    assert not read_run(suite.path / "run").complete


def test_a_run_with_a_crash_in_which_all_others_ran_is_whole(suite, monkeypatch, capsys):
    monkeypatch.chdir(suite.path)
    suite.makepyfile(test_x=DYING)
    monkeypatch.setenv("KILL", "1")
    result = suite.runpytest(
        "-n1",
        "--editmetrics-run-dir=run",
        "--editmetrics-html=r.html",
        "--editmetrics-summary=s.md",
    )
    assert result.ret == 1
    assert "never ran" not in result.stdout.str()
    page = (suite.path / "r.html").read_text("utf-8")
    assert "3 cases, and 1 test crashed" in page
    assert "did not finish" not in page
    assert "not every test" not in (suite.path / "s.md").read_text("utf-8")
    capsys.readouterr()
    main(["comment", "run"])
    assert "3 gates, 1 test crashed\n" in capsys.readouterr().out
    assert read_run(suite.path / "run").complete
