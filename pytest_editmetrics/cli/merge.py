"""``editmetrics merge``: joins the run directories of a CI matrix."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import RUN
from pytest_editmetrics.cli.lines import note, say, say_all
from pytest_editmetrics.errors import InputError, counted

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
        help="take runs that were cut off; the joined one is marked incomplete",
    )
    parser.add_argument(
        "--shards",
        metavar="N",
        type=int,
        help="refuse to join fewer or more runs than the matrix has, or two that ran the same test;"
        " goldens of tests that no shard has are named, and fail where the shards ran strict",
    )
    parser.set_defaults(run=_merge)


def _merge(args: argparse.Namespace) -> int:
    from pytest_editmetrics.report.summary import summary_lines
    from pytest_editmetrics.report.unheld import obsolete_texts
    from pytest_editmetrics.saved_runs.merge import merge_runs

    given = len({folder.resolve() for folder in args.folders})
    if args.shards is not None and args.shards != given:
        raise InputError(
            f"not merged: {counted(given, 'run was', 'runs were')} given, --shards says"
            f" {args.shards}; a shard is missing, or one too many is there"
        )
    merged = merge_runs(
        args.folders,
        args.output,
        allow_incomplete=args.allow_incomplete,
        whole=args.shards is not None,
        say=note,
    )
    say_all(summary_lines(merged.tally))
    obsolete = obsolete_texts(merged.unheld)
    failed = merged.unheld is not None and merged.unheld.strict and bool(obsolete)
    for text in obsolete:
        say_all([f"FAILED: {text}" if failed else text, *text.entries])
    say(f"merged {counted(len(args.folders), 'run')}: {args.output}")
    return int(failed)
