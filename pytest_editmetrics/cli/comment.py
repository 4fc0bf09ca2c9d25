"""``editmetrics comment``: a run as a comment on a merge request."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.lines import say

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add ``comment``."""
    from pytest_editmetrics.cli.arguments import RUN_OR_RESULTS

    parser = commands.add_parser(
        "comment",
        help="write a run as the Markdown of a comment on a merge request",
        description="Print the comment: what fails, changed and is new, the worst first, with its"
        " causes. It takes at most 60,000 bytes, and its first line holds a mark by which a job"
        " finds the comment it wrote before. The exit status is 0 whatever the run came to.",
        epilog="example: editmetrics comment run --base main-run --url https://example.org/report",
    )
    parser.add_argument("run_dir", metavar="RUN", type=Path, help=RUN_OR_RESULTS)
    parser.add_argument(
        "--base", metavar="RUN", type=Path, help=f"{RUN_OR_RESULTS}: what to compare with"
    )
    parser.add_argument("--url", metavar="URL", help="where the report lies, to link to it")
    parser.add_argument(
        "--mark",
        metavar="NAME",
        default="edits",
        help="the mark, for a request with several such comments (default: edits)",
    )
    parser.set_defaults(run=_comment)


def _comment(args: argparse.Namespace) -> int:
    from pytest_editmetrics.report.comment import comment
    from pytest_editmetrics.runs.folder import read_run
    from pytest_editmetrics.suites.compare import compare_runs

    run = read_run(args.run_dir)
    base = None
    if args.base is not None:
        base = compare_runs(read_run(args.base), run, [], allow_other_weights=True)
    for line in comment(run, base, mark=args.mark, url=args.url).splitlines():
        say(line)
    return 0
