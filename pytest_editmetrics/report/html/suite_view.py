"""The suite's gates as the HTML report shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_editmetrics.report.suite_text import change_lines, suite_headline
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.suites.gate import SuiteGate, suite_of


@dataclass(frozen=True)
class SuiteLine:
    """One gate of the suite; ``details`` stand below the first that compares its metric."""

    status: str
    verdict: str
    headline: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class SuiteView:
    """What the report shows of the suite; ``why`` tells that it was not judged."""

    why: str | None = None
    lines: tuple[SuiteLine, ...] = ()

    @property
    def failed(self) -> int:
        """How many gates of the suite fail."""
        return sum(line.status == "failed" for line in self.lines)


def suite_view(run: Run) -> SuiteView:
    """Return what the report shows of a run's suite; it is empty where none was held.

    Raises:
        EditMetricsError: what the run tells of it makes no sense.
    """
    result = suite_of(run)
    return SuiteView() if result is None else SuiteView(result.why, tuple(_lines(result.gates)))


def _lines(gates: tuple[SuiteGate, ...]) -> Iterator[SuiteLine]:
    told: set[str] = set()
    for gate in gates:
        details: tuple[str, ...] = ()
        if gate.change is not None and gate.metric not in told:
            told.add(gate.metric)
            details = tuple(line.strip() for line in change_lines([gate])[1:])
        status = "passed" if gate.verdict == "pass" else "failed"
        yield SuiteLine(status, gate.verdict, suite_headline(gate), details)
