"""One attempt of one test, as its reports arrive, and the labels of its gates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_editmetrics.plugin.failed_tests import Failure, reason_of


def with_labels(
    measured: Mapping[str, frozenset[str]], notable: Iterable[tuple[str, str]]
) -> dict[str, frozenset[str]]:
    """Return the labels of gates, by node id, of what was measured and of what was not."""
    labelled = {nodeid: labels for nodeid, labels in measured.items() if labels}
    for nodeid, label in notable:
        labelled[nodeid] = labelled.get(nodeid, frozenset()) | {label}
    return labelled


@dataclass
class Attempt:
    """One attempt of one test while its reports arrive; ``rerun`` once pytest will try again.

    ``failures`` are its failed reports, of subtests too; ``why`` it was skipped or xfailed, if it
    was; ``kinds`` what it may ask for, see ``kinds_of``, if it failed.
    """

    nodeid: str
    outcome: str = "passed"
    why: str = ""
    called: bool = False
    failed: bool = False
    other_failure: bool = False
    rerun: bool = False
    gates: list[dict[str, Any]] = field(default_factory=list)
    staged: list[dict[str, Any]] = field(default_factory=list)
    asked: bool = False
    by_call: bool = False
    kinds: list[str] = field(default_factory=list)
    set_up: list[str] = field(default_factory=list)
    uses: list[str] = field(default_factory=list)
    location: tuple[str, int] | None = None
    failures: list[Failure] = field(default_factory=list)

    def take(self, told: Mapping[str, Any]) -> None:
        """Take what a report tells of the attempt."""
        self.gates, self.failed = told["gates"], told["failed"]
        self.other_failure = told["other_failure"]
        self.staged, self.asked = told["staged"], told["asked"]
        self.by_call, self.kinds = told["by_call"], told["kinds"]
        self.set_up, self.uses = told["set_up"], told["uses"]

    def end_phase(self, report: pytest.TestReport) -> None:
        """Take how a phase ended, and which test fails or is skipped by that."""
        outcome = outcome_of(report)
        if self.outcome != "failed" and outcome != "passed":
            self.outcome = outcome
            self.why = reason_of(report) if outcome in ("skipped", "xfailed") else ""

    def take_failure(self, failure: Failure) -> None:
        """Take a failed report; one of the teardown comes after all that the test itself told."""
        self.failures.append(failure)
        self.other_failure |= failure.when == "teardown" and failure.why == "other"

    def locate(self, report: pytest.TestReport, rootdir: Path) -> None:
        """Remember where the test stands: its line that made the check that failed, else its first.

        A check may lie in a fixture or a helper; the line is that of the test's own file.
        """
        file, first, _ = report.location
        if report.failed and (line := _last_line_in(rootdir / file, report.longrepr)):
            self.location = (file, line)
        elif self.location is None:
            self.location = (file, (first or 0) + 1)


class Overtaken:
    """Attempts of which no report of their own told: the test was run again behind pytest's back.

    The reports of the attempt that came next tell of them, each of all.
    """

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()

    def take(self, nodeid: str, told: Mapping[str, list[dict[str, Any]]]) -> Iterator[Attempt]:
        """Yield the attempts of a test that are new."""
        for attempt, gates in told.items():
            if (nodeid, attempt) not in self._known:
                self._known.add((nodeid, attempt))
                yield Attempt(nodeid, "rerun", rerun=True, gates=gates)


class Died:
    """Attempts whose worker died when reports had told their gates, by test.

    Each is the test's last, unless another begins: pytest-xdist may run a whole file anew.
    ``finish`` takes an attempt that has ended.
    """

    def __init__(self, finish: Callable[[Attempt], None]):
        self._finish = finish
        self._attempts: dict[str, Attempt] = {}

    def add(self, attempt: Attempt, *, again: bool) -> None:
        """Take one; whether its test is run ``again`` may be known at once, or come out later."""
        self.runs_again(attempt.nodeid)
        if attempt.gates or again:
            self._attempts[attempt.nodeid] = attempt
        if again:
            self.runs_again(attempt.nodeid)

    def runs_again(self, nodeid: str) -> None:
        """Finish the attempt of a test that was not its last, if there is one."""
        if (attempt := self._attempts.pop(nodeid, None)) is not None:
            attempt.rerun, attempt.outcome = True, "rerun"
            self._finish(attempt)

    def close(self) -> None:
        """Finish those that were the last of their tests."""
        for attempt in self._attempts.values():
            self._finish(attempt)
        self._attempts.clear()


def _last_line_in(file: Path, longrepr: Any) -> int | None:
    """Return the line of the innermost call in a file, of a failure as pytest shows it."""
    traceback = getattr(longrepr, "reprtraceback", None)
    for entry in reversed(getattr(traceback, "reprentries", ())):
        place = getattr(entry, "reprfileloc", None)
        if place is not None and _is(place.path, file):
            return int(place.lineno)
    crash = getattr(longrepr, "reprcrash", None)  # all there is under --tb=no, line or native
    if crash is not None and _is(crash.path, file):
        return int(crash.lineno)
    return None


def _is(shown: str, file: Path) -> bool:
    """Tell whether a path that pytest shows, from the current folder, is that of a file."""
    with suppress(FileNotFoundError):  # a test removed the folder
        return Path(shown).absolute() == file
    return False


def key_of(report: pytest.TestReport) -> tuple[str, str]:
    """Return the worker and the test: under ``--dist each`` every worker runs every test."""
    node = getattr(report, "node", None)
    return str(getattr(getattr(node, "gateway", None), "id", "")), report.nodeid


def outcome_of(report: pytest.TestReport) -> str:
    """Return how a report says that its test ended."""
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return str(report.outcome)
