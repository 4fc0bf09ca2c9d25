"""What fails a session besides its tests, in pytest's own last lines: no green line ends it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_editmetrics.report.tally import Tally


class LastLines:
    """Adds a ``FAILED`` line for each problem to the short summary, and makes the last line red.

    The last line still counts tests only. ``problems`` may grow until the summary is written.
    """

    def __init__(self, problems: Sequence[str]):
        self._problems = problems

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> Generator[None, None, None]:
        """Write after all that pytest and its plugins say."""
        result = yield
        if not self._problems:
            return result
        stats = terminalreporter.stats
        if not (stats.get("failed") or stats.get("error")):
            terminalreporter.section("short test summary info", "=", cyan=True, bold=True)
        for problem in self._problems:
            terminalreporter.write("FAILED", red=True)
            terminalreporter.write_line(f" editmetrics - {problem.splitlines()[0]}")
        stats.setdefault("failed", [])  # what the colour of the last line goes by
        return result


def stay_red(ending: BaseException | None, tally: Tally | None, problems: list[str]) -> None:
    """Let ``pytest.exit(returncode=0)`` end a session, but not as the pass that it was not.

    Tests that did not run are left to ``--editmetrics-require``, as those that are skipped.
    """
    if not isinstance(ending, pytest.exit.Exception) or ending.returncode != 0:
        return
    failed = {
        test.nodeid: None
        for test, gate in (tally.notable if tally else ())
        if test.outcome == "failed" and gate.verdict != "recorded"
    }
    if failed:
        problems.append(
            f"pytest.exit(returncode=0) ended the session, in which gates failed {len(failed)}"
            f" test{'s' * (len(failed) > 1)}, {next(iter(failed))}: exit status 1"
        )
    if problems:
        ending.returncode = 1
