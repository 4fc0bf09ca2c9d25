"""``editmetrics compare``: what moved between two runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import RUN_OR_RESULTS, add_json
from pytest_editmetrics.cli.lines import say_all, say_json
from pytest_editmetrics.errors import InputError

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.config.suite import SuiteSettings
    from pytest_editmetrics.session.state import EditSession
    from pytest_editmetrics.suites.gate import SuiteGate


def add(commands: Commands) -> None:
    """Add ``compare``."""
    parser = commands.add_parser(
        "compare",
        help="what moved between two runs, gate by gate; fails beyond a bound",
        description="Pair the gates of two runs by test, metric and name, and tell what moved."
        " Exit status 1: beyond a bound, nothing to compare, or other weights; 2: a bound that"
        " cannot be read or that no change can exceed, or the same run twice.",
        epilog="example: editmetrics compare base.jsonl head.jsonl --fail lpips:5%",
    )
    parser.add_argument(
        "base", metavar="BASE_RESULTS", help=f"{RUN_OR_RESULTS}: what to compare with"
    )
    parser.add_argument("head", metavar="HEAD_RESULTS", help=f"{RUN_OR_RESULTS}: what is judged")
    parser.add_argument(
        "--fail",
        metavar="METRIC:BOUND",
        action="append",
        default=[],
        help="fail if a gate of METRIC is worse by more than BOUND, a share of the base (lpips:5%%)"
        " or an amount (emd:0.5), fails where it did not, or is not measured any more; repeat for"
        " more metrics",
    )
    parser.add_argument(
        "--suite",
        metavar="CONFIG",
        help="hold the head to the suite section of this configuration file too, with BASE_RESULTS"
        " as its base, whatever base it names: for shards that were merged",
    )
    parser.add_argument(
        "--allow-other-weights",
        action="store_true",
        help="compare gates that were measured with other weights than in the base",
    )
    add_json(parser)
    parser.set_defaults(run=_compare)


def _compare(args: argparse.Namespace) -> int:
    if args.suite is None:
        return _compared(args)
    from pytest_editmetrics.saved_runs.project import in_project

    def work(session: EditSession) -> int:
        if session.suite is None:
            raise InputError(f"--suite: {args.suite} has no suite section")
        return _compared(args, session.suite)

    return in_project(work, config=args.suite)


def _compared(args: argparse.Namespace, suite: SuiteSettings | None = None) -> int:
    from pytest_editmetrics.report.comparison import comparison_json, comparison_lines
    from pytest_editmetrics.runs.folder import is_same, read_run
    from pytest_editmetrics.suites.compare import compare_runs
    from pytest_editmetrics.suites.pairs import parse_bound

    bounds, allow = [parse_bound(text) for text in args.fail], args.allow_other_weights
    base, head = read_run(Path(args.base)), read_run(Path(args.head))
    if is_same(base, head):
        raise InputError(
            f"{args.base} and {args.head} hold the same run, so nothing of it can have moved; give"
            " the run to compare with first, then the one that is judged"
        )
    found = compare_runs(base, head, bounds, allow_other_weights=allow)
    gates: list[SuiteGate] = []
    if suite is not None:
        from pytest_editmetrics.suites.judge import judge_suite, side_of

        sides = [side_of(r, suite.metrics, name) for r, name in ((head, "head"), (base, "base"))]
        gates = judge_suite(suite, *sides, allow_other_weights=allow)
    if args.json:
        say_json(comparison_json(found, base, head, gates))
    else:
        say_all(comparison_lines(found, base, head, gates))
    return 1 if found.failures or any(gate.verdict == "fail" for gate in gates) else 0
