"""One attempt of one test, as its reports arrive."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class Attempt:
    """One attempt of one test while its reports arrive; ``rerun`` once pytest will try again."""

    nodeid: str
    outcome: str = "passed"
    called: bool = False
    failed: bool = False
    other_failure: bool = False
    rerun: bool = False
    gates: list[dict[str, Any]] = field(default_factory=list)
    staged: list[dict[str, Any]] = field(default_factory=list)
    asked: bool = False
    location: tuple[str, int] | None = None


def key_of(report: pytest.TestReport) -> tuple[str, str]:
    """Return the worker and the test: under ``--dist each`` every worker runs every test."""
    node = getattr(report, "node", None)
    return str(getattr(getattr(node, "gateway", None), "id", "")), report.nodeid


def outcome_of(report: pytest.TestReport) -> str:
    """Return how a report says that its test ended."""
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return str(report.outcome)
