"""``editmetrics report``: writes the HTML report of a run directory."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import add_folder
from pytest_editmetrics.cli.lines import note, say

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add ``report``."""
    parser = commands.add_parser(
        "report",
        help="write the HTML report of a run directory",
        description="Write the HTML report of a run directory; nothing is measured.",
        epilog="example: editmetrics report run -o report.html --earlier run-of-main",
    )
    add_folder(parser)
    parser.add_argument(
        "-o",
        dest="output",
        metavar="PATH",
        type=Path,
        help="one file if it ends in .html, else a folder (default: DIR/report.html)",
    )
    parser.add_argument(
        "--earlier",
        metavar="DIR",
        type=Path,
        help="an earlier run, whose images that passed stand beside this one's",
    )
    parser.set_defaults(run=_report)


def _report(args: argparse.Namespace) -> int:
    from pytest_editmetrics.report.html import write_html
    from pytest_editmetrics.runs.folder import REPORT, read_run

    run = read_run(args.folder)
    output = args.output or run.path / REPORT
    earlier = None if args.earlier is None else read_run(args.earlier)
    write_html(run, output, say=note, earlier=earlier)
    say(f"report: {output}")
    return 0
