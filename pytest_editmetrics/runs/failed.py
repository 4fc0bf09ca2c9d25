"""What failed in a run for another reason than a gate: of any suite, so nothing is imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FailedTest:
    """A test that failed for another reason than a gate, or a file that could not be collected.

    ``when`` is the phase, ``collect`` of a file; ``message`` is pytest's line of it. ``asks`` tells
    whether it asks for gates, made or not. ``location`` is as of ``TestGates``, and no run holds
    it.
    """

    __test__ = False

    nodeid: str
    when: str
    message: str
    asks: bool = True
    location: tuple[str, int] | None = None

    def __str__(self) -> str:
        return f"{self.nodeid} ({self.when}): {self.message}"
