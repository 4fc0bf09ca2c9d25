"""What checks in other processes leave for the process whose test they belong to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from json import dumps, loads
from pathlib import Path
from typing import Any

from pytest_editmetrics.cache.work import leave_session_folder, take_session_folder

VARIABLE = "EDITMETRICS_JOURNAL"
"""The environment variable that names the folder to processes that know of no test."""


class Journal:
    """A folder in which each other process appends lines to a file of its own.

    It is gone when the session is over, so that a process which outlives it notices.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._read: dict[str, int] = {}
        self._held: int | None = None
        self._before: str | None = None
        self._changed = 0

    def open(self) -> None:
        """Make the folder; where none can be made, a check in another process is an error there."""
        try:
            self.folder, self._held = take_session_folder()
        except OSError:
            return
        self._before = os.environ.get(VARIABLE)
        self._changed = self.folder.stat().st_mtime_ns
        os.environ[VARIABLE] = str(self.folder)

    def close(self) -> None:
        """Remove the folder."""
        if self.folder is None:
            return
        if self._before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._before
        leave_session_folder(self.folder, self._held)
        self.folder = None

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
                yield loads(line)


def write(folder: Path | None, entry: dict[str, Any]) -> bool:
    """Append a line from this process; ``False`` if the session is over or takes none."""
    if folder is None:
        return False
    line = dumps({**entry, "pid": os.getpid()}, default=repr) + "\n"
    try:
        file = os.open(
            folder / f"{os.getpid()}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
        )
    except OSError:
        return False
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
    return True


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
