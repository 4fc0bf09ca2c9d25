"""What pytest reports as failed though no gate fails: by its gates alone such a run is green."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_editmetrics.session.unread import asks_for_gates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.plugin.attempts import Attempt
    from pytest_editmetrics.runs.folder import FailedTest

_ASKS_KEY = "_editmetrics_asks"
_LONGEST = 1_000


class FailedTests:
    """Collects them: tests, and files that cannot be collected.

    ``found`` are all of a session, in the order in which they failed; ``gated`` tells whether a
    test among them asks for gates, made or not. ``write`` appends a record to the results.
    """

    def __init__(self, write: Callable[[str, FailedTest], None]):
        self._write = write
        self._files: list[FailedTest] = []
        self.found: list[FailedTest] = []
        self.gated = False

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take a file that cannot be collected; pytest-xdist tells each once."""
        if report.failed:
            from pytest_editmetrics.runs.folder import FailedTest

            self._files.append(FailedTest(report.nodeid, "collect", _first_line(report)))
            self.found.append(self._files[-1])

    def ended(self, attempt: Attempt, gates: Iterable[Gate]) -> None:
        """Take an attempt of a test, with its own gates as they end."""
        told = any(gate.failing for gate in gates)
        if attempt.rerun or attempt.outcome != "failed" or told or attempt.failure is None:
            return
        from pytest_editmetrics.runs.folder import FailedTest

        self.gated |= attempt.asks
        self.found.append(FailedTest(attempt.nodeid, *attempt.failure, attempt.location))
        self._write("failed", self.found[-1])

    def close(self) -> None:
        """Write the files: they replace no earlier run where nothing ran after them."""
        for file in self._files:
            self._write("failed", file)


def tell_whether_it_asks(item: pytest.Item, report: pytest.TestReport) -> None:
    """Let the report of a failed test tell whether that asks for gates: it may have made none."""
    if report.failed and asks_for_gates(item):
        setattr(report, _ASKS_KEY, True)


def failure_of(report: pytest.TestReport) -> tuple[tuple[str, str], bool]:
    """Return the phase in which a test failed with pytest's line of it, and whether it asks."""
    return (str(report.when), _first_line(report)), bool(vars(report).pop(_ASKS_KEY, False))


def _first_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message) if crash is not None else str(report.longrepr)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if crash is None and (errors := [line for line in lines if line.startswith("E ")]):
        return errors[-1].removeprefix("E").strip()[:_LONGEST]
    return lines[0][:_LONGEST] if lines else "failed without a word"
