"""Counts over a session's gates: what the summary shows and the exit status rests on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from pytest_editmetrics.gates.decided import decided
from pytest_editmetrics.gates.improved import improved
from pytest_editmetrics.gates.other_golden import Seen, golden_of, share_of
from pytest_editmetrics.gates.reruns import failed_before, left_open
from pytest_editmetrics.gates.verdict import FETCH, MEASURED, Gate
from pytest_editmetrics.measurement import LITTLE
from pytest_editmetrics.report.listed import LISTED
from pytest_editmetrics.runs.folder import EXPECTED, GateRecord

_COUNTED = (
    "gates",
    "passed",
    "review",
    "recorded",
    "failed",
    "expected",
    "errors",
    "unmeasured",
)
BLIND = {
    "black": (
        "black images alone, in which no fault shows",
        "floats in [0, 1] become levels by (x * 255).astype('uint8')",
    ),
    "unchanged": (
        "an image with its equal, the edit area too",
        "was the edit lost, or does the editor paint into its input and return a copy? edit_lpips"
        " fails on that, inside an edit area",
    ),
    "twin": (
        "the very picture of another check of the same test",
        "does the model give one buffer, or one file, for all edits? Copy each before the next",
    ),
}
"""Why no fault could show in images, as details name it: what was compared, and what to do."""


def beyond(gate: Gate) -> float:
    """Return how far a gate lies beyond its bound, relative to it: the worst is the largest.

    A failure without a distance, as a golden of another size, is infinitely far; what could not be
    judged is no failure and comes last.
    """
    if gate.verdict == "error":
        return -math.inf
    found = decided(gate)
    if gate.distance is None or found is None:
        return math.inf if gate.verdict == "fail" else 0.0
    return found.share


def held_by_expect_alone(gate: Gate) -> bool:
    """Tell whether only ``expect`` holds a gate: there is no golden, and nobody wrote a bound."""
    judged = gate.verdict in MEASURED and gate.verdict != "recorded"
    return judged and gate.origin == "default" and (gate.source or "").startswith("expect=")


def little_measured(gate: Gate) -> bool:
    """Tell whether a gate measured little of its picture, and no golden says that it was so."""
    known = gate.origin == "golden" and gate.approved is not None and gate.verdict != "recorded"
    little = gate.scope == "unedit_area" and share_of(gate) < LITTLE
    return little and gate.verdict in MEASURED and not known


@dataclass(frozen=True)
class TestGates:
    """The gates of one attempt of one test, and how that attempt ended.

    ``failed`` is true when the test's own code raised, whatever an xfail mark made of it;
    ``outcome`` is what pytest reported; ``location`` is the test's file, relative to the rootdir,
    and its line; ``other_failure`` is true when it failed for another reason than gates that can be
    recorded: then none of its gates is.
    """

    __test__ = False

    nodeid: str
    attempt: int
    final: bool
    outcome: str
    failed: bool
    gates: tuple[Gate, ...]
    location: tuple[str, int] | None = None
    other_failure: bool = False

    @property
    def expected(self) -> bool:
        """Whether it failed as it was expected to."""
        return self.outcome == EXPECTED


@dataclass
class Row:
    """One metric's line of the summary.

    ``worst`` is its gate nearest to its bound, or farthest beyond it; one that failed without a
    value is worse than any that passed. ``worst_recorded`` is the worst of those that are recorded,
    which no bound held.
    """

    metric: str
    gates: int = 0
    passed: int = 0
    review: int = 0
    failed: int = 0
    expected: int = 0
    errors: int = 0
    unmeasured: int = 0
    recorded: int = 0
    worst: tuple[Gate, str] | None = None
    worst_recorded: tuple[Gate, str] | None = None

    def add(self, gate: Gate, nodeid: str, *, expected: bool = False) -> None:
        """Count one gate of the test ``nodeid``, in one column; it may have been ``expected``."""
        self.gates += 1
        self.passed += gate.verdict == "pass"
        self.review += gate.verdict == "review" and not gate.failing
        self.failed += _fails(gate) and not expected
        self.expected += _fails(gate) and expected
        self.errors += gate.verdict == "error"
        self.unmeasured += gate.verdict == "unmeasured" and not gate.failing
        self.recorded += gate.verdict == "recorded"
        if gate.verdict == "recorded":
            self._add_recorded(gate, nodeid)
            return
        if gate.distance is None and not _fails(gate):
            return
        if self.worst is None or _rank(gate) > _rank(self.worst[0]):
            self.worst = (gate, nodeid)

    def _add_recorded(self, gate: Gate, nodeid: str) -> None:
        if gate.value is None or gate.proposal is None:
            return
        held = None if self.worst_recorded is None else self.worst_recorded[0].value
        sign = 1 if gate.better == "lower" else -1
        if held is None or sign * gate.value > sign * held:
            self.worst_recorded = (gate, nodeid)


def _fails(gate: Gate) -> bool:
    return gate.failing and gate.verdict != "error"


def _counts(rows: Collection[Row], crashed: int) -> dict[str, int]:
    found = {kind: sum(getattr(row, kind) for row in rows) for kind in _COUNTED}
    return {**found, "crashed": crashed}


def _rank(gate: Gate) -> tuple[bool, float]:
    return _fails(gate), beyond(gate)


class Blind:
    """Gates that passed with images in which no fault could show, by why.

    ``found`` is their number and the test of the first.
    """

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, str]] = {}

    def add(self, nodeid: str, gate: Gate) -> None:
        """Take a gate of any kind."""
        for why in BLIND:
            if gate.details.get(why) and gate.verdict in MEASURED and not gate.failing:
                number, first = self.found.get(why, (0, nodeid))
                self.found[why] = number + 1, first


class Tally:
    """What a session recorded, counted as its tests finish.

    ``notable`` are the gates of every test's last attempt, in the order in which tests finished,
    without those that passed and were not to be recorded: they are only counted, so that a session
    of thousands keeps its memory. ``each`` is called with every final gate. ``smoke`` counts the
    final gates that were measured on smoke weights, ``by_expect`` those that only ``expect`` holds,
    ``by_default`` are the tests of gates that pass by the bound of a default or of ``expect``;
    ``little`` are those that measured little of their picture, as no golden says; ``blind`` are
    those that passed with images in which no fault could show; ``run_again`` tests whose worker
    died and that had another attempt; ``wrong_edits`` the tests of the self-tests that let a wrong
    edit through. ``seen`` is what was seen of the picture, by golden, of repetitions the least:
    also of one that passed. ``passed_marked`` counts gates that pass though their test is marked
    xfail, by where their bound was written. ``improved`` are gates whose golden was approved at a
    value that is clearly worse than theirs.
    """

    def __init__(
        self,
        tests: Iterable[TestGates] = (),
        crashed: list[str] | None = None,
        each: Callable[[TestGates, Gate], None] | None = None,
        run_again: list[str] | None = None,
    ):
        self._each = each
        self.run_again: list[str] = [] if run_again is None else run_again
        self.crashed: list[str] = [] if crashed is None else crashed
        self.notable: list[tuple[TestGates, Gate]] = []
        self.smoke = 0
        self.by_expect = 0
        self.passed_marked: Counter[str | None] = Counter()
        self.by_default: set[str] = set()
        self.little: list[tuple[str, Gate]] = []
        self.improved: list[tuple[str, Gate]] = []
        self.blind = Blind()
        self.wrong_edits: list[str] = []
        self.seen: dict[str, Seen] = {}
        self.empty = True
        self._measured = False
        self._rows: dict[str, Row] = {}
        self._failed_before: dict[str, dict[str, Gate]] = {}
        self._made_good: set[str] = set()
        for test in tests:
            self.add(test)

    def add(self, test: TestGates) -> None:
        """Take one attempt of one test."""
        for gate in test.gates:
            self.empty = False
            self._measured = self._measured or gate.verdict in MEASURED
            if not test.final:
                continue
            self.smoke += gate.smoke
            self.by_expect += held_by_expect_alone(gate) and not gate.xfail
            if gate.verdict in ("pass", "review") and gate.origin == "default":
                self.by_default.add(test.nodeid)
            if little_measured(gate):
                self.little.append((test.nodeid, gate))
            self.blind.add(test.nodeid, gate)
            if gate.details.get("wrong_edit"):
                self.wrong_edits.append(test.nodeid)
            if gate.golden_key(test.nodeid) != test.nodeid.partition("::")[2]:
                key = golden_of(gate)
                self.seen[key] = Seen.of(gate).least(self.seen.get(key))
            elif improved(gate):
                self.improved.append((test.nodeid, gate))
            row = self._rows.setdefault(gate.metric, Row(gate.metric))
            row.add(gate, test.nodeid, expected=test.expected)
            if self._each is not None:
                self._each(test, gate)
            if gate.xfail and gate.golden is not None and gate.verdict in ("pass", "review"):
                self.passed_marked[gate.origin] += 1
            if gate.verdict != "pass" or gate.proposal is not None:
                self.notable.append((test, gate))
        self._hold_to_earlier(test)

    def _hold_to_earlier(self, test: TestGates) -> None:
        before = self._failed_before.get(test.nodeid, {})
        if not test.final:
            if failing := failed_before(before, test.gates):
                self._failed_before[test.nodeid] = failing
        elif before and test.outcome != "failed" and not left_open(before.values(), test.gates):
            self._made_good.add(test.nodeid)

    def rows(self) -> list[Row]:
        """Return one row a metric, in the order in which the metrics were first seen."""
        return list(self._rows.values())

    def counts(self) -> dict[str, int]:
        """Return the number of final gates, and of each kind of verdict among them."""
        return _counts(self._rows.values(), len(self.crashed))

    @property
    def nothing_measured(self) -> bool:
        """Whether gates were asked for and not one of them was measured, in any attempt."""
        return not self.empty and not self._measured

    @property
    def hidden(self) -> list[tuple[TestGates, Gate]]:
        """The failing final gates of tests that pytest did not report as failed."""
        return [
            (test, gate) for test, gate in self.notable if gate.failing and test.outcome != "failed"
        ]

    @property
    def expected(self) -> list[tuple[TestGates, Gate]]:
        """Those of ``hidden`` that failed as they were expected to."""
        return [(test, gate) for test, gate in self.hidden if test.expected]

    @property
    def unexpected(self) -> list[tuple[TestGates, Gate]]:
        """The gates of ``notable`` without those of ``expected``."""
        return [(test, gate) for test, gate in self.notable if not (gate.failing and test.expected)]

    @property
    def failing(self) -> list[tuple[TestGates, Gate]]:
        """The failing final gates of all other tests."""
        return [
            (test, gate) for test, gate in self.notable if gate.failing and test.outcome == "failed"
        ]

    @property
    def notable_tests(self) -> set[str]:
        """The tests of ``notable``."""
        return {test.nodeid for test, _ in self.notable}

    @property
    def fetch(self) -> list[str]:
        """The weights that were missing, each once, as ``editmetrics weights fetch`` takes them."""
        lists = (gate.details.get(FETCH, ()) for _, gate in self.notable)
        return list(dict.fromkeys(str(words) for one in lists for words in one))

    @property
    def flaky(self) -> list[str]:
        """The tests with a failing gate in an attempt that was rerun, and none in the last.

        One that did not measure the gate again is none of them.
        """
        failed = {test.nodeid for test, gate in self.notable if gate.failing}
        again = self._made_good - failed
        return [nodeid for nodeid in self._failed_before if nodeid in again]


@dataclass
class RunningTally:
    """Counts over gates that are not held: what is listed is cut short as they come.

    ``failing``, ``review`` and ``unmeasured`` are the first of each, those that say the same
    together, with their test; the rows count them all. ``fetch`` holds the weights that were
    missing. ``little`` counts the gates that measured little of their picture, ``first_little`` are
    the first of them.
    """

    failing: list[tuple[str, list[Gate]]] = field(default_factory=list)
    review: list[tuple[str, list[Gate]]] = field(default_factory=list)
    unmeasured: list[tuple[str, list[Gate]]] = field(default_factory=list)
    smoke: int = 0
    measured: int = 0
    by_metric: dict[str, Row] = field(default_factory=dict)
    fetch: dict[str, None] = field(default_factory=dict)
    blind: Blind = field(default_factory=Blind)
    little: int = 0
    first_little: list[tuple[str, Gate]] = field(default_factory=list)

    @property
    def nothing_measured(self) -> bool:
        """Whether not one gate was measured."""
        return not self.measured

    def add(self, nodeid: str, gates: Iterable[Gate]) -> None:
        """Count the gates of one test."""
        kinds: dict[str, list[Gate]] = {"failing": [], "review": [], "unmeasured": []}
        for gate in gates:
            self.by_metric.setdefault(gate.metric, Row(gate.metric)).add(gate, nodeid)
            self.smoke += gate.smoke
            self.measured += gate.verdict in MEASURED
            self.fetch |= dict.fromkeys(map(str, gate.details.get(FETCH, ())))
            if little_measured(gate):
                self.little += 1
                self.first_little += [(nodeid, gate)] if self.little <= LISTED else []
            self.blind.add(nodeid, gate)
            kind: str = "failing" if gate.failing else gate.verdict
            kinds.get(kind, []).append(gate)
        from pytest_editmetrics.report.failure import alike

        for name, of_kind in kinds.items():
            listed = getattr(self, name)
            if of_kind and len(listed) < LISTED:
                listed += [(nodeid, of) for of in alike(of_kind)][: LISTED - len(listed)]

    def counts(self) -> dict[str, int]:
        """Return the number of gates, and of each kind of verdict among them."""
        return _counts(self.by_metric.values(), 0)


def tally_of(
    records: Iterable[GateRecord], crashed: Iterable[str], run_again: Iterable[str] = ()
) -> Tally:
    """Return the tally of gates that were read from a run.

    What a results file does not hold is left open: whether a test's own code raised, and its line.
    """
    attempts: dict[tuple[str, int], list[GateRecord]] = {}
    for record in records:
        attempts.setdefault((record.nodeid, record.attempt), []).append(record)
    tests = (
        TestGates(
            nodeid,
            attempt,
            of[0].final,
            of[0].outcome,
            failed=False,
            gates=tuple(one.gate for one in of),
            other_failure=any(one.other_failure for one in of),
        )
        for (nodeid, attempt), of in attempts.items()
    )
    return Tally(tests, list(crashed), run_again=list(run_again))
