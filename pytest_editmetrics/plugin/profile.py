"""``--editmetrics-profile``: each test's report carries what its process spent; the end shows it.

With pytest-xdist the workers' reports bring it to the controller, which adds its own.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from json import dumps, loads
from typing import Any

import pytest

from pytest_editmetrics.session.state import EditSession

_CARRIED = "_editmetrics_profile"


def register_profile(session: EditSession) -> None:
    """Count in this process; where the summary is printed, also add up what reports bring."""
    plugins = session.config.pluginmanager
    plugins.register(_Spent(session), "editmetrics-spent")
    if not hasattr(session.config, "workerinput"):
        plugins.register(_Profile(session), "editmetrics-profile")


class _Spent:
    """Puts on the report of a test's end what was spent since the one before."""

    def __init__(self, session: EditSession):
        self._session = session

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "teardown":
            setattr(report, _CARRIED, dumps(self._session.clock.take()))
        return report


class _Profile:
    """Adds up what the reports carry, and prints it."""

    def __init__(self, session: EditSession):
        self._session = session
        self._started = time.perf_counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._gates: defaultdict[str, float] = defaultdict(float)
        self._metrics: defaultdict[str, float] = defaultdict(float)
        self._workers: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        carried = vars(report).pop(_CARRIED, None)
        if carried is None:
            return
        self._add(loads(carried))
        if (node := getattr(report, "node", None)) is not None:
            self._workers.add(str(node.gateway.id))

    def _add(self, taken: Iterable[Mapping[Any, float]]) -> None:
        for sums, more in zip((self._seconds, self._gates, self._metrics), taken, strict=True):
            for name, seconds in more.items():
                sums[name] += seconds

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        from pytest_editmetrics.report.profile import profile_lines

        self._add(self._session.clock.take())
        session = time.perf_counter() - self._started
        terminalreporter.section("editmetrics profile")
        spent, workers = (self._seconds, self._gates, self._metrics), len(self._workers)
        for line in profile_lines(*spent, session, workers):
            terminalreporter.write_line(line)
