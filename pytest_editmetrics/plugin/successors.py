"""Tests that may be those of goldens left behind: what they made that no golden holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.plugin.attempts import Attempt


class Successors:
    """Finds them over a session.

    A gate whose bound somebody wrote has no golden, so that a test of such gates alone is no
    renamed one; nor is one that only compares golden images. ``tests`` are the others, by node id,
    and the labels of their gates.
    """

    def __init__(self) -> None:
        self.tests: dict[str, frozenset[str]] = {}
        self._labels: dict[frozenset[str], frozenset[str]] = {}

    def made(self, nodeid: str, gates: Iterable[Gate]) -> None:
        """Take the gates of the last attempt of a test, or of a fixture."""
        from pytest_editmetrics.measurement import GOLDEN_IMAGE, WRITTEN_BY_HAND

        labels = frozenset(
            gate.label
            for gate in gates
            if not gate.metric.startswith(GOLDEN_IMAGE) and gate.origin not in WRITTEN_BY_HAND
        )
        if labels:
            labels |= self.tests.get(nodeid, frozenset())
            self.tests[nodeid] = self._labels.setdefault(labels, labels)  # many are alike

    def ended(self, attempt: Attempt) -> None:
        """Take a test that failed before it came to a gate that it may ask for."""
        if not attempt.rerun and "edit_gate" in attempt.kinds:
            self.tests.setdefault(attempt.nodeid, frozenset())
