"""The machine-readable results file (JSON Lines): one object a line, written as tests finish.

The first line describes the session, then comes one line a gate (of every attempt), one line a
crashed test, one a failure for another reason than a gate, one a problem of the session, and a last
line with the counts: a file without it was cut off. ``fields.py`` declares every key.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.runs.claims import Claim, check_ours, is_stream
from pytest_editmetrics.runs.folder import SCHEMA, SCHEMA_VERSION, is_results_file

if TYPE_CHECKING:
    from pytest_editmetrics.runs.failed import FailedTest
    from pytest_editmetrics.runs.obsolete import ObsoleteImage


# no `json.dumps`: a test, or what formats JSON, may put one in its place that writes several lines
_LINE = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def json_line(record: Mapping[str, Any]) -> str:
    """Return one line of valid JSON; NaN and infinities are written as the strings of their names.

    >>> json_line({"value": float("nan"), "bound": 0.1})
    '{"value": "NaN", "bound": 0.1}'
    """
    return _LINE.encode(plain(record))


def plain(value: Any) -> Any:
    """Return ``value`` as what JSON can hold: NaN and infinities become strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


class ResultsFile:
    """Appends records to ``path``, each line flushed, so that a killed run keeps what finished.

    An earlier run in the file stays until ``begin``, or the first record, replaces it: a session
    that runs nothing loses nothing. No other process can write the file meanwhile.

    Args:
        path: the file; made with its folder. A device or a pipe is written as it comes.
        versions: of the packages that a measurement depends on.
        started: when, as ISO 8601.
        more: what the session line tells besides.

    Raises:
        EditMetricsError: it cannot be written, holds something else than results, or is being
            written by another session.
    """

    def __init__(self, path: Path, versions: Mapping[str, str | None], started: str, **more: Any):
        self.path = path
        head = {"record": "session", "schema": SCHEMA, "version": SCHEMA_VERSION}
        head.update(started=started, versions=dict(versions), **more)
        self._head: dict[str, Any] | None = head
        self._end: tuple[int, int, str] | None = None
        check_ours(path, "the results file", is_results_file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._claim = Claim(path)
            try:
                self._stream = is_stream(path)
                self._file = _opened(path, stream=self._stream)
                earlier = not self._stream and path.stat().st_size > 0
            except OSError:
                self._claim.release()
                raise
        except OSError as error:
            raise EditMetricsError(
                f"cannot write the results file {path}: {error.strerror or error}; "
                "give another path"
            ) from None
        if not earlier:
            self.begin()

    @property
    def begun(self) -> bool:
        """Whether this run is in the file; else the file holds an earlier one, untouched."""
        return self._head is None

    def begin(self) -> None:
        """Replace the earlier run, now that something runs; more than once does no harm."""
        if self._head is None:
            return
        head, self._head = self._head, None
        try:
            if not self._stream:
                self._file.seek(0)
                self._file.truncate()
        except OSError as error:
            self._fail(error)
        self._write(head)

    def gate(
        self,
        nodeid: str,
        attempt: int,
        final: bool,
        outcome: str,
        gate: Any,
        other_failure: bool = False,
    ) -> None:
        """Append one gate; ``final`` tells whether its attempt was the test's last.

        ``other_failure`` tells whether the test failed for more than goldens can hold.
        """
        head = {"record": "gate", "nodeid": nodeid, "name": gate.name, "metric": gate.metric}
        tail = {key: value for key, value in gate.to_dict().items() if key not in head}
        ended = {"outcome": outcome, "other_failure": other_failure}
        self._write({**head, "attempt": attempt, "final": final, **ended, **tail})

    def crashed(self, nodeid: str, again: bool = False) -> None:
        """Append a test whose worker died, and whether it was run ``again``."""
        self._write({"record": "crashed", "nodeid": nodeid, "again": again})

    def failed(self, failed: FailedTest) -> None:
        """Append a test that failed for another reason than a gate, or a file: that begins nothing.

        A session that cannot collect its files runs nothing, and an earlier run stays.
        """
        if failed.when == "collect" and not self.begun:
            return
        told = {"nodeid": failed.nodeid, "when": failed.when, "message": failed.message}
        self._write({"record": "failed", **told, "asks": failed.asks})

    def problem(self, text: str) -> None:
        """Append what fails the session besides its tests, if the run has begun."""
        if self.begun:
            self._write({"record": "problem", "text": text})

    def close(
        self,
        counts: Mapping[str, int],
        full: bool = False,
        obsolete: Sequence[ObsoleteImage] | None = None,
        suite: Mapping[str, Any] | None = None,
        unheld: Mapping[str, Any] | None = None,
        failed_tests: int = 0,
    ) -> None:
        """Append the closing line and close the file; where nothing began, the earlier run stays.

        ``full`` tells whether every test of the collected files ran. ``obsolete`` is what was not
        used and may be removed, ``None`` of a part of the suite, which cannot tell; ``unheld`` is
        what it tells of goldens all the same. ``suite`` is what the suite's gates came to.
        ``failed_tests`` counts every failed test.
        """
        if not self.begun:
            self.leave()
            return
        listed: dict[str, Any] = {}
        if obsolete is not None:
            listed["obsolete"] = [asdict(image) for image in obsolete]
        if unheld is not None:
            listed["unheld"] = unheld
        if suite is not None:
            listed["suite"] = suite
        ended = {"failed_tests": failed_tests, "full": full}
        start, end = self._size(), {"record": "end", **counts, **ended, **listed}
        self._write(end)
        self._end = start, self._size(), json_line(end)
        try:
            self._file.close()
        except OSError as error:
            self._fail(error)
        self.leave()

    def amend(self, text: str) -> None:
        """Add what failed the session after the file was closed, before its closing line.

        A device or a pipe, and what was written by others since, stays as it is.
        """
        if self._end is None or self._stream:
            return
        start, stop, end = self._end
        problem = json_line({"record": "problem", "text": text})
        try:
            with self.path.open("r+b") as file:
                if file.seek(0, os.SEEK_END) == stop:
                    file.truncate(start)
                    file.seek(start)
                    file.write(f"{problem}\n{end}\n".encode())
        except OSError as error:
            self._fail(error)

    def leave(self) -> None:
        """Close the file as it is; without its closing line it counts as cut off."""
        with suppress(OSError):  # of a line that could not be written, which was an error then
            self._file.close()
        self._claim.release()

    def __enter__(self) -> ResultsFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self.leave()

    def _write(self, record: Mapping[str, Any]) -> None:
        self.begin()
        try:
            self._file.write(json_line(record) + "\n")
            self._file.flush()
        except (OSError, ValueError) as error:
            self._fail(error)

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def _fail(self, error: Exception) -> NoReturn:
        self.leave()
        raise EditMetricsError(f"cannot write the results file {self.path}: {error}") from None


def _opened(path: Path, *, stream: bool) -> TextIO:
    """Open a file to write without touching what it holds."""
    if stream:
        return path.open("a", encoding="utf-8", newline="\n")

    def made(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_CREAT, 0o666)

    return open(path, "r+", encoding="utf-8", newline="\n", opener=made)
