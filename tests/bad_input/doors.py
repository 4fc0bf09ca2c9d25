"""Runs every case through its door and tells what it came to."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from bad_calls import AREAS, ARRAYS, ASKED, FILES, IMAGES, MARKERS
from bad_checkpoints import CHECKPOINTS
from bad_commands import COMMANDS, MANIFESTS, OPTIONS, RUNS
from bad_input import Came, Case, tidy
from bad_world import after, before, png
from bad_yaml import CASES, CONFIGURATION, GOLDENS

from pytest_editmetrics import errors
from pytest_editmetrics.cli.main import main

Rows = list[tuple[Case, Came]]

SETTINGS = "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: {max: 60}}\n"
CHECK = "edit_gate.check(before, after, BOX)"
FULL = ("-o", "editmetrics_junit=full")  # each gate is a property of its test
CALLS = [*FILES, *ARRAYS, *AREAS, *ASKED, *IMAGES, *CHECKPOINTS]
HOOK = """
import json
from pathlib import Path

import pytest
from pytest_editmetrics.session.state import EditSession, session_key

FILES = {files}


def pytest_collection_finish():
    # pytest would parse all of it again for each test that fails
    Path("test_calls.py").unlink(missing_ok=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    # each test finds the files of its own, and a session that has read none
    for path, contents in FILES.items():
        text = contents.get(item.name, {settings!r} if path == "editmetrics.yaml" else "")
        Path(path).write_bytes(text.encode() if isinstance(text, str) else text)
    item.config.stash[session_key] = EditSession(item.config)
"""


_OURS = tuple(
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.EditMetricsError)
)
_IN_A_FILE_OF_CASES = re.compile(r"test_\d+\.edit\.yaml:\d+: ")
_RAISED = re.compile(r"^E +(\w+): ", re.MULTILINE)
_ERROR = re.compile(r"editmetrics[\w -]*: error: ")


def outcome(report: pytest.TestReport | pytest.CollectReport, root: Path) -> Came:
    """Return what a report tells of its case."""
    shown = report.longreprtext
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        said = crash.message if crash is not None else shown
        missing = getattr(report.longrepr, "errorstring", None)  # of pytest: a fixture is not found
        if missing is not None or (crash is None and _IN_A_FILE_OF_CASES.match(said)):
            return Came("error", tidy(missing or said, root), shown)
        raised = _RAISED.search(shown)
        kind = raised[1] if raised else ""
        gets = "failed" if kind == "GateFailure" else "error" if kind in _OURS else "crashed"
        return Came(gets, tidy(said, root), shown)
    if report.skipped and hasattr(report, "wasxfail"):
        return Came("unmeasured", tidy(report.wasxfail, root), shown)
    properties = getattr(report, "user_properties", ())
    gates = [v.partition(" ")[0] for key, v in properties if key.startswith("editmetrics:")]
    return Came("measured", "; ".join(gates)) if gates else Came("passed", "")


def _inner(pytester: pytest.Pytester, *args: str) -> Iterator[pytest.TestReport]:
    recorder = pytester.inline_run("-q", "-p", "no:cacheprovider", "-W", "ignore", *FULL, *args)
    for report in recorder.getreports("pytest_runtest_logreport"):
        if report.when == "call" or report.failed:
            yield report


def in_tests(pytester: pytest.Pytester) -> tuple[Rows, ...]:
    """Run calls, markers, configurations and golden files, each in a test of one session."""
    source = ["import pytest", "from bad_world import *"]
    doors = (CALLS, MARKERS, CONFIGURATION, GOLDENS)
    files: dict[str, dict[str, str | bytes]] = {
        "editmetrics.yaml": {},
        "goldens/test_calls.py.yaml": {},
    }
    for door, cases in enumerate(doors):
        for number, case in enumerate(cases):
            test = f"test_{door}_{number}"
            made = case.made if isinstance(case.made, bytes) else case.made.replace("{test}", test)
            body = made if cases is CALLS else CHECK
            if cases is MARKERS:
                source.append(str(made))
            if cases is CONFIGURATION:
                files["editmetrics.yaml"][test] = made
            if cases is GOLDENS:
                files["goldens/test_calls.py.yaml"][test] = made
            source.append(f"def {test}(edit_gate, golden_image):\n    {body}\n")
    pytester.mkdir("goldens")
    pytester.makeconftest(HOOK.format(files=files, settings=SETTINGS))
    pytester.makepyfile(test_calls="\n".join(source))
    came = {
        report.nodeid.partition("::")[2]: outcome(report, pytester.path)
        for report in reversed(list(_inner(pytester)))
    }
    return tuple(
        [(case, came[f"test_{door}_{number}"]) for number, case in enumerate(cases)]
        for door, cases in enumerate(doors)
    )


def project(path: Path) -> None:
    """Make a project with two images and a configuration."""
    path.joinpath("pytest.ini").write_text("[pytest]\n")
    path.joinpath("editmetrics.yaml").write_text(SETTINGS)
    path.joinpath("goldens").mkdir(exist_ok=True)
    path.joinpath("goldens", "README").write_text("no run")
    path.joinpath("before.png").write_bytes(png(before))
    path.joinpath("after.png").write_bytes(png(after))
    path.joinpath("copy.png").write_bytes(png(before))


def in_case_files(pytester: pytest.Pytester) -> Rows:
    """Run files of YAML cases, all in one session."""
    project(pytester.path)
    pytester.path.joinpath("editmetrics.yaml").write_text(
        "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: {max: 250}}\n"
    )
    names = []
    for number, case in enumerate(CASES):
        names.append(f"test_{number}.edit.yaml")
        data = case.made if isinstance(case.made, bytes) else case.made.encode()
        pytester.path.joinpath(names[-1]).write_bytes(data)
    recorder = pytester.inline_run(
        "-q", "-p", "no:cacheprovider", "-W", "ignore", *FULL, "--continue-on-collection-errors"
    )
    reports = [
        *(r for r in recorder.getreports("pytest_collectreport") if r.failed),
        *(
            r
            for r in recorder.getreports("pytest_runtest_logreport")
            if r.when == "call" or r.failed
        ),
    ]
    came = {r.nodeid.partition("::")[0]: outcome(r, pytester.path) for r in reversed(reports)}
    return [
        (case, came.get(name, Came("passed", "collected nothing")))
        for name, case in zip(names, CASES, strict=True)
    ]


def command(root: Path, line: Sequence[str], names: str) -> Came:
    """Run the command ``editmetrics`` in this process."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(list(line))
        except SystemExit as exit:
            status = int(exit.code or 0)
    shown = out.getvalue() + err.getvalue()
    if not status:
        return Came("measured", "exit status 0", shown)
    lines = shown.splitlines()
    errors = [text.partition("error: ")[2] for text in lines if _ERROR.match(text)]
    told = [text.strip() for text in lines if names in text]
    if told and not (errors and names in errors[0]):
        return Came("failed", tidy(told[0], root), shown)
    return Came("error", tidy((errors or lines)[0], root), shown)


def in_commands(root: Path) -> tuple[Rows, ...]:
    """Run manifests, results files and command lines; the current folder is ``root``."""
    project(root)
    manifests: Rows = []
    for case in MANIFESTS:
        data = case.made if isinstance(case.made, bytes) else case.made.encode()
        Path("m.jsonl").write_bytes(data)
        manifests.append((case, command(root, ["score", "m.jsonl", "-o", "scored"], case.names)))
    row = {"id": "a", "reference": "before.png", "edited": "copy.png"}
    Path("m.jsonl").write_text(json.dumps(row))
    assert main(["score", "m.jsonl", "-o", "good"]) == 0
    run = re.sub('"id": "[0-9a-f]+"', '"id": "0"', Path("good/results.jsonl").read_text())
    runs: Rows = []
    for case in RUNS:
        data = eval(case.made, {"run": run})
        Path("r.jsonl").write_bytes(data if isinstance(data, bytes) else data.encode())
        line = ["compare", "good", "r.jsonl", "--fail", "unedit_max_diff:5%"]
        runs.append((case, command(root, line, case.names)))
    Path("r.jsonl").write_text(run)
    commands = [(case, command(root, shlex.split(str(case.made)), case.names)) for case in COMMANDS]
    return manifests, runs, commands


def in_options(pytester: pytest.Pytester) -> Rows:
    """Run pytest with options that make no sense."""
    project(pytester.path)
    pytester.makepyfile(
        test_x="def test_it(edit_gate):\n"
        "    edit_gate.check('before.png', 'after.png', [(16, 16, 32, 32)], metrics='lpips')\n"
    )
    rows: Rows = []
    for case in OPTIONS:
        result = pytester.runpytest("-p", "no:cacheprovider", "test_x.py", str(case.made))
        said = [
            line.removeprefix("ERROR: ") for line in result.errlines if line.startswith("ERROR: ")
        ]
        if result.ret == pytest.ExitCode.USAGE_ERROR and said:
            rows.append(
                (case, Came("error", tidy(said[0], pytester.path), "\n".join(result.errlines)))
            )
            continue
        crash = [line for line in result.outlines if line.startswith("E   ")] or ["E   nothing"]
        kind, _, rest = crash[0][1:].strip().partition(": ")
        gets = "error" if kind in _OURS else "crashed"
        rows.append((case, Came(gets, tidy(rest, pytester.path), "\n".join(result.outlines))))
    return rows
