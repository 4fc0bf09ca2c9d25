"""Commands that take a run: ten times as many gates cost about ten times as many calls."""

from __future__ import annotations

import contextlib
import gc
import io
import sys
from itertools import count
from pathlib import Path

import pytest

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.results import ResultsFile
from pytest_editmetrics.runs.writing import RunDir

pytestmark = pytest.mark.more
FILE = "goldens/test_gate.py.yaml"
ONE, FEW, MANY = 1, 6, 51  # ten times as many more than one


def write(path: Path, gates: int, *, repeated: bool = False) -> str:
    """Write a run of so many failing gates, each of a test of its own, or all of one test."""
    run_dir = RunDir(path)
    run_dir.prepare()
    with ResultsFile(run_dir.results_path, {"pytest": "9"}, f"{path.name}") as results:
        for number in range(gates):
            test = f"test_gate[{number}]"
            one = Gate(
                "lpips", "fail", value=0.2 + number / 10_000, scope="unedit_area",
                bound_kind="max", bound=0.1, origin="default", source="editmetrics.yaml:1",
                golden={"file": FILE, "test": "test_gate" if repeated else test, "gate": "lpips"},
                region={"coords": [[8, 8, 24, 24]], "width": 64, "height": 64},
            )  # fmt: skip
            results.gate(f"test_gate.py::{test}", 1, True, "failed", one)
        results.close({})
    return str(path)


def calls(*arguments: str) -> int:
    """Run a command; return how many lines of Python it ran, in loops each time.

    What other tests left is cleared before: its finalizers would count too.
    """
    counted = count()
    status = 0

    def lines(frame: object, event: str, arg: object) -> object:
        next(counted)
        return lines

    gc.collect()
    gc.disable()
    before = sys.gettrace()  # of coverage
    sys.settrace(lines)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            status = main(list(arguments))
    finally:
        sys.settrace(before)
        gc.enable()
    assert status == 0
    return next(counted)


@pytest.fixture
def project(suite: pytest.Pytester) -> Path:
    """A project whose test file the runs name, with what a command imports imported."""
    suite.makepyfile(test_gate="")
    for gates in (ONE, FEW, MANY):
        write(suite.path / f"base-{gates}", gates)
        write(suite.path / f"run-{gates}", gates)
        write(suite.path / f"repeated-{gates}", gates, repeated=True)
    return suite.path


@pytest.mark.parametrize("command", ["approve", "compare", "report", "merge", "calibrate"])
def test_ten_times_the_gates_are_ten_times_the_calls(project, command):
    def of(gates: int) -> int:
        base, run = f"base-{gates}", f"run-{gates}"
        (project / FILE).unlink(missing_ok=True)
        more = {"compare": [base], "calibrate": [base, "--no-selftest"],
                "merge": ["-o", f"merged-{gates}-{next(turn)}"]}  # fmt: skip
        return calls(command, run, *more.get(command, []))

    turn = count()
    of(ONE)  # imports
    alone, few, many = (min(of(gates), of(gates)) for gates in (ONE, FEW, MANY))
    each, later = (few - alone) / (FEW - ONE), (many - few) / (MANY - FEW)
    assert each > 10
    assert later < 1.05 * each


@pytest.mark.parametrize("again", [False, True])
def test_ten_times_the_repetitions_are_ten_times_the_calls(project, again):
    def of(gates: int) -> int:
        (project / FILE).unlink(missing_ok=True)
        first = calls("approve", f"repeated-{gates}")
        return calls("approve", f"repeated-{gates}") if again else first

    of(ONE)  # imports
    alone, few, many = (min(of(gates), of(gates)) for gates in (ONE, FEW, MANY))
    assert (project / FILE).read_text().count("lpips:") == 1
    assert (many - few) / (MANY - FEW) < 1.05 * (few - alone) / (FEW - ONE)


def test_approving_looks_at_a_file_once_not_once_a_gate(project, monkeypatch):
    seen = []
    resolve = Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda *args: seen.append(args[0]) or resolve(*args))

    def looks(gates: int) -> int:
        seen.clear()
        assert main(["approve", f"run-{gates}"]) == 0
        return sum(path == project / FILE for path in seen)

    few = looks(FEW)
    (project / FILE).unlink()
    assert looks(MANY) == few
