"""Who hears last which exit status a session has: of any suite, so nothing is imported."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_editmetrics.plugin.last_lines import LastLines

last_key: pytest.StashKey[LastLines] = pytest.StashKey()
"""Of a session that runs tests."""


class LastWord:
    """Hears what ``pytest_cmdline_main`` returns, after all that was there at the start."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, Any, Any]:
        """Let no wrapper of the hook, nor ``sys.exit``, make 0 of a session whose gates failed."""
        try:
            result = yield
        except SystemExit as error:
            error.code = self._status(config, error.code)
            raise
        return self._status(config, result)

    @staticmethod
    def _status(config: pytest.Config, status: Any) -> Any:
        last = config.stash.get(last_key, None)
        return status if last is None or status not in (0, None) else last.status(0) or status
