"""The view model of the HTML report: what a run says, grouped into cases, failures first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_editmetrics.errors import counted
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.causes import cause_words
from pytest_editmetrics.report.html.case_view import (
    STATUSES,
    CaseView,
    case_view,
    groups_of,
    last_attempts,
)
from pytest_editmetrics.report.html.gate_view import distance_text
from pytest_editmetrics.report.html.pictures import Gallery, earlier_images
from pytest_editmetrics.report.html.suite_view import SuiteView, suite_view
from pytest_editmetrics.report.listed import headed
from pytest_editmetrics.report.metrics import about
from pytest_editmetrics.report.summary import columns_of, without_margin
from pytest_editmetrics.report.tally import Row, Tally, tally_of
from pytest_editmetrics.report.text import update_mode
from pytest_editmetrics.report.unheld import (
    failing_texts,
    failing_words,
    obsolete_texts,
    passed_by_texts,
    told_once,
)
from pytest_editmetrics.runs.failed import failed_alike
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.runs.review import Decision
from pytest_editmetrics.runs.unheld import Unheld, obsolete_of


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
    causes: tuple[tuple[str, int], ...]
    cause_words: Mapping[str, str]
    notices: tuple[Notice, ...]
    suite: SuiteView
    cases: tuple[CaseView, ...]


def build_view(
    run: Run,
    gallery: Gallery,
    approve_from: str | None,
    decisions: Mapping[str, Decision] | None = None,
    earlier: Run | None = None,
) -> ReportView:
    """Return the report of ``run``; its images are entered into ``gallery``.

    ``approve_from`` is the run directory as ``editmetrics approve`` takes it, ``None`` where it is
    not kept. ``decisions`` are what people decided on its cases, by anchor; ``earlier`` is a run
    whose images stand beside this one's.

    Raises:
        EditMetricsError: a record that makes no sense, named by its test and metric, or what the
            run tells of goldens.
    """
    groups = groups_of(run)
    of_test: dict[str, list[Gate]] = {}
    for group in groups:
        gates = [record.gate for record in group.records]
        of_test.setdefault(group.first.nodeid, []).extend(gates)
    modes = {nodeid: update_mode(gates) for nodeid, gates in of_test.items()}
    before = {} if earlier is None else earlier_images(earlier)
    cases = [
        case_view(number, group, gallery, approve_from, modes[group.first.nodeid], before)
        for number, group in enumerate(groups)
    ]
    anchors = {
        (record.nodeid, record.gate.label): case.anchor
        for group, case in zip(groups, cases, strict=True)
        for record in group.records
    }
    if decisions:
        cases = [replace(case, decision=decisions.get(case.anchor)) for case in cases]
    cases.sort(key=lambda case: case.order)
    counts = {status: sum(case.status == status for case in cases) for status in STATUSES}
    tally = _tally(run)
    suite = suite_view(run)
    unheld = obsolete_of(run)
    text, status = _headline(run, cases, counts, suite.failed, unheld)
    return ReportView(
        headline=text,
        status=status,
        facts=tuple(_facts(run)),
        versions=_versions(run),
        counts=counts,
        statuses=tuple(status for status in STATUSES if counts[status]),
        columns=tuple(columns_of(tally.rows())[1:]),
        metrics=tuple(
            sorted((_metric_row(row, anchors) for row in tally.rows()), key=_failing_first)
        ),
        causes=tuple(Counter(case.cause for case in cases if case.cause).most_common()),
        cause_words={case.cause: cause_words(case.cause) for case in cases},
        notices=(*_notices(run, tally, gallery), *_obsolete(run, unheld)),
        suite=suite,
        cases=tuple(cases),
    )


def _facts(run: Run) -> Iterator[str]:
    started = str(run.session.get("started") or "")
    if started:
        yield f"started {started.replace('T', ' ').replace('+00:00', ' UTC')}"
    shards = run.session.get("shards")
    if isinstance(shards, list) and shards:
        yield f"merged from {counted(len(shards), 'run')}"
    manifest = run.session.get("manifest")
    if isinstance(manifest, Mapping):
        yield f"{manifest.get('rows')} pairs of {manifest.get('path')}"


def _versions(run: Run) -> tuple[tuple[str, str], ...]:
    versions = run.session.get("versions")
    if not isinstance(versions, Mapping):
        return ()
    return tuple((str(name), str(version or "not installed")) for name, version in versions.items())


def _tally(run: Run) -> Tally:
    last = last_attempts(run)
    records = [replace(r, final=r.attempt == last[r.nodeid]) for r in run.gates]
    return tally_of(records, run.crashed, run.run_again)


def _failing_first(row: MetricRow) -> bool:
    return not row.counts["failed"] + row.counts["errors"]


def _metric_row(row: Row, anchors: Mapping[tuple[str, str], str]) -> MetricRow:
    counts = {
        "passed": row.passed,
        "review": row.review,
        "failed": row.failed,
        "expected": row.expected,
        "errors": row.errors,
        "unmeasured": row.unmeasured,
        "recorded": row.recorded,
    }
    told = MetricRow(row.metric, about(row.metric), row.gates, counts)
    if row.worst is None:
        return told
    gate, nodeid = row.worst
    text = distance_text(gate) or without_margin(gate)
    anchor = anchors.get((nodeid, gate.label))
    test = nodeid.partition("::")[2] or nodeid
    return replace(told, worst=text, worst_test=test, worst_anchor=anchor)


def _headline(
    run: Run,
    cases: Sequence[CaseView],
    counts: Mapping[str, int],
    suite: int,
    unheld: Unheld | None,
) -> tuple[str, str]:
    number = counted(len(cases), "case")
    others = [counted(len(run.failed), "other failure")] if run.failed else []
    others += [f"{counted(len(run.problems), 'problem')} of the session"] if run.problems else []
    expected = counts["expected"]
    too = f", {expected} failed as expected" if expected else ""
    none_failed = f"{number}, none of which failed{f' but {expected} as expected' * bool(expected)}"
    if not cases and not run.crashed:
        told = ", ".join(["No gate was recorded", *others])
        return told, "failed" if others or run.failed_tests or not run.complete else "unmeasured"
    together = f"{counted(suite, 'suite gate')} failed"
    if counts["failed"] or counts["error"]:
        more = f", and {together}" if suite else ""
        parts = [f"{counts['failed']} of {number} failed"] if counts["failed"] else []
        if counts["error"]:
            of = "" if parts else f" of {number}"
            parts.append(f"{counts['error']}{of} could not be judged")
        return f"{', '.join(parts)}{too}{more}", "failed" if counts["failed"] else "error"
    if not run.complete:
        cut = "not every test ran" if run.lacks else "the run did not finish"
        return f"{number}, and {cut}", "failed"
    if run.crashed:
        return f"{number}, and {counted(len(run.crashed), 'test')} crashed", "failed"
    if suite:
        return f"{together}; {none_failed}", "failed"
    if words := failing_words(unheld):
        return f"{', '.join(words)}; {none_failed}", "failed"
    if others or run.failed_tests:
        told = ", ".join(others) or counted(run.failed_tests, "failed test")
        return f"{told}; {none_failed}", "failed"
    if counts["unmeasured"]:
        return f"{counts['unmeasured']} of {number} could not be measured{too}", "unmeasured"
    if counts["review"]:
        return f"{counts['review']} of {number} for review{too}", "review"
    if expected:
        return f"{expected} of {number} failed as expected", "expected"
    if counts["recorded"]:
        return f"{counts['recorded']} of {number} recorded", "recorded"
    return f"All {number} passed" if len(cases) > 1 else "The case passed", "passed"


def _notices(run: Run, tally: Tally, gallery: Gallery) -> list[Notice]:
    notices = []
    if run.lacks:
        notices.append(Notice("error", f"Not every test ran: {run.lacks}."))
    elif not run.complete:
        notices.append(
            Notice(
                "error",
                "This run was cut off: its results file has no end. Tests may be missing below."
                if not any(test.when == "collect" for test in run.failed)
                else "This run ended before its tests: not every file could be collected.",
            )
        )
    if run.crashed:
        title = f"Crashed, so not measured to the end: {len(run.crashed)}"
        notices.append(Notice("error", title, tuple(run.crashed)))
    if run.failed:
        title = f"Failed otherwise: {len(run.failed)}"
        told = (
            text
            for line, others in failed_alike(run.failed)
            for text in (line, *(f"and {other}" for other in others))
        )
        notices.append(Notice("error", title, tuple(told)))
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
                f" {counted(total, 'gate')}.",
            )
        )
    if gallery.missing:
        title = f"Images that the run directory does not hold: {len(gallery.missing)}"
        notices.append(Notice("warning", title, tuple(gallery.missing)))
    if tally.flaky:
        title = f"Failed at first and rerun: {len(tally.flaky)}"
        notices.append(Notice("warning", title, tuple(tally.flaky)))
    if tally.run_again:
        title = f"Crashed, then run again: {len(tally.run_again)}"
        notices.append(Notice("warning", title, tuple(tally.run_again)))
    return notices


def _obsolete(run: Run, unheld: Unheld | None) -> Iterator[Notice]:
    problems, texts = told_once(map(headed, run.problems), obsolete_texts(unheld), unheld)
    for problem in problems:
        yield Notice("error", problem, tuple(entry.strip() for entry in problem.entries))
    failing = failing_texts(unheld)
    for text in texts:
        level = "error" if text in failing else "warning"
        yield Notice(level, text, tuple(entry.strip() for entry in text.entries))
    for text in passed_by_texts(unheld):
        yield Notice("warning", text, tuple(entry.strip() for entry in text.entries))


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
