"""What a session or a command writes: nothing of anybody else, and nobody else meanwhile."""

from __future__ import annotations

import os
import platform
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.whole_file import real_path

_STREAM = re.compile(r"/dev/(stdout|stderr|fd/\d+)|/proc/[^/]+/fd/\d+")


def is_stream(path: Path) -> bool:
    """Tell whether a path is written as it comes: a device, a pipe, or an open file's own name."""
    if _STREAM.fullmatch(os.path.abspath(path)):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def check_ours(path: Path, what: str, ours: Callable[[Path], bool]) -> None:
    """Refuse to overwrite a file that holds something and is not one of ours.

    Args:
        path: where something is to be written.
        what: what that is, in words.
        ours: tells whether a file is an earlier one of these.

    Raises:
        EditMetricsError: the path is a file of somebody else. One that is empty, or not there, may
            be written, and so may a device or a pipe.
    """
    if is_stream(path):
        return
    with suppress(OSError):  # of what cannot be looked at: writing it says so
        if path.is_file() and path.stat().st_size and not ours(path):
            raise EditMetricsError(
                f"cannot write {what} {path}: the file holds something else, and nothing of it is"
                " replaced; give another path, or remove the file"
            )


class Claim:
    """Holds an output against other processes until it is released, or the process ends.

    The lock is a file beside it, ``.NAME.lock``, so that machines and containers that share the
    folder share the lock; it goes when the claim does. A folder that takes no lock is not locked,
    nor is a device or a pipe.

    Args:
        path: the output, a file that may be there or not.
        shown: what messages call it.

    Raises:
        EditMetricsError: another process holds it; names the process.
    """

    def __init__(self, path: Path, shown: Path | None = None):
        from filelock import FileLock, Timeout

        self._lock: FileLock | None = None
        if is_stream(path):
            return
        real = real_path(path)
        file = real.with_name(lock_name(real.name))
        holder = _read(file)
        lock = FileLock(file, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            if not file.exists():  # a folder that cannot be written, or is not there
                return
            if holder and not _read(file):  # older releases of filelock empty what they try
                _write(file, holder)
            raise EditMetricsError(
                f"{shown or path} is being written by another session"
                f" ({holder or 'which did not say who it is'}), and two would mix in it; wait for"
                " it to end, or give this one another path"
            ) from None
        except OSError:
            return
        self._lock, self._file = lock, file
        since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        _write(file, f"process {os.getpid()} on {platform.node()}, since {since}")

    def release(self) -> None:
        """Let others write it; more than once does no harm."""
        if self._lock is None:
            return
        with suppress(OSError):
            self._file.unlink()  # while it is held: who waits for it sees that it is gone
        self._lock.release()
        self._lock = None


def lock_name(name: str) -> str:
    """Return the name of the lock of a file.

    >>> lock_name("results.jsonl")
    '.results.jsonl.lock'
    """
    return f".{name}.lock"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")[:200].strip()
    except (OSError, UnicodeError):
        return ""


def _write(path: Path, text: str) -> None:
    with suppress(OSError):
        path.write_text(text, encoding="utf-8")
