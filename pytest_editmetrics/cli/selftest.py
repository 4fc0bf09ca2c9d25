"""The subcommand ``selftest``: which faults would the gates of a saved run let through?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.cli.arguments import add_config, add_json, add_rootdir
from pytest_editmetrics.cli.lines import say_all, say_json

if TYPE_CHECKING:
    from pytest_editmetrics.checks.selftest import Noticed
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.runs.folder import GateRecord, Run
    from pytest_editmetrics.session.state import EditSession


def add(commands: Commands) -> None:
    """Add ``selftest``."""
    parser = commands.add_parser(
        "selftest",
        help="put faults into the images of a run and tell which its thresholds let through",
        description="Put faults of known strength into each edited image of a run, judge its gates"
        " again and tell which faults they let through. Exit status 1 if a case notices none,"
        " or a gate gives no verdict.",
        epilog="example: editmetrics selftest run",
    )
    parser.add_argument(
        "run_path", metavar="RUN", help="a run directory (pytest --editmetrics-run-dir=DIR)"
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
        found = dict(_noticed(session, run, configured=args.config is not None))
        if args.json:
            cases = [{"case": case, **_plain(noticed)} for case, noticed in found.items()]
            say_json({"faults": _faults(), "cases": cases})
        else:
            say_all(_lines(found))
        tried = [noticed for noticed in found.values() if noticed.why is None]
        wrong = any(noticed.blind or noticed.broken for noticed in found.values())
        return int(not tried or wrong)

    return in_project(work, args.rootdir, args.config)


def _noticed(session: EditSession, run: Run, *, configured: bool) -> Iterator[tuple[str, Noticed]]:
    from pytest_editmetrics.background.faults import FAULTS
    from pytest_editmetrics.checks.selftest import Noticed, selftest
    from pytest_editmetrics.errors import EditMetricsError, ImageError, RegionError
    from pytest_editmetrics.progress import track
    from pytest_editmetrics.saved_runs.score import job_of

    cases: dict[str, list[GateRecord]] = {}
    for record in run.gates:
        if record.final and record.gate.snapshot is None and record.gate.compares != "gates":
            name = "" if record.gate.name is None else f"@{record.gate.name}"
            cases.setdefault(record.nodeid + name, []).append(record)
    if not cases:
        raise EditMetricsError(f"{run.shown}: there is no gate to test")
    for case, records in track(list(cases.items()), "selftest"):
        try:
            jobs = [job_of(session, run, record, configured) for record in records]
        except EditMetricsError as error:
            broken = isinstance(error, (ImageError, RegionError))
            yield case, Noticed({}, [], list(FAULTS), str(error), broken)
            continue
        yield case, selftest(session, jobs, [record.gate for record in records])


def _faults() -> dict[str, str]:
    from pytest_editmetrics.background.faults import FAULTS

    return {name: fault.text for name, fault in FAULTS.items()}


def _plain(noticed: Noticed) -> dict[str, Any]:
    return {**vars(noticed), "blind": noticed.blind}


def _lines(found: dict[str, Noticed]) -> Iterator[str]:
    for case, noticed in found.items():
        if noticed.why is not None:
            yield f"{case}: not tried: {noticed.why}"
            continue
        blind = "BLIND, " if noticed.blind else ""
        yield f"{case}: {blind}{len(noticed.caught)} of {noticed.tried} faults noticed"
        for fault in noticed.let_through:
            yield f"    let through  {fault}: {_faults()[fault]}"
    if broken := sum(noticed.broken for noticed in found.values()):
        yield f"FAILED: {broken} of {len(found)} cases have a gate that could not be judged"
    tried_cases = [noticed for noticed in found.values() if noticed.why is None]
    if not tried_cases:
        yield "FAILED: no case could be tried, so this proves nothing"
        return
    yield ""
    yield f"{'fault':<12}  noticed  let through"
    for fault in _faults():
        caught = sum(fault in noticed.caught for noticed in tried_cases)
        missed = sum(fault in noticed.let_through for noticed in tried_cases)
        yield f"{fault:<12}  {caught:>7}  {missed:>11}"
    if blind_cases := sum(noticed.blind for noticed in tried_cases):
        yield f"FAILED: {blind_cases} of {len(tried_cases)} cases notice no fault at all"
