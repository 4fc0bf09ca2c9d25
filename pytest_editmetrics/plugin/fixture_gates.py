"""What the controller does about gates of fixtures that serve more than one test.

They arrive on the report of the test that the fixture was set up for. Several set-ups, as those of
xdist's workers, are repetitions: at the end the fixture's row holds the worst of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_editmetrics.plugin.attempts import Attempt
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.report.tally import TestGates


class _SetUp(NamedTuple):
    """The gates of one set-up, and the last attempt whose report told of them."""

    attempt: Attempt
    gates: list[dict[str, Any]]

    @property
    def again(self) -> bool:
        """Whether it failed in an attempt that was rerun, so that another one counts."""
        return self.attempt.rerun and bool(self.gates[0]["fixture"]["failed"])


class FixtureGates:
    """Gates of fixtures, by set-up.

    ``measured`` are those of each fixture that did not fail, ``left_under`` those of each test
    whose golden held a fixture's gate, as an earlier recording left it there. ``problems`` fail the
    session.
    """

    def __init__(self) -> None:
        self._set_ups: dict[str, dict[str, _SetUp]] = {}
        self._hosts: dict[str, set[str]] = {}
        self._users: dict[str, dict[str, str]] = {}
        self._found: dict[str, set[str]] = {}
        self.measured: dict[str, frozenset[str]] = {}
        self.left_under: dict[str, frozenset[str]] = {}
        self.problems: list[str] = []

    def take(self, attempt: Attempt) -> list[dict[str, Any]]:
        """Take the gates of fixtures from an attempt; return the test's own."""
        of_fixtures: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for gate in attempt.gates:
            if (told := gate.get("fixture")) is not None:
                of_fixtures.setdefault((told["id"], told["set_up"]), []).append(gate)
        for fixture in attempt.uses:
            self._users.setdefault(fixture, {})[attempt.nodeid] = attempt.outcome
        for fixture in attempt.set_up:
            self.measured.setdefault(fixture, frozenset())
        for (fixture, token), gates in of_fixtures.items():
            set_ups = self._set_ups.setdefault(fixture, {})
            set_ups[token] = _SetUp(attempt, gates)
            self._hosts.setdefault(fixture, set()).add(attempt.nodeid)
            for gate in gates:
                for test in gate["details"].get("golden_left_under", ()):
                    label = gate["metric"] + (f"@{gate['name']}" if gate["name"] else "")
                    self.left_under[test] = self.left_under.get(test, frozenset()) | {label}
            if fixture in attempt.set_up:
                labels = {g["metric"] + (f"@{g['name']}" if g["name"] else "") for g in gates}
                self.measured[fixture] |= labels
        return [gate for gate in attempt.gates if gate.get("fixture") is None]

    def found(self, fixtures: Mapping[str, list[str]]) -> None:
        """Take the fixtures that a worker's tests use, by file."""
        for file, keys in fixtures.items():
            self._found.setdefault(file, set()).update(keys)

    def known(self, session: EditSession) -> dict[Path, set[str]]:
        """Return the keys of all fixtures that tests use, for files that have goldens."""
        self.found(fixtures_with_goldens(session))
        for fixture in self.measured:
            file, _, key = fixture.partition("::")
            self._found.setdefault(file, set()).add(key)
        return {session.rootdir / file: keys for file, keys in self._found.items()}

    def order(self, tests: Mapping[str, int]) -> dict[str, float]:
        """Return the places of tests, and of each fixture right before the first of its tests."""
        last = len(tests)
        fixtures = {
            fixture: min(tests.get(nodeid, last) for nodeid in nodeids) - 0.5
            for fixture, nodeids in self._hosts.items()
        }
        return {**tests, **fixtures}

    def close(self) -> Iterator[TestGates]:
        """Give the rows of each fixture: those of set-ups that were made again, then the last."""
        for fixture, of_fixture in self._set_ups.items():
            set_ups = list(of_fixture.values())
            users = list(self._users.get(fixture, ()))
            again = [one for one in set_ups if one.again]
            last = [one for one in set_ups if not one.again] or [again.pop()]
            for number, one in enumerate(again, start=1):
                yield _row(fixture, number, False, [one], users)
            row = _row(fixture, len(again) + 1, True, last, users)
            self._hold(row)
            yield row

    def _hold(self, fixture: TestGates) -> None:
        """Let the xfail mark of the test that a fixture was set up for speak for no other test."""
        wrong = [gate for gate in fixture.gates if gate.failing]
        users = self._users.get(fixture.nodeid, {})
        passed = [nodeid for nodeid, outcome in users.items() if outcome == "passed"]
        if fixture.outcome == "xfailed" and wrong and passed:
            from pytest_editmetrics.report.text import headline

            self.problems.append(
                f"{fixture.nodeid}: {headline(wrong[0])}; {passed[0]} used it and passed, and only"
                " the test that it was set up for is marked xfail: mark all of them, or let the"
                " fixture raise"
            )


def fixtures_with_goldens(session: EditSession) -> dict[str, list[str]]:
    """Return the keys of the fixtures that the tests of this process use, by file, as JSON has it.

    Files without goldens are left out: nothing is looked up for most suites.
    """
    from pytest_editmetrics.session.owner import owner_of_fixture

    found: dict[str, dict[str, None]] = {}
    for definition, items in session.users.all():
        for item in items:
            owner = owner_of_fixture(definition, item)
            if not session.has_goldens(owner.path):
                break
            file, _, key = owner.test.nodeid.partition("::")
            found.setdefault(file, {})[key] = None
    return {file: list(keys) for file, keys in found.items()}


def _row(
    fixture: str, number: int, final: bool, set_ups: list[_SetUp], users: list[str]
) -> TestGates:
    from pytest_editmetrics.gates.repetitions import badness, worst
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.gates.written import as_written
    from pytest_editmetrics.report.tally import TestGates

    kept: dict[str, Gate] = {}
    hosts: dict[str, Attempt] = {}
    for one in set_ups:
        failed = bool(one.gates[0]["fixture"]["failed"])
        for gate in as_written(map(Gate.from_dict, one.gates), lost=failed or not final):
            hosts[str(gate.set_up)] = one.attempt
            other = kept.get(gate.label)
            kept[gate.label] = gate if other is None else worst(other, gate)
    gates = tuple(_used_by(gate, users) for gate in kept.values())
    decisive = max(gates, key=badness)
    attempt = hosts[str(decisive.set_up)]
    other_failure = any(bool((g.fixture or {}).get("other_failure")) for g in gates)
    ended = attempt.outcome, attempt.failed
    return TestGates(fixture, number, final, *ended, gates, attempt.location, other_failure)


def _used_by(gate: Gate, users: list[str]) -> Gate:
    """Return a gate that names the tests which had the fixture, beside those that ask for it."""
    from pytest_editmetrics.session.fixture_record import NAMED

    told = dict(gate.fixture or {})
    more = [nodeid for nodeid in users if nodeid not in told["used_by"]]
    if told["users"] > len(told["used_by"]) or not more:
        return gate
    named = [*told["used_by"], *more]
    return replace(gate, fixture={**told, "used_by": named[:NAMED], "users": len(named)})
