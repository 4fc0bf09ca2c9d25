"""What pytest-xdist's controller and its workers tell each other; registered only with xdist."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_editmetrics.plugin.controller import Controller
from pytest_editmetrics.session.state import RUN_DIR_KEY

DESELECTED = "editmetrics_deselected"


class XdistWorker:
    """Tells the controller, which collects nothing, whether tests were deselected."""

    def __init__(self, config: pytest.Config):
        self._config: Any = config

    @pytest.hookimpl
    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Remember it for the end of the worker; one that is killed is no full run either."""
        if items:
            self._config.workeroutput[DESELECTED] = True


class XdistController:
    """Passes on which tests the workers collected, and to the workers where the run is kept.

    The controller collects no tests itself.
    """

    def __init__(self, controller: Controller):
        self._controller = controller

    @pytest.hookimpl
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker the run directory, which the controller made."""
        run_path = self._controller.session.run_path
        if run_path is not None:
            node.workerinput[RUN_DIR_KEY] = str(run_path)

    @pytest.hookimpl
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """Take the ids of one worker's tests."""
        self._controller.collected(ids)

    @pytest.hookimpl
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take what a worker that ended says of deselected tests."""
        if getattr(node, "workeroutput", {}).get(DESELECTED):
            self._controller.deselected()
