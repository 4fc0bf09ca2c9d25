"""Durations of interleaved runs and their medians."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import TypeVar

T = TypeVar("T")


class Times:
    """Durations by name. Runs that are compared are timed in turn, so that both meet the same load.

    >>> times = Times()
    >>> times.of("sum", lambda: sum(range(10)))
    45
    >>> times["sum"] > 0
    True
    """

    def __init__(self) -> None:
        self._all: defaultdict[str, list[float]] = defaultdict(list)

    def of(self, name: str, run: Callable[[], T]) -> T:
        """Time one run and return its result."""
        start = time.perf_counter()
        result = run()
        self.add(name, time.perf_counter() - start)
        return result

    def add(self, name: str, seconds: float) -> None:
        """Take a duration that was measured elsewhere."""
        self._all[name].append(seconds)

    def __getitem__(self, name: str) -> float:
        """Return the median duration of the runs of that name, in seconds."""
        return median(self._all[name])
