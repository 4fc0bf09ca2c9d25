"""What only pytest-xdist's controller knows; registered only when xdist is there."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_editmetrics.controller import Controller
from pytest_editmetrics.session import RUN_DIR_KEY


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
