"""Folders for temporary work: all in one place, each gone when its process is, however it ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.weights.kept import NoHomeError, own_cache

if TYPE_CHECKING:
    from filelock import BaseFileLock

_LOCK = ".lock"
_SESSION = "session-"
_TEMPORARY = "editmetrics-work-"


@contextmanager
def work_folder() -> Iterator[Path]:
    """Give a new empty folder, which is removed with all that is in it when the block ends.

    It lies in ``work`` in this project's cache. A process that is killed leaves it, unlocked, and
    whoever takes or leaves a work folder next removes it. Where the cache cannot be written the
    folder lies in the system's folder for temporary files, and the same holds.
    """
    try:
        taken = _taken(own_cache() / "work")
    except (OSError, NotImplementedError, NoHomeError):
        temporary, held = _held_in_temporary()
        try:
            yield temporary
        finally:
            leave_session_folder(temporary, held)
        return
    folder, lock = taken
    try:
        yield folder
    finally:
        _remove(folder, lock)
        remove_left()


def remove_left() -> None:
    """Remove the work folders of processes that are gone."""
    from filelock import FileLock

    with suppress(OSError, NotImplementedError, NoHomeError):
        for path in (own_cache() / "work").glob(f"*{_LOCK}"):
            lock = FileLock(path, timeout=0, thread_local=False)
            with suppress(OSError):  # held by a living process, or of another user
                lock.acquire()
                _remove(path.with_suffix(""), lock)


def take_session_folder() -> tuple[Path, int | None]:
    """Return a new empty folder for ``leave_session_folder``, and what holds it.

    It lies beside the other work folders, and takes no more than a few system calls, since every
    session of pytest has one. Processes that a session forks hold it too; that of a session which
    was killed is removed by the next one. Where that cannot be, it lies in the system's folder
    for temporary files.

    Raises:
        OSError: no folder can be made.
    """
    try:
        return _held(own_cache() / "work", _SESSION)
    except (OSError, NotImplementedError, NoHomeError):
        return _held_in_temporary()


def _held_in_temporary() -> tuple[Path, int | None]:
    parent = Path(tempfile.gettempdir())
    try:
        return _held(parent, _TEMPORARY)
    except (OSError, NotImplementedError):  # nothing can be locked there
        return Path(tempfile.mkdtemp(prefix=_TEMPORARY)), None


def _held(parent: Path, prefix: str) -> tuple[Path, int | None]:
    """Make a folder and lock it, after those are removed that killed processes left."""
    _remove_unheld(parent, prefix)
    while True:
        folder = parent / f"{prefix}{os.urandom(8).hex()}"
        folder.mkdir(mode=0o700, parents=True)
        held = _hold(folder)
        if folder.is_dir():
            return folder, held
        _let_go(held)  # taken for one that was left, before it was held


def leave_session_folder(folder: Path, held: int | None) -> None:
    """Remove a session's folder, and those above it that nothing else is in."""
    shutil.rmtree(folder, ignore_errors=True)
    _let_go(held)
    if held is not None and folder.name.startswith(_SESSION):
        with suppress(OSError):
            folder.parent.rmdir()
            folder.parent.parent.rmdir()


def _remove_unheld(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError):  # held by a living process, or of another user
            held = _hold(folder)
            if held is not None:
                shutil.rmtree(folder, ignore_errors=True)
                _let_go(held)


def _hold(folder: Path) -> int | None:
    """Lock a folder itself, until the process and those that it forks are gone."""
    try:
        import fcntl
    except ImportError:  # Windows: nothing forks there, and what is left stays
        return None
    held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(held)
        raise
    return held


def _let_go(held: int | None) -> None:
    if held is not None:
        os.close(held)


def _taken(parent: Path) -> tuple[Path, BaseFileLock]:
    """Make a folder that is locked before it is there; the lock lies beside it."""
    from filelock import FileLock

    parent.mkdir(parents=True, exist_ok=True)
    remove_left()
    while True:
        folder = parent / os.urandom(8).hex()
        path = folder.with_suffix(_LOCK)
        lock = FileLock(path, thread_local=False)
        lock.acquire()
        if not path.exists():  # taken for one that was left, before it was locked
            lock.release()
            continue
        try:
            folder.mkdir()
        except BaseException:
            _remove(folder, lock)
            raise
        return folder, lock


def _remove(folder: Path, lock: BaseFileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        with suppress(OSError):
            Path(lock.lock_file).unlink()
    lock.release()
