"""What takes long while it takes long: one line on a terminal, gone when it is done.

Registered only where a person looks: never in CI, in a file, in a worker or under ``-q``.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from pytest_editmetrics.session.options import in_ci
from pytest_editmetrics.session.state import EditSession

_CLEAR = "\r\x1b[K"


class Progress:
    """Shows on pytest's terminal what the session's models do."""

    def __init__(self, session: EditSession):
        self._session = session
        self._shown = False

    @pytest.hookimpl
    def pytest_sessionstart(self) -> None:
        """Listen, if somebody looks."""
        reporter = self._reporter
        quiet = self._session.config.get_verbosity() < 0
        if reporter is not None and reporter.isatty and not quiet and not in_ci():
            self._session.tell = self.tell

    @property
    def _reporter(self) -> Any:
        return self._session.config.pluginmanager.getplugin("terminalreporter")

    def tell(self, text: str | None) -> None:
        """Show a line in place of the one before; ``None`` takes it away."""
        capture: Any = self._session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            if not self._shown:
                self._reporter.ensure_newline()
            self._reporter._tw.write(_CLEAR + (f"editmetrics: {text} ..." if text else ""))
            self._reporter._tw.flush()
        self._shown = text is not None
