"""Files beside goldens that wait to take their places, and those that killed sessions left."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import time
from collections.abc import Iterable
from pathlib import Path

_STAGED = re.compile(r"\.editmetrics-([0-9a-f]{8})-([0-9]+)-[0-9a-f]{16}\.staged")
_ASIDE = re.compile(r"\..+\.(yaml|png|webp)\.[0-9a-f]{8}\.tmp")
_A_DAY = 24 * 3600
_CLOCKS_DIFFER = 60  # seconds; between that of files and that of processes


def staged_name() -> str:
    """Return a new name for a file that lies beside goldens until it is put in its place."""
    return f".editmetrics-{_host()}-{os.getpid()}-{secrets.token_hex(8)}.staged"


def remove_stale(folders: Iterable[Path]) -> int:
    """Remove what killed processes left in these folders, the parents of the golden folders.

    That is what they staged, and the files aside with which they replaced others. What a living
    process of this machine or container staged stays, and for a day what nothing tells of, as
    another container's.

    Returns:
        How many files went.
    """
    count = 0
    for folder in folders:
        staged = folder.glob(".editmetrics-*.staged")
        for path in (*staged, *folder.glob(".*.tmp"), *folder.glob("*/.*.tmp")):
            match = _STAGED.fullmatch(path.name)
            if match:
                gone = not _in_use(path, match[1], int(match[2]))
            else:
                gone = _ASIDE.fullmatch(path.name) is not None and not _is_new(path)
            if gone:
                path.unlink(missing_ok=True)
                count += 1
    return count


def _in_use(path: Path, host: str, process: int) -> bool:
    if host != _host() or os.name != "posix":
        return _is_new(path)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return not _began_after(process, path)


def _is_new(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _A_DAY
    except FileNotFoundError:
        return True


def _began_after(process: int, path: Path) -> bool:
    """Tell a process that has the number of one that is gone, as those of containers have."""
    try:
        # after the name, which may hold anything, the 20th field is when it began, since the boot
        ticks = int(Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[19])
        since_boot = ticks / os.sysconf("SC_CLK_TCK")
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return path.stat().st_mtime + _CLOCKS_DIFFER < booted + since_boot
    except (OSError, AttributeError, ValueError, IndexError):  # not on Linux
        return False


def _host() -> str:
    """Return what tells those apart among which the number of a process is of one process."""
    try:
        numbers = Path("/proc/self/ns/pid").stat().st_ino  # each container counts for itself
    except OSError:  # not on Linux
        numbers = 0
    return hashlib.sha256(f"{socket.gethostname()}:{numbers}".encode()).hexdigest()[:8]
