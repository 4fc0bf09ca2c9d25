"""Something written is lost, or something read steers"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.runs.folder import read_run

MINE = "def test_it(check): check(5, 1)"
HOLDS = (
    "ERROR: cannot write the * {}: the file holds something else, and nothing of it is replaced;*"
)
WRITTEN = "ERROR: *{} is being written by another session (process *), and two would mix in it;*"
OUTPUTS = (
    "--editmetrics-results=out/r.jsonl",
    "--editmetrics-html=out/r.html",
    "--editmetrics-run-dir=out/run",
)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def earlier(suite):
    """A suite with a complete run of yesterday; what it left."""
    suite.makepyfile(test_x="def test_it(check): check(30, 1)")
    suite.runpytest(*OUTPUTS)
    suite.makepyfile(test_x=MINE)
    return files(suite.path / "out")


def as_base(suite) -> str:
    """Return the run directory as a results file of another session."""
    text = (suite.path / "out/run/results.jsonl").read_text()
    (suite.path / "base.jsonl").write_text(re.sub('"id": "[0-9a-f]+"', '"id": "0"', text))
    return "base.jsonl"


@pytest.fixture
def editmetrics(pytester):
    def run(*args: str) -> pytest.RunResult:
        return pytester.run(sys.executable, "-m", "pytest_editmetrics.cli.main", *args)

    return run


# Files of yours


@pytest.mark.parametrize("option", ["results", "summary"])
def test_the_value_was_forgotten(suite, assert_came, workers, option):
    """`--editmetrics-results` or `-summary` without its value takes the test file that follows"""
    suite.makepyfile(test_x=MINE)
    result = suite.runpytest_subprocess(*workers, f"--editmetrics-{option}", "test_x.py")
    assert_came(result, 4, HOLDS.format("*test_x.py"))
    assert (suite.path / "test_x.py").read_text() == MINE


@pytest.mark.parametrize("option", ["results", "summary", "html"])
def test_the_ini_file_names_a_file_of_yours(suite, assert_came, option):
    """The ini file names a file of the project as an output"""
    suite.makepyfile(test_x=MINE)
    (suite.path / "mine.html").write_text("<p>years of work")
    suite.makeini(f"[pytest]\neditmetrics_{option} = mine.html")
    assert_came(suite.runpytest_subprocess(), 4, HOLDS.format("*mine.html"))
    assert (suite.path / "mine.html").read_text() == "<p>years of work"


def test_a_link_leads_to_a_file_of_yours(suite, assert_came):
    """The output is a link to a file of the project"""
    suite.makepyfile(test_x=MINE)
    (suite.path / "r.jsonl").symlink_to("test_x.py")
    assert_came(
        suite.runpytest_subprocess("--editmetrics-results=r.jsonl"), 4, HOLDS.format("*r.jsonl")
    )
    assert (suite.path / "test_x.py").read_text() == MINE


def test_goldens_as_results(suite, assert_came):
    """The golden file is named as results"""
    suite.makepyfile(test_x="def test_it(check): check(5)")
    suite.runpytest("--editmetrics-update=all")
    golden = suite.path / "goldens" / "test_x.py.yaml"
    before = golden.read_bytes()
    result = suite.runpytest_subprocess("--editmetrics-results=goldens/test_x.py.yaml")
    assert_came(result, 4, HOLDS.format("*test_x.py.yaml"))
    assert golden.read_bytes() == before


def test_a_site_as_report(suite, assert_came):
    """The report's folder holds a page of the project"""
    suite.makepyfile(test_x=MINE)
    (suite.path / "site").mkdir()
    (suite.path / "site" / "index.html").write_text("mine")
    assert_came(
        suite.runpytest_subprocess("--editmetrics-html=site"), 4, HOLDS.format("*index.html")
    )
    assert files(suite.path / "site") == {"index.html": b"mine"}


def test_a_report_over_a_page(suite, editmetrics, assert_came):
    """`editmetrics report -o` names a page of the project"""
    suite.makepyfile(test_x=MINE)
    suite.runpytest("--editmetrics-run-dir=run")
    (suite.path / "mine.html").write_text("mine")
    result = editmetrics("report", "run", "-o", "mine.html")
    assert_came(result, 1, HOLDS.format("mine.html").replace("ERROR", "editmetrics: error"))
    assert (suite.path / "mine.html").read_text() == "mine"


def test_two_outputs_in_one_file(suite, assert_came, workers):
    """The results are to go where the run directory has its own"""
    suite.makepyfile(test_x=MINE)
    options = ["--editmetrics-run-dir=run", "--editmetrics-results=run/results.jsonl"]
    result = suite.runpytest_subprocess(*workers, *options)
    assert_came(result, 4, "ERROR: --editmetrics-run-dir and --editmetrics-results both write *")


# An earlier run


def test_a_results_path_that_is_a_folder(suite, earlier, assert_came, workers):
    """The run directory is there and the path of the results is a folder"""
    options = ["--editmetrics-run-dir=out/run", "--editmetrics-results=."]
    result = suite.runpytest_subprocess(*workers, *options)
    assert_came(
        result, 4, "ERROR: cannot write the results file *: Is a directory; give another path"
    )
    assert files(suite.path / "out") == earlier


def test_a_mistyped_test_path(suite, earlier, assert_came, workers):
    """The path of the tests is mistyped"""
    result = suite.runpytest_subprocess(*workers, *OUTPUTS, "tests_x.py")
    assert_came(
        result, 5 if workers else 4, "*no tests ran*" if workers else "ERROR: file or directory*"
    )
    assert files(suite.path / "out") == earlier


def test_an_error_of_collection(suite, earlier, assert_came, workers):
    """A test file cannot be imported"""
    suite.makepyfile(test_x="import nothing_there")
    result = suite.runpytest_subprocess(*workers, *OUTPUTS)
    assert_came(result, 1 if workers else 2, "no test ran: *r.jsonl still holds an earlier run")
    assert files(suite.path / "out") == earlier


def test_nothing_is_selected(suite, earlier, assert_came, workers):
    """`-k` selects no test"""
    result = suite.runpytest_subprocess(*workers, *OUTPUTS, "-k", "nothing")
    assert_came(result, 5, "no test ran: *r.jsonl still holds an earlier run")
    assert files(suite.path / "out") == earlier


def test_killed_while_it_collects(suite, earlier, editmetrics, assert_came, workers):
    """The session is killed while it collects; `compare` reads the run that was there"""
    suite.makepyfile(test_x="import os\nos.kill(os.getpid(), 9)")
    result = suite.runpytest_subprocess(*workers, *OUTPUTS)
    assert result.ret != 0
    assert files(suite.path / "out").items() >= earlier.items()
    result = editmetrics("compare", as_base(suite), "out/run", "--fail", "score:1%")
    assert_came(result, 0, "*1 unchanged*")


def test_killed_in_its_first_test(suite, earlier, editmetrics, assert_came):
    """The session is killed in its first test; `compare` says that the run was cut off"""
    suite.makepyfile(test_x="import os\ndef test_it(check): os.kill(os.getpid(), 9)")
    assert suite.runpytest_subprocess(*OUTPUTS).ret == -9
    assert not read_run(suite.path / "out" / "run").complete
    result = editmetrics("compare", as_base(suite), "out/run", "--fail", "score:1%")
    assert_came(result, 1, "*was cut off, so gates that it lost would go unnoticed*")


def test_a_merge_is_killed(suite, editmetrics, assert_came):
    """`merge` is killed while it copies the images; the merge that was there stays whole"""
    for shard, value in (("a", 1), ("b", 2)):
        suite.makepyfile(test_x=f"def test_{shard}(check): check({value}, 1)")
        suite.runpytest(f"--editmetrics-run-dir={shard}")
    assert main(["merge", "a", "-o", "merged"]) == 0
    before = files(suite.path / "merged")
    script = (
        "import os\nfrom pytest_editmetrics.cli.main import main\n"
        "from pytest_editmetrics.runs.writing import RunDir\n"
        "def dies(self, name, data, add=RunDir.add_file):\n"
        "    add(self, name, data)\n    os.kill(os.getpid(), 9)\n"
        "RunDir.add_file = dies\nmain(['merge', 'a', 'b', '-o', 'merged'])"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=suite.path).returncode == -9
    assert files(suite.path / "merged").items() >= before.items()
    assert_came(editmetrics("score", "merged"), 0, "run directory: merged-scored")


# Two at once


SLOW = """
import pathlib, time
def test_it(check):
    check(5, 1)
    pathlib.Path("runs").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
"""


@pytest.mark.parametrize("option", ["results=o", "run-dir=o", "summary=o", "html=o.html"])
def test_two_sessions_write_one_output(suite, assert_came, workers, option):
    """Two sessions at once write one results file, run directory, summary or report"""
    suite.makepyfile(test_x=SLOW, test_y=MINE)
    argument = f"--editmetrics-{option}"
    command = [sys.executable, "-m", "pytest", *workers, argument, "test_x.py"]
    with subprocess.Popen(command, cwd=suite.path, stdout=subprocess.DEVNULL) as first:
        deadline = time.monotonic() + 60
        while not (suite.path / "runs").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        try:
            result = suite.runpytest_subprocess(*workers, argument, "test_y.py")
        finally:
            (suite.path / "go").touch()
    assert first.returncode == 0
    assert_came(result, 4, WRITTEN.format("/results.jsonl" if "run-dir" in option else ""))
    if option in ("results=o", "run-dir=o"):
        run = read_run(suite.path / "o")
        assert run.complete
        assert [record.nodeid for record in run.gates] == ["test_x.py::test_it"]


def test_results_into_the_run_directory_of_another(suite, assert_came):
    """A session writes its results into the run directory of one that runs"""
    suite.makepyfile(test_x=SLOW, test_y=MINE)
    command = [sys.executable, "-m", "pytest", "--editmetrics-run-dir=o", "test_x.py"]
    with subprocess.Popen(command, cwd=suite.path, stdout=subprocess.DEVNULL) as first:
        while not (suite.path / "runs").exists():
            time.sleep(0.05)
        try:
            option = "--editmetrics-results=o/results.jsonl"
            result = suite.runpytest_subprocess(option, "test_y.py")
        finally:
            (suite.path / "go").touch()
    assert first.returncode == 0
    assert_came(result, 4, WRITTEN.format("/results.jsonl"))


def test_a_merge_into_a_run_that_is_written(suite, editmetrics, assert_came):
    """`merge -o` names the run directory of a session that runs"""
    suite.makepyfile(test_x=SLOW, test_y=MINE)
    suite.runpytest("--editmetrics-run-dir=a", "test_y.py")
    command = [sys.executable, "-m", "pytest", "--editmetrics-run-dir=o", "test_x.py"]
    with subprocess.Popen(command, cwd=suite.path, stdout=subprocess.DEVNULL) as first:
        while not (suite.path / "runs").exists():
            time.sleep(0.05)
        try:
            result = editmetrics("merge", "a", "-o", "o")
        finally:
            (suite.path / "go").touch()
    assert first.returncode == 0
    assert_came(result, 1, WRITTEN.format("/results.jsonl").replace("ERROR", "editmetrics: error"))
    assert read_run(suite.path / "o").complete


def test_a_session_that_was_killed_holds_nothing(suite, assert_came, workers):
    """The session that wrote there was killed"""
    suite.makepyfile(test_x=SLOW, test_y=MINE)
    command = [sys.executable, "-m", "pytest", "--editmetrics-run-dir=o", "test_x.py"]
    with subprocess.Popen(command, cwd=suite.path, stdout=subprocess.DEVNULL) as first:
        while not (suite.path / "runs").exists():
            time.sleep(0.05)
        os.kill(first.pid, signal.SIGKILL)
    result = suite.runpytest_subprocess(*workers, "--editmetrics-run-dir=o", "test_y.py")
    assert_came(result, 0, "run directory: *")
    assert [record.nodeid for record in read_run(suite.path / "o").gates] == ["test_y.py::test_it"]


# What a run of strangers says


@pytest.fixture
def strangers(suite):
    """A run whose file was edited by a stranger."""

    def edit(old: str, new: str) -> None:
        results = suite.path / "run" / "results.jsonl"
        text = results.read_text()
        assert old in text
        results.write_text(text.replace(old, new))

    suite.makepyfile(
        test_x="""
        import pytest
        from conftest import image
        @pytest.mark.editmetrics(metrics=["lpips"], thresholds={"lpips": 1}, net="alex")
        def test_it(edit_gate): edit_gate.check(image(0).repeat(8, 0).repeat(8, 1), image(9).repeat(8, 0).repeat(8, 1))
        """
    )
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    return edit


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("approve run", 0, "left: ::stop-commands::x*n::error::y lpips: *"),
        ("calibrate run run2", 1, "*x3a:stop-commands::x*n::error::y lpips"),
        ("compare run run2", 0, "  worst * ::stop-commands::x*n::error::y lpips"),
        ("merge run -o m", 0, "lpips * ::stop-commands::x*n::error::y"),
        ("selftest run", 1, "*x3a:stop-commands::x*n::error::y: not tried: *"),
    ],
)
def test_a_node_id_is_a_workflow_command(
    suite, strangers, editmetrics, assert_came, command, status, said
):
    """A run's test id is a workflow command of GitHub with an escape and a line break"""
    strangers('"test_x.py::test_it"', '"::stop-commands::x\\u001b[31m\\n::error::y"')
    strangers('"verdict": "pass"', '"verdict": "fail"')
    (suite.path / "run2").mkdir()
    text = (suite.path / "run" / "results.jsonl").read_text()
    other = re.sub('"id": "[^"]*"', '"id": "another"', text.replace('"value": 0', '"value": 1'))
    (suite.path / "run2" / "results.jsonl").write_text(other)
    result = editmetrics(*command.split())
    lines = [*result.outlines, *result.errlines]
    assert not [line for line in lines if line.lstrip().startswith("::") or "\x1b" in line]
    assert_came(result, status, said)


@pytest.mark.parametrize("command", ["score", "selftest"])
def test_an_option_names_a_model(suite, strangers, editmetrics, assert_came, command):
    """A run's options name a model outside of it"""
    strangers('"options": {"net": "alex"}', '"options": {"model_path": "/etc/passwd"}')
    result = editmetrics(command, "run")
    assert_came(result, 1, "*the run states model_path='/etc/passwd' for lpips*" if command == "selftest"
         else "FAILED: 1 gate could not be judged")  # fmt: skip
    if command == "score":
        (record,) = read_run(suite.path / "run-scored").gates
        assert "a run does not choose what is opened here" in (record.gate.message or "")


# Settings of torch


@pytest.mark.parametrize(
    "setting",
    [
        "backends.cuda.matmul.fp32_precision",
        "backends.cudnn.conv.fp32_precision",
        "backends.mkldnn.matmul.fp32_precision",
        "backends.fp32_precision",
    ],
)
def test_a_newer_setting_of_precision(suite, assert_came, workers, setting):
    """A test sets torch's `fp32_precision` of matrices, convolutions, or of everything"""
    suite.makepyfile(
        test_x=f"""
        import pytest, torch
        from conftest import image
        @pytest.mark.editmetrics(metrics=["lpips"], thresholds={{"lpips": 1}})
        def test_it(edit_gate):
            if not hasattr(torch.backends, "fp32_precision"): pytest.skip("an older torch")
            torch.{setting} = "tf32"
            edit_gate.check(image(0).repeat(8, 0).repeat(8, 1), image(9).repeat(8, 0).repeat(8, 1))
        """
    )
    assert_came(suite.runpytest_subprocess(*workers), 0, "*lpips * 1 *1 *0 *")
