"""Where the time of a session goes, by kind: what a part does inside another counts once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "reading images",
    "loading models",
    "encoding",
    "comparing",
    "goldens",
    "diagnosis",
    "pictures",
    "report",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_NOTHING = nullcontext()


class Clock:
    """Adds up seconds; one that is off adds nothing and costs next to nothing. Thread-safe.

    >>> clock = Clock(on=True)
    >>> with clock.of("comparing"), clock.of("encoding"):
    ...     time.sleep(0.02)
    >>> with clock.gate("test_it: lpips", "lpips"):
    ...     time.sleep(0.02)
    >>> seconds, gates, metrics = clock.take()
    >>> seconds["encoding"] > 0.01 > seconds["comparing"], list(gates), list(metrics)
    (True, ['test_it: lpips'], ['lpips'])
    >>> clock.take()
    ({}, {}, {})
    """

    def __init__(self, on: bool = False):
        self.on = on
        self._lock = threading.RLock()
        self._seconds: dict[Kind, float] = {}
        self._gates: dict[str, float] = {}
        self._metrics: dict[str, float] = {}
        self._here = threading.local()

    def of(self, kind: Kind) -> AbstractContextManager[None]:
        """Count what happens inside as ``kind``, and not as what it happens in."""
        return self._counted(kind) if self.on else _NOTHING

    def gate(self, label: str, metric: str | None = None) -> AbstractContextManager[None]:
        """Count what happens inside, of whatever kind, as the time of a gate, and of ``metric``."""
        return self._gate(label, metric) if self.on else _NOTHING

    def take(self) -> tuple[dict[Kind, float], dict[str, float], dict[str, float]]:
        """Return the seconds by kind, by gate and by metric since they were taken last."""
        with self._lock:
            taken = self._seconds, self._gates, self._metrics
            self._seconds, self._gates, self._metrics = {}, {}, {}
        return taken

    @contextmanager
    def _counted(self, kind: Kind) -> Iterator[None]:
        outer: list[float] | None = getattr(self._here, "inner", None)
        inner = self._here.inner = [0.0]
        start = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - start
            self._here.inner = outer
            if outer is not None:
                outer[0] += took
            with self._lock:
                self._seconds[kind] = self._seconds.get(kind, 0.0) + took - inner[0]

    @contextmanager
    def _gate(self, label: str, metric: str | None) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - start
            with self._lock:
                self._gates[label] = self._gates.get(label, 0.0) + took
                if metric is not None:
                    self._metrics[metric] = self._metrics.get(metric, 0.0) + took
