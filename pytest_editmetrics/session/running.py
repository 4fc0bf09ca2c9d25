"""Which test a check belongs to that names none: the importable helpers' question."""

from __future__ import annotations

import inspect
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import CodeType, FrameType

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.session.journal import VARIABLE, write
from pytest_editmetrics.session.ledger import Ledger
from pytest_editmetrics.session.record import Phase, TestRecord

_place: ContextVar[TestRecord | Ledger | None] = ContextVar("editmetrics_place", default=None)
"""The test that a context was made in, or the session if it was made for more than one test."""
_sessions: list[tuple[Ledger, TestRecord | Ledger | None]] = []
_running: list[TestRecord] = []
_HOW = (
    "call it from the test, in a thread of your own through contextvars.copy_context().run(...), or"
    " use the test's edit_gate"
)


def open_session(ledger: Ledger) -> None:
    """Let helpers find the session's tests, until ``close_session``."""
    ledger.journal.open()
    _sessions.append((ledger, _place.get()))
    _place.set(ledger)


def close_session(ledger: Ledger) -> None:
    """Forget the session."""
    for opened in tuple(_sessions):
        if opened[0] is ledger:
            _sessions.remove(opened)
            _place.set(opened[1])
    ledger.journal.close()


@contextmanager
def phase_of(record: TestRecord, phase: Phase) -> Iterator[None]:
    """Say which phase of which test runs, in this context and this thread."""
    before = _place.get()
    record.phase, record.running, record.thread = phase, True, threading.get_ident()
    _running.append(record)
    _place.set(record)
    try:
        yield
    finally:
        record.running = False
        record.forget_calls()
        _running.remove(record)
        _place.set(before)


@contextmanager
def wider(ledger: Ledger) -> Iterator[None]:
    """Say that what is set up here serves more than one test: its contexts are of no one test."""
    before = _place.get()
    _place.set(ledger)
    try:
        yield
    finally:
        _place.set(before)


def running_record() -> TestRecord:
    """Return the record of the test that the caller belongs to.

    It is the test of the caller's context, if that one runs; the test whose function, or whose
    thread, the caller is in; for a context that was made for more than one test, as a session's
    event loop, the test that runs.

    Raises:
        InputError: there is none; inside a session it fails for it.
    """
    place = _place.get()
    if isinstance(place, TestRecord) and place.running:
        return place
    stale = isinstance(place, TestRecord)
    for record in reversed(_running):
        if invocation_of(record) is not None:
            return record
        here = record.thread == threading.get_ident() or record.ledger is place
        if here and not stale:
            return record
    if isinstance(place, TestRecord):
        raise place.came_late()
    _fail_session(place)
    raise InputError(
        "no pytest test is running here: the assert_* functions record gates on the running test;"
        f" {_HOW}"
    )


def invocation_of(record: TestRecord) -> FrameType | None:
    """Return the call of the record's test function that the caller is in, in this thread."""
    code = _code_of(record)
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is code:
            return frame
        frame = frame.f_back
    return None


def _code_of(record: TestRecord) -> CodeType | None:
    function = getattr(record.item, "obj", None)
    code = getattr(inspect.unwrap(function) if callable(function) else None, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _fail_session(place: Ledger | None) -> None:
    """Fail the session in which, or in a process of which, no test was found."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0] or None
    ledger = place or (_sessions[-1][0] if _sessions else None)
    if ledger is not None:
        thread = threading.current_thread().name
        why = f"a helper was called in {thread}, where no test was found: {_HOW}"
        ledger.lose(test, why)
    elif folder := os.environ.get(VARIABLE):
        why = "a helper was called in another process, which knows of no test: check in the test"
        write(Path(folder), {"test": test, "why": why})
