"""What pytest-xdist's controller and its workers tell each other; registered only with xdist."""

from __future__ import annotations

import json
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_editmetrics.errors import counted
from pytest_editmetrics.plugin.controller import Controller
from pytest_editmetrics.plugin.fixture_gates import fixtures_with_goldens
from pytest_editmetrics.plugin.found_tests import FoundTests
from pytest_editmetrics.plugin.whole_run import Found
from pytest_editmetrics.session.began import BEGAN, CONFIGURED, began, configured
from pytest_editmetrics.session.ledger import REPORT_KEY
from pytest_editmetrics.session.state import RUN_DIR_KEY, EditSession
from pytest_editmetrics.session.unread import UNUSABLE

DESELECTED = "editmetrics_deselected"
LEFT_OUT = "editmetrics_left_out"
LOST = "_editmetrics_lost"
"""What carries losses: an attribute of the report that follows them, and the last word has all."""
SENT = "editmetrics_sent"
FIXTURES = "editmetrics_fixtures"
GOLDENS = "editmetrics_goldens"
UNREAD = "editmetrics_unread"
FOUND = "editmetrics_found"


def worker(config: Any) -> Found:
    """Return what tells the controller, which collects nothing, of tests that were left out.

    It learns it at the end of the worker; one that is killed is no full run either.
    """

    def deselected(by: str) -> None:
        config.workeroutput.setdefault(DESELECTED, []).append(by)

    def left_out(nodeids: list[str]) -> None:
        config.workeroutput[LEFT_OUT] = nodeids

    return Found(deselected, left_out)


def found_tests(session: EditSession) -> FoundTests:
    """Return what tells the controller, at the end of the worker, which tests there are."""
    config: Any = session.config

    def tell(told: dict[str, Any]) -> None:
        config.workeroutput[FOUND] = json.dumps(told)

    return FoundTests(session, tell)


class XdistWorker:
    """Tells the controller of gates that reached no report, and of fixtures that have goldens."""

    def __init__(self, session: EditSession):
        self._session = session
        self._ledger = session.ledger
        self._config: Any = session.config
        self._told = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell what was lost since the last report: the worker may have no last word."""
        new = self._ledger.lost[self._told :]
        if new:
            self._told += len(new)
            setattr(report, LOST, json.dumps(new, default=repr))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Wait for checks that go on; what reached no report goes with the worker's last word."""
        self._ledger.settle(wait=not session.shouldstop)
        self._config.workeroutput[SENT] = self._ledger.sent
        if self._ledger.lost:
            self._config.workeroutput[LOST] = json.dumps(self._ledger.lost, default=repr)
        self._config.workeroutput[FIXTURES] = json.dumps(fixtures_with_goldens(self._session))
        self._config.workeroutput[GOLDENS] = [*map(str, self._session.golden_folders_seen)]
        self._config.workeroutput[UNREAD] = [*map(str, self._session.unread_files_seen)]


class XdistController:
    """Passes on which tests the workers collected, and to the workers where the run is kept.

    The controller collects no tests itself.
    """

    def __init__(self, controller: Controller):
        self._controller = controller
        self._received: Counter[object] = Counter()
        self._lost: dict[object, list[dict[str, Any]]] = {}
        self._collected: set[object] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the reports of each worker that still have their gates, and take its losses."""
        node = getattr(report, "node", None)
        self._controller.whole.wordless.pop(node, None)  # it died in a test, which is told
        self._received[node] += REPORT_KEY in vars(report)
        new = json.loads(vars(report).pop(LOST, "[]"))
        if new:
            self._lost.setdefault(node, []).extend(new)
            self._controller.undelivered.take(new)

    @cached_property
    def _configured(self) -> dict[str, str]:
        return configured(self._controller.session)

    @pytest.hookimpl
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker when the session began and with what, and the run directory it has."""
        node.workerinput[BEGAN] = began(self._controller.session.config)
        node.workerinput[CONFIGURED] = self._configured
        run_path = self._controller.session.run_path
        if run_path is not None:
            node.workerinput[RUN_DIR_KEY] = str(run_path)

    @pytest.hookimpl
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """Take the ids of one worker's tests."""
        self._collected.add(node)
        self._controller.collected(ids)

    @pytest.hookimpl
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take what a worker that ended says of tests that were left out, and of lost gates.

        Raises:
            pytest.UsageError: it could not use the configuration.
        """
        output = getattr(node, "workeroutput", {})
        if UNUSABLE in output:
            self._controller.refuse(output[UNUSABLE])
            raise pytest.UsageError(output[UNUSABLE])
        self._controller.whole.dead_workers += error is not None
        if error is not None and self._received[node]:
            self._controller.whole.wordless[node] = node.gateway.id
        if node not in self._collected:
            self._controller.whole.lost_workers.append(node.gateway.id)
        for by in output.get(DESELECTED, ()):
            self._controller.whole.deselected(by)
        self._controller.whole.left_out(output.get(LEFT_OUT, []))
        told = self._lost.pop(node, [])
        lost = [one for one in json.loads(output.get(LOST, "[]")) if one not in told]
        if (missing := output.get(SENT, 0) - self._received[node]) > 0:
            why = (
                f"{counted(missing, 'report')} of the worker {node.gateway.id} came without gates:"
                " another plugin or a conftest changed them on their way"
            )
            lost.append({"test": None, "why": why, "gate": None})
        self._controller.undelivered.take(lost)
        if FOUND in output:
            self._controller.found.take(json.loads(output[FOUND]))
        self._controller.fixtures.found(json.loads(output.get(FIXTURES, "{}")))
        session = self._controller.session
        session.golden_folders_seen.update(map(Path, output.get(GOLDENS, ())))
        session.unread_files_seen.update(map(Path, output.get(UNREAD, ())))
