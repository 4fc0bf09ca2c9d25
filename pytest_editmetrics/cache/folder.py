"""The folder that keeps features across runs: one small file each, safe against anything in it.

Nothing here fails a measurement: what cannot be read is computed again, what cannot be written is
not kept, and either is said once.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SUFFIX = ".safetensors"
_AFTER_PRUNING = 0.9
_CLOCKS_DIFFER = 3600  # seconds; between this machine and one that serves the folder


@dataclass(frozen=True)
class CacheInfo:
    """What a folder holds."""

    path: Path
    files: int
    nbytes: int


class CacheFolder:
    """Features on disk: read, written, and bounded, the least recently used going first.

    Several processes may use one folder: a file is written aside and then renamed, so a reader sees
    a whole file or none. Each holds its own key and a checksum; a file that is truncated, damaged
    or of another program is as good as none.

    Args:
        path: the folder; made when the first feature is written.
        bound: bytes that all features may take together.
    """

    def __init__(self, path: Path, bound: int):
        self.path = path
        self.bound = bound
        self._nbytes: int | None = None
        self._notes: list[str] = []
        self._said: set[str] = set()

    def read(self, key: str) -> list[NDArray[Any]] | None:
        """Return the arrays of ``key``, or ``None`` if they are not there or not whole."""
        path = self._file(key)
        try:
            arrays = _read(path, key)
            with suppress(OSError):  # of another user, or mounted read-only: it is whole
                os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._say("read", f"{self.path} cannot be read ({error}); features are computed again")
            return None
        except Exception as error:  # a damaged file makes safetensors raise almost anything
            self._say(
                "damaged",
                f"{path} is damaged or not ours ({error}); what it should hold is computed again",
            )
            return None
        return arrays

    def write(self, key: str, arrays: Sequence[NDArray[Any]]) -> None:
        """Keep the arrays of ``key`` if that is possible."""
        from safetensors.numpy import save

        metadata = {"key": key, "crc32": str(_checksum(arrays))}
        data = save({str(number): array for number, array in enumerate(arrays)}, metadata)
        if len(data) > self.bound:
            return
        path = self._file(key)
        aside = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            if self._nbytes is None:
                self._nbytes = self.info().nbytes
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                aside.write_bytes(data)
                os.replace(aside, path)
            finally:
                aside.unlink(missing_ok=True)
            self._nbytes += len(data)
            if self._nbytes > self.bound:
                self._nbytes = self.prune(int(self.bound * _AFTER_PRUNING)).nbytes
        except OSError as error:
            self._say("write", f"{self.path} cannot be written ({error}); this run goes on without")

    def info(self) -> CacheInfo:
        """Count the files and their bytes."""
        files = list(self._files())
        return CacheInfo(self.path, len(files), sum(size for _, size, _ in files))

    def prune(self, bound: int) -> CacheInfo:
        """Remove the least recently used features until the rest take no more than ``bound``.

        A date in the future tells nothing: the clock has gone back since. Such files go first, or
        they would stay for ever and all that is new would go.
        """
        future = time.time() + _CLOCKS_DIFFER
        files = sorted(self._files(), key=lambda file: file[2] if file[2] < future else 0)
        nbytes = sum(size for _, size, _ in files)
        kept = len(files)
        for path, size, _ in files:
            if nbytes <= bound:
                break
            path.unlink(missing_ok=True)
            nbytes -= size
            kept -= 1
        return CacheInfo(self.path, kept, nbytes)

    def take_notes(self) -> list[str]:
        """Return, once, what could not be read or written."""
        notes, self._notes = self._notes, []
        return notes

    def _file(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self.path / name[:2] / (name[2:] + _SUFFIX)

    def _files(self) -> Iterator[tuple[Path, int, float]]:
        """Give each file of ours with its size and when it was last used; also one left aside."""
        for folder in self.path.glob("[0-9a-f][0-9a-f]"):
            for path in folder.glob(f"*{_SUFFIX}*"):
                try:
                    stat = path.stat()
                except FileNotFoundError:  # another process removed it
                    continue
                yield path, stat.st_size, stat.st_mtime

    def _say(self, kind: str, text: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            self._notes.append(f"feature cache: {text}")


def _read(path: Path, key: str) -> list[NDArray[Any]]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata() or {}
        if metadata.get("key") != key:
            raise ValueError("it holds another key")
        # copied: what safetensors gives holds on to five more objects each
        arrays = [np.array(file.get_tensor(str(number))) for number in range(len(file.keys()))]
    if metadata.get("crc32") != str(_checksum(arrays)):
        raise ValueError("its checksum is wrong")
    return arrays


def _checksum(arrays: Sequence[NDArray[Any]]) -> int:
    checksum = 0
    for array in arrays:
        checksum = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, checksum)
    return checksum
