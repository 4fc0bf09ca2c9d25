"""The gates of one attempt of one test, kept on the test item until its reports are made."""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.session.asked import Asked
from pytest_editmetrics.session.ledger import Ledger
from pytest_editmetrics.session.state import session_of

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.goldens.images import Staged

Phase = Literal["setup", "call", "teardown"]
PROPERTY_PREFIX = "editmetrics:"
_LATE = "it ended after its test's reports were made; wait for its result inside the test"
_numbers = itertools.count()


@dataclass
class TestRecord:
    """What an attempt has recorded so far; ``phase`` is the part of the test that is running.

    ``spoken`` is how many gates reports have spoken for, ``current`` are those of the report that
    is being made, the last of which is number ``speaking``. ``staged`` are the golden images that
    it wants to be written; ``asked`` tells whether the test has a fixture, marker or call of ours,
    so that one that makes no gate can be named, ``wanted`` what its function, fixtures and markers
    say of it; ``other_failure`` whether its call failed, and not for its gates; ``told`` is how
    much the attempt's reports have told. A record that is ``closed`` takes nothing any more.
    """

    __test__ = False

    item: pytest.Item
    ledger: Ledger
    phase: Phase = "setup"
    running: bool = False
    closed: bool = False
    thread: int = 0
    subtest_failed: bool = False
    call_failed: bool = False
    call_passed: bool = False
    other_failure: bool = False
    gates: list[Gate] = field(default_factory=list)
    current: list[Gate] = field(default_factory=list)
    spoken: int = 0
    speaking: int = 0
    staged: list[Staged] = field(default_factory=list)
    asked: bool = False
    wanted: Asked = field(default_factory=Asked)
    told: tuple[bool, int, int] | None = None
    token: str = field(default_factory=lambda: f"{os.getpid()}-{next(_numbers)}")
    _claims: dict[str, dict[int, FrameType | None]] = field(default_factory=dict)
    _repeated: set[str] = field(default_factory=set)
    _pid: int = field(default_factory=os.getpid)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def here(self) -> bool:
        """Whether this is the test's process, and none that it forked."""
        return os.getpid() == self._pid

    @contextmanager
    def checking(self) -> Iterator[None]:
        """Know of a check until it ends.

        Raises:
            InputError: the test is over, so that no report of it could tell what the check came to.
        """
        if self.closed or self.ledger.over:
            raise self.came_late()
        with self.ledger.checking(self):
            yield

    def came_late(self) -> InputError:
        """Fail the session for a check that began too late, and return the error to raise."""
        when = "the session" if self.ledger.over else "its test"
        why = (
            f"a check of it began when {when} is over: in a thread or task of your own, end every"
            " check before the test ends"
        )
        self.ledger.lose(self.item.nodeid, why)
        return InputError(f"{self.item.nodeid}: {why}")

    def not_elsewhere(self, fixture: str) -> InputError:
        """Leave an error gate of a fixture that was to be sent away, and return the error."""
        from pytest_editmetrics.gates.verdict import Gate

        message = (
            f"{fixture} cannot be sent to another process: its gates are the test's; return the"
            " pictures to the test and check them there"
        )
        self.add(Gate(metric=fixture, verdict="error", message=message))
        return InputError(message)

    def claim(self, metric: str, name: str | None, invocation: FrameType | None = None) -> None:
        """Reserve a gate's address; two gates of one address would share one golden.

        Calls of the test function that run at once, or one after the other, each have their own
        ``invocation``: they are repetitions of one gate.

        Raises:
            InputError: the test has a gate of this metric and name already.
        """
        label = metric if name is None else f"{metric}@{name}"
        thread = threading.get_ident()
        with self._lock if self.here else threading.Lock():
            claimed = self._claims.setdefault(label, {})
            alone = invocation is None or None in claimed.values()
            if claimed and (alone or claimed.get(thread) is invocation):
                what = f"a second {metric} gate" if name is None else f"a second gate {label!r}"
                raise InputError(
                    f"{what} in one test: both would share one golden; tell them apart with name="
                )
            if claimed:
                self._repeated.add(label)
            claimed[thread] = invocation

    def add(self, gate: Gate) -> None:
        """Keep a gate, and its property for a full JUnit file; of repetitions the worst is kept."""
        if not self.here:
            self.ledger.carry(self, {"gate": gate.to_dict()})
            return
        with self._lock:
            late = self.closed
            if not late:
                self._keep(gate)
        if late:
            self.ledger.lose(self.item.nodeid, _LATE, gate)

    def _keep(self, gate: Gate) -> None:
        key = f"{PROPERTY_PREFIX}{gate.label}"
        if gate.label in self._repeated:
            from pytest_editmetrics.gates.repetitions import worst

            for index in range(self.spoken, len(self.gates)):
                other = self.gates[index]
                if other.label == gate.label:
                    gate = self.gates[index] = worst(other, gate)
                    kept = [pair for pair in self.item.user_properties if pair[0] != key]
                    self.item.user_properties[:] = kept
                    self._state(key, gate)
                    return
        self.gates.append(gate)
        self._state(key, gate)

    def _state(self, key: str, gate: Gate) -> None:
        if session_of(self.item.config).options["junit"] == "full":
            self.item.user_properties.append((key, _property(gate)))

    def stage(self, staged: Staged) -> None:
        """Keep a golden image that is to be written; of repetitions the first."""
        if not self.here:
            self.ledger.carry(self, {"staged": asdict(staged)})
            return
        with self._lock:
            self.staged.append(staged)

    def adopt(self, entry: dict[str, Any]) -> None:
        """Take what a check of this test came to in another process."""
        from pytest_editmetrics.gates.verdict import Gate

        if entry.get("staged") is not None:
            from pytest_editmetrics.goldens.images import Staged

            self.stage(Staged.from_dict(entry["staged"]))
            return
        gate = Gate.from_dict(entry["gate"])
        if gate.verdict != "error":
            try:
                self.claim(gate.metric, gate.name)
            except InputError as error:
                gate = Gate(metric=gate.metric, verdict="error", message=str(error))
        self.add(gate)

    def speak(self) -> list[Gate]:
        """Return the gates that no report has spoken for yet; the next report does."""
        self.ledger.gather()
        with self._lock:
            self.speaking = len(self.gates)
            self.current = self.gates[self.spoken : self.speaking]
            return self.current

    def spoke(self) -> None:
        """Take note that the gates of ``speak`` were spoken for."""
        self.spoken = self.speaking

    def close(self) -> list[Gate]:
        """Take no gate any more; return those that no report has spoken for, as ``speak`` does."""
        self.ledger.gather()
        with self._lock:
            self.closed = True
            self.ledger.closed(self)
            self.current = self.gates[self.spoken :]
            self.spoken = self.speaking = len(self.gates)
            return self.current

    def forget_calls(self) -> None:
        """Let go of the frames of the test function, and of the images in them."""
        with self._lock:
            for claimed in self._claims.values():
                for thread in claimed:
                    claimed[thread] = None

    @contextmanager
    def errors(self, metrics: Any) -> Iterator[None]:
        """Leave an error gate of what is wrong before any gate could be made.

        Whatever is raised: what the caller gave may raise as it likes when it is read.
        """
        try:
            yield
        except Exception as error:
            from pytest_editmetrics.gates.verdict import Gate

            asked = metrics if isinstance(metrics, str) else "edit_gate"
            message = said(error)
            self.add(Gate(metric=asked, verdict="error", message=message))
            if isinstance(error, EditMetricsError):
                raise
            raise InputError(message) from error

    def soft(self) -> list[Gate]:
        """Return the current gates that count as soft failures of the test."""
        if not self.current:  # of most tests: nothing is imported for them
            return []
        from pytest_editmetrics.gates.verdict import soft_failures

        return soft_failures(self.current, self.gates)

    def soft_so_far(self) -> list[Gate]:
        """Return the gates of the attempt that count as soft failures of the test."""
        if not self.gates:
            return []
        from pytest_editmetrics.gates.verdict import soft_failures

        return soft_failures(self.gates, self.gates)

    def news(self, notes: list[str]) -> str | None:
        """Return what travels with a report: one JSON string, whatever the gates hold.

        ``None`` if an earlier report of the attempt told all of it. ``notes`` are for the session's
        summary.
        """
        state = (self.call_failed, len(self.gates), len(self.staged))
        if state == self.told and not notes:
            return None
        self.told = state
        gates = [gate.to_dict() for gate in self.gates]
        staged = [asdict(one) for one in self.staged]
        carried = {
            "attempt": f"{self.token} {self.phase}",
            "failed": self.call_failed,
            "other_failure": self.other_failure,
            "gates": gates,
            "staged": staged,
            "asked": self.asked,
            "notes": notes,
        }
        return json.dumps(carried, default=repr)


def said(error: Exception) -> str:
    """Return what an error says; one that is not ours is named."""
    if isinstance(error, EditMetricsError):
        return str(error)
    return f"reading what the check was given raised {type(error).__name__}: {error}"


def _property(gate: Gate) -> str:
    value = "" if gate.value is None else f" value={gate.value:.6g}"
    bound = "" if gate.bound is None else f" {gate.bound_kind}={gate.bound:.6g}"
    review = "" if gate.review is None else f" review={gate.review:.6g}"
    reason = "" if gate.reason is None else f" reason={gate.reason}"
    return f"{gate.verdict}{value}{bound}{review}{reason}{' smoke' if gate.smoke else ''}"


record_key = pytest.StashKey[TestRecord]()


def start_attempt(item: pytest.Item) -> TestRecord:
    """Forget an earlier attempt (reruns reuse the item) and begin a new record."""
    item.user_properties[:] = [
        (key, value) for key, value in item.user_properties if not is_ours(key)
    ]
    ledger = session_of(item.config).ledger
    record = item.stash[record_key] = TestRecord(item, ledger, wanted=Asked.of(item))
    record.asked = record.wanted.itself or record.wanted.widely
    ledger.opened(record)
    return record


def is_ours(key: Any) -> bool:
    """Tell whether a user property was written by a gate."""
    return isinstance(key, str) and key.startswith(PROPERTY_PREFIX)
