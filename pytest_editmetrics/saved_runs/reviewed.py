"""What ``editmetrics review`` holds of the cases that are approved: what was refused stays."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import counted
from pytest_editmetrics.report.html.case_view import anchor_of, groups_of
from pytest_editmetrics.runs.review import Decision, change_review, now, read_review, who, written
from pytest_editmetrics.saved_runs.acceptance import to_accept

if TYPE_CHECKING:
    from pytest_editmetrics.runs.folder import GateRecord, Run

_WORDS = {"refused": "refused", "put-off": "put off"}
_ORDER = tuple(_WORDS)


class Reviewed:
    """The decisions on the cases of one run, as they were when it was read.

    Raises:
        EditMetricsError: they cannot be read; nothing may be approved then.
    """

    def __init__(self, run: Run):
        self._run = run
        self._started = run.session.get("started")
        self._decisions = read_review(run.path, self._started)
        self._anchors: dict[int, str] = {}
        self._cases: dict[str, list[GateRecord]] = {}
        for group in groups_of(run):
            anchor = anchor_of(group)
            self._anchors |= {id(record): anchor for record in group.records}
            self._cases.setdefault(anchor, []).extend(group.records)

    def kept_back(self, record: GateRecord) -> str | None:
        """Return the verb of the decision that keeps a gate back, ``None`` if none does."""
        decision = self._decisions.get(self._anchors.get(id(record), ""))
        return decision.verb if decision is not None and decision.verb in _WORDS else None

    def why(self, record: GateRecord) -> str:
        """Say which decision keeps a gate back, whose, and with which note."""
        decision = self._decisions[self._anchors[id(record)]]
        by = f" by {decision.by}" if decision.by else ""
        said = " ".join(decision.note.split())
        return f"{_WORDS[decision.verb]} in review{by}" + (f': "{said}"' if said else "")

    def lines(self, kept: Sequence[GateRecord]) -> Iterator[str]:
        """Tell of the gates that were kept back: which and why, and how to approve them."""
        of_case: dict[str, list[GateRecord]] = {}
        for record in kept:
            of_case.setdefault(self._anchors[id(record)], []).append(record)
        for records in of_case.values():
            labels = ", ".join(record.gate.label for record in records)
            yield f"left: {records[0].nodeid} {labels}: {self.why(records[0])}"
        verbs = Counter(str(self.kept_back(record)) for record in kept)
        if verbs:
            first, *others = (verb for verb in _ORDER if verb in verbs)
            told = [f"{counted(verbs[first], 'gate')} {_WORDS[first]}"]
            told += [f"{verbs[verb]} {_WORDS[verb]}" for verb in others]
            yield (
                f"not approved: {', '.join(told)} in review; to approve all the same, undo that in"
                f" `editmetrics review {shlex.quote(str(self._run.shown))}`"
            )

    def mark(self, records: Iterable[GateRecord]) -> None:
        """Keep of the cases whose failing gates are all among ``records`` that they are written.

        Raises:
            EditMetricsError: it cannot be kept, or somebody decided otherwise meanwhile.
        """
        done = {id(record) for record in records}
        at, by = now(), who()
        changes: dict[str, Decision | None] = {}
        seen: dict[str, str | None] = {}
        for anchor, case in self._cases.items():
            fails = [record for record in case if record.final and to_accept(record.gate)]
            if not fails or not all(id(record) in done for record in fails):
                continue
            before = self._decisions.get(anchor)
            first = fails[0]
            decision = before or Decision(first.nodeid, "accepted", "", by, at, first.gate.name)
            changes[anchor] = written(decision, at)
            seen[anchor] = None if before is None else before.id
        if changes:
            change_review(self._run.path, self._started, changes, seen)
