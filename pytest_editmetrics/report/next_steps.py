"""The end of the summary: what failed and of what, where to look, and what to type next."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pytest_editmetrics.errors import counted
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.gates.written import recordable
from pytest_editmetrics.measurement import (
    NO_PICTURE,
    REMEDIES,
    REMEDY_OF_NO_NUMBER,
    WRITTEN_BY_HAND,
)
from pytest_editmetrics.report.causes import kind_of
from pytest_editmetrics.report.encoded_anew import encoded_anew
from pytest_editmetrics.report.summary import fetch_line
from pytest_editmetrics.report.tally import Tally, beyond
from pytest_editmetrics.report.text import line_of_golden, with_source, without_line, written_at

_PLACES = 4  # of bounds written by hand
_RENAME = (
    "first rename or move what stands above as obsolete: what is recorded under the new name is not"
    " held to what was approved"
)


class Line(NamedTuple):
    """A line of the terminal, and pytest's name of its markup, if it has one.

    What is to be typed is ``bold``, and is never broken: it can be copied.
    """

    text: str
    markup: str | None = None


@dataclass(frozen=True)
class Session:
    """What the commands to type next are made of.

    ``again`` is the command that runs these tests; ``run`` the run directory and ``html`` the
    report that this session wrote, if it did; ``url`` where its report lies for everybody;
    ``rootdir`` the project's root, where a command would not find it from here; ``renamed`` whether
    goldens are to be renamed or moved, as their tests were.
    """

    again: str = "pytest"
    run: str | None = None
    html: str | None = None
    url: str | None = None
    rootdir: str | None = None
    renamed: bool = False

    @property
    def kept(self) -> str:
        """The run directory as a command takes it, with the project that it is of."""
        return f"{self.run}{f' --rootdir {self.rootdir}' if self.rootdir else ''}"


def typed_path(path: Path) -> str:
    """Return a path as one types it, quoted for a shell; none is taken for an option.

    >>> typed_path(Path("my run")), typed_path(Path("-run"))
    ("'my run'", './-run')
    """
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def verdict_lines(tally: Tally) -> list[Line]:
    """Return how many gates failed, of which causes, and how many could not be judged."""
    failing = [g for _, g in tally.unexpected if g.failing and g.verdict != "error"]
    errors = [gate for _, gate in tally.notable if gate.verdict == "error"]
    lines = []
    if failing:
        causes = Counter(_kind(gate) for gate in failing)
        listed = ", ".join(f"{number} {kind}" for kind, number in causes.most_common())
        lines.append(Line(f"{_gates(len(failing))} failed: {listed}", "red"))
    if expected := len(tally.expected):
        lines.append(Line(f"{_gates(expected)} failed as expected (xfail)"))
    if errors:
        said, others = _said(errors)
        more = f" (and {counted(others, 'other message')})" if others else ""
        if tally.fetch:  # the command stands below, once for all
            said = said.partition(". Fetch it once")[0]
        text = f"{_gates(len(errors))} could not be judged: {said}{more}"
        lines.append(Line(text, "yellow"))
    return lines


def worst_picture(tally: Tally) -> list[Line]:
    """Return where the picture lies of the gate that is farthest beyond its bound, of a session.

    On the machine that ran it: of a run that was merged, that is another one.
    """
    failing = [gate for _, gate in tally.unexpected if gate.verdict == "fail"]
    shown = [gate for gate in failing if not (gate.picture or NO_PICTURE).startswith(NO_PICTURE)]
    worst = max(shown, key=beyond, default=None)
    if worst is None or worst.picture is None:
        return []
    return [Line(f"worst picture: {worst.picture.partition(' (')[0]}")]


def _said(errors: Sequence[Gate]) -> tuple[str, int]:
    """Return the first message of errors, and how many others there are.

    Those that differ only by where the golden stands are one.
    """
    messages: dict[str, list[Gate]] = {}
    for gate in errors:
        named = line_of_golden(gate) is not None
        key = with_source(gate, "") if named else gate
        messages.setdefault(key.message or "", []).append(gate)
    first, *others = messages.values()
    files = list(dict.fromkeys(str(without_line(gate).source) for gate in first))
    gate = first[0]
    if len(first) > 1 and line_of_golden(gate) is not None:
        more = len(files) - 1
        gate = with_source(
            gate, files[0] + (f" (and of {counted(more, 'file')} more)" if more else "")
        )
    return ((gate.message or "").splitlines() or [""])[0], len(others)


def next_steps(tally: Tally, session: Session) -> list[Line]:
    """Return what to type next: to fetch weights, look, accept, record what has no golden.

    What was unmeasured is passed over where that is no news: other gates were measured, it failed
    no test, and nothing was measured when it was approved; so is what fails as expected.
    """
    notable = tally.unexpected
    failing = [gate for _, gate in notable if gate.verdict == "fail"]
    missing = [gate for _, gate in notable if gate.verdict == "missing-golden"]
    review = [gate for _, gate in notable if gate.verdict == "review" and gate.failing]
    other = [gate for _, gate in notable if gate.of_other_golden]
    held = {id(gate): test.nodeid for test, gate in notable if test.other_failure}
    reasons = _reasons(tally)
    lines = []
    if tally.fetch:
        lines.append(_typed(fetch_line(tally.fetch)))
    lines += [Line(f"what to do about {reason}: {REMEDIES[reason]}") for reason in reasons]
    lines += map(Line, encoded_anew(tally))
    if no_number := [gate for gate in failing if gate.no_number]:
        which = ", ".join(dict.fromkeys(gate.label for gate in no_number))
        text = f"{_gates(len(no_number))} without a number ({which})"
        lines.append(Line(f"what to do about {text}: {REMEDY_OF_NO_NUMBER}"))
    if failing or missing or review or reasons:
        lines.append(_typed(_look(session)))
    of_tests = (gate for gate in (*failing, *other) if "manifest" not in gate.details)
    golden = [gate for gate in of_tests if recordable(gate)]  # a manifest has no goldens
    recorded = [gate for gate in golden if id(gate) not in held and not gate.xfail]
    number = len(failing) + len(other)
    unjudged = _mend_first(tally)
    if session.renamed and (recorded or missing):
        lines.append(Line(_RENAME))
    if recorded and unjudged:
        lines.append(Line(f"not to be accepted yet: {len(recorded)} of {number}, {unjudged}"))
    elif recorded:
        accept = _update(session, "failed")
        which = f"all {number}" if len(recorded) == number else f"{len(recorded)} of {number}"
        too = ", and record what has no golden" if missing else ""
        which = "it" if number == 1 else which
        lines.append(_typed(f"to accept {which}{too}, if meant: {accept}"))
    by_hand = [gate for gate in failing if gate.snapshot is None and _by_hand(gate)]
    bounds = counted(len(by_hand), "bound")
    if by_hand and unjudged:
        lines.append(Line(f"not to be loosened yet: {bounds} written by hand, {unjudged}"))
    elif by_hand:
        lines.append(_typed(f"to loosen {bounds} written by hand, if meant: {_edit(by_hand)}"))
    counted_above = {id(gate) for gate in (*golden, *by_hand, *no_number)}
    if left := [gate for gate in failing if id(gate) not in counted_above]:
        lines.append(_without(left, str(number)))
    if waiting := _waiting(golden, held, f"{number}"):
        lines.append(Line(f"not to be accepted yet: {waiting}"))
    failed = {id(gate) for gate in (*failing, *other)}
    lost = {test.nodeid for test, gate in notable if id(gate) in failed}
    new = [
        gate
        for test, gate in notable
        if gate.verdict == "missing-golden"
        and recordable(gate)
        and id(gate) not in held
        and not gate.xfail
        and (session.run or test.nodeid not in lost)
    ]
    if new and unjudged:
        which = f"{len(new)} of {len(missing)} without a golden"
        lines.append(Line(f"not to be recorded yet: {which}, {unjudged}"))
    elif new:
        number = len(missing)
        which = f"all {number}" if len(new) == number else f"{len(new)} of {number}"
        which = "the one" if number == 1 else which
        what = "it" if number == 1 and not recorded else f"{which} without a golden"
        if session.renamed:
            what = "what is still without a golden then"
        command = _update(session, "missing") + (" --missing" if session.run and recorded else "")
        lines.append(_typed(f"to record {what}, if right: {command}"))
    takes = {id(gate) for gate in (*golden, *missing) if gate.xfail}
    marked = dict.fromkeys(test.nodeid for test, gate in notable if id(gate) in takes)
    if not unjudged:
        lines += _of_known_faults(marked, session)
    if left := [gate for gate in missing if not recordable(gate)]:
        lines.append(_without(left, f"{len(missing)} without a golden"))
    can = [gate for gate in missing if recordable(gate)]
    if waiting := _waiting(can, held, f"{len(missing)} without a golden"):
        lines.append(Line(f"not to be recorded yet: {waiting}"))
    return lines


def _of_known_faults(tests: Mapping[str, None], session: Session) -> list[Line]:
    """Return how to accept what tests measured that are marked xfail, which no recording takes."""
    if not tests:
        return []
    of = counted(len(tests), "test that is", "tests that are")
    run = session.kept if session.run else "RUN"
    one = shlex.quote(next(iter(tests))) if len(tests) == 1 else "with the whole id of one"
    return [_typed(f"to accept what {of} marked xfail made: editmetrics approve {run} -k {one}")]


def _by_hand(gate: Gate) -> bool:
    """Tell whether the bound of a gate is one to edit: a self-test's is none."""
    return gate.origin in WRITTEN_BY_HAND and not gate.no_number and "advice" not in gate.details


def _without(gates: Sequence[Gate], total: str) -> Line:
    """Return how many of a total no golden can hold."""
    which = ", ".join(dict.fromkeys(gate.metric for gate in gates))
    return Line(f"no golden can hold {len(gates)} of {total} ({which}): see what each says")


def _waiting(gates: Sequence[Gate], held: Mapping[int, str], total: str) -> str | None:
    """Return how many of a total wait for what else their tests fail for.

    Those that were to be recorded in this session were said to be not recorded.
    """
    waiting = [gate for gate in gates if id(gate) in held and gate.proposal is None]
    if not waiting:
        return None
    one_test = len({held[id(gate)] for gate in waiting}) == 1
    whose = "its" if len(waiting) == 1 else "their"
    whose += " test fails" if one_test else " tests fail"
    return f"{len(waiting)} of {total}, as {whose} for another reason, too; mend that first"


def _mend_first(tally: Tally) -> str:
    """Return why a session is none to accept: most of its gates judged nothing, as where a model
    returned another size, or most of its edits were lost; empty where that is not so."""
    errors = [gate for _, gate in tally.notable if gate.verdict == "error"]
    number, gates = sum(not gate.of_other_golden for gate in errors), tally.counts()["gates"]
    if 2 * number > gates:
        return f"as {number} of {gates} gates could not be judged; mend that first"
    failing = (gate for _, gate in tally.unexpected if gate.verdict == "fail")
    lost = Counter(gate.metric for gate in failing if kind_of(gate) == "no-edit")
    for row in tally.rows():
        if 2 * lost[row.metric] > row.gates:
            of = counted(row.gates, "edit")
            return f"as {lost[row.metric]} of {of} came to nothing ({row.metric}); mend that first"
    return ""


def _typed(text: str) -> Line:
    return Line(text, "bold")


def _reasons(tally: Tally) -> list[str]:
    """Return why gates were unmeasured that somebody has to look after, each once."""
    return list(
        dict.fromkeys(
            reason
            for _, gate in tally.unexpected
            if gate.verdict == "unmeasured"
            and (reason := gate.reason) is not None
            and reason in REMEDIES
            and (tally.nothing_measured or gate.regressed or gate.failing)
        )
    )


def _edit(by_hand: Sequence[Gate]) -> str:
    """Return where bounds stand, as many as one reads."""
    places = list(dict.fromkeys(map(written_at, by_hand)))
    more = f" and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
    return f"edit {', '.join(places[:_PLACES])}{more}"


def _kind(gate: Gate) -> str:
    """Return the first cause of a failing gate, or what else it is of."""
    if gate.verdict == "missing-golden":
        return "without a golden"
    if gate.verdict == "review":
        return "for review"
    if gate.verdict == "unmeasured":
        return "unmeasured"
    if gate.no_number:
        return "without a number"
    if gate.proposal is not None:
        return "not recorded"
    if (kind := kind_of(gate)) is not None:
        return kind
    if gate.snapshot is not None:
        return "golden image"
    return "object" if gate.compares == "objects" else "without a cause"


def _look(session: Session) -> str:
    if session.url:
        return f"to look: open {session.url}"
    if session.run:
        return f"to look, and accept case by case: editmetrics review {session.kept}"
    if session.html:
        return f"to look: open {session.html} in a browser"
    return f"to look: {session.again} --editmetrics-html=report.html"


def _update(session: Session, mode: str) -> str:
    if session.run:
        return f"editmetrics approve {session.kept}"
    return f"{session.again} --editmetrics-update={mode}"


def _gates(number: int) -> str:
    return counted(number, "gate")
