"""What checks in other processes leave for the process whose test they belong to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from errno import ENOSPC
from json import dumps, loads
from mmap import mmap
from os import getpid
from pathlib import Path
from struct import Struct
from typing import Any

from pytest_editmetrics.cache.work import leave_session_folder, take_session_folder

VARIABLE = "EDITMETRICS_JOURNAL"
"""The environment variable that names the folder to processes that know of no test."""
_COUNT = Struct("=qqq")  # a process, how many lines it had to leave, and how many it wrote
_SLOT, _SLOTS = 1024, 256  # its test follows


class Journal:
    """A folder in which each other process appends lines to a file of its own.

    It is gone when the session is over, so that a process which outlives it notices. How many lines
    a forked process had to leave, and of which test, stands in memory that it shares with this one:
    a line that could not be written, or was removed, is missed.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._read: dict[str, int] = {}
        self._lines: dict[int, int] = {}
        self._held: int | None = None
        self._before: str | None = None
        self._changed = 0
        self._shared: mmap | None = None

    def open(self) -> None:
        """Make the folder; where none can be made, a check in another process is an error there."""
        self._shared = mmap(-1, _SLOTS * _SLOT)
        try:
            self.folder, self._held = take_session_folder()
        except OSError:
            return
        self._before = os.environ.get(VARIABLE)
        self._changed = self.folder.stat().st_mtime_ns
        os.environ[VARIABLE] = str(self.folder)

    def close(self) -> None:
        """Remove the folder."""
        if self._shared is not None:
            self._shared.close()
            self._shared = None
        if self.folder is None:
            return
        if self._before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._before
        leave_session_folder(self.folder, self._held)
        self.folder = None

    def write(self, entry: dict[str, Any]) -> None:
        """Append a line from a forked process, and count it.

        Raises:
            OSError: the session is over, or the line cannot be written.
        """
        pid, shared = getpid(), self._shared
        if shared is not None:
            at = _slot_of(shared, pid)
            owner, had, wrote = _COUNT.unpack_from(shared, at)
            if owner != pid:
                had = wrote = 0
            test = str(entry.get("test") or "").encode(errors="replace")[: _SLOT - _COUNT.size - 1]
            if test:
                shared[at + _COUNT.size : at + _COUNT.size + len(test) + 1] = test + b"\0"
            _COUNT.pack_into(shared, at, pid, had + 1, wrote)
        write(self.folder, entry)
        if shared is not None:
            _COUNT.pack_into(shared, at, pid, had + 1, wrote + 1)

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield what was written since the last time; a line that is not whole waits.

        So does everything while a test sees another file system, as that of pyfakefs.
        """
        if self.folder is None:
            return
        try:
            changed = self.folder.stat().st_mtime_ns
            if not self._read and changed == self._changed:
                return
            files = sorted(self.folder.iterdir())
        except OSError:
            return
        self._changed = changed
        for path in files:
            try:
                with path.open("rb") as file:
                    file.seek(self._read.get(path.name, 0))
                    new = file.read()
            except OSError:
                continue
            whole = new[: new.rfind(b"\n") + 1]
            self._read[path.name] = self._read.get(path.name, 0) + len(whole)
            for line in whole.splitlines():
                try:
                    entry = loads(line)
                except ValueError:  # one that a full disk cut, with the next one behind it
                    continue
                self._lines[entry["pid"]] = self._lines.get(entry["pid"], 0) + 1
                yield entry

    def missing(self) -> Iterator[tuple[str, int]]:
        """Yield test and number of each forked process that had more to tell than was read."""
        if (shared := self._shared) is None:
            return
        for at in range(0, _SLOTS * _SLOT, _SLOT):
            pid, had, _ = _COUNT.unpack_from(shared, at)
            if had > self._lines.get(pid, 0):
                test, _, _ = shared[at + _COUNT.size : at + _SLOT].partition(b"\0")
                yield test.decode(errors="replace"), pid


def _slot_of(shared: mmap, pid: int) -> int:
    """Return where a process counts: where it did, a free place, or that of one that wrote all."""
    wrote_all = None
    for number in range(_SLOTS):
        at = (pid + number) % _SLOTS * _SLOT
        owner, had, wrote = _COUNT.unpack_from(shared, at)
        if owner in (0, pid):
            return at
        if wrote_all is None and had == wrote:
            wrote_all = at
    return pid % _SLOTS * _SLOT if wrote_all is None else wrote_all


def write(folder: Path | None, entry: dict[str, Any]) -> None:
    """Append a line from this process.

    Raises:
        OSError: the session is over or takes none, or the line cannot be written.
    """
    if folder is None:
        raise FileNotFoundError("the session could make no folder for it")
    line = (dumps({**entry, "pid": getpid()}, default=repr) + "\n").encode()
    file = os.open(folder / f"{getpid()}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        if os.write(file, line) < len(line):
            raise OSError(ENOSPC, os.strerror(ENOSPC))
    finally:
        os.close(file)


def alive(pid: int) -> bool:
    """Tell whether a process is there and has not ended; one that nobody waited for has."""
    try:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return False
    except (AttributeError, OSError):  # not our child, or a system without waitid
        pass
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
