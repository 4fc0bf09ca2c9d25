"""The models of one session: loaded once, shared by every pipe that computes with them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any

from pytest_editmetrics.cache.clock import Clock


class ModelStore:
    """Holds models by what decides them: equal keys share one model. Thread-safe.

    ``clock`` counts the time of finding and loading them.

    >>> store = ModelStore()
    >>> store.get("clip", lambda: ["weights"]) is store.get("clip", lambda: ["loaded again"])
    True
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._lock = threading.RLock()
        self._models: dict[Hashable, Any] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._models

    def get(self, key: Hashable, build: Callable[[], Any]) -> Any:
        """Return the model of ``key``; the first time, and after ``release``, ``build`` makes it.

        What ``build`` raises is raised, and nothing is kept.
        """
        with self._lock:
            if key not in self._models:
                with self.clock.of("loading models"):
                    self._models[key] = build()
            return self._models[key]

    def release(self, key: Hashable) -> bool:
        """Let go of the model of ``key``, for all that share it; tell whether there was one."""
        with self._lock:
            return self._models.pop(key, None) is not None
