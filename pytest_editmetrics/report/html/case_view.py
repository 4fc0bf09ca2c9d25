"""One case of the HTML report: the gates of a test that look at the same images."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.causes import causes_in_short, kind_of
from pytest_editmetrics.report.html.gate_view import GateView, approvable, gate_view, words
from pytest_editmetrics.report.html.pictures import Earlier, Gallery, case_picture
from pytest_editmetrics.report.html.story import story_of
from pytest_editmetrics.report.tally import beyond
from pytest_editmetrics.runs.folder import GateRecord, Run
from pytest_editmetrics.runs.review import Decision

STATUSES = ("failed", "error", "unmeasured", "review", "expected", "recorded", "passed")
_LONGEST = 160


@dataclass(frozen=True)
class CaseView:
    """The gates of one test that look at the same images.

    ``number`` is its place in the run. ``cause`` is the kind of what happened to the picture, for
    groups, ``why`` the same in words; ``metric`` is the metric of its worst gate, ``margin`` how
    far that lies beyond its bound, relative to it: infinite where it fails without a number.
    ``accept`` holds what would accept the case as it is: an explanation, and a command if one does.
    ``decision`` is what ``editmetrics review`` kept of it.
    """

    number: int
    anchor: str
    nodeid: str
    file: str
    test: str
    name: str | None
    status: str
    outcome: str
    gates: tuple[GateView, ...]
    cause: str
    why: str
    metric: str
    margin: float
    picture: Mapping[str, Any] | None
    story: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    accept: tuple[tuple[str, str | None], ...]
    decision: Decision | None = None

    @property
    def keys(self) -> str:
        """``status:metric`` of each gate, which the filters look at."""
        return " ".join(sorted({f"{gate.status}:{gate.metric}" for gate in self.gates}))

    @property
    def order_of_status(self) -> int:
        """The place of its outcome among the others."""
        return STATUSES.index(self.status)

    @property
    def order(self) -> tuple[int, float, int]:
        """Where the case stands: by outcome, then by margin, the worst first."""
        return self.order_of_status, -self.margin, self.number


@dataclass
class Group:
    """The records of one case while they are gathered; ``earlier`` are of attempts rerun."""

    first: GateRecord
    records: list[GateRecord] = field(default_factory=list)
    earlier: list[GateRecord] = field(default_factory=list)


def last_attempts(run: Run) -> dict[str, int]:
    """Return the attempt of each test that counts: the final one, else the last one there is."""
    last: dict[str, int] = {}
    final = {record.nodeid for record in run.gates if record.final}
    for record in run.gates:
        if record.final or record.nodeid not in final:
            last[record.nodeid] = max(record.attempt, last.get(record.nodeid, 0))
    return last


def groups_of(run: Run) -> list[Group]:
    """Return the gates of a run by what they look at, in the order of the run."""
    last = last_attempts(run)
    groups: dict[str, Group] = {}
    of_check: dict[tuple[str, str | None], list[Group]] = {}
    counted = [record for record in run.gates if record.attempt == last[record.nodeid]]
    # a gate without images (weights were missing) joins the case of its own check
    for record in sorted(counted, key=lambda record: not record.gate.images):
        check = (record.nodeid, record.gate.name)
        address = _address(record)
        group = groups.get(address)
        if group is None:
            others = of_check.setdefault(check, [])
            if not record.gate.images and len(others) == 1:
                group = others[0]
            else:
                group = groups[address] = Group(record)
                others.append(group)
        group.records.append(record)
    for record in run.gates:
        if record.attempt != last[record.nodeid]:
            for group in of_check.get((record.nodeid, record.gate.name), ()):
                if any(record.gate.metric == other.gate.metric for other in group.records):
                    group.earlier.append(record)
    order = {id(record): number for number, record in enumerate(run.gates)}
    return sorted(groups.values(), key=lambda group: order[id(group.first)])


def anchor_of(group: Group) -> str:
    """Return the address of a case within the report, by which decisions on it are kept."""
    address = _address(group.first)
    return "c-" + hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:12]


def _address(record: GateRecord) -> str:
    images = [record.gate.images.get(name) for name in ("reference", "edited", "golden")]
    region = dict(record.gate.region) if record.gate.images else {}
    return json.dumps([record.nodeid, record.gate.name, images, region], sort_keys=True)


def case_view(
    number: int,
    group: Group,
    gallery: Gallery,
    approve_from: str | None,
    mode: str,
    earlier: Mapping[tuple[str, str], Earlier] | None = None,
) -> CaseView:
    """Return what the report shows of a case; its images are entered into ``gallery``.

    Args:
        number: its place in the run.
        group: its gates.
        gallery: the report's images.
        approve_from: the run directory as ``editmetrics approve`` takes it, ``None`` where it is
            not kept.
        mode: how its test is recorded.
        earlier: what an earlier run has, by test and gate.

    Raises:
        EditMetricsError: a gate that makes no sense, named by its test and metric.
    """
    first = group.first
    gates = [record.gate for record in group.records]
    views = [gate_view(record, mode) for record in group.records]
    worst, told = min(
        zip(gates, views, strict=True),
        key=lambda pair: (STATUSES.index(pair[1].status), -beyond(pair[0])),
    )
    views.sort(key=lambda view: STATUSES.index(view.status))
    file, _, test = first.nodeid.partition("::")
    known = ((earlier or {}).get((record.nodeid, record.gate.label)) for record in group.records)
    before = next((one for one in known if one is not None), None)
    return CaseView(
        number=number,
        anchor=anchor_of(group),
        nodeid=first.nodeid,
        file=file if test else "",
        test=test or file,
        name=first.gate.name,
        status=told.status,
        outcome=first.outcome,
        gates=tuple(views),
        cause=cause_of(worst),
        why=_why(worst),
        metric=worst.metric,
        margin=beyond(worst),
        picture=case_picture(gates, gallery, first.nodeid, before),
        story=story_of(gates),
        notes=tuple(_notes(group)),
        accept=tuple(_accept(group, views, approve_from)),
    )


def cause_of(gate: Gate) -> str:
    """Return in a word or two what a gate's cases are grouped by; empty where nothing is wrong.

    >>> cause_of(Gate("lpips", "fail", value=1.0, details={"causes": [{"kind": "shift"}]}))
    'shift'
    >>> cause_of(Gate("lpips", "fail", value=1.0)), cause_of(Gate("lpips", "pass", value=0.0))
    ('no cause found', '')
    """
    if gate.verdict == "error":
        return "error"
    if gate.verdict == "missing-golden":
        return "no golden"
    if gate.reason is not None:
        return gate.reason
    return kind_of(gate) or ("no cause found" if gate.verdict == "fail" else "")


def _why(gate: Gate) -> str:
    if gate.verdict == "missing-golden":
        return "no threshold and no golden" if gate.snapshot is None else "no golden image"
    if gate.verdict in ("error", "unmeasured") or gate.reason is not None:
        first = (gate.message or gate.reason or "").partition("\n")[0]
        return first if len(first) <= _LONGEST else first[: _LONGEST - 3] + "..."
    return causes_in_short(gate) if gate.verdict in ("fail", "review") else ""


def _accept(
    group: Group, views: Sequence[GateView], approve_from: str | None
) -> Iterator[tuple[str, str | None]]:
    for text in dict.fromkeys(view.accept for view in views if view.accept):
        if text.startswith("pytest "):
            yield "Run the test again and record what it measures", text
        else:
            yield text, None
    if approve_from is not None and any(approvable(record.gate) for record in group.records):
        nodeid = shlex.quote(group.first.nodeid)
        command = f"editmetrics approve {shlex.quote(approve_from)} -k {nodeid}"
        yield "Approve what this run kept, without the model", command


def _notes(group: Group) -> list[str]:
    first = group.first
    notes = []
    if any(record.gate.failing for record in group.records) and first.outcome != "failed":
        notes.append(
            f"This gate fails, and pytest reports the test as {first.outcome}: an xfail mark or the"
            " test itself hides it."
        )
    if not first.final:
        notes.append(f"Attempt {first.attempt} was to be rerun; the run holds no later one.")
    notes += [
        f"Attempt {record.attempt}, rerun: {record.gate.verdict}: {words(record)}"
        for record in group.earlier
    ]
    return notes
