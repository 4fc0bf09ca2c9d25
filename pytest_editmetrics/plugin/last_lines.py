"""What fails a session besides its tests, in pytest's own last lines: no green line ends it."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import pytest


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
