"""Whether a file is still the one that was looked at, told without reading it where that is safe.

Size, times and inode tell it of a file that was written long enough before it was looked at. Of a
younger one they do not: what is written within one step of the file system's clock looks
unchanged. A younger file is told by its bytes.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

_SETTLED_NS = 10_000_000_000  # longer than any file system's steps of time


def identity(path: Path) -> dict[str, int] | None:
    """Return size, times, inode and device of a file, ``None`` if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return {
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
        "ctime_ns": found.st_ctime_ns,
        "inode": found.st_ino,
        "device": found.st_dev,
    }


def settled(known: dict[str, int]) -> bool:
    """Tell whether a file of this identity was written so long ago that the identity is enough."""
    return max(known["mtime_ns"], known["ctime_ns"]) < time.time_ns() - _SETTLED_NS


class Seen:
    """What a file was when this was made; a file that is not there is that.

    >>> Seen(Path("no/such/file")).still()
    True
    """

    def __init__(self, path: Path):
        self.path = path
        self._identity = identity(path)
        self._bytes: str | None = None
        if self._identity is not None and not settled(self._identity):
            self._bytes = _digest(path)

    def still(self) -> bool:
        """Tell whether the file is the same now."""
        now = identity(self.path)
        if self._bytes is None or now is None:
            return now == self._identity
        if _digest(self.path) != self._bytes:
            return False
        if settled(now) and identity(self.path) == now:
            self._identity, self._bytes = now, None
        return True


class SeenAll:
    """What a file, or each file of a folder, was when this was made."""

    def __init__(self, path: Path):
        self._path = path
        self._files = [Seen(file) for file in _files(path)]

    def still(self) -> bool:
        """Tell whether the same files are there, and each is the same, now."""
        return [seen.path for seen in self._files] == _files(self._path) and all(
            seen.still() for seen in self._files
        )


def _files(path: Path) -> list[Path]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in files if file.exists()]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        if not path.is_file():  # opening a pipe would wait for a writer
            return ""
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError:
        return ""  # a folder, or what cannot be read; never None, which stands for a settled file
    return digest.hexdigest()
