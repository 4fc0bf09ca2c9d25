"""``editmetrics review``: a run in the browser, where cases are accepted, refused or put off."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import RUN, add_rootdir
from pytest_editmetrics.cli.lines import note, say

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add ``review``."""
    from pytest_editmetrics.saved_runs.review.guard import PORT

    parser = commands.add_parser(
        "review",
        help="look at a run in the browser, accept what is meant, refuse what is not",
        description=(
            "Serve the report of a run, or of the shards of one, on this machine only, with"
            " buttons: each case is accepted, refused with a note, or put off. Golden files are"
            " written when you say so, after you saw their diff. Decisions are kept in the run, as"
            " review.json."
        ),
        epilog="example: editmetrics review run",
    )
    parser.add_argument("folders", metavar="RUN", type=Path, nargs="+", help=RUN)
    add_rootdir(parser)
    parser.add_argument(
        "--read-only",
        action="store_true",
        help="show decisions and take none; needs no project",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=int,
        help=f"where to listen, on 127.0.0.1 (default: {PORT}, or any that is free; 0: any)",
    )
    parser.add_argument(
        "--allow-host",
        metavar="HOST[:PORT]",
        action="append",
        default=[],
        help="another name to answer to, as the browser's address bar has it where a port is"
        " forwarded; may be given several times",
    )
    parser.add_argument(
        "--no-open",
        action="store_true",
        help="open no browser (else one opens, from a terminal)",
    )
    parser.set_defaults(run=_review)


def _review(args: argparse.Namespace) -> int:
    from pytest_editmetrics.saved_runs.review.serving import Asked, review

    def said(line: str) -> None:
        say(line)
        sys.stdout.flush()

    asked = Asked(
        folders=tuple(args.folders),
        rootdir=args.rootdir,
        read_only=args.read_only,
        port=args.port,
        allow_host=tuple(args.allow_host),
        open_browser=not args.no_open and sys.stdout.isatty(),
    )
    return review(asked, said, note)
