"""One writer of a golden folder at a time: two sessions that update it lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.errors import EditMetricsError

LOCK = ".editmetrics.lock"
PATIENCE = 60.0


@contextmanager
def golden_lock(folder: Path, rootdir: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold ``folder``, which holds goldens, against other processes; made if it is not there.

    The lock is a file in it, so that machines and containers that share the folder share the lock;
    it goes when the lock does. A process that was killed holds nothing.

    Args:
        folder: what is locked.
        rootdir: paths in messages are relative to it.
        patience: seconds to wait for another writer.

    Raises:
        EditMetricsError: another process holds it all that time.
        OSError: the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    path = folder / LOCK
    lock = FileLock(path, timeout=patience)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise EditMetricsError(
            f"{shown_path(folder, rootdir)}: another process has been writing goldens here for"
            f" {patience:g} seconds, so these were not written; run again when it is done"
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()  # while it is held: who waits for it sees that it is gone
        lock.release()
