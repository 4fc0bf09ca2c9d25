"""Features that were computed once: in memory for the session, on disk for the next one.

A feature is a few arrays that depend on nothing but its key, so a hit gives the bits that computing
again would give. What computes features lies in ``pipes``; here is only how they are kept.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.cache.clock import Clock
from pytest_editmetrics.cache.folder import CacheFolder

MEMORY_BYTES = 64 << 20
LAYERS_BYTES = 512 << 20


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


SizedT = TypeVar("SizedT", bound=_Sized)
Arrays = tuple[NDArray[Any], ...]
Key = Callable[[], str]


def pixels_digest(image: NDArray[np.uint8]) -> str:
    """Return the sha256 of an image's shape and pixels.

    >>> pixels_digest(np.zeros((1, 2, 3), np.uint8)) == pixels_digest(np.zeros((2, 1, 3), np.uint8))
    False
    """
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def feature_key(kind: str, **depends: Any) -> str:
    """Return the key of a feature: its kind, and everything its bits depend on, as JSON.

    ``kind`` ends in the version of how the feature is computed: a change of the code that changes
    the bits changes the version.

    >>> feature_key("tokens-1", pixels="ab", size=224)
    '{"kind": "tokens-1", "pixels": "ab", "size": 224}'
    """
    return json.dumps({"kind": kind, **depends}, sort_keys=True)


class MemoryCache:
    """Keeps values up to a number of bytes; the least recently used go first. Thread-safe.

    A value larger than the bound is not kept.

    >>> cache = MemoryCache(10)
    >>> cache.put("a", [np.zeros(6, np.uint8)])
    >>> cache.put("b", [np.zeros(6, np.uint8)])
    >>> cache.get("a") is None, cache.nbytes
    (True, 6)
    """

    def __init__(self, bound: int):
        self._bound = bound
        self._lock = threading.RLock()
        self._values: OrderedDict[str, Sequence[Any]] = OrderedDict()
        self.nbytes = 0

    def get(self, key: str) -> Sequence[Any] | None:
        """Return the value of ``key``, which is the last to go now, or ``None``."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: str, value: Sequence[Any]) -> None:
        """Keep a sequence of things that have ``nbytes``."""
        if _nbytes(value) > self._bound:
            return
        with self._lock:
            self.nbytes -= _nbytes(self._values.pop(key, ()))
            self._values[key] = value
            self.nbytes += _nbytes(value)
            while self.nbytes > self._bound:
                self.nbytes -= _nbytes(self._values.popitem(last=False)[1])


class FeatureCache:
    """The features of one session, or of one pipe that is used without a session.

    Args:
        folder: where features outlive the session; ``None`` keeps them in memory only.
        note: what the session should be told about that.
        clock: counts the time of computing.

    Features are shared between pipes, tests, and, through the folder, between processes and runs.
    """

    def __init__(
        self,
        folder: CacheFolder | None = None,
        note: str | None = None,
        clock: Clock | None = None,
    ):
        self.folder = folder
        self._notes = [] if note is None else [note]
        self._memory = MemoryCache(MEMORY_BYTES)
        self._layers = MemoryCache(LAYERS_BYTES)
        self._clock = clock or Clock()

    def get(self, key: Key, compute: Callable[[], Sequence[NDArray[Any]]]) -> Arrays:
        """Return the arrays of ``key``, which are read-only, computing them if they are nowhere.

        ``key`` is asked again when they are computed: what computing imported may have replaced
        what they depend on. If it raises then, they are neither kept nor returned.
        """
        found = self._find(key())
        if found is not None:
            return found
        with self._clock.of("encoding"):
            computed = compute()
            return self._keep(key(), computed)

    def get_many(
        self,
        keys: Callable[[], Sequence[str]],
        compute: Callable[[list[int]], Sequence[Sequence[NDArray[Any]]]],
    ) -> list[Arrays]:
        """Return the arrays of each key; ``compute`` gets the numbers of those that are nowhere.

        ``keys`` are asked again as ``get`` does.
        """
        first = keys()
        found: dict[str, Arrays | None] = {key: self._find(key) for key in dict.fromkeys(first)}
        missing = [first.index(key) for key, value in found.items() if value is None]
        if missing:
            with self._clock.of("encoding"):
                computed = compute(missing)
                then = keys()
                for number, value in zip(missing, computed, strict=True):
                    found[first[number]] = self._keep(then[number], value)
        return [found[key] or () for key in first]

    def layers(self, key: Key, compute: Callable[[], list[SizedT]]) -> list[SizedT]:
        """Return what is too large for the disk, a network's layers, from memory or computed.

        ``key`` is asked again as ``get`` does.
        """
        found = self._layers.get(key())
        if found is not None:
            return list(found)
        with self._clock.of("encoding"):
            computed = compute()
        self._layers.put(key(), computed)
        return computed

    def take_notes(self) -> list[str]:
        """Return, once, what went wrong on disk; the features were computed all the same."""
        notes, self._notes = self._notes, []
        return notes + ([] if self.folder is None else self.folder.take_notes())

    def _find(self, key: str) -> Arrays | None:
        found = self._memory.get(key)
        if found is not None:
            return tuple(found)
        read = None if self.folder is None else self.folder.read(key)
        return None if read is None else self._remember(key, read)

    def _keep(self, key: str, arrays: Sequence[NDArray[Any]]) -> Arrays:
        kept = self._remember(key, arrays)
        if self.folder is not None:
            self.folder.write(key, kept)
        return kept

    def _remember(self, key: str, arrays: Sequence[NDArray[Any]]) -> Arrays:
        kept = tuple(np.ascontiguousarray(array) for array in arrays)
        for array in kept:
            array.flags.writeable = False
        self._memory.put(key, kept)
        return kept


def _nbytes(value: Sequence[_Sized]) -> int:
    return sum(int(part.nbytes) for part in value)
