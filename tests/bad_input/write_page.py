"""Writes ``docs/reference/bad-input.md`` from what the tests of bad input come to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    here = Path(__file__).parent

    class Write:
        """Tells the test to write its page."""

        @pytest.hookimpl
        def pytest_configure(self, config: pytest.Config) -> None:
            config.pluginmanager.register(object(), "write-bad-input-page")

    sys.exit(pytest.main([str(here / "test_bad_input.py"), "-q", "-m", ""], plugins=[Write()]))
