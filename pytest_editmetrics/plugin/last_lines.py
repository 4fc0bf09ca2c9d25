"""How a session ends that fails besides its tests, or whose gates failed: neither green nor 0."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_editmetrics.errors import counted, printable
from pytest_editmetrics.plugin.whole_run import besides, fails
from pytest_editmetrics.session.options import ci_variable, in_ci
from pytest_editmetrics.session.state import session_of

if TYPE_CHECKING:
    from pytest_editmetrics.plugin.ci import CiSurfaces
    from pytest_editmetrics.report.tally import Tally
    from pytest_editmetrics.session.outputs import RunOutputs


class LastLines:
    """Adds a ``FAILED`` line for each problem to the short summary, and keeps the exit status.

    The last line still counts tests only. ``problems`` may grow until the summary is written;
    ``refused`` is the one among them that pytest itself says last, as a usage error.
    """

    def __init__(self, config: pytest.Config):
        self.problems: list[str] = []
        self.refused: str | None = None
        self._config = config
        self._failed: list[str] = []
        self._said = False
        self._session: pytest.Session | None = None
        self._around = sys.exc_info()[1]  # pytest may be called while another error is handled
        config.add_cleanup(self._hold)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> Generator[None, None, None]:
        """Write after all that pytest and its plugins say."""
        result = yield
        problems = [one for one in self.problems if one != self.refused]
        if not problems:
            return result
        stats = terminalreporter.stats
        if not (stats.get("failed") or stats.get("error")):
            terminalreporter.section("short test summary info", "=", cyan=True, bold=True)
        for problem in problems:
            terminalreporter.write("FAILED", red=True)
            terminalreporter.write_line(printable(f" editmetrics - {problem.splitlines()[0]}"))
        stats.setdefault("failed", [])  # what the colour of the last line goes by
        return result

    def judge(self, session: pytest.Session, tally: Tally, *, smoke: bool) -> None:
        """Fail a session whose gates prove nothing; ``smoke``: random weights may stand in CI."""
        if tally.nothing_measured and session.testsfailed == 0:
            self.problems.append(
                "not one gate of this session could be measured, so it proves nothing: exit status"
                " 1"
            )
        new = {test.nodeid for test, gate in tally.expected if gate.verdict == "missing-golden"}
        if new and session_of(self._config).options["update"] == "none":
            tests = counted(len(new), "test that is", "tests that are")
            self.problems.append(
                f"no golden for {tests} expected to fail (xfail), so nothing was judged (first"
                f" {min(new)}): give a bound, or editmetrics approve RUN -k with the test's whole"
                " id records one: exit status 1"
            )
        if tally.smoke and in_ci() and not smoke:
            gates = counted(tally.smoke, "gate was", "gates were")
            self.problems.append(
                f"{gates} judged on random smoke weights and {ci_variable()} is set: exit"
                " status 1 (--editmetrics-allow-smoke lets it pass)"
            )

    def closed(self, session: pytest.Session, tally: Tally | None) -> None:
        """Take what the session came to.

        ``pytest.exit(returncode=0)`` may end it, but not as the pass that it was not. Tests that
        did not run are left to ``--editmetrics-require``, as those that are skipped.
        """
        failed = {
            test.nodeid: None
            for test, gate in (tally.notable if tally else ())
            if test.outcome == "failed" and gate.verdict != "recorded"
        }
        self._failed, self._session = list(failed), session
        ending = sys.exc_info()[1]
        if not isinstance(ending, pytest.exit.Exception) or ending.returncode != 0:
            return
        if failed:
            self.problems.append(
                f"pytest.exit(returncode=0) ended the session, in which {self._told()}: exit"
                " status 1"
            )
        if self.problems:
            ending.returncode = 1

    def status(self, status: int | pytest.ExitCode) -> int | pytest.ExitCode:
        """Return the exit status that holds: whoever made it 0, failed gates make it 1.

        So does a check after the session's end, as in a hook of a ``conftest.py``.
        """
        late = session_of(self._config).ledger.came_late
        if status != 0 or not (self._failed or self.problems or late):
            return status
        if not self._said:
            self._said = True
            line = "a check came after the session's end, where no report can tell of it"
            if self._failed or self.problems:
                told = self._told() if self._failed else self.problems[0]
                line = f"a plugin or conftest.py set the exit status to 0, and {told}"
            line += ": exit status 1"
            print(printable(f"pytest-editmetrics: ERROR: {line}"), file=sys.stderr, flush=True)
        return pytest.ExitCode.TESTS_FAILED

    def tell_late(self, outputs: RunOutputs, surfaces: CiSurfaces) -> None:
        """Let what called the session a pass say what failed it at its very end.

        A hook may raise, or set the exit status, when all was written: the last that is known.
        """
        session, raised = self._session, sys.exc_info()[1]
        if session is None or session.testsfailed or self.problems:
            return
        status = int(session.exitstatus)
        if raised not in (None, self._around):
            status = status or 1
        if fails(session, status):
            outputs.amend(besides(status))
            surfaces.amend(session, besides(status))

    def _hold(self) -> None:
        """Be the last to say how the session ended: after every hook that knows the session."""
        if self._session is not None:
            self._session.exitstatus = self.status(self._session.exitstatus)

    def _told(self) -> str:
        tests = f"{len(self._failed)} test{'s' * (len(self._failed) > 1)}"
        return f"gates failed {tests}, {self._failed[0]}"
