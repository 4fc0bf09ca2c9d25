"""The view model of the HTML report: what a run says, grouped into cases, failures first."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.html.gate_view import (
    GateView,
    approvable,
    distance_text,
    gate_view,
    words,
)
from pytest_editmetrics.report.html.pictures import Gallery, case_picture
from pytest_editmetrics.report.html.suite_view import SuiteView, suite_view
from pytest_editmetrics.report.metrics import about
from pytest_editmetrics.report.summary import columns_of
from pytest_editmetrics.report.tally import Row, Tally, tally_of
from pytest_editmetrics.report.text import update_mode
from pytest_editmetrics.runs.folder import GateRecord, Run

STATUSES = ("failed", "unmeasured", "review", "recorded", "passed")


@dataclass(frozen=True)
class CaseView:
    """The gates of one test that look at the same images.

    ``accept`` holds what would accept the case as it is: an explanation, and a command if one does.
    """

    anchor: str
    file: str
    test: str
    name: str | None
    status: str
    outcome: str
    gates: tuple[GateView, ...]
    picture: Mapping[str, Any] | None
    notes: tuple[str, ...]
    accept: tuple[tuple[str, str | None], ...]

    @property
    def keys(self) -> str:
        """``status:metric`` of each gate, which the filters look at."""
        return " ".join(sorted({f"{gate.status}:{gate.metric}" for gate in self.gates}))


@dataclass(frozen=True)
class MetricRow:
    """One line of the summary table; ``worst`` is the smallest margin and the case that has it.

    ``about`` tells what the metric is, if it is built in.
    """

    metric: str
    about: str
    gates: int
    counts: Mapping[str, int]
    worst: str | None = None
    worst_test: str | None = None
    worst_anchor: str | None = None


@dataclass(frozen=True)
class Notice:
    """Something about the whole run that must not be overlooked."""

    level: str
    title: str
    entries: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportView:
    """Everything the templates render."""

    headline: str
    status: str
    facts: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]
    counts: Mapping[str, int]
    statuses: tuple[str, ...]
    columns: tuple[str, ...]
    metrics: tuple[MetricRow, ...]
    notices: tuple[Notice, ...]
    suite: SuiteView
    cases: tuple[CaseView, ...]


@dataclass
class _Group:
    """The records of one case while they are gathered; ``earlier`` are of attempts rerun."""

    first: GateRecord
    records: list[GateRecord] = field(default_factory=list)
    earlier: list[GateRecord] = field(default_factory=list)


def build_view(run: Run, gallery: Gallery, approve_from: str | None) -> ReportView:
    """Return the report of ``run``; its images are entered into ``gallery``.

    ``approve_from`` is the run directory as ``editmetrics approve`` takes it, ``None`` where it is
    not kept.

    Raises:
        EditMetricsError: a record that makes no sense, named by its test and metric.
    """
    groups = _groups(run)
    of_test: dict[str, list[Gate]] = {}
    for group in groups:
        gates = [record.gate for record in group.records]
        of_test.setdefault(group.first.nodeid, []).extend(gates)
    modes = {nodeid: update_mode(gates) for nodeid, gates in of_test.items()}
    cases = [_case(g, gallery, approve_from, modes[g.first.nodeid]) for g in groups]
    anchors = {
        (record.nodeid, record.gate.label): case.anchor
        for group, case in zip(groups, cases, strict=True)
        for record in group.records
    }
    cases.sort(key=lambda case: STATUSES.index(case.status))
    counts = {status: sum(case.status == status for case in cases) for status in STATUSES}
    tally = _tally(run)
    suite = suite_view(run)
    text, status = _headline(run, cases, counts, suite.failed)
    return ReportView(
        headline=text,
        status=status,
        facts=tuple(_facts(run)),
        versions=_versions(run),
        counts=counts,
        statuses=tuple(status for status in STATUSES if counts[status]),
        columns=tuple(columns_of(tally.rows())[1:]),
        metrics=tuple(_metric_row(row, anchors) for row in tally.rows()),
        notices=tuple(_notices(run, tally, gallery)),
        suite=suite,
        cases=tuple(cases),
    )


def _facts(run: Run) -> Iterator[str]:
    started = str(run.session.get("started") or "")
    if started:
        yield f"started {started.replace('T', ' ').replace('+00:00', ' UTC')}"
    shards = run.session.get("shards")
    if isinstance(shards, list) and shards:
        yield f"merged from {len(shards)} runs"
    manifest = run.session.get("manifest")
    if isinstance(manifest, Mapping):
        yield f"{manifest.get('rows')} pairs of {manifest.get('path')}"


def _versions(run: Run) -> tuple[tuple[str, str], ...]:
    versions = run.session.get("versions")
    if not isinstance(versions, Mapping):
        return ()
    return tuple((str(name), str(version or "not installed")) for name, version in versions.items())


def _last_attempts(run: Run) -> dict[str, int]:
    """Return the attempt of each test that counts: the final one, else the last one there is."""
    last: dict[str, int] = {}
    final = {record.nodeid for record in run.gates if record.final}
    for record in run.gates:
        if record.final or record.nodeid not in final:
            last[record.nodeid] = max(record.attempt, last.get(record.nodeid, 0))
    return last


def _tally(run: Run) -> Tally:
    last = _last_attempts(run)
    records = [replace(r, final=r.attempt == last[r.nodeid]) for r in run.gates]
    return tally_of(records, run.crashed)


def _groups(run: Run) -> list[_Group]:
    last = _last_attempts(run)
    groups: dict[str, _Group] = {}
    of_check: dict[tuple[str, str | None], list[_Group]] = {}
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
                group = groups[address] = _Group(record)
                others.append(group)
        group.records.append(record)
    for record in run.gates:
        if record.attempt != last[record.nodeid]:
            for group in of_check.get((record.nodeid, record.gate.name), ()):
                if any(record.gate.metric == other.gate.metric for other in group.records):
                    group.earlier.append(record)
    order = {id(record): number for number, record in enumerate(run.gates)}
    return sorted(groups.values(), key=lambda group: order[id(group.first)])


def _address(record: GateRecord) -> str:
    images = [record.gate.images.get(name) for name in ("reference", "edited", "golden")]
    region = dict(record.gate.region) if record.gate.images else {}
    return json.dumps([record.nodeid, record.gate.name, images, region], sort_keys=True)


def _case(group: _Group, gallery: Gallery, approve_from: str | None, mode: str) -> CaseView:
    first = group.first
    views = [gate_view(record, mode) for record in group.records]
    order = {status: number for number, status in enumerate(STATUSES)}
    views.sort(key=lambda view: order[view.status])
    file, _, test = first.nodeid.partition("::")
    address = _address(first)
    return CaseView(
        anchor="c-" + hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:12],
        file=file if test else "",
        test=test or file,
        name=first.gate.name,
        status=views[0].status,
        outcome=first.outcome,
        gates=tuple(views),
        picture=case_picture([record.gate for record in group.records], gallery, first.nodeid),
        notes=tuple(_notes(group)),
        accept=tuple(_accept(group, views, approve_from)),
    )


def _accept(
    group: _Group, views: Sequence[GateView], approve_from: str | None
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


def _notes(group: _Group) -> list[str]:
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


def _metric_row(row: Row, anchors: Mapping[tuple[str, str], str]) -> MetricRow:
    counts = {
        "passed": row.passed,
        "review": row.review,
        "failed": row.failed,
        "errors": row.errors,
        "unmeasured": row.unmeasured,
        "recorded": row.recorded,
    }
    told = MetricRow(row.metric, about(row.metric), row.gates, counts)
    if row.worst is None:
        return told
    gate, nodeid = row.worst
    text = distance_text(gate) or f"{gate.value}, not a number"
    anchor = anchors.get((nodeid, gate.label))
    test = nodeid.partition("::")[2] or nodeid
    return replace(told, worst=text, worst_test=test, worst_anchor=anchor)


def _headline(
    run: Run, cases: Sequence[CaseView], counts: Mapping[str, int], suite: int
) -> tuple[str, str]:
    number = f"{len(cases)} case{'' if len(cases) == 1 else 's'}"
    if not cases and not run.crashed:
        return "No gate was recorded", "unmeasured"
    together = f"{suite} suite gate{'' if suite == 1 else 's'} failed"
    if counts["failed"]:
        more = f", and {together}" if suite else ""
        return f"{counts['failed']} of {number} failed{more}", "failed"
    if run.crashed or not run.complete:
        return f"{number}, and the run did not finish", "failed"
    if suite:
        return f"{together}; {number}, none of which failed", "failed"
    if counts["unmeasured"]:
        return f"{counts['unmeasured']} of {number} could not be measured", "unmeasured"
    if counts["review"]:
        return f"{counts['review']} of {number} for review", "review"
    if counts["recorded"]:
        return f"{counts['recorded']} of {number} recorded", "recorded"
    return f"All {number} passed" if len(cases) > 1 else "The case passed", "passed"


def _notices(run: Run, tally: Tally, gallery: Gallery) -> list[Notice]:
    notices = []
    if not run.complete:
        notices.append(
            Notice(
                "error",
                "This run was cut off: its results file has no end. Tests may be missing below.",
            )
        )
    if run.crashed:
        title = f"Crashed, so never measured: {len(run.crashed)}"
        notices.append(Notice("error", title, tuple(run.crashed)))
    if tally.nothing_measured:
        notices.append(
            Notice("error", "Not one gate of this run could be measured, so it proves nothing.")
        )
    if tally.smoke:
        total = tally.counts()["gates"]
        notices.append(
            Notice(
                "warning",
                f"Measured with random smoke weights, which judge no quality: {tally.smoke} of"
                f" {total} gates.",
            )
        )
    if gallery.missing:
        title = f"Images that the run directory does not hold: {len(gallery.missing)}"
        notices.append(Notice("warning", title, tuple(gallery.missing)))
    if tally.flaky:
        title = f"Failed at first and rerun: {len(tally.flaky)}"
        notices.append(Notice("warning", title, tuple(tally.flaky)))
    return notices


def revived(run: Run) -> Run:
    """Return the run with the numbers inside its gates as floats: JSON holds ``"NaN"`` as text."""
    gates = tuple(
        replace(
            record,
            gate=replace(
                record.gate,
                region=_floats(record.gate.region),
                snapshot=_floats(record.gate.snapshot),
            ),
        )
        for record in run.gates
    )
    return replace(run, gates=gates)


def _floats(value: Any) -> Any:
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    if isinstance(value, Mapping):
        return {key: _floats(item) for key, item in value.items()}
    return [_floats(item) for item in value] if isinstance(value, (list, tuple)) else value
