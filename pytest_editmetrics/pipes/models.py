"""The models of one session: loaded once, shared by every pipe that computes with them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from pytest_editmetrics.cache.clock import Clock

Tell: TypeAlias = Callable[["str | None"], None]


class ModelStore:
    """Holds models by what decides them: equal keys share one model. Thread-safe.

    ``clock`` counts the time of finding and loading them; ``tell`` is called with what takes long,
    and with ``None`` when it is done.

    >>> store = ModelStore()
    >>> store.get("clip", lambda: ["weights"]) is store.get("clip", lambda: ["loaded again"])
    True
    """

    def __init__(self, clock: Clock | None = None, tell: Tell | None = None) -> None:
        self.clock = clock or Clock()
        self._tell = tell
        self._lock = threading.RLock()
        self._models: dict[Hashable, Any] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._models

    @contextmanager
    def telling(self, what: str) -> Iterator[None]:
        """Say what takes long while it does."""
        if self._tell is None:
            yield
            return
        self._tell(what)
        try:
            yield
        finally:
            self._tell(None)

    def get(self, key: Hashable, build: Callable[[], Any], what: str = "a model") -> Any:
        """Return the model of ``key``; the first time, and after ``release``, ``build`` makes it.

        What ``build`` raises is raised, and nothing is kept.
        """
        with self._lock:
            if key not in self._models:
                with self.clock.of("loading models"), self.telling(f"loading {what}"):
                    self._models[key] = build()
            return self._models[key]

    def release(self, key: Hashable) -> bool:
        """Let go of the model of ``key``, for all that share it; tell whether there was one."""
        with self._lock:
            return self._models.pop(key, None) is not None
