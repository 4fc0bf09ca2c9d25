"""The gates of one attempt of one test, kept on the test item until its reports are made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.session.asked import Asked

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.goldens.images import Staged

Phase = Literal["setup", "call", "teardown"]
PROPERTY_PREFIX = "editmetrics:"
REPORT_KEY = "_editmetrics"


@dataclass
class TestRecord:
    """What an attempt has recorded so far; ``phase`` is the part of the test that is running.

    ``staged`` are the golden images that it wants to be written; ``asked`` tells whether the test
    has a fixture, marker or call of ours, so that one that makes no gate can be named, ``wanted``
    what its function, fixtures and markers say of it;
    ``other_failure`` whether its call failed, and not for its gates; ``told`` is how much the
    attempt's reports have told.
    """

    __test__ = False

    item: pytest.Item
    phase: Phase = "setup"
    running: bool = False
    subtest_failed: bool = False
    call_failed: bool = False
    call_passed: bool = False
    other_failure: bool = False
    gates: list[tuple[Phase, Gate]] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    staged: list[Staged] = field(default_factory=list)
    asked: bool = False
    wanted: Asked = field(default_factory=Asked)
    told: tuple[bool, int, int] | None = None

    def claim(self, metric: str, name: str | None) -> None:
        """Reserve a gate's address; two gates of one address would share one golden.

        Raises:
            InputError: the test has a gate of this metric and name already.
        """
        label = metric if name is None else f"{metric}@{name}"
        if label in self.labels:
            what = f"a second {metric} gate" if name is None else f"a second gate {label!r}"
            raise InputError(
                f"{what} in one test: both would share one golden; tell them apart with name="
            )
        self.labels.add(label)

    def add(self, gate: Gate) -> None:
        """Keep a gate and write its junit property."""
        self.gates.append((self.phase, gate))
        self.item.user_properties.append((f"{PROPERTY_PREFIX}{gate.label}", _property(gate)))

    @contextmanager
    def errors(self, metrics: Any) -> Iterator[None]:
        """Leave an error gate of what is wrong before any gate could be made."""
        try:
            yield
        except EditMetricsError as error:
            from pytest_editmetrics.gates.verdict import Gate

            asked = metrics if isinstance(metrics, str) else "edit_gate"
            self.add(Gate(metric=asked, verdict="error", message=str(error)))
            raise

    def failing(self, *phases: Phase) -> list[Gate]:
        """Return the gates of these phases that fail their test."""
        return [gate for phase, gate in self.gates if phase in phases and gate.failing]

    def soft(self, *phases: Phase) -> list[Gate]:
        """Return the unmeasured gates of these phases that count as soft failures of the test.

        A metric that nobody named, since ``expect`` chose it, does not where its check measured
        others: a plain background has no texture to see a shift by, and is no reason to xfail for
        ever.
        """
        measured = {gate.name for _, gate in self.gates if gate.verdict != "unmeasured"}
        return [
            gate
            for phase, gate in self.gates
            if phase in phases
            and gate.verdict == "unmeasured"
            and not (gate.details.get("unnamed") and gate.name in measured)
        ]

    def for_review(self, *phases: Phase) -> list[Gate]:
        """Return the gates of these phases whose value lies in the review band."""
        return [g for phase, g in self.gates if phase in phases and g.verdict == "review"]

    def news(self, notes: list[str]) -> str | None:
        """Return what travels with a report: one JSON string, whatever the gates hold.

        ``None`` if an earlier report of the attempt told all of it. ``notes`` are for the session's
        summary.
        """
        state = (self.call_failed, len(self.gates), len(self.staged))
        if state == self.told and not notes:
            return None
        self.told = state
        gates = [gate.to_dict() for _, gate in self.gates]
        staged = [asdict(one) for one in self.staged]
        carried = {
            "failed": self.call_failed,
            "other_failure": self.other_failure,
            "gates": gates,
            "staged": staged,
            "asked": self.asked,
            "notes": notes,
        }
        return json.dumps(carried, default=repr)


def _property(gate: Gate) -> str:
    value = "" if gate.value is None else f" value={gate.value:.6g}"
    bound = "" if gate.bound is None else f" {gate.bound_kind}={gate.bound:.6g}"
    review = "" if gate.review is None else f" review={gate.review:.6g}"
    reason = "" if gate.reason is None else f" reason={gate.reason}"
    return f"{gate.verdict}{value}{bound}{review}{reason}{' smoke' if gate.smoke else ''}"


record_key = pytest.StashKey[TestRecord]()
_running: ContextVar[TestRecord | None] = ContextVar("editmetrics_running_test", default=None)


def start_attempt(item: pytest.Item) -> TestRecord:
    """Forget an earlier attempt (reruns reuse the item) and begin a new record."""
    item.user_properties[:] = [
        (key, value) for key, value in item.user_properties if not is_ours(key)
    ]
    record = item.stash[record_key] = TestRecord(item, wanted=Asked.of(item))
    record.asked = record.wanted.itself or record.wanted.widely
    return record


def is_ours(key: Any) -> bool:
    """Tell whether a user property was written by a gate."""
    return isinstance(key, str) and key.startswith(PROPERTY_PREFIX)


def set_running(record: TestRecord | None) -> None:
    """Say which test's phase is running in this context, for the importable helpers."""
    _running.set(record)


def running_record() -> TestRecord:
    """Return the record of the running test.

    Raises:
        InputError: no test is running here (outside pytest, or in a thread the test started).
    """
    record = _running.get()
    if record is None:
        raise InputError(
            "no pytest test is running here: the assert_* functions record gates on the running"
            " test; call them from a test, and in a thread of your own from"
            " contextvars.copy_context().run(...)"
        )
    return record
