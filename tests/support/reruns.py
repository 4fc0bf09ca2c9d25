"""Tests that end otherwise when they run again."""

from __future__ import annotations


def ends_again_with(last: str) -> str:
    """Return a test that fails its gate at first and does ``last`` when it is run again.

    It stands behind a test that passes. ``last`` may use ``pytest`` and what conftest.py has.
    """
    return f"""
import pytest
from conftest import *
seen = []
def test_beside(check): check(1, 1)
def test_it(request):
    check = request.getfixturevalue("check")
    seen.append(1)
    if len(seen) == 2:
        {last}
    check(20, 0.1)
"""
