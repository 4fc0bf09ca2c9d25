"""``editmetrics merge``: joins the run directories of a CI matrix."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import RUN
from pytest_editmetrics.cli.lines import note, say, say_all
from pytest_editmetrics.errors import InputError, counted
from pytest_editmetrics.whole_file import real_path

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add ``merge``."""
    parser = commands.add_parser(
        "merge",
        help="join the run directories of a CI matrix",
        description="Join the run directories of a CI matrix into one.",
        epilog="example: editmetrics merge shard-1 shard-2 -o all --shards 2",
    )
    parser.add_argument("folders", metavar="DIR", type=Path, nargs="+", help=RUN)
    parser.add_argument(
        "-o", dest="output", metavar="DIR", type=Path, required=True, help="the joined one"
    )
    parser.add_argument(
        "--allow-incomplete",
        action="store_true",
        help="exit status 0 though a run was cut off, or a shard is missing or holds no results;"
        " the joined one is marked incomplete either way",
    )
    parser.add_argument(
        "--shards",
        metavar="N",
        type=int,
        help="how many runs the matrix has: fewer fail, more are refused, and so are two that ran"
        " the same test; tests that none of them ran fail; goldens of tests that no shard has are"
        " named, and fail where the shards ran strict",
    )
    parser.set_defaults(run=_merge)


def _merge(args: argparse.Namespace) -> int:
    from pytest_editmetrics.report.listed import headed, listed_failures
    from pytest_editmetrics.report.next_steps import verdict_lines
    from pytest_editmetrics.report.summary import summary_lines
    from pytest_editmetrics.report.unheld import failing_texts, obsolete_texts, passed_by_texts
    from pytest_editmetrics.saved_runs.merge import merge_runs

    given = len({real_path(folder) for folder in args.folders})
    missing = 0 if args.shards is None else args.shards - given
    if missing < 0:
        raise InputError(
            f"not merged: {counted(given, 'run was', 'runs were')} given, --shards says"
            f" {args.shards}; one too many is there"
        )
    merged = merge_runs(
        args.folders,
        args.output,
        whole=args.shards is not None,
        missing=missing,
        say=note,
    )
    say_all(summary_lines(merged.tally))
    say_all([line.text for line in verdict_lines(merged.tally)])
    say_all(listed_failures("failed otherwise", merged.failed))
    for problem in map(headed, merged.problems):
        say_all([f"problem of the session {problem}", *problem.entries])
    failing = failing_texts(merged.unheld)
    for text in obsolete_texts(merged.unheld):
        say_all([f"FAILED: {text}" if text in failing else text, *text.entries])
    for text in passed_by_texts(merged.unheld):
        say_all([text, *text.entries])
    failed = bool(failing)
    if merged.lacks:
        allowed = args.allow_incomplete
        broken = any(test.when == "collect" for test in merged.failed)
        then = f"{'mend what cannot be collected, and ' if broken else ''}run what is missing again"
        note(
            f"{'incomplete' if allowed else 'FAILED'}: {merged.lacks}, so tests are missing from"
            f" {args.output}, which is marked incomplete; {then}"
            f"{'' if allowed else ' (--allow-incomplete passes)'}"
        )
        failed = failed or not allowed
    say(f"merged {counted(merged.runs, 'run')}: {args.output}")
    return int(failed)
