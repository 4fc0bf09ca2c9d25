"""The subcommand ``selftest``: which faults would the gates of a saved run let through?"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.cli.arguments import add_config, add_expression, add_json, add_rootdir
from pytest_editmetrics.cli.lines import say_all, say_json
from pytest_editmetrics.errors import InputError, counted

if TYPE_CHECKING:
    from pytest_editmetrics.checks.image_job import ImageJob
    from pytest_editmetrics.checks.judge import Job
    from pytest_editmetrics.checks.selftest import Noticed
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.images.load import Array
    from pytest_editmetrics.runs.folder import GateRecord, Run
    from pytest_editmetrics.session.state import EditSession


def add(commands: Commands) -> None:
    """Add ``selftest``."""
    parser = commands.add_parser(
        "selftest",
        help="put faults into the images of a run and tell which its thresholds let through",
        description="Put faults of known strength into each edited image of a run, judge its gates"
        " again and tell from which strength each fault is noticed, and which are let through. Exit"
        " status 1 if a case notices none, or a gate cannot be judged.",
        epilog="example: editmetrics selftest run --exclude 'test_upscale: no bound is meant to"
        " hold'",
    )
    parser.add_argument(
        "run_path", metavar="RUN", help="a run directory (pytest --editmetrics-run-dir=DIR)"
    )
    add_expression(parser)
    parser.add_argument(
        "--exclude",
        metavar="'EXPR: REASON'",
        action="append",
        default=[],
        help="leave out gates that EXPR, as for -k, matches, and state why; may be repeated",
    )
    add_config(parser)
    add_rootdir(parser)
    add_json(parser)
    parser.set_defaults(run=_selftest)


def _selftest(args: argparse.Namespace) -> int:
    from pytest_editmetrics.runs.folder import read_run
    from pytest_editmetrics.saved_runs.project import in_project

    run = read_run(Path(args.run_path))

    def work(session: EditSession) -> int:
        cases, excluded = _cases(run, args.expression, args.exclude)
        narrowed = _narrowed(run, cases)
        images = _GoldenImages(run, excluded)
        found = dict(_noticed(session, run, cases, images, configured=args.config is not None))
        if args.json:
            plain = [
                {"case": case, **_plain(noticed), "narrowed": narrowed.get(case)}
                for case, noticed in found.items()
            ]
            say_json({"faults": _faults(), "cases": plain, "excluded": excluded})
        else:
            say_all(_lines(found, narrowed, excluded))
        tried = [noticed for noticed in found.values() if noticed.why is None]
        wrong = any(noticed.blind or noticed.broken for noticed in found.values())
        return int(not tried or wrong)

    return in_project(work, args.rootdir, args.config)


def _cases(
    run: Run, expression: str | None, excludes: Sequence[str]
) -> tuple[dict[str, list[GateRecord]], dict[str, str]]:
    """Return the gates of each case, and why cases are left out.

    Raises:
        InputError: an exclusion without a reason, or an expression that matches nothing.
        EditMetricsError: there is no gate to test.
    """
    from pytest_editmetrics.errors import EditMetricsError
    from pytest_editmetrics.saved_runs.approve import matching, selected

    chosen = [record for record in selected([run], expression) if _tested(record)]
    if not chosen:
        raise EditMetricsError(f"{run.shown}: there is no gate to test")
    excluded: dict[str, str] = {}
    for text in excludes:
        out, reason = _exclusion(text)
        found = matching(chosen, out)
        if not found:
            raise InputError(f"--exclude {text!r} matches none of {counted(len(chosen), 'gate')}")
        for record in found:
            excluded[f"{record.nodeid} {record.gate.label}"] = reason
        chosen = [record for record in chosen if record not in found]
    cases: dict[str, list[GateRecord]] = {}
    for record in chosen:
        cases.setdefault(_case(record), []).append(record)
    return cases, excluded


def _case(record: GateRecord) -> str:
    """Return what a gate is tested with: the others of its pair, or of its golden image."""
    name = "" if record.gate.name is None else f"@{record.gate.name}"
    image = " golden_image" if _of_image(record) else ""
    return f"{record.nodeid}{image}{name}"


def _of_image(record: GateRecord) -> bool:
    from pytest_editmetrics.measurement import GOLDEN_IMAGE

    return record.gate.metric.startswith(GOLDEN_IMAGE)


def _narrowed(run: Run, cases: Mapping[str, Sequence[GateRecord]]) -> dict[str, str]:
    """Return which gates alone were chosen of the cases that have more."""
    whole = Counter(_case(record) for record in run.gates if _tested(record))
    return {
        case: f"by {', '.join(one.gate.metric for one in records)} alone, of {whole[case]} gates"
        for case, records in cases.items()
        if len(records) < whole[case]
    }


def _tested(record: GateRecord) -> bool:
    return record.final and record.gate.compares != "gates"


def _exclusion(text: str) -> tuple[str, str]:
    expression, colon, reason = text.partition(": ")
    if not colon or not expression.strip() or not reason.strip():
        raise InputError(f"--exclude {text!r} states no reason; give 'EXPR: REASON'")
    return expression.strip(), reason.strip()


class _GoldenImages:
    """The gates of a run's golden images: chosen or not, they hold what lies in the edit area.

    None of those that were excluded.
    """

    def __init__(self, run: Run, excluded: Mapping[str, str]):
        cases: dict[str, list[GateRecord]] = {}
        for record in filter(_tested, run.gates):
            if _of_image(record) and f"{record.nodeid} {record.gate.label}" not in excluded:
                cases.setdefault(_case(record), []).append(record)
        self._by_test: dict[str, list[list[GateRecord]]] = {}
        self._by_picture: dict[str, list[list[GateRecord]]] = {}
        for records in cases.values():
            self._by_test.setdefault(records[0].nodeid, []).append(records)
            self._by_picture.setdefault(_picture(records[0]), []).append(records)

    def of_test(self, nodeid: str) -> list[list[GateRecord]]:
        """Return those of a test."""
        return self._by_test.get(nodeid, [])

    def of_others(self, record: GateRecord) -> list[list[GateRecord]]:
        """Return those of other tests that compared the very picture that a gate measured."""
        found = self._by_picture.get(_picture(record), [])
        return [records for records in found if records[0].nodeid != record.nodeid]


def _picture(record: GateRecord) -> str:
    """Return the file of the run that holds a gate's edited image: its content names it."""
    return str(record.gate.images.get("edited"))


def _noticed(
    session: EditSession,
    run: Run,
    cases: Mapping[str, list[GateRecord]],
    images: _GoldenImages,
    *,
    configured: bool,
) -> Iterator[tuple[str, Noticed]]:
    from pytest_editmetrics.checks.selftest import Noticed, selftest, selftest_image
    from pytest_editmetrics.errors import EditMetricsError, ImageError, RegionError
    from pytest_editmetrics.progress import track
    from pytest_editmetrics.saved_runs.score import image_job_of, job_of

    for case, records in track(list(cases.items()), "selftest"):
        try:
            if _of_image(records[0]):
                job = image_job_of(session, run, records, configured)
                yield case, selftest_image(session, job, [record.gate for record in records])
                continue
            jobs = [job_of(session, run, record, configured) for record in records]
        except EditMetricsError as error:
            broken = isinstance(error, (ImageError, RegionError))
            yield case, Noticed(why=str(error), broken=broken)
            continue
        gates = [record.gate for record in records]
        own = _edit_of(jobs[0])
        other = None if own is None else _other_edit(session, run, case, own, configured)
        of_test = images.of_test(records[0].nodeid)
        beside = [job for _, job in _image_jobs(session, run, of_test, configured)]
        of_others = _image_jobs(session, run, images.of_others(records[0]), configured)
        yield case, selftest(session, jobs, gates, other, beside, of_others)


def _image_jobs(
    session: EditSession, run: Run, images: Iterable[list[GateRecord]], configured: bool
) -> Iterator[tuple[str, ImageJob]]:
    """Yield what compares golden images that hold, each with its test's id.

    That is all but those that cannot be compared.
    """
    from pytest_editmetrics.errors import EditMetricsError
    from pytest_editmetrics.saved_runs.score import image_job_of

    for records in images:
        gates = [record.gate for record in records]
        if any(gate.failing or gate.verdict == "recorded" for gate in gates):
            continue
        try:
            yield records[0].nodeid, image_job_of(session, run, records, configured)
        except EditMetricsError:  # its own case says so
            continue


def _edit_of(job: Job) -> Array | None:
    """Return what the edit area of a case holds, ``None`` if it has none."""
    inside = job.pair.inside
    if not inside.any():
        return None
    rows, columns = (inside.any(axis=axis).nonzero()[0] for axis in (1, 0))
    return job.pair.edited[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _other_edit(
    session: EditSession, run: Run, case: str, own: Array, configured: bool
) -> Array | None:
    """Return the edit of the next case of the run that has another, ``None`` if none has."""
    import numpy as np

    from pytest_editmetrics.errors import EditMetricsError
    from pytest_editmetrics.saved_runs.score import job_of

    firsts = {
        _case(record): record for record in run.gates if _tested(record) and not _of_image(record)
    }
    names = list(firsts)
    at = names.index(case)
    for name in names[at + 1 :] + names[:at]:
        try:
            other = _edit_of(job_of(session, run, firsts[name], configured))
        except EditMetricsError:  # its own case says so
            continue
        if other is not None and not np.array_equal(other, own):
            return other
    return None


def _faults() -> dict[str, dict[str, Any]]:
    from pytest_editmetrics.background.faults import FAULTS

    return {
        name: {
            "text": fault.text,
            "strengths": list(fault.strengths),
            "unit": fault.unit,
            "seen_by": fault.seen_by,
        }
        for faults in FAULTS.values()
        for name, fault in faults.items()
    }


def _plain(noticed: Noticed) -> dict[str, Any]:
    return {**vars(noticed), "blind": noticed.blind}


def _lines(
    found: Mapping[str, Noticed], narrowed: Mapping[str, str], excluded: Mapping[str, str]
) -> Iterator[str]:
    for case, noticed in found.items():
        if noticed.why is not None:
            yield f"{case}: not tried: {noticed.why}"
            continue
        blind = "BLIND, " if noticed.blind else ""
        only = f" {narrowed[case]}" if case in narrowed else ""
        tried = counted(noticed.tried, "fault")
        yield f"{case}: {blind}{len(noticed.caught)} of {tried} noticed{only}"
        if noticed.caught:
            yield f"    notices      {', '.join(noticed.caught_from)}"
        for name, held in noticed.held.items():
            by = "; ".join(f"{', '.join(metrics)} of {test}" for test, metrics in held.items())
            yield f"    held         {name}, by {by}"
        for name in noticed.let_through:
            yield f"    let through  {_let_through(name)}"
    for what, reason in excluded.items():
        yield f"{what}: excluded: {reason}"
    if broken := sum(noticed.broken for noticed in found.values()):
        cases = counted(len(found), "case has", "cases have")
        yield f"FAILED: {broken} of {cases} a gate that could not be judged"
    tried_cases = [noticed for noticed in found.values() if noticed.why is None]
    if not tried_cases:
        yield "FAILED: no case could be tried, so this proves nothing"
        return
    yield ""
    yield f"{'fault':<17}  noticed  let through"
    for name in _faults():
        caught = sum(name in {*noticed.caught, *noticed.held} for noticed in tried_cases)
        missed = sum(name in noticed.let_through for noticed in tried_cases)
        if caught or missed:
            yield f"{name:<17}  {caught:>7}  {missed:>11}"
    yield from _wrong_edits(found)
    if blind_cases := sum(noticed.blind for noticed in tried_cases):
        cases = counted(len(tried_cases), "case notices", "cases notice")
        yield f"FAILED: {blind_cases} of {cases} no fault at all"


def _wrong_edits(found: Mapping[str, Noticed]) -> Iterator[str]:
    """Yield how many cases let a wrong edit through: no count of what was noticed says it."""
    from pytest_editmetrics.background.faults import FAULTS
    from pytest_editmetrics.checks.selftest import SELFTEST_PAGE

    tried = [
        noticed
        for noticed in found.values()
        if FAULTS["wrong"].keys() & {*noticed.caught, *noticed.held, *noticed.let_through}
    ]
    if through := sum(bool(noticed.wrong_edits) for noticed in tried):
        cases = counted(len(tried), "case lets", "cases let")
        yield (
            f"{through} of {cases} a wrong edit inside the edit area through: a golden image"
            f" (golden_image.check) holds what lies there; see {SELFTEST_PAGE}"
        )


def _let_through(name: str) -> str:
    """Return a fault that is let through, however strong, in words, and what would notice it."""
    from pytest_editmetrics.background.faults import FAULTS

    fault = next(faults[name] for faults in FAULTS.values() if name in faults)
    strongest = fault.named(fault.strengths[-1])
    said = f"{name}, even {strongest}" if strongest else name
    return f"{said} (seen by {fault.seen_by})" if fault.seen_by else said
