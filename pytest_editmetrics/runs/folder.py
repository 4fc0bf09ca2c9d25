"""A run that is read: what it produced, kept so that it can be looked at, judged and approved.

A run directory holds ``results.jsonl`` (``fields.py``) and ``images/``, whose files are named by
their content; ``writing.py`` writes it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from pytest_editmetrics.errors import EditMetricsError, counted
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.failed import FailedTest
from pytest_editmetrics.runs.fields import GATE, Field, as_held
from pytest_editmetrics.whole_file import read_whole

RESULTS = "results.jsonl"
IMAGES = "images"
REPORT = "report.html"
SCHEMA = "pytest-editmetrics/results"
SCHEMA_VERSION = 1

OWN_IMAGE = re.compile(r"[0-9a-f]{20}\.png|\.[0-9a-f]{20}\.png\.[0-9a-f]{8}\.tmp")
_LONGEST_HEAD = 1 << 20
_DEEPEST_REGION = 50
_IMAGE_NAME = re.compile(rf"{IMAGES}/[0-9a-f]{{20}}\.png")


EXPECTED = "xfailed"
"""The outcome of a test that failed as a mark, or the test itself, said it would."""


@dataclass(frozen=True)
class GateRecord:
    """One gate of one attempt of a test; ``final`` tells whether it was the test's last attempt.

    ``other_failure`` tells whether the attempt failed for more than goldens can hold.
    """

    nodeid: str
    attempt: int
    final: bool
    outcome: str
    gate: Gate
    other_failure: bool = False

    @property
    def expected(self) -> bool:
        """Whether the gate fails and its test was expected to."""
        return self.gate.failing and self.outcome == EXPECTED

    @property
    def known_fault(self) -> bool:
        """Whether it fails in a test that is expected to, whatever became of that: an error is."""
        return self.expected or (self.gate.failing and self.gate.xfail)


@dataclass(frozen=True)
class Run:
    """A run that was read: its session line, its gates, and the tests whose worker died.

    ``crashed`` are those that were not ``run_again``.
    ``path`` is the folder that the gates' image paths are relative to; ``given`` is what was read,
    that folder or a results file. ``complete`` is false for a run that was cut off, or that lost
    lines since; ``end`` is the last line of one that is.
    ``failed`` are tests that failed for another reason than a gate, ``problems`` what failed the
    session besides its tests: lines after the first are entries.
    """

    path: Path
    session: Mapping[str, Any]
    gates: tuple[GateRecord, ...]
    crashed: tuple[str, ...]
    complete: bool
    end: Mapping[str, Any] = field(default_factory=dict)
    given: Path | None = None
    failed: tuple[FailedTest, ...] = ()
    problems: tuple[str, ...] = ()
    run_again: tuple[str, ...] = ()

    @property
    def failed_tests(self) -> int:
        """How many tests pytest counted as failed, with gates or without."""
        return int(self.end.get("failed_tests", len(self.failed)))

    @property
    def lacks(self) -> str:
        """Of a merged run that is not ``complete``: what is missing; else an empty text."""
        told = self.session.get("lacks")
        return told if isinstance(told, str) and not self.complete else ""

    @property
    def shown(self) -> Path:
        """What messages call the run: the folder or the results file, as it was given."""
        return self.given or self.path

    def image_path(self, name: str) -> Path:
        """Return where an image lies that a gate's ``images`` name.

        Raises:
            EditMetricsError: there is no such file in the run directory.
        """
        path = self.path / name
        inside = _IMAGE_NAME.fullmatch(name) and not (self.path / IMAGES).is_symlink()
        if not inside or path.is_symlink() or not path.is_file():
            raise EditMetricsError(f"{self.path}: the run directory has no image {name!r}")
        return path


def is_run_dir(path: Path) -> bool:
    """Tell whether a folder holds a run, complete or not: its results file starts as one."""
    if (path / RESULTS).is_symlink() or (path / IMAGES).is_symlink():
        return False
    return (path / RESULTS).is_file() and is_results_file(path / RESULTS)


def holds_no_results(path: Path) -> bool:
    """Tell whether a folder is there, and neither results are in it nor runs."""
    try:
        empty = not (path / RESULTS).stat().st_size
    except FileNotFoundError:
        empty = True
    except OSError:  # reading it says what is wrong
        empty = False
    return empty and path.is_dir() and not _runs_inside(path)


def is_results_file(path: Path) -> bool:
    """Tell whether a file starts as results do; one of a run that was killed may be empty."""
    try:
        with path.open(encoding="utf-8") as stream:
            line = stream.readline(_LONGEST_HEAD)
        record = _parsed(path, 1, line) if line else {"record": "session", "schema": SCHEMA}
    except (OSError, UnicodeError, EditMetricsError):
        return False
    return record.get("record") == "session" and record.get("schema") == SCHEMA


def sessions_of(run: Run) -> frozenset[str]:
    """Return the ids of the sessions that a run holds, several if it was merged."""
    merged = run.session.get("sessions")
    told = [run.session.get("id"), *(merged if isinstance(merged, list) else ())]
    return frozenset(one for one in told if isinstance(one, str))


def is_same(one: Run, other: Run) -> bool:
    """Tell whether two hold one run: by their file, through a link too, or by their sessions.

    That is if all that one holds is in the other: of two merged runs of a suite one shard may have
    run again.
    """
    mine, its = (
        sessions_of(run) - ({run.session.get("id")} if run.session.get("sessions") else set())
        for run in (one, other)
    )
    if mine and its and (mine <= its or its <= mine):
        return True
    first, second = (r.path / RESULTS if r.shown == r.path else r.shown for r in (one, other))
    return first.resolve() == second.resolve()


def read_run(path: Path) -> Run:
    """Read a run directory, or a results file.

    Raises:
        EditMetricsError: it is not there, is none, is of a newer version, or holds a line that is
            no record; the message starts with ``file:line``. A last line that was cut off is left
            out, and the run is not ``complete``.
    """
    source = path / RESULTS if path.is_dir() else path
    if source is not path and source.exists() and not source.is_file():
        raise EditMetricsError(f"{source} is no file, which the results of a run are")
    try:
        text = read_whole(source).decode("utf-8")
    except OSError as error:
        raise EditMetricsError(
            f"{source} cannot be read ({error.strerror or error}); give a run directory"
            " (pytest --editmetrics-run-dir=DIR) or a results file (--editmetrics-results=PATH)"
            f"{_runs_inside(path)}"
        ) from None
    except UnicodeDecodeError:
        raise EditMetricsError(f"{source}: not a results file (it is not UTF-8 text)") from None
    return replace(_run(source, list(_records(source, text))), given=path)


def _runs_inside(path: Path) -> str:
    """Say which runs lie in a folder that is none, if some do."""
    try:
        runs = sorted(one for one in path.iterdir() if is_run_dir(one))
    except OSError:  # it is no folder, or one that cannot be read
        return ""
    if not runs:
        return ""
    one = f"give one of them, as {shlex.quote(str(runs[0]))}"
    several = "calibrate and merge take several"
    return f". {path} holds {counted(len(runs), 'run')}: {one}; {several}"


def _records(source: Path, text: str) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Give each record with its line; ``None`` for a last line that was cut off."""
    lines = text.split("\n")
    cut = lines.pop()
    for number, line in enumerate(lines, 1):
        yield number, _parsed(source, number, line)
    if cut:
        if not lines:
            _parsed(source, 1, cut)
        yield len(lines) + 1, None


def _run(source: Path, records: list[tuple[int, dict[str, Any] | None]]) -> Run:
    if not records or records[0][1] is None:
        raise EditMetricsError(f"{source}: not a results file: it has no session line")
    session = _session(source, *records[0])
    gates: list[GateRecord] = []
    crashed: list[str] = []
    run_again: list[str] = []
    failed: list[FailedTest] = []
    problems: list[str] = []
    end: dict[str, Any] | None = None
    for number, record in records[1:]:
        if end is not None:
            _fail(source, number, "a record after the end")
        kind = None if record is None else record.get("record")
        if record is None:
            break
        if kind == "gate":
            gates.append(_gate_record(source, number, record))
        elif kind == "crashed":
            again = _flag(source, number, record, "again")
            (run_again if again else crashed).append(_text(source, number, record, "nodeid"))
        elif kind == "failed":
            nodeid, when, message = (
                _text(source, number, record, name) for name in ("nodeid", "when", "message")
            )
            asks = _flag(source, number, record, "asks")
            failed.append(FailedTest(nodeid, when, message, asks))
        elif kind == "problem":
            problems.append(_text(source, number, record, "text"))
        elif kind == "end":
            end = _end(source, number, record)
        else:
            _fail(source, number, f"unknown record {kind!r}")
    if end is not None and not _holds_all(end, gates):
        end = None
    return Run(
        source.parent,
        session,
        tuple(gates),
        tuple(crashed),
        end is not None,
        end or {},
        failed=tuple(failed),
        problems=tuple(problems),
        run_again=tuple(dict.fromkeys(run_again)),
    )


def _end(source: Path, number: int, record: dict[str, Any]) -> dict[str, Any]:
    count = record.get("failed_tests", 0)
    if type(count) is not int or count < 0:
        _fail(source, number, f"failed_tests is {count!r:.80}, not a number from 0")
    return record


def _holds_all(end: Mapping[str, Any], gates: Sequence[GateRecord]) -> bool:
    """Tell whether the gates are as many as the end line says: lines may have been lost since."""
    here = sum(gate.final for gate in gates)
    return bool(end.get("gates", here) == here)


def _session(source: Path, number: int, record: dict[str, Any] | None) -> dict[str, Any]:
    if record is None or record.get("record") != "session" or record.get("schema") != SCHEMA:
        _fail(source, number, f"not a results file: no session line with schema {SCHEMA!r}")
    version = record.get("version")
    if type(version) is not int or version < 1:
        _fail(source, number, f"version is {version!r}, not a number from 1")
    if version > SCHEMA_VERSION:
        _fail(
            source,
            number,
            f"version {version} is newer than this pytest-editmetrics reads ({SCHEMA_VERSION});"
            " upgrade it",
        )
    if not isinstance(record.get("started", ""), str):
        _fail(source, number, f"started is {record['started']!r:.80}, not a text")
    return record


def _gate_record(source: Path, number: int, record: dict[str, Any]) -> GateRecord:
    attempt, outcome = record.get("attempt"), record.get("outcome")
    if type(attempt) is not int or attempt < 1:
        _fail(source, number, f"attempt is {attempt!r}, not a number from 1")
    if not isinstance(outcome, str) or not outcome.isprintable() or not outcome:
        _fail(source, number, f"outcome is {outcome!r}, not a word")
    other_failure = record.get("other_failure", False)
    for name, value in (("final", record.get("final")), ("other_failure", other_failure)):
        if type(value) is not bool:
            _fail(source, number, f"{name} is {value!r}, not true or false")
    values = {
        field.name: _value(source, number, field, record[field.name])
        for field in GATE
        if field.name in record
    }
    for name in ("metric", "verdict"):
        if name not in values:
            _fail(source, number, f"a gate without its {name}")
    if not _holds_no_path((values.get("region") or {}).get("coords")):
        _fail(
            source,
            number,
            "coords are no boxes, polygons or packed masks",
        )
    share = (values.get("details") or {}).get("share", 1)
    if type(share) not in (int, float):
        _fail(source, number, f"share is {share!r:.80}, not a number")
    for name in image_names(values.get("images", {})):
        if not isinstance(name, str) or not _IMAGE_NAME.fullmatch(name):
            _fail(source, number, f"{name!r} is not the path of an image in a run directory")
    nodeid = _text(source, number, record, "nodeid")
    gate = Gate.from_dict(values)
    return GateRecord(nodeid, attempt, record["final"], outcome, gate, other_failure)


def _holds_no_path(coords: Any, depth: int = 0) -> bool:
    """Tell whether a region is numbers and packed masks only: a text would be opened as a mask."""
    if isinstance(coords, str) or depth > _DEEPEST_REGION:
        return False
    inner = list(coords) if isinstance(coords, list) else []
    if isinstance(coords, dict):
        inner = [value for key, value in coords.items() if key != "packed"]
    return all(_holds_no_path(value, depth + 1) for value in inner)


def image_names(images: Mapping[str, Any]) -> Iterator[Any]:
    """Give every path that a gate's ``images`` name; of a run that was read, each is a text."""
    for key in ("reference", "edited", "golden", "mask"):
        if key in images:
            yield images[key]
    for key in ("compared", "numbers"):
        pair = images.get(key, {})
        yield from pair.values() if isinstance(pair, Mapping) else (pair,)
    heat = images.get("heat", {})
    if not isinstance(heat, Mapping):
        yield heat
    elif "lpips" in heat:
        yield heat["lpips"]
    crops = images.get("crops", ())
    for pair in crops if isinstance(crops, (list, tuple)) else (crops,):
        yield from pair if isinstance(pair, (list, tuple)) else (pair,)


def _value(source: Path, number: int, field: Field, value: Any) -> Any:
    """Return a gate's field as ``Gate`` holds it; refuse what could not be one."""
    try:
        return as_held(field, value)
    except ValueError:
        _fail(source, number, f"{field.name} cannot be {value!r:.80}")


def _text(source: Path, number: int, record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        _fail(source, number, f"{name} is {value!r:.80}, not a text")
    return value


def _flag(source: Path, number: int, record: dict[str, Any], name: str) -> bool:
    value = record.get(name)
    if type(value) is not bool:
        _fail(source, number, f"{name} is {value!r:.80}, not true or false")
    return value


def _parsed(source: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        what = (
            "begins with no JSON"
            if str(error).endswith("(char 0)")
            else f"is cut or broken: {error}"
        )
        _fail(source, number, f"not a record of results: the line {what}")
    if not isinstance(value, dict):
        _fail(source, number, "not a record of results: no JSON object")
    return value


def _fail(source: Path, number: int, problem: str) -> NoReturn:
    raise EditMetricsError(f"{source}:{number}: {problem}")
