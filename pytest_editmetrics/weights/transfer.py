"""One file from an HTTP server: goes on where it stopped, checked before it has its final name.

``pooch`` does the transfer. What has come lies beside the final place under a name of its own
until it passed its check; an interrupted transfer leaves it there, and the next one asks for the
rest. A server that ignores that, and bytes that turn out not to fit, only cost a new beginning.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import EditMetricsError, WeightsError

if TYPE_CHECKING:
    from requests import Response

Say = Callable[[str], None]

_CHUNK = 1 << 16
_TIMEOUT_S = 60
_ATTEMPTS = 10


@dataclass(frozen=True)
class Source:
    """Where a file comes from and what it must be.

    ``check`` raises ``WeightsError`` for content that is not what is published; ``size`` is in
    bytes and ``None`` where it is not known; ``command`` fetches it again; ``otherwise`` says in
    which other way it may be had.
    """

    name: str
    url: str
    size: int | None
    check: Callable[[Path], object]
    command: str
    otherwise: str
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def alone(lock: Path, name: str, say: Say) -> Iterator[bool]:
    """Keep other processes from fetching ``name``; tell whether one was waited for.

    The lock is the operating system's: it ends with the process that holds it, however that ends.

    Raises:
        EditMetricsError: the lock cannot be made.
    """
    from filelock import FileLock, Timeout

    held, waited = FileLock(lock), False
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire(timeout=0)
        except Timeout:
            waited = True
            say(f"another process fetches {name}: waiting for it")
            held.acquire()
    except OSError as error:
        raise EditMetricsError(
            f"{name} could not be fetched to {lock.parent}: {reason(error)}. Check the folder and "
            "the disk, or set EDITMETRICS_CACHE, TORCH_HOME or HF_HOME to another place"
        ) from error
    try:
        yield waited
    finally:
        held.release()


def transfer(source: Source, path: Path, say: Say) -> None:
    """Download one file to ``path``, which it gets only when it passed ``source.check``.

    Raises:
        WeightsError: what came is not what is published; nothing was kept.
        EditMetricsError: no answer, an HTTP error, or the disk would not take it; what came is kept
            beside ``path`` for the next time.
    """
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not _fits(source, part, say):
            _download(source, part, say)
            source.check(part)
        part.replace(path)
    except WeightsError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        came = str(error).replace(str(part), f"what came from {without_login(source.url)}")
        raise WeightsError(came) from error
    except OSError as error:
        with suppress(OSError):
            if _size(part) == 0:
                part.unlink(missing_ok=True)
        kept = _size(part)
        rest = f" {kept:,} bytes came and are kept: that command goes on there." if kept else ""
        raise EditMetricsError(
            f"{source.name} could not be fetched from {without_login(source.url)} to {path}: "
            f"{reason(error)}. Check the network (HTTPS_PROXY is honoured) and the disk, then run "
            f"`{source.command}` again.{rest} Or {source.otherwise}"
        ) from error


def _fits(source: Source, part: Path, say: Say) -> bool:
    """Complete what an earlier transfer left, or drop it; tell whether it is the file now."""
    kept = _size(part)
    if kept == 0:
        return False
    if source.size is None or kept <= source.size:
        of = f" of {source.size:,}" if source.size else ""
        say(f"{source.name}: going on after {kept:,}{of} bytes")
        if kept != source.size:
            _download(source, part, say)
        try:
            source.check(part)
            return True
        except WeightsError:
            say(f"{source.name}: what was kept does not fit; starting over")
    part.unlink()
    return False


def _download(source: Source, part: Path, say: Say) -> None:
    """Append to ``part`` until an answer ended well; a lost connection is taken up again."""
    from requests import RequestException
    from requests.exceptions import InvalidHeader

    for attempt in range(_ATTEMPTS):
        before = _size(part)
        try:
            _ask(source, part, before, say)
            return
        except RequestException as error:
            answer = error.response
            refused = answer is not None and answer.status_code == 416  # no such range
            if before and (refused or isinstance(error, InvalidHeader)):
                part.unlink()
            elif _size(part) <= before or attempt == _ATTEMPTS - 1:
                raise
            else:
                say(f"{source.name}: {reason(error)} after {_size(part):,} bytes; going on")


def _ask(source: Source, part: Path, start: int, say: Say) -> None:
    from pooch import HTTPDownloader

    headers = {**source.headers, "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with part.open("ab") as file, ExitStack() as answers:

        def answered(response: Response, **_: Any) -> None:
            answers.callback(response.close)
            if not response.headers.get("Content-Length", "0").isdecimal():
                del response.headers["Content-Length"]  # which pooch would stumble over
            if response.ok and not response.is_redirect and not _continues(response, start):
                file.truncate(0)

        HTTPDownloader(
            progressbar=True if sys.stderr.isatty() else _Lines(source.name, say),
            chunk_size=_CHUNK,
            timeout=_TIMEOUT_S,
            headers=headers,
            hooks={"response": answered},
        )(source.url, file, None)


def _continues(response: Response, start: int) -> bool:
    """Tell whether an answer is the rest that was asked for, and not the whole file."""
    if response.status_code != 206:
        return False
    stated = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if stated is None or int(stated[1]) != start:
        from requests.exceptions import InvalidHeader

        raise InvalidHeader(f"the server gave another part than was asked for (from {start})")
    return True


class _Lines:
    """Progress as a line for every tenth, where there is no terminal (pooch's own protocol)."""

    def __init__(self, name: str, say: Say):
        self.total = 0
        self._name = name
        self._say = say
        self._done = 0
        self._tenths = 0

    def update(self, count: int) -> None:
        self._done += count
        tenths = min(10, 10 * self._done // self.total) if self.total else 0
        if tenths > self._tenths:
            self._tenths = tenths
            self._say(f"{self._name}: {10 * tenths} %")

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass


def _size(part: Path) -> int:
    try:
        return os.stat(part).st_size
    except FileNotFoundError:
        return 0


def without_login(text: str) -> str:
    """Return a text in which addresses have lost their user and password.

    >>> without_login("https://me:secret@mirror.local/weights")
    'https://mirror.local/weights'
    """
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", text)


def reason(error: BaseException) -> str:
    """Say what lies at the bottom of an error, which for a network error is the system's own."""
    bottom = error
    while (below := bottom.__cause__ or bottom.__context__) is not None:
        bottom = below
    if isinstance(bottom, OSError) and bottom.strerror:
        return bottom.strerror
    lines = str(error).strip().splitlines()
    told = lines[0] if lines else "no further message"
    return f"{type(error).__name__}: {without_login(told)}"
