"""The gates of one attempt of one test, kept on the test item until its reports are made."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from json import dumps
from os import getpid
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.session.asked import Asked, kinds_of
from pytest_editmetrics.session.callers import Callers, caller_of
from pytest_editmetrics.session.fixture_users import active_of, serves
from pytest_editmetrics.session.known_faults import known_test
from pytest_editmetrics.session.ledger import Ledger
from pytest_editmetrics.session.modules import REPLACED, kept_modules
from pytest_editmetrics.session.property_text import PROPERTY_PREFIX, is_ours, property_of
from pytest_editmetrics.session.state import session_of

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.goldens.images import Staged
    from pytest_editmetrics.session.fixture_record import FixtureRecord
    from pytest_editmetrics.session.owner import Owner

Phase = Literal["setup", "call", "teardown"]
_LATE = "it ended after its test's reports were made; wait for its result inside the test"
_numbers = itertools.count()
_Address = tuple["str | None", str]  # the set-up of a fixture, or none, and the gate's label


@dataclass
class TestRecord:
    """What an attempt has recorded so far; ``phase`` is the part of the test that is running.

    ``spoken`` is how many gates reports have spoken for, ``current`` are those of the report that
    is being made, the last of which is number ``speaking``. ``staged`` are the golden images that
    it wants to be written; ``asked`` tells whether the test has a fixture, marker or call of ours,
    so that one that makes no gate can be named, ``given`` whether it has a gate fixture, ``wanted``
    what its function, fixtures and markers say of it; ``other_failure`` whether its call failed,
    and for more than goldens can hold, ``looked_at`` how many gates a failed subtest was asked for
    that; ``told`` is how much its reports have told; ``set_up`` are the fixtures that serve more
    than one test and were set up for this one, ``uses`` those with gates that it has, ``served``
    whether one of these is of this test and not of all; ``callers`` who called the checks that
    failed; ``self_tested`` what self-tests keep. A ``closed`` record takes nothing any more.
    """

    __test__ = False

    item: pytest.Item
    ledger: Ledger
    phase: Phase = "setup"
    running: bool = False
    closed: bool = False
    thread: int = 0
    subtest_failed: bool = False
    looked_at: int = 0
    call_failed: bool = False
    call_passed: bool = False
    other_failure: bool = False
    gates: list[Gate] = field(default_factory=list)
    current: list[Gate] = field(default_factory=list)
    spoken: int = 0
    speaking: int = 0
    staged: list[Staged] = field(default_factory=list)
    callers: Callers = field(default_factory=Callers)
    self_tested: list[object] = field(default_factory=list)
    asked: bool = False
    given: bool = False
    wanted: Asked = field(default_factory=Asked)
    told: tuple[bool, int, int, int] | None = None
    token: str = field(default_factory=lambda: f"{getpid()}-{next(_numbers)}")
    set_up: dict[str, None] = field(default_factory=dict)
    uses: dict[str, None] = field(default_factory=dict)
    served: bool = False
    _claims: dict[_Address, dict[int, FrameType | None]] = field(default_factory=dict)
    _repeated: set[_Address] = field(default_factory=set)
    _pid: int = field(default_factory=os.getpid)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def here(self) -> bool:
        """Whether this is the test's process, and none that it forked."""
        return getpid() == self._pid

    @property
    def owner(self) -> Owner:
        """The test, whose gates these are."""
        from pytest_editmetrics.session.owner import owner_of_test

        return owner_of_test(self.item)

    def note_uses(self) -> None:
        """Take note of the wider fixtures with gates that the test has now, while they last."""
        fixtures = session_of(self.item.config).measured_fixtures
        if not fixtures:
            return
        active = set(active_of(self.item).values())
        used = [one for one in fixtures if one.definition in active]
        self.uses.update(dict.fromkeys(one.owner.test.nodeid for one in used))
        self.served |= serves(used, self.item)

    @property
    def may_be_empty(self) -> bool:
        """Whether it asked by a marker only, and a fixture of it has made gates."""
        return self.served and not (self.given or self.wanted.by_fixture)

    @property
    def own(self) -> list[Gate]:
        """The gates that are the test's, and no fixture's."""
        return [gate for gate in self.gates if gate.fixture is None]

    @contextmanager
    def checking(self) -> Iterator[None]:
        """Know of a check until it ends.

        Raises:
            InputError: the test is over, so that no report of it could tell what the check came to,
                or ``sys.modules`` is replaced.
        """
        if self.closed or self.ledger.over:
            raise self.came_late()
        if kept_modules.replaced:
            raise self._no_modules()
        kept_modules.begin_check()
        try:
            with self.ledger.checking(self):
                yield
        finally:
            kept_modules.end_check()

    def _no_modules(self) -> InputError:
        """Fail the session for a check that could import nothing, and return the error to raise."""
        self.ledger.lose(self.item.nodeid, REPLACED)
        return InputError(f"{self.item.nodeid}: {REPLACED}")

    def came_late(self) -> InputError:
        """Fail the session for a check that began too late, and return the error to raise."""
        when = "the session" if self.ledger.over else "its test"
        why = (
            f"a check of it began when {when} is over: in a thread or task of your own, end every"
            f" check before the test ends (called {caller_of(self.item) or 'by no test'})"
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

    def claim(
        self,
        metric: str,
        name: str | None,
        invocation: FrameType | None = None,
        set_up: str | None = None,
    ) -> None:
        """Reserve a gate's address; two gates of one address would share one golden.

        Calls of the test function that run at once, or one after the other, each have their own
        ``invocation``: they are repetitions of one gate. ``set_up`` is that of a fixture.

        Raises:
            InputError: the test, or the fixture, has a gate of this metric and name already.
        """
        label = metric if name is None else f"{metric}@{name}"
        thread = threading.get_ident()
        with self._lock if self.here else threading.Lock():
            claimed = self._claims.setdefault((set_up, label), {})
            alone = invocation is None or None in claimed.values()
            if claimed and (alone or claimed.get(thread) is invocation):
                what = f"a second {metric} gate" if name is None else f"a second gate {label!r}"
                raise InputError(
                    f"{what} in one {'fixture' if set_up else 'test'}: both would share one golden;"
                    " tell them apart with name="
                )
            if claimed:
                self._repeated.add((set_up, label))
            claimed[thread] = invocation

    def add(self, gate: Gate) -> Gate:
        """Keep a gate, and its property for a full JUnit file; of repetitions the worst is kept."""
        if gate.fixture is None and known_test(self.item):
            gate = replace(gate, xfail=True)
        if not self.here:
            self.ledger.carry(self, {"gate": gate.to_dict()})
            return gate
        with self._lock:
            if not (late := self.closed):
                self._keep(gate)
        if late:
            why = f"{_LATE}; called {caller_of(self.item) or 'by no test'}"
            self.ledger.lose(self.item.nodeid, why, gate)
        return gate

    def _keep(self, gate: Gate) -> None:
        self.callers.note(gate, self.item)
        address = (gate.set_up, gate.label)
        fixture = "" if gate.fixture is None else f"{gate.fixture['id']} "
        key = f"{PROPERTY_PREFIX}{fixture}{gate.label}"
        if address in self._repeated:
            from pytest_editmetrics.gates.repetitions import worst

            for index in range(self.spoken, len(self.gates)):
                other = self.gates[index]
                if (other.set_up, other.label) == address:
                    gate = self.gates[index] = worst(other, gate)
                    kept = [pair for pair in self.item.user_properties if pair[0] != key]
                    self.item.user_properties[:] = kept
                    self._state(key, gate)
                    return
        self.gates.append(gate)
        self._state(key, gate)

    def amend(self, gate: Gate, by: Gate) -> Gate:
        """Put another gate in the place of one that was kept and that no report has carried."""
        with self._lock:
            for index in range(self.spoken, len(self.gates)):
                if self.gates[index] is gate:
                    self.gates[index] = by
        return by

    def _state(self, key: str, gate: Gate) -> None:
        if session_of(self.item.config).options["junit"] == "full":
            self.item.user_properties.append((key, property_of(gate)))

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
                self.claim(gate.metric, gate.name, set_up=gate.set_up)
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
            self.self_tested.clear()
            self.ledger.closed(self)
            self.current = self.gates[self.spoken :]
            self.spoken = self.speaking = len(self.gates)
            return self.current

    @property
    def untold(self) -> list[Gate]:
        """The gates that no report has carried, whether or not one spoke for them."""
        return self.gates[self.told[1] if self.told else 0 :]

    def forget_calls(self) -> None:
        """Let go of the frames of the test function, unlocked: as one ends it may make a gate."""
        with self._lock:
            held = [claimed.copy() for claimed in self._claims.values()]
            for claimed in self._claims.values():
                claimed.update(dict.fromkeys(claimed))
        del held

    def errors(self, metrics: Any) -> AbstractContextManager[None]:
        """Leave an error gate of what is wrong before any gate could be made.

        Whatever is raised: what the caller gave may raise as it likes when it is read.
        """
        return error_gates(self.add, metrics)

    def mark_failed(self, set_up: str, other_failure: bool) -> None:
        """Note on the gates of a fixture's set-up that it failed, and whether for other reasons."""
        with self._lock:
            for gates in (self.gates, self.current):
                for index, gate in enumerate(gates):
                    if gate.fixture is not None and gate.set_up == set_up:
                        told = {**gate.fixture, "failed": True, "other_failure": other_failure}
                        gates[index] = replace(gate, fixture=told)

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

    def news(self, notes: Sequence[object]) -> str | None:
        """Return as JSON what travels with a report, and ``notes``; ``None`` if all was told."""
        self.note_uses()
        earlier = self.ledger.overtaken(self.item.nodeid)
        told = len(self.set_up) + len(self.uses)
        state = (self.call_failed, len(self.gates), len(self.staged), told)
        if state == self.told and not notes and not earlier:
            return None
        self.told = state
        failed = self.call_failed or any(gate.failing for gate in self.gates)
        carried = {
            "attempt": f"{self.token} {self.phase}",
            "failed": self.call_failed,
            "other_failure": self.other_failure,
            "gates": [gate.to_dict() for gate in self.gates],
            "staged": [asdict(one) for one in self.staged],
            "asked": self.asked and not self.may_be_empty,
            "kinds": kinds_of(self.item) if failed else [],
            "by_call": not (self.given or self.wanted.itself or self.wanted.widely),
            "set_up": list(self.set_up),
            "uses": list(self.uses),
            "notes": notes,
            "earlier": earlier,
        }
        return dumps(carried, default=repr)


@contextmanager
def error_gates(add: Callable[[Gate], Gate], metrics: Any) -> Iterator[None]:
    """Give ``add`` an error gate of whatever is raised, which is then an error of ours."""
    try:
        yield
    except Exception as error:
        from pytest_editmetrics.gates.verdict import Gate

        asked = metrics if isinstance(metrics, str) else "edit_gate"
        message = said(error)
        add(Gate(metric=asked, verdict="error", message=message))
        if isinstance(error, EditMetricsError):
            raise
        raise InputError(message) from error


def said(error: Exception) -> str:
    """Return what an error says; one that is not ours is named."""
    if isinstance(error, EditMetricsError):
        return str(error)
    return f"reading what the check was given raised {type(error).__name__}: {error}"


record_key = pytest.StashKey[TestRecord]()
hosted_key: pytest.StashKey[list[FixtureRecord]] = pytest.StashKey()
"""The set-ups of wider fixtures, with gates, that were made for a test; while they last."""


def start_attempt(item: pytest.Item) -> TestRecord:
    """Forget an earlier attempt (reruns reuse the item) and begin a new record."""
    item.user_properties[:] = [pair for pair in item.user_properties if not is_ours(pair[0])]
    ledger = session_of(item.config).ledger
    record = TestRecord(item, ledger, wanted=Asked.of(item))
    record.asked = record.wanted.itself or record.wanted.widely or record.wanted.by_call
    ledger.opened(record, item.stash.get(record_key, None))
    item.stash[record_key] = record
    for fixture in item.stash.get(hosted_key, ()):
        fixture.move_to(record)
    return record
