"""What was decided on the cases of the runs: read from and kept in the runs, for everybody."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_editmetrics.errors import EditMetricsError, InputError, counted
from pytest_editmetrics.runs.folder import GateRecord, Run
from pytest_editmetrics.runs.review import (
    LONGEST_NOTE,
    REVIEW,
    VERBS,
    Contradicted,
    Decision,
    change_review,
    now,
    read_review,
    written,
)
from pytest_editmetrics.saved_runs.acceptance import bound_elsewhere, to_accept
from pytest_editmetrics.saved_runs.review.together import Together
from pytest_editmetrics.weights.seen import Seen

_REMEMBERED = 200_000
_TRIES = 10


@dataclass(frozen=True)
class Case:
    """The gates of one test that look at the same images, as the page shows them."""

    anchor: str
    records: tuple[GateRecord, ...]

    @property
    def nodeid(self) -> str:
        """The test."""
        return self.records[0].nodeid

    @property
    def name(self) -> str | None:
        """The name of its gates."""
        return self.records[0].gate.name

    @property
    def fails(self) -> tuple[GateRecord, ...]:
        """The gates in which there is something to accept."""
        return tuple(one for one in self.records if one.final and to_accept(one.gate))

    @property
    def other_failure(self) -> bool:
        """Whether its test failed for another reason, too."""
        return any(record.other_failure for record in self.records)

    @property
    def refusal(self) -> str | None:
        """Why nothing of it can be accepted, as far as the run tells."""
        if not self.fails:
            return "nothing in it fails that a golden could hold"
        whys = [bound_elsewhere(record.gate) for record in self.fails]
        return "; ".join(dict.fromkeys(filter(None, whys))) if all(whys) else None


@dataclass(frozen=True)
class Left:
    """A case that was not accepted, and why."""

    case: Case
    why: str


class Decisions:
    """The decisions on the cases of runs.

    Args:
        together: the runs.
        cases: by anchor.
        who: whose decisions are made here.
    """

    def __init__(self, together: Together, cases: Mapping[str, Case], who: str):
        self.together = together
        self.cases = cases
        self._who = who
        self._lock = threading.Lock()
        self._replaced: dict[tuple[str, str], Decision] = {}
        self._held: dict[Path, tuple[Seen, dict[str, Decision]]] = {}

    def all(self) -> dict[str, Decision]:
        """Return the decisions on cases that are there, by anchor, as they are kept now.

        Raises:
            EditMetricsError: they cannot be read.
        """
        found: dict[str, Decision] = {}
        for run in reversed(self.together.parts):
            found |= self._of(run)
        return {anchor: found[anchor] for anchor in found if anchor in self.cases}

    def _of(self, run: Run) -> dict[str, Decision]:
        path = run.path / REVIEW
        with self._lock:
            if path in self._held and self._held[path][0].still():
                return self._held[path][1]
            seen = Seen(path)
            decisions = read_review(run.path, run.session.get("started"))
            self._held[path] = seen, decisions
            return decisions

    def state(self, seen: str | None = None) -> dict[str, Any]:
        """Return the decisions as the page takes them; only their mark if that was ``seen``."""
        decisions = self.all()
        ids = " ".join(f"{anchor}{decisions[anchor].id}" for anchor in sorted(decisions))
        mark = hashlib.sha256(ids.encode("utf-8", "replace")).hexdigest()[:16]
        if mark == seen:
            return {"mark": mark}
        shown = {anchor: asdict(decision) for anchor, decision in decisions.items()}
        return {"mark": mark, "decisions": shown}

    def decide(
        self, asked: Any, bulk: bool, acceptable: Callable[[Case], str | None]
    ) -> dict[str, Any]:
        """Keep decisions; return them, and what was left.

        Args:
            asked: by anchor, ``verb`` (``None`` takes the decision back), ``note``, and ``seen``,
                the id of the decision that was shown; or ``restore``, the id of an earlier one.
            bulk: the case was not looked at by itself; one whose test failed for another reason,
                too, is not accepted so.
            acceptable: tells why a case cannot be accepted, ``None`` if it can.

        Raises:
            InputError: something else was asked.
            Contradicted: somebody decided otherwise on one of them; nothing was kept.
            EditMetricsError: they cannot be kept, or the run is another by now.
        """
        self.together.check_unchanged()
        changes: dict[str, Decision | None] = {}
        seen: dict[str, str | None] = {}
        left: list[Left] = []
        for anchor, one in _checked(asked, self.cases).items():
            case = self.cases[anchor]
            decision = self._wanted(case, one)
            if decision is not None and decision.pending and "restore" not in one:
                why = self._not_to_accept(case, bulk, acceptable)
                if why is not None:
                    left.append(Left(case, why))
                    continue
            changes[anchor] = decision
            seen[anchor] = one.get("seen")
        self._change(changes, seen)
        return {
            "decisions": {a: None if d is None else asdict(d) for a, d in changes.items()},
            "left": [
                {"case": one.case.anchor, "test": one.case.nodeid, "why": one.why} for one in left
            ],
        }

    def _wanted(self, case: Case, one: Mapping[str, Any]) -> Decision | None:
        if "restore" in one:
            if one["restore"] is None:
                return None
            earlier = self._replaced.get((case.anchor, one["restore"]))
            if earlier is None:
                raise InputError("the earlier decision is not known here any more")
            return earlier
        if one["verb"] is None:
            return None
        return Decision(
            case.nodeid, one["verb"], one.get("note") or "", self._who, now(), case.name
        )

    def _not_to_accept(
        self, case: Case, bulk: bool, acceptable: Callable[[Case], str | None]
    ) -> str | None:
        if bulk and case.other_failure:
            return "its test failed for another reason, too; accept it by itself"
        if bulk and any(record.known_fault for record in case.fails):
            return "its test is expected to fail (xfail); accept it by itself"
        return case.refusal or acceptable(case)

    def _change(
        self, changes: Mapping[str, Decision | None], seen: Mapping[str, str | None]
    ) -> None:
        before = self.all()
        for anchor, id_seen in seen.items():
            found = before.get(anchor)
            if found is not None and found.id == id_seen and len(self._replaced) < _REMEMBERED:
                self._replaced[anchor, found.id] = found
        by_run: dict[int, dict[str, Decision | None]] = {}
        for anchor, decision in changes.items():
            by_run.setdefault(self._home(anchor), {})[anchor] = decision
        kept: list[int] = []
        try:
            for number, of_run in by_run.items():
                run = self.together.parts[number]
                wanted = {anchor: seen[anchor] for anchor in of_run if anchor in seen}
                change_review(run.path, run.session.get("started"), of_run, wanted)
                kept.append(number)
        except EditMetricsError as error:
            raise self._named(error, before, changes, seen, kept) from None
        finally:
            with self._lock:
                self._held.clear()

    def _named(
        self,
        error: EditMetricsError,
        before: Mapping[str, Decision],
        changes: Mapping[str, Decision | None],
        seen: Mapping[str, str | None],
        kept: list[int],
    ) -> EditMetricsError:
        """Take back what was kept in other runs, and say of which test the error is."""
        for number in kept:
            run = self.together.parts[number]
            back = {a: before.get(a) for a in changes if self._home(a) == number}
            change_review(run.path, run.session.get("started"), back)
        if not isinstance(error, Contradicted):
            return error
        current = self.all()
        other = next(
            (a for a, i in seen.items() if (current[a].id if a in current else None) != i), None
        )
        where = "" if other is None else f"{self.cases[other].nodeid}: "
        return Contradicted(f"{where}{error}")

    def _home(self, anchor: str) -> int:
        """Return the run that keeps the decision on a case: that has one, else has the test."""
        parts = self.together.parts
        for number, run in enumerate(parts):
            if len(parts) > 1 and anchor in self._of(run):
                return number
        return parts.index(self.together.of_test[self.cases[anchor].nodeid])

    def pending(self) -> dict[str, Decision]:
        """Return the accepted cases whose goldens are not written yet."""
        return {anchor: one for anchor, one in self.all().items() if one.pending}

    def still_failing(self, done: Collection[str] | None = None) -> str:
        """Say which cases fail beside those of their test that were written; empty if none.

        Args:
            done: the anchors of those; of all that were written, if left out.
        """
        current = self.all()
        if done is None:
            done = [anchor for anchor, one in current.items() if one.written is not None]
        tests = {self.cases[anchor].nodeid for anchor in done}
        left = [
            case
            for anchor, case in self.cases.items()
            if case.nodeid in tests
            and case.fails
            and not (anchor in done or (anchor in current and current[anchor].verb == "accepted"))
        ]
        if not left:
            return ""
        first = left[0].nodeid + (f" ({left[0].name})" if left[0].name else "")
        cases = counted(len(left), "other case of these tests is", "other cases of these tests are")
        return (
            f"{cases} not accepted, so the tests fail still (first {first}): the counts in the bar"
            " of the page list what is to decide, refused or put off"
        )

    def mark_written(self, done: Mapping[str, Decision]) -> None:
        """Keep that the goldens of cases were written; of one decided anew meanwhile nothing.

        Raises:
            EditMetricsError: it cannot be kept.
        """
        at = now()
        for _ in range(_TRIES):
            current = self.all()
            same = {a: d for a, d in done.items() if a in current and current[a].id == d.id}
            try:
                self._change(
                    {anchor: written(decision, at) for anchor, decision in same.items()},
                    {anchor: decision.id for anchor, decision in same.items()},
                )
            except Contradicted:
                continue
            return


def _checked(asked: Any, cases: Mapping[str, Case]) -> dict[str, dict[str, Any]]:
    if not isinstance(asked, dict) or not asked:
        raise InputError("no case was named")
    for anchor, one in asked.items():
        if anchor not in cases:
            raise InputError(f"{anchor!r:.60} is no case of this run")
        if not isinstance(one, dict):
            raise InputError(f"{one!r:.60} is no decision")
        for key in ("note", "seen", "restore"):
            if not (one.get(key) is None or isinstance(one[key], str)):
                raise InputError(f"{key} cannot be {one[key]!r:.60}")
        if "restore" not in one and ("verb" not in one or one["verb"] not in (None, *VERBS)):
            raise InputError(f"verb cannot be {one.get('verb')!r:.60}")
        if len(one.get("note") or "") > LONGEST_NOTE:
            raise InputError(f"a note has at most {LONGEST_NOTE:,} characters")
    return asked
