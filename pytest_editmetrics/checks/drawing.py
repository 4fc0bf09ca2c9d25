"""The picture of a failing gate, drawn while somebody looks for what happened to the images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.measurement import LAID_ON_BLACK, NO_PICTURE
from pytest_editmetrics.weights.kept import NoHomeError, pictures_folder

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.session.state import EditSession


@contextmanager
def drawing(
    session: EditSession, gate: Gate, images: tuple[Any, ...], nodeid: str
) -> Iterator[Callable[[], str]]:
    """Draw the picture of a gate in a thread of its own, which has ended when the block has.

    Compressing and shrinking need no other work of Python's, so that on a second core they take
    no time. The picture lies in pytest's cache folder; without that, in this project's own.

    Returns:
        What waits for the picture and says where it is and what it shows, or why there is none.
    """
    from pytest_editmetrics.report.picture import panels_of, save_picture

    drawn = _Aside(lambda: save_picture(images, gate, nodeid, _pictures(session)))

    def picture() -> str:
        with session.clock.of("pictures"):
            drawn.wait()  # a timeout that ends it is no fault of the picture
        try:
            path = drawn.result()
        except (OSError, NoHomeError) as error:
            return f"{NO_PICTURE}: {_said(error)}"
        here = session.config.invocation_params.dir == session.rootdir  # else it would not open
        shown = session.shown(path) if here else path
        laid = f", {LAID_ON_BLACK}" if "ground" in gate.details else ""
        return f"{shown} ({' | '.join(panels_of(images, gate))}{laid})"

    try:
        yield picture
    finally:
        drawn.wait()


def _said(error: OSError | NoHomeError) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename}"
    return getattr(error, "strerror", None) or str(error)


class _Aside:
    """Work that a thread does if it can; else whoever asks for the result does it.

    A system that has no thread left refuses one, and a test may have put something else in the
    place of ``threading.Thread`` or of its methods, which never begins.
    """

    def __init__(self, work: Callable[[], Path]):
        self._work = work
        self._done: list[Path | BaseException] = []
        self._thread = Thread(target=self._run, name="editmetrics-picture")
        with suppress(RuntimeError):  # no thread is left
            self._thread.start()

    def _run(self) -> None:
        try:
            self._done.append(self._work())
        except BaseException as error:
            self._done.append(error)

    def wait(self) -> None:
        """Wait for the thread, if it was begun."""
        if self._thread.ident is not None:
            self._thread.join()

    def result(self) -> Path:
        """Return what the work returns, after ``wait``.

        Raises:
            BaseException: as the work does.
        """
        if not self._done:
            return self._work()
        found = self._done[0]
        if isinstance(found, BaseException):
            raise found
        return found


def _pictures(session: EditSession) -> Path:
    """Return the folder of this project's pictures; other projects have folders of their own."""
    cache = getattr(session.config, "cache", None)
    if cache is not None:
        folder: Path = cache.mkdir("editmetrics")
        return folder
    digest = hashlib.sha256(str(session.rootdir).encode()).hexdigest()[:8]
    folder = pictures_folder() / f"{session.rootdir.name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
