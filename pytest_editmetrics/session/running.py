"""Which test a check belongs to that names none: the importable helpers' question."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

import pytest

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.session.journal import VARIABLE, write
from pytest_editmetrics.session.ledger import Ledger
from pytest_editmetrics.session.modules import kept_modules
from pytest_editmetrics.session.named import function_of
from pytest_editmetrics.session.record import Phase, TestRecord

if TYPE_CHECKING:
    from pytest_editmetrics.session.fixture_record import FixtureRecord

    _Place = TestRecord | FixtureRecord | Ledger | None

_place: ContextVar[_Place] = ContextVar("editmetrics_place", default=None)
"""What a context was made in: a test, the set-up or teardown of a wider fixture, or the session."""
_sessions: list[tuple[Ledger, _Place]] = []
_running: list[TestRecord] = []
_set_ups: list[FixtureRecord] = []
_early: list[str] = []
"""Why checks that came before any session was open fail the next one."""
_HOW = (
    "call it from the test, in a thread of your own through contextvars.copy_context().run(...), or"
    " use the test's edit_gate"
)


def open_session(ledger: Ledger) -> None:
    """Let helpers find the session's tests, until ``close_session``."""
    ledger.journal.open()
    _sessions.append((ledger, _place.get()))
    _place.set(ledger)
    while _early:
        ledger.lose(None, _early.pop())


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
    if phase == "setup":
        kept_modules.begin_test()
    try:
        yield
    finally:
        kept_modules.end_phase()
        record.running = False
        record.forget_calls()
        _running.remove(record)
        _place.set(before)


@contextmanager
def setting_up(definition: Any, fixture: FixtureRecord) -> Iterator[None]:
    """Say that a fixture which serves more than one test is set up; and later, when it ends."""

    def begin() -> None:
        fixture.ending, before[:] = True, [_place.get()]
        _place.set(fixture)

    def end() -> None:
        fixture.ending = False
        fixture.torn_down()
        _place.set(before.pop() if before else None)

    before = [_place.get()]
    definition.addfinalizer(end)
    _place.set(fixture)
    _set_ups.append(fixture)
    fixture.setting_up = True
    try:
        with fixture.noting_requests():
            yield
    finally:
        fixture.setting_up = False
        _set_ups.remove(fixture)
        _place.set(before.pop())
        definition.addfinalizer(begin)


@contextmanager
def wider(ledger: Ledger) -> Iterator[None]:
    """Say that what is set up here is of no one test, and neither are the contexts made in it."""
    before = _place.get()
    _place.set(ledger)
    try:
        yield
    finally:
        _place.set(before)


def running_record() -> TestRecord | FixtureRecord:
    """Return the record of the test, or of the wider fixture, that the caller belongs to.

    It is the fixture whose set-up the caller is in; the test of the caller's context, if that one
    runs; the test whose function, or whose thread, the caller is in; for a context that was made
    for more than one test, as a session's event loop, the test that runs.

    Raises:
        InputError: there is none, and inside a session it fails for it; or the caller is in the
            teardown of a wider fixture, which is an error of the test that runs.
    """
    place = _place.get()
    if (fixture := _fixture_of(place)) is not None:
        return fixture
    if isinstance(place, TestRecord) and place.running:
        return place
    stale = isinstance(place, TestRecord)
    ledger = place.ledger if _is_fixture(place) else place
    for record in reversed(_running):
        if invocation_of(record) is not None:
            return record
        here = record.thread == threading.get_ident() or record.ledger is ledger
        if here and not stale:
            return record
    if isinstance(place, TestRecord):
        raise place.came_late()
    _fail_session(ledger if isinstance(ledger, Ledger) else None)
    raise InputError(
        "no pytest test is running here: the assert_* functions record gates on the running test;"
        f" {_HOW}"
    )


def record_now(record: TestRecord | FixtureRecord) -> TestRecord | FixtureRecord:
    """Return the record that a check through an object of a test belongs to.

    It is the test's own, unless the check is made while a wider fixture is set up.

    Raises:
        InputError: see ``running_record``.
    """
    return _fixture_of(_place.get()) or record


def _is_fixture(place: _Place) -> TypeGuard[FixtureRecord]:
    """Tell whether a place is a wider fixture's, whose module most sessions never import."""
    return place is not None and not isinstance(place, (TestRecord, Ledger))


def _fixture_of(place: _Place) -> FixtureRecord | None:
    """Return the wider fixture that is being set up where the caller is, if one is."""
    if _is_fixture(place) and place.setting_up:
        return place
    if _is_fixture(place) and place.ending:
        _refuse_teardown(place.definition.argname)
    finished = _finished()
    if finished is not None:
        _refuse_teardown(finished)
    if place is None or isinstance(place, TestRecord):
        return None
    ledger = place.ledger if _is_fixture(place) else place
    of_session = (one for one in reversed(_set_ups) if one.ledger is ledger)
    return next(of_session, None)


def _finished() -> str | None:
    """Return the wider fixture whose teardown the caller's thread is in, however it got there."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is _EXECUTE:
            return None
        if frame.f_code is _FINISH:
            definition = frame.f_locals["self"]
            return None if definition.scope == "function" else str(definition.argname)
        frame = frame.f_back
    return None


_EXECUTE, _FINISH = pytest.FixtureDef.execute.__code__, pytest.FixtureDef.finish.__code__


def _refuse_teardown(name: str) -> NoReturn:
    message = (
        f"a gate in the teardown of the fixture {name!r}, which serves more than one test: it would"
        " belong to none of them; measure before its yield, or in the tests"
    )
    for record in reversed(_running):
        with record.errors(None):
            raise InputError(message)
    if _sessions:
        _sessions[-1][0].lose(None, message)
    raise InputError(message)


def invocation_of(record: TestRecord | FixtureRecord) -> FrameType | None:
    """Return the call of the record's test function that the caller is in, in this thread.

    The set-up of a fixture is no call of it.
    """
    if not isinstance(record, TestRecord):
        return None
    code = _code_of(record)
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is code:
            return frame
        frame = frame.f_back
    return None


def _code_of(record: TestRecord) -> CodeType | None:
    code = getattr(function_of(record.item), "__code__", None)
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
        with suppress(OSError):
            write(Path(folder), {"test": test, "why": why})
    elif _pytest_starts():
        _early.append(f"a helper was called before the session began, where no test runs: {_HOW}")


def _pytest_starts() -> bool:
    """Tell whether the caller is, or may be, in a hook; a notebook's cell is of no session."""
    if threading.current_thread() is not threading.main_thread():
        return True
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("_pytest."):
            return True
        frame = frame.f_back
    return False
