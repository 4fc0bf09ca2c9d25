"""Whether every gate reached a report, and every report still says what its gates came to."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate

OUTCOMES = ("passed", "failed", "skipped", "xfailed", "xpassed", "rerun")
"""What pytest and pytest-rerunfailures call the end of a test; others have their own words."""
_LISTED = 10


class Deliveries:
    """In every process: opens and closes its part of the session, and sees its reports off."""

    def __init__(self, session: EditSession):
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Let helpers find the tests from the first moment on."""
        from pytest_editmetrics.session.running import close_session, open_session
        from pytest_editmetrics.weights.kept import stay_in_place

        ledger = self._session.ledger
        self._session.config.add_cleanup(stay_in_place())
        open_session(ledger)
        self._session.config.add_cleanup(lambda: close_session(ledger))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        """See to it that a report carries its gates, before anyone takes it."""
        self._session.ledger.arrived(report)
        return (yield)


class Undelivered:
    """What reached no report, or a report that says otherwise; for the controller.

    ``problems`` fail the session.
    """

    def __init__(self, session: EditSession):
        self._session = session
        self._lost: list[Mapping[str, Any]] = []
        self._otherwise: list[str] = []
        self._failed_before: dict[str, dict[str, Gate]] = {}
        self.notes: list[str] = []
        self.problems: list[str] = []

    def take(self, lost: Iterable[Mapping[str, Any]]) -> None:
        """Take what an xdist worker lost."""
        self._lost += lost

    def ended(self, nodeid: str, final: bool, outcome: str, gates: Sequence[Gate]) -> None:
        """Hold the outcome of a test's last attempt to its gates, and to those of earlier ones."""
        before = self._failed_before.get(nodeid)
        if (final and outcome == "failed") or not (gates or before):
            return
        from pytest_editmetrics.gates.reruns import failed_before, left_open
        from pytest_editmetrics.gates.verdict import MEASURED, soft_failures
        from pytest_editmetrics.report.text import headline

        if not final:
            if failing := failed_before(before or {}, gates):
                self._failed_before[nodeid] = failing
            return
        if before and (unmade := left_open(before.values(), gates)):
            some = any(gate.verdict in MEASURED for gate in gates)
            self._otherwise.append(
                f"{nodeid} failed its gate, was run again, ended as {outcome} and measured"
                f" {'others, but not it' if some else 'nothing'}: {headline(unmade[0])}"
            )
            return
        wrong = [gate for gate in gates if gate.failing]
        if outcome == "xfailed":  # an error is no expected failure, whoever says that it is
            wrong = [gate for gate in gates if gate.verdict == "error"]
        elif outcome != "skipped":
            wrong += soft_failures(gates, gates)
        if wrong:
            self._otherwise.append(
                f"{nodeid} ended as {outcome}, and its gate did not: {headline(wrong[0])}; another"
                " plugin or a conftest changed the report"
            )

    def close(self, wait: bool) -> bool:
        """Wait for checks that go on, then say what was lost; ``True`` if anything was."""
        self._session.ledger.settle(wait)
        self.take(self._session.ledger.lost)
        self._list(self._otherwise)
        self._list([f"a gate reached no report: {_told(one)}" for one in self._lost if _bad(one)])
        passed = [_told(one) for one in self._lost if not _bad(one)]
        if passed:
            self.notes.append(
                f"passed, but reached no report and is in no results: {len(passed)}, {passed[0]}"
                + (" and others" if len(passed) > 1 else "")
            )
        return bool(self._lost)

    def _list(self, problems: list[str]) -> None:
        self.problems += problems[:_LISTED]
        if len(problems) > _LISTED:
            self.problems.append(f"and {len(problems) - _LISTED} more such gates")


def _bad(lost: Mapping[str, Any]) -> bool:
    return lost["gate"] is None or lost["gate"]["verdict"] != "pass"


def _told(lost: Mapping[str, Any]) -> str:
    where = f"{lost['test']}: " if lost["test"] else ""
    if lost["gate"] is None:
        return f"{where}{lost['why']}"
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.report.text import headline

    return f"{where}{headline(Gate.from_dict(lost['gate']))} ({lost['why']})"
