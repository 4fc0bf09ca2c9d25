"""The gates of one set-up of a fixture that serves more than one test.

They are kept on the record of the test that it is set up for, whose report tells of them, and are
filed under the fixture.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cached_property
from os import getpid
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.session.known_faults import known_fault
from pytest_editmetrics.session.owner import Made, Owner, is_xunit, owner_of_fixture, values_of
from pytest_editmetrics.session.record import TestRecord, error_gates, hosted_key, record_key
from pytest_editmetrics.session.state import session_of

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.goldens.images import Staged

NAMED = 10
_numbers = itertools.count()
_known = pytest.StashKey[dict[str, tuple[Any, "list[str] | None"]]]()


class FixtureRecord:
    """One set-up; ``setting_up`` while it goes on, ``ending`` while the fixture is torn down."""

    def __init__(self, definition: Any, request: Any, host: TestRecord):
        self.definition = definition
        self.host = host
        self.item = host.item
        self.ledger = host.ledger
        self.setting_up = self.ending = False
        self.measured = False
        self.token = f"{getpid()}-{next(_numbers)}"
        self._request = request
        self._made = Made.of(definition)

    @classmethod
    def of(cls, definition: Any, request: Any) -> FixtureRecord | None:
        """Return the record of a fixture that is about to be set up; ``None`` outside a test."""
        host = request._pyfuncitem.stash.get(record_key, None)
        return None if host is None or not host.running else cls(definition, request, host)

    @cached_property
    def _owner(self) -> Owner:
        return owner_of_fixture(self.definition, self.item, self._made, self._request)

    @cached_property
    def owner(self) -> Owner:
        """The fixture.

        Raises:
            InputError: another fixture, or another value of its parameters, has the same address.
        """
        owner = self._owner
        file = owner.test.nodeid.partition("::")[0]
        known = self.item.config.stash.setdefault(_known, {})
        source, values = known.setdefault(owner.test.nodeid, (self._made.source, values_of(owner)))
        shared = is_xunit(self.definition) or "::" in self.definition.baseid
        if source is not self._made.source and not shared:
            raise InputError(
                f"two fixtures {self.definition.argname!r} are made in one file ({file}): both"
                " would share one golden; give one of them another name"
            )
        if values != values_of(owner):
            raise InputError(
                f"{owner.test.key!r} ({file}) is the fixture's id of two values of its parameters:"
                " both would share one golden; tell them apart with ids="
            )
        return owner

    def checking(self) -> AbstractContextManager[None]:
        """See ``TestRecord.checking``."""
        return self.host.checking()

    def not_elsewhere(self, fixture: str) -> InputError:
        """See ``TestRecord.not_elsewhere``."""
        return self.host.not_elsewhere(fixture)

    def claim(self, metric: str, name: str | None, invocation: FrameType | None = None) -> None:
        """See ``TestRecord.claim``; the set-up has gates of its own."""
        self.host.claim(metric, name, invocation, self.token)

    def add(self, gate: Gate) -> Gate:
        """Keep a gate on the test that the fixture is set up for; return it with what it tells."""
        self.measured = True
        told = replace(gate, fixture=self._told, xfail=known_fault(self._owner))
        return self.host.add(told)

    def stage(self, staged: Staged) -> None:
        """See ``TestRecord.stage``."""
        self.host.stage(staged)

    def errors(self, metrics: Any) -> AbstractContextManager[None]:
        """See ``TestRecord.errors``."""
        return error_gates(self.add, metrics)

    @cached_property
    def _told(self) -> dict[str, Any]:
        users = [item.nodeid for item in session_of(self.item.config).users.of(self.definition)]
        users = list(dict.fromkeys([self.item.nodeid, *users]))
        return {
            "id": self._owner.test.nodeid,
            "set_up": self.token,
            "test": self.item.nodeid,
            "used_by": users[:NAMED],
            "users": len(users),
            "failed": False,
            "other_failure": False,
        }

    @contextmanager
    def noting_requests(self) -> Iterator[None]:
        """Remember the fixtures that the set-up asks for by ``getfixturevalue``."""
        request = self._request
        get, asked = request.getfixturevalue, []

        def noted(name: str) -> Any:
            asked.append(name)
            return get(name)

        request.getfixturevalue, request.asked = noted, asked
        try:
            yield
        finally:
            del request.getfixturevalue

    def ended(self, failed: bool, other_failure: bool) -> None:
        """Take note that the set-up is over; ``failed`` if it raised."""
        session, host = session_of(self.item.config), self.host
        if not failed and (self.measured or session.has_goldens(self._owner.path)):
            host.set_up[self._owner.test.nodeid] = None
        if self.measured:
            if failed:
                host.mark_failed(self.token, other_failure)
            else:
                self.item.stash.setdefault(hosted_key, []).append(self)
                session.measured_fixtures.append(self)

    def move_to(self, host: TestRecord) -> None:
        """Let another attempt of the test, which does not set the fixture up again, tell of it."""
        for gate in self.host.gates:
            if gate.set_up == self.token:
                host.add(gate)
        self.host = host
        host.set_up[self._owner.test.nodeid] = None

    def torn_down(self) -> None:
        """Take note that the fixture is gone."""
        session = session_of(self.item.config)
        for records in (self.item.stash.get(hosted_key, []), session.measured_fixtures):
            if self in records:
                records.remove(self)
