"""``review.json`` of a run directory: what people decided on its cases, and why.

A decision belongs to a case by the case's anchor, a hash of its test, images and region, so that it
never passes to other images. Each has an id: who changes one names the id that was seen, so that
two people never overwrite each other unawares.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, get_args

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.runs.claims import lock_name
from pytest_editmetrics.whole_file import replacing, write_through

REVIEW = "review.json"
SCHEMA = "pytest-editmetrics/review"
SCHEMA_VERSION = 1
LONGEST_NOTE = 4000

Verb = Literal["accepted", "refused", "put-off"]
VERBS: tuple[Verb, ...] = get_args(Verb)

_LARGEST = 64 << 20
_LONGEST = 4096
_PATIENCE = 10.0
_ANCHOR = re.compile(r"c-[0-9a-f]{12}")


@dataclass(frozen=True)
class Decision:
    """What was decided on one case: by whom, when (ISO 8601, UTC), and with which note.

    ``written`` tells when the goldens of an accepted case were.
    """

    test: str
    verb: Verb
    note: str = ""
    by: str = ""
    at: str = ""
    name: str | None = None
    written: str | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def pending(self) -> bool:
        """Whether the case was accepted and its goldens are not written yet."""
        return self.verb == "accepted" and self.written is None


class Contradicted(EditMetricsError):
    """Somebody else decided on a case meanwhile; nothing was kept."""

    __module__ = "builtins"


def now() -> str:
    """Return the time as decisions state it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def who() -> str:
    """Return whose decisions are made here; empty where the system does not tell."""
    with suppress(Exception):  # which exceptions it raises depends on the platform
        return getpass.getuser()[:100]
    return ""


def read_review(folder: Path, started: object) -> dict[str, Decision]:
    """Return the decisions by anchor; none without a file, or if it is of another run.

    Args:
        folder: the run directory.
        started: when the run was started, as its session line says.

    Raises:
        EditMetricsError: the file is a link, cannot be read, is of a newer version or holds
            something else; the message names it.
    """
    held = _held(folder / REVIEW)
    return held[1] if held is not None and held[0] == _text_of(started) else {}


def change_review(
    folder: Path,
    started: object,
    changes: Mapping[str, Decision | None],
    seen: Mapping[str, str | None] | None = None,
) -> dict[str, Decision]:
    """Set or remove decisions; return all of them as they are then.

    The file is read anew under a lock, so that what others decided meanwhile stays. One of another
    run is kept as ``review.json.old``.

    Args:
        folder: the run directory.
        started: as for ``read_review``.
        changes: by anchor; ``None`` removes.
        seen: the id of the decision that whoever changes it saw, ``None`` for none; of a case that
            is not in it any may be there.

    Raises:
        Contradicted: there is another decision than was seen; nothing was kept.
        EditMetricsError: it cannot be read or written; the earlier file stays.
    """
    from filelock import FileLock, Timeout

    path = folder / REVIEW
    lock = folder / lock_name(REVIEW)
    try:
        with FileLock(lock, timeout=_PATIENCE), _gone_after(lock):
            held = _held(path)
            same = held is not None and held[0] == _text_of(started)
            decisions = dict(held[1]) if held is not None and same else {}
            for anchor, id_seen in (seen or {}).items():
                found = decisions.get(anchor)
                if (None if found is None else found.id) != id_seen:
                    raise Contradicted(_other(found))
            if held is not None and not same:
                os.replace(path, path.with_name(f"{REVIEW}.old"))
            for anchor, decision in changes.items():
                if decision is None:
                    decisions.pop(anchor, None)
                else:
                    decisions[anchor] = decision
            with replacing(path) as temporary:
                write_through(temporary, _content(started, decisions))
    except Timeout:
        raise EditMetricsError(
            f"{path}: another process has been writing it for {_PATIENCE:g} seconds, so the"
            " decision was not kept; try again"
        ) from None
    except OSError as error:
        raise EditMetricsError(
            f"{path} cannot be written ({error.strerror or error}), so the decision was not kept"
        ) from None
    return decisions


@contextmanager
def _gone_after(lock: Path) -> Iterator[None]:
    """Remove the lock's file while it is held: who waits for it sees that it is gone."""
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()


def written(decision: Decision, at: str) -> Decision:
    """Return a decision whose goldens were written."""
    return replace(decision, written=at, id=secrets.token_hex(8))


def _other(found: Decision | None) -> str:
    if found is None:
        return "the decision on it was taken back meanwhile"
    who = found.by or "somebody"
    if found.verb == "accepted" and found.written is not None:
        return f"{who} accepted it and the goldens were written ({found.written})"
    note = f": {found.note}" if found.note else ""
    return f"{who} {found.verb.replace('-', ' ')} it meanwhile ({found.at}){note}"


def _content(started: object, decisions: Mapping[str, Decision]) -> bytes:
    cases = {anchor: asdict(decisions[anchor]) for anchor in sorted(decisions)}
    head = {"schema": SCHEMA, "version": SCHEMA_VERSION, "run": _text_of(started)}
    text = json.dumps({**head, "cases": cases}, indent=1)
    return text.encode("utf-8") + b"\n"


def _held(path: Path) -> tuple[str, dict[str, Decision]] | None:
    """Return when the run was started that a file tells of, and its decisions."""
    try:
        raw = _read(path)
    except OSError as error:
        raise EditMetricsError(f"{path} cannot be read: {error.strerror or error}") from None
    if raw is None:
        return None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise EditMetricsError(f"{path}: not a review ({error}); move it away") from None
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise EditMetricsError(f"{path}: not a review: no schema {SCHEMA!r}; move it away")
    version = value.get("version")
    if type(version) is not int or version < 1:
        raise EditMetricsError(f"{path}: version is {version!r:.80}, not a number from 1")
    if version > SCHEMA_VERSION:
        raise EditMetricsError(
            f"{path}: version {version} is newer than this pytest-editmetrics reads"
            f" ({SCHEMA_VERSION}); upgrade it"
        )
    cases = value.get("cases")
    if not isinstance(cases, dict):
        raise EditMetricsError(f"{path}: cases is {cases!r:.80}, not a mapping")
    return _text_of(value.get("run")), {
        anchor: _decision(path, anchor, case) for anchor, case in cases.items()
    }


def _read(path: Path) -> bytes | None:
    """Return a file's content; ``None`` if there is none. A link is not followed."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise EditMetricsError(f"{path} is a link, which a run may not hold; remove it")
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            raise EditMetricsError(f"{path} is no file of at most {_LARGEST >> 20} MB; remove it")
        return file.read(_LARGEST)


def _decision(path: Path, anchor: str, case: Any) -> Decision:
    if not _ANCHOR.fullmatch(anchor) or not isinstance(case, dict):
        raise EditMetricsError(f"{path}: {anchor!r:.80} is no case")
    texts: dict[str, Any] = {
        key: case.get(key) for key in ("test", "verb", "note", "by", "at", "id", "name", "written")
    }
    for key, value in texts.items():
        valid = isinstance(value, str) or (value is None and key in ("name", "written"))
        if not valid or len(value or "") > _LONGEST:
            raise EditMetricsError(f"{path}: {key} of {anchor} cannot be {value!r:.80}")
    if texts["verb"] not in VERBS:
        raise EditMetricsError(f"{path}: verb of {anchor} cannot be {texts['verb']!r:.80}")
    return Decision(**texts)


def _text_of(started: object) -> str:
    return started if isinstance(started, str) else ""
