"""What a session says before its first test: which configuration holds, and which is not read."""

from __future__ import annotations

import pytest

from pytest_editmetrics.errors import printable
from pytest_editmetrics.session.state import EditSession
from pytest_editmetrics.session.unread import unread, unread_notes, uses_a_gate


class Header:
    """Adds lines to pytest's own."""

    def __init__(self, session: EditSession):
        self._session = session

    @pytest.hookimpl
    def pytest_report_header(self) -> str | None:
        """Name the configuration that holds, if there is one."""
        path = self._session.config_path
        return None if path is None else printable(f"editmetrics: configuration {path}")

    @pytest.hookimpl
    def pytest_report_collectionfinish(self, items: list[pytest.Item]) -> list[str]:
        """Name a configuration beside the tests that is not read; under xdist the end does."""
        gated = {item.path for item in items if uses_a_gate(item)}
        if not gated:
            return []
        left = unread(self._session, {item.path for item in items}, gates=True)
        return [
            printable(f"editmetrics: {text}") for text in left + unread_notes(self._session, gated)
        ]
