"""What only pytest-xdist's controller knows; registered only when xdist is there."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_editmetrics.controller import Controller


class XdistController:
    """Passes on which tests the workers collected: the controller collects none itself."""

    def __init__(self, controller: Controller):
        self._controller = controller

    @pytest.hookimpl
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """Take the ids of one worker's tests."""
        self._controller.collected(ids)
