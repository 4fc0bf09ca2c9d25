"""The subcommands that work on run directories: report, merge, approve."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import InputError

if TYPE_CHECKING:
    from pytest_editmetrics.report.tally import Tally
    from pytest_editmetrics.session.state import EditSession

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_RUN = "run directory (pytest --editmetrics-run-dir=DIR)"
_ROOTDIR = "the project's root (default: what pytest finds from here)"


def add_report(commands: Commands) -> None:
    """Add ``report``."""
    parser = commands.add_parser(
        "report",
        help="write the HTML report of a run directory",
        description="Write the HTML report of a run directory; nothing is measured.",
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help=_RUN)
    parser.add_argument(
        "-o",
        dest="output",
        metavar="PATH",
        type=Path,
        help="one file if it ends in .html, else a folder (default: DIR/report.html)",
    )
    parser.set_defaults(run=_report)


def _report(args: argparse.Namespace) -> int:
    from pytest_editmetrics.report.html import write_html
    from pytest_editmetrics.runs.folder import REPORT, read_run

    run = read_run(args.folder)
    output = args.output or run.path / REPORT
    write_html(run, output, say=note)
    print(f"report: {output}")
    return 0


def add_merge(commands: Commands) -> None:
    """Add ``merge``."""
    parser = commands.add_parser(
        "merge",
        help="join the run directories of a CI matrix",
        description="Join the run directories of a CI matrix into one.",
    )
    parser.add_argument("folders", metavar="DIR", type=Path, nargs="+", help=_RUN)
    parser.add_argument(
        "-o", dest="output", metavar="DIR", type=Path, required=True, help="the joined one"
    )
    parser.add_argument(
        "--allow-incomplete",
        action="store_true",
        help="take runs that were cut off; the joined one is marked incomplete",
    )
    parser.add_argument(
        "--shards",
        metavar="N",
        type=int,
        help="refuse to join fewer or more runs than the matrix has",
    )
    parser.set_defaults(run=_merge)


def _merge(args: argparse.Namespace) -> int:
    from pytest_editmetrics.saved_runs.merge import merge_runs

    given = len({folder.resolve() for folder in args.folders})
    if args.shards is not None and args.shards != given:
        raise InputError(
            f"not merged: {given} runs were given, --shards says {args.shards}; a shard is missing,"
            " or one too many is there"
        )
    tally = merge_runs(args.folders, args.output, allow_incomplete=args.allow_incomplete, say=note)
    _print_summary(tally)
    print(f"merged {len(args.folders)} runs: {args.output}")
    return 0


def add_approve(commands: Commands) -> None:
    """Add ``approve``."""
    parser = commands.add_parser(
        "approve",
        help="accept what a run measured: write its goldens, without running the model",
        description=(
            "Write golden thresholds and golden images for the failing gates of a run, also of one"
            " downloaded from CI. Bounds that a test or a case states are never written."
        ),
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help=_RUN)
    parser.add_argument(
        "-k",
        dest="expression",
        metavar="EXPR",
        help="only gates whose test id and metric match, as with pytest -k; or one whole test id",
    )
    parser.add_argument("--rootdir", metavar="DIR", help=_ROOTDIR)
    parser.set_defaults(run=_approve)


def _approve(args: argparse.Namespace) -> int:
    from pytest_editmetrics.runs.folder import read_run
    from pytest_editmetrics.saved_runs.approve import approve
    from pytest_editmetrics.saved_runs.project import in_project

    run = read_run(args.folder)

    def work(session: EditSession) -> int:
        if not run.complete:
            note(f"{args.folder} was cut off; only what finished can be approved")
        if not approve(session, run, args.expression, say):
            print("nothing to approve")
        return 0

    return in_project(work, args.rootdir)


def _print_summary(tally: Tally) -> None:
    from pytest_editmetrics.report.summary import summary_lines

    for line in summary_lines(tally):
        say(line)


def say(line: str) -> None:
    """Print a line; what could steer the terminal is escaped, since a run may come from anywhere.

    >>> say("red\x1b[31m")
    red\\x1b[31m
    """
    print(_printable(line))


def note(line: str) -> None:
    """Print a line to stderr, escaped as ``say`` does."""
    print(_printable(line), file=sys.stderr, flush=True)


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
