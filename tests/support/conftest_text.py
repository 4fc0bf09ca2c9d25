"""What tests add to the conftest.py of a suite, and what such a conftest does out of turn."""

from __future__ import annotations

import pytest

CHECK_IN_A_HOOK = """
def pytest_{hook}():
    from pytest_editmetrics import assert_unedit_lpips_below
    try:
        assert_unedit_lpips_below(image(0), image(200), None, 0.1)
    except Exception:
        pass
"""
"""A hook that checks a bad pair, and catches what that raises."""


def add_to_conftest(suite: pytest.Pytester, text: str) -> None:
    """Add ``text`` at the end of the suite's conftest.py."""
    with (suite.path / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(f"\n{text}")


def check_in_hook(suite: pytest.Pytester, hook: str) -> None:
    """Let the suite's conftest check in ``pytest_{hook}``, and catch what that raises."""
    add_to_conftest(suite, CHECK_IN_A_HOOK.format(hook=hook))
