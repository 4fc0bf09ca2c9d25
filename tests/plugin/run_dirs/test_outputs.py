"""What a session writes replaces nothing of yours, nothing before a test runs, and nothing at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest_text import add_to_conftest
from parameters import first_of

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.runs.claims import Claim
from pytest_editmetrics.runs.folder import read_run

OPTIONS = ["results", "summary", "html"]
MINE = "def test_it(check): check(5, 1)\n"


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def earlier(suite):
    """A suite with a run of yesterday: a run directory, results, a report and a summary."""
    suite.makepyfile(test_x="def test_it(check): check(30, 0.1)")
    suite.runpytest(*outputs())
    before = files(suite.path / "out")
    assert {"r.jsonl", "s.md", "r.html", "run/results.jsonl"} < before.keys()
    assert len(before) == 7  # reference, edited, mask
    suite.makepyfile(test_x=MINE)
    return suite, before


def outputs(folder: str = "out") -> list[str]:
    return [
        f"--editmetrics-results={folder}/r.jsonl",
        f"--editmetrics-summary={folder}/s.md",
        f"--editmetrics-html={folder}/r.html",
        f"--editmetrics-run-dir={folder}/run",
    ]


@pytest.mark.parametrize("option", OPTIONS)
def test_a_file_of_yours_is_never_overwritten(suite, option):
    """The value was forgotten, so the option takes the name of the test file."""
    name = "test_page.html" if option == "html" else "test_x.py"
    suite.makepyfile(test_x=MINE)
    (suite.path / name).write_text(MINE)
    result = suite.runpytest(f"--editmetrics-{option}", name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: cannot write the *{name}: the file holds something else, and nothing of it is"
         " replaced; give another path, or remove the file"]
    )  # fmt: skip
    assert (suite.path / name).read_text() == MINE


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("index.html", "the report"),
        ("report.css", "the report's style sheet"),
        ("report.js", "the report's script"),
    ],
)
def test_a_folder_with_a_page_of_yours_is_left(suite, name, what):
    (suite.path / "site").mkdir()
    (suite.path / "site" / name).write_text("mine")
    suite.makepyfile(test_x=MINE)
    result = suite.runpytest("--editmetrics-html=site")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*cannot write {what} *site/{name}: the file holds*"])
    assert files(suite.path / "site") == {name: b"mine"}


def test_what_is_ours_is_written_again(earlier):
    suite, before = earlier
    suite.runpytest(*outputs()).assert_outcomes(passed=1)
    after = files(suite.path / "out")
    assert after["s.md"] != before["s.md"]
    assert after["r.html"] != before["r.html"]
    run = read_run(suite.path / "out" / "run")
    assert run.complete
    assert [record.gate.value for record in run.gates] == [0.05]
    assert len(after) == len(before)


@pytest.mark.parametrize(
    ("args", "status"),
    [
        (["nothing_there"], 4),
        (["--editmetrics-results=."], 4),
        (["--editmetrics-summary=."], 4),
        (["-k", "nothing"], 5),
        (["test_broken.py"], 2),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else str(value),
)
def test_a_session_that_runs_no_test_loses_no_earlier_run(earlier, args, status):
    suite, before = earlier
    if args == ["test_broken.py"]:
        suite.makepyfile(test_broken="import nothing_there")
    options = [option for option in outputs() if "summary" not in option]
    assert suite.runpytest(*options, *args).ret == status
    assert files(suite.path / "out") == before


def test_that_nothing_ran_is_said(earlier):
    suite, _ = earlier
    result = suite.runpytest(*outputs(), "-k", "nothing")
    result.stdout.fnmatch_lines(
        ["no test ran: *r.jsonl still holds an earlier run",
         "no test ran: *run/results.jsonl still holds an earlier run"]
    )  # fmt: skip
    result.stdout.no_fnmatch_line("report: *")
    result.stdout.no_fnmatch_line("run directory: *")


@pytest.mark.parametrize(
    ("option", "held"),
    [("results", "o"), ("summary", "o"), ("html", "o.html"), ("run-dir", "o/results.jsonl")],
)
def test_a_second_session_is_told_who_writes_there(suite, option, held):
    suite.makepyfile(test_x=MINE)
    (suite.path / "o").mkdir()
    path = suite.path / ("o" if option == "run-dir" else f"o/{held}")
    claim = Claim(suite.path / "o" / Path(held).name)
    try:
        result = suite.runpytest(f"--editmetrics-{option}={path}")
    finally:
        claim.release()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: * is being written by another session (process *"])
    suite.runpytest(f"--editmetrics-{option}={path}").assert_outcomes(passed=1)
    assert not list(suite.path.rglob(".*.lock"))


def test_two_outputs_in_one_file_are_refused(suite):
    suite.makepyfile(test_x=MINE)
    for other in ("--editmetrics-summary=x", "--editmetrics-results=run/results.jsonl"):
        options = ["--editmetrics-results=x", "--editmetrics-run-dir=run", other]
        result = suite.runpytest(*options)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: --editmetrics-* and --editmetrics-* both write *"])
    assert not (suite.path / "x").exists()


@pytest.mark.parametrize("ours", ["results", "summary", "html", "run-dir"])
@pytest.mark.parametrize(
    "path", ["x/results.jsonl", "./x/../x/results.jsonl", "soft/results.jsonl", "hard"]
)
def test_so_is_one_beside_a_file_of_pytest(suite, ours, path):
    suite.makepyfile(test_x=MINE)
    (suite.path / "x").mkdir()
    (suite.path / "soft").symlink_to("x")
    if path == "hard":
        (suite.path / "x/results.jsonl").touch()
        (suite.path / "hard").hardlink_to(suite.path / "x/results.jsonl")
    own = "x" if ours == "run-dir" else "x/results.jsonl"
    result = suite.runpytest(f"--editmetrics-{ours}={own}", f"--junitxml={path}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --editmetrics-{ours} and --junitxml both write *"])


@pytest.mark.parametrize("ini", [True, False])
def test_so_is_one_beside_a_log_of_the_ini_file(suite, ini):
    suite.makepyfile(test_x=MINE)
    options = ["--editmetrics-results=x"]
    if ini:
        with (suite.path / "pytest.ini").open("a") as file:
            file.write("[pytest]\nlog_file = x\nlog_file_level = INFO\n")
    else:
        options += ["-o", "log_file=./x"]
    result = suite.runpytest_subprocess(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --editmetrics-results and log_file of the ini file both write *"]
    )


@pytest.mark.parametrize("ours", ["run-dir=run", "results=run/x.jsonl", "html=run/sub/x.html"])
def test_a_file_where_another_has_its_folder_is_refused(suite, ours):
    suite.makepyfile(test_x=MINE)
    result = suite.runpytest(f"--editmetrics-{ours}", "--junitxml=run")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    flag = ours.partition("=")[0]
    result.stderr.fnmatch_lines(
        [f"ERROR: --junitxml writes the file *run, which is a folder of --editmetrics-{flag}; *"]
    )


@pytest.mark.parametrize(
    "ours", ["run-dir=out/run", "run-dir=out", "html=link/r.html", "results=out/r", "summary=out/s"]
)
def test_what_pytest_removes_is_refused(suite, ours):
    """The first test with ``tmp_path`` empties the folder of ``--basetemp``."""
    suite.makepyfile(test_x=MINE + "\n\ndef test_t(tmp_path): pass\n")
    (suite.path / "link").symlink_to("out")
    result = suite.runpytest("--basetemp=out", f"--editmetrics-{ours}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    flag = ours.partition("=")[0]
    result.stderr.fnmatch_lines([f"ERROR: --editmetrics-{flag} lies in the folder of --basetemp*"])


def test_the_temporary_folder_may_lie_in_the_run_directory(suite):
    suite.makepyfile(test_x=MINE + "\n\ndef test_t(tmp_path): pass\n")
    result = suite.runpytest("--basetemp=run/tmp", "--editmetrics-run-dir=run")
    result.assert_outcomes(passed=2)


def test_others_may_lie_beside_each_other(suite):
    suite.makepyfile(test_x=MINE)
    result = suite.runpytest(
        "--junitxml=x.xml", "--log-file=x.log", "--editmetrics-results=x.jsonl"
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("option", ["results", "summary", "html", "run-dir"])
@pytest.mark.parametrize("path", ["/proc/x", "/proc/x/y", "file/x", "file/x/y.html"])
def test_a_path_that_cannot_be_written_is_said_at_the_start(suite, option, path):
    suite.makepyfile(test_x=MINE)
    (suite.path / "file").touch()
    if not Path("/proc/self").exists() and path.startswith("/proc"):
        pytest.skip("no folder here that root cannot write in")
    result = suite.runpytest(f"--editmetrics-{option}={path}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: cannot write the * *{path}: *; give *another *"])


def test_a_step_summary_is_added_to_by_whatever_name(suite, monkeypatch):
    """GitHub's page already holds what other steps wrote."""
    step = suite.path / "step.md"
    step.write_text("# of another step\n")
    (suite.path / "link.md").symlink_to(step)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    suite.makepyfile(test_x=MINE)
    suite.runpytest("--editmetrics-summary=link.md").assert_outcomes(passed=1)
    first, *rest = step.read_text().splitlines()
    assert first == "# of another step"
    assert sum("editmetrics passed" in line for line in rest) == 1


@pytest.mark.quick(1)
@pytest.mark.parametrize("report", ["run/r.html", "run/report", "run/sub/r.html"])
def test_everything_may_lie_in_the_run_directory(suite, report):
    suite.makepyfile(test_x=MINE)
    outputs = [
        "--editmetrics-run-dir=run",
        f"--editmetrics-html={report}",
        "--editmetrics-results=run/r.jsonl",
        "--editmetrics-summary=run/s.md",
        "--junitxml=run/junit.xml",
    ]
    for _ in range(2):
        result = suite.runpytest_subprocess(*outputs)
        assert result.ret == 0, result.stderr.str()
        result.stdout.fnmatch_lines([f"report: */{report}"])
    assert {"results.jsonl", "r.jsonl", "s.md", "junit.xml"} <= files(suite.path / "run").keys()
    assert len(read_run(suite.path / "run").gates) == 1


def test_the_run_directory_may_lie_in_the_folder_of_the_report(suite):
    suite.makepyfile(test_x=MINE)
    for _ in range(2):
        result = suite.runpytest("--editmetrics-run-dir=out/run", "--editmetrics-html=out")
        assert result.ret == 0
    assert {"index.html", "run/results.jsonl"} <= files(suite.path / "out").keys()


@pytest.mark.parametrize("what", ["edit.py", "images/cup.png", "sub/notes.md"])
def test_a_report_goes_to_no_folder_that_holds_something_else(suite, what, monkeypatch, capsys):
    suite.makepyfile(test_x=MINE)
    mine = suite.path / "mine" / what
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    result = suite.runpytest("--editmetrics-run-dir=run", "--editmetrics-html", "mine")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    wrong = f"cannot write the report *mine: the folder holds something else ({mine.parts[-1]}"
    if mine.parent.name != "mine":
        wrong = wrong.replace(mine.parts[-1], mine.parent.name)
    result.stderr.fnmatch_lines([f"*{wrong}); give another folder, or an empty one*"])
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    monkeypatch.chdir(suite.path)
    assert main(["report", "run", "-o", "mine"]) == 1
    assert "holds something else" in capsys.readouterr().err
    assert list(files(suite.path / "mine")) == [what]


def test_a_folder_that_the_session_writes_other_things_to_takes_its_report(suite):
    suite.makepyfile(test_x=MINE)
    (suite.path / "out").mkdir()
    (suite.path / "out/.gitignore").write_text("*")
    outputs = ["--editmetrics-results=out/r.jsonl", "--junitxml=out/j.xml"]
    for _ in range(2):
        result = suite.runpytest("--editmetrics-html=out", *outputs)
        result.assert_outcomes(passed=1)
        assert result.ret == 0
    assert {"index.html", "report.css", "report.js", "r.jsonl"} <= files(suite.path / "out").keys()


def test_a_report_of_which_only_images_were_written_is_written_again(suite):
    suite.makepyfile(test_x=MINE)
    suite.runpytest("--editmetrics-html=out")
    (suite.path / "out/index.html").unlink()
    (suite.path / "out/report.js").unlink()
    (suite.path / "out/report.css").unlink()
    suite.runpytest("--editmetrics-html=out").assert_outcomes(passed=1)
    assert (suite.path / "out/index.html").is_file()


@pytest.mark.quick(1)
@pytest.mark.parametrize("workers", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
@pytest.mark.parametrize("report", ["r.html", "report", "run/report.html"])
def test_a_session_that_is_killed_leaves_no_green_report(suite, monkeypatch, report, workers):
    suite.makepyfile(
        test_x="def test_a(check): check(5, 1)\ndef test_b(check): check(5, 1)\n",
    )
    add_to_conftest(
        suite,
        """
import os
def pytest_runtest_logstart(nodeid):
    worker = "PYTEST_XDIST_WORKER" in os.environ
    if "KILL" in os.environ and nodeid.endswith("test_b") and not worker:
        os._exit(9)
""",
    )
    page = suite.path / report if report.endswith(".html") else suite.path / report / "index.html"
    asked = (f"--editmetrics-html={report}", "--editmetrics-run-dir=run")
    assert suite.runpytest_subprocess(*asked).ret == 0
    assert "All 2 cases passed" in page.read_text(encoding="utf-8")
    monkeypatch.setenv("KILL", "1")
    assert suite.runpytest_subprocess(*asked, *workers).ret != 0
    text = page.read_text(encoding="utf-8")
    assert "passed" not in text
    assert "<h1>The session did not finish</h1>" in text
    monkeypatch.delenv("KILL")
    assert suite.runpytest_subprocess(*asked).ret == 0
    assert "All 2 cases passed" in page.read_text(encoding="utf-8")
