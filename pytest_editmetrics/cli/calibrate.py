"""``editmetrics calibrate``: proposes golden thresholds from repeated runs, and writes them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import add_expression, add_rootdir
from pytest_editmetrics.cli.lines import say, say_all
from pytest_editmetrics.whole_file import real_path

if TYPE_CHECKING:
    from pytest_editmetrics.calibration.values import Calibration
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.session.state import EditSession
    from pytest_editmetrics.suites.pairs import Bound


def add(commands: Commands) -> None:
    """Add ``calibrate``."""
    parser = commands.add_parser(
        "calibrate",
        help="propose thresholds from repeated runs: other seeds, other machines",
        description="Propose for each gate the bound inside which a stated share of all runs lies,"
        " from runs that were repeated with other seeds or on other machines. Nothing is written"
        " without --write; bounds that a test or a case states never are.",
        epilog="example: editmetrics calibrate seeds/1 seeds/2 seeds/3 seeds/4 seeds/5",
    )
    parser.add_argument(
        "folders",
        metavar="RESULTS",
        nargs="+",
        help="a run directory, or a results file, which keeps no images to try faults on; at least"
        " two",
    )
    parser.add_argument(
        "--coverage",
        metavar="SHARE",
        type=float,
        default=0.99,
        help="the share of all runs that lie inside the bound (default: 0.99)",
    )
    parser.add_argument(
        "--confidence",
        metavar="SHARE",
        type=float,
        default=0.95,
        help="how sure that is: the share of calibrations that keep it (default: 0.95)",
    )
    parser.add_argument(
        "--min-margin",
        metavar="METRIC:MARGIN",
        action="append",
        default=[],
        help="the smallest distance of METRIC's bounds from the median, a share of it (lpips:5%%)"
        " or an amount (emd:0.5); repeat for more metrics (default: the metric's margin)",
    )
    parser.add_argument(
        "--allow-other-devices",
        action="store_true",
        help="take the values of devices that share a golden together",
    )
    parser.add_argument(
        "--allow-two-groups",
        action="store_true",
        help="propose one bound for values that fall in two groups, which has a cause",
    )
    add_expression(parser)
    parser.add_argument(
        "--no-selftest",
        dest="selftest",
        action="store_false",
        help="do not put faults into the kept images to see whether a proposal notices them",
    )
    parser.add_argument("--write", action="store_true", help="write the proposals as goldens")
    add_rootdir(parser)
    parser.set_defaults(run=_calibrate)


def _calibrate(args: argparse.Namespace) -> int:
    from pytest_editmetrics.calibration.blindness import tested_bounds
    from pytest_editmetrics.calibration.proposals import calibrate
    from pytest_editmetrics.calibration.text import calibration_lines, run_lines
    from pytest_editmetrics.calibration.tolerance import check_shares
    from pytest_editmetrics.calibration.values import Demand
    from pytest_editmetrics.errors import InputError
    from pytest_editmetrics.runs.folder import read_run
    from pytest_editmetrics.saved_runs.project import in_project

    check_shares(args.coverage, args.confidence)
    margins = _margins(args.min_margin)
    demand = Demand(
        args.coverage,
        args.confidence,
        margins,
        args.allow_other_devices,
        args.allow_two_groups,
    )
    resolved = {real_path(Path(folder)): folder for folder in args.folders}
    if len(resolved) < len(args.folders):
        raise InputError("a run is given twice; give each run once")
    runs = {folder: read_run(Path(folder)) for folder in args.folders}

    def work(session: EditSession) -> int:
        found = calibrate(session, runs, demand, args.expression)
        found, untested = tested_bounds(session, runs, found, faults=args.selftest)
        say_all((*run_lines(runs, found), *calibration_lines(found), *untested))
        return _finish(session, found, write=args.write)

    return in_project(work, args.rootdir)


def _margins(texts: list[str]) -> dict[str, Bound]:
    from pytest_editmetrics.errors import InputError
    from pytest_editmetrics.suites.pairs import parse_bound

    margins: dict[str, Bound] = {}
    for text in texts:
        bound = parse_bound(text, "--min-margin")
        if bound.metric in margins:
            raise InputError(f"--min-margin names {bound.metric} twice; give one margin a metric")
        margins[bound.metric] = bound
    return margins


def _finish(session: EditSession, found: Calibration, *, write: bool) -> int:
    from pytest_editmetrics.config.reader import shown_path
    from pytest_editmetrics.errors import EditMetricsError, counted
    from pytest_editmetrics.goldens.recording import write_proposals

    proposals = found.proposals
    left = len(found.gates) + len(found.without_value) - len(proposals)
    warned = sum(gate.proposal is not None and bool(gate.warnings) for gate in found.gates)
    proposed = counted(len(proposals), "proposal")
    counts = f"{proposed}, {warned} with warnings; {left} left"
    if not proposals:
        say(f"{counts}: nothing to write")
        return 1
    if not write:
        say(f"{counts}; nothing was written, give --write")
        return 0
    written, failed = write_proposals(proposals, session.registry, session.rootdir)
    say(counts)
    for path in written:
        say(f"wrote {shown_path(path, session.rootdir)}; review the change and commit it")
    if failed:
        raise EditMetricsError("\n".join(failed.values()))
    if not written:
        say("every golden states its proposal already")
    return 0
