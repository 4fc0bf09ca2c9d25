"""What pytest reports as failed for another reason than a gate: its gates alone may be green."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_editmetrics.errors import EditMetricsError, GateFailure
from pytest_editmetrics.runs.failed import FailedTest
from pytest_editmetrics.session.asked import USES_A_GATE
from pytest_editmetrics.session.held_tests import has_gates
from pytest_editmetrics.session.unread import is_case_file, uses_a_gate
from pytest_editmetrics.whole_file import read_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.plugin.attempts import Attempt

Why = Literal["gate", "error", "other"]

_KEY = "_editmetrics_failure"
_LONGEST = 1_000


@dataclass(frozen=True)
class Failure:
    """One failed report of a test: its phase, and pytest's line of it.

    ``why`` is ``gate`` where a gate failed it, ``error`` where this package did, else ``other``;
    ``asks`` tells whether the test asks for gates, made or not, or goldens hold it.
    """

    when: str
    message: str
    why: Why
    asks: bool


class FailedTests:
    """Collects them: tests, and files that cannot be collected.

    ``found`` are all of a session, in the order in which they failed, ``files`` those that were not
    collected, ``skipped`` those with gates that were skipped as a whole, and why; ``gated`` tells
    whether one among them asks for gates, made or not, or stands beside tests that do. ``write``
    appends a test to the results.
    """

    def __init__(self, rootdir: Path, write: Callable[[str, FailedTest], None]):
        self._rootdir = rootdir
        self._write = write
        self.files: list[FailedTest] = []
        self.found: list[FailedTest] = []
        self.skipped: list[tuple[str, str]] = []
        self.gated = False

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take a file that cannot be collected, or is skipped; pytest-xdist tells each once."""
        if report.skipped and _names_a_gate(self._rootdir / report.nodeid):
            self.skipped.append((report.nodeid, reason_of(report)))
        if report.failed:
            message, place = _first_line(report), None
            if (self._rootdir / report.nodeid).is_file():
                place = report.nodeid, _line_in(report.nodeid, str(report.longrepr))
                named = f"{PurePosixPath(report.nodeid).name}:{place[1]}"
                message = message if named in message else f"{named}: {message}"
            self.files.append(FailedTest(report.nodeid, "collect", message, location=place))
            self.found.append(self.files[-1])
            self.gated |= _names_a_gate(self._rootdir / report.nodeid)

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take such files for the suite's where other tests ask for gates: none of them may run."""
        self.gated |= bool(self.files) and any(map(uses_a_gate, session.items))

    def crashed(self, attempt: Attempt) -> None:
        """Take a test whose worker died: it may have come to a gate, if its file names one."""
        file, *_ = attempt.nodeid.partition("::")
        self.gated |= attempt.asked or _names_a_gate(self._rootdir / file)

    def ended(self, attempt: Attempt, gates: Iterable[Gate]) -> None:
        """Take an attempt of a test, with its own gates as they end.

        What a gate failed is told of that: of its own, or of a wider fixture that was set up.
        """
        if attempt.rerun or attempt.outcome != "failed":
            return
        known = {"gate", "error"} if any(gate.failing for gate in gates) else set()
        for one in dict.fromkeys(attempt.failures):
            if one.why in known or (one.why == "gate" and one.when == "setup"):
                continue
            self.gated |= one.asks
            failed = FailedTest(attempt.nodeid, one.when, one.message, one.asks, attempt.location)
            self.found.append(failed)
            self._write("failed", failed)


def _names_a_gate(file: Path) -> bool:
    try:
        return is_case_file(file) or bool(
            USES_A_GATE.search(read_whole(file).decode("utf-8", "replace"))
        )
    except OSError:  # a folder, or a file that cannot be read
        return False


def tell_failure(
    item: pytest.Item, report: pytest.TestReport, raised: Iterable[BaseException]
) -> None:
    """Let the report of a failed test tell what a controller cannot know of it."""
    if report.failed:
        errors = list(raised)
        why: Why = "other"
        if errors and all(isinstance(error, GateFailure) for error in errors):
            why = "gate"
        elif errors and all(isinstance(error, (EditMetricsError, GateFailure)) for error in errors):
            why = "error"
        setattr(report, _KEY, {"why": why, "asks": has_gates(item)})


def failure_of(report: pytest.TestReport) -> Failure:
    """Return what a failed report tells; one that another plugin made tells nothing of gates."""
    told: dict[str, Any] = vars(report).pop(_KEY, {"why": "other", "asks": False})
    return Failure(str(report.when), _first_line(report), **told)


def is_skip(error: BaseException) -> bool:
    """Tell whether pytest skips a test by this; it takes ``unittest``'s for its own."""
    unittest = sys.modules.get("unittest")
    of_unittest = unittest is not None and isinstance(error, unittest.SkipTest)
    return of_unittest or isinstance(error, pytest.skip.Exception)


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return why pytest skipped, or what it saw that a mark expects, in one line.

    An empty text where it does not say.
    """
    if hasattr(report, "wasxfail"):
        line = _first_line(report)
        return line.partition("XFailed: ")[2] or line  # by pytest.xfail(), or run=False
    told = report.longrepr
    if not isinstance(told, (tuple, list)) or len(told) != 3:
        return ""
    lines = str(told[2]).removeprefix("Skipped:").strip().splitlines()
    return _writable(lines[0]) if lines else ""


def _writable(line: str) -> str:
    """Return a line in characters that every file takes."""
    return line[:_LONGEST].encode("utf-8", "backslashreplace").decode("utf-8")


def _line_in(file: str, text: str) -> int:
    """Return the last line of a file that a text names, as tracebacks and readers do; else 1."""
    name = re.escape(PurePosixPath(file).name)
    lines = re.findall(rf'(?<![\w.-]){name}(?:", line |:)(\d+)', text)
    return int(lines[-1]) if lines else 1


def _first_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the line that tells most."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message) if crash is not None else str(report.longrepr)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
    if crash is None and errors:
        line = errors[-1]
    elif crash is None and not isinstance(report.longrepr, str):
        line = " ".join(lines[-1:])  # a doctest begins with a line's number
    else:
        line = first_line_of(text)
    return _writable(line) or "failed without a word"


def first_line_of(text: str) -> str:
    r"""Return the first line of a message, with the next one where it only announces that.

    >>> first_line_of("lpips 0.2 > max 0.1\n    bound golden"), first_line_of("no such key:\n  emd")
    ('lpips 0.2 > max 0.1', 'no such key: emd')
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    more = lines and lines[0].endswith(":")
    return " ".join(lines[: 2 if more else 1])
