"""``editmetrics prune``: removes the golden images that no test uses any more."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.lines import say

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add ``prune``."""
    parser = commands.add_parser(
        "prune",
        help="remove the golden images that a run of the whole suite did not use",
        description="Remove the golden images that a run of the whole suite found obsolete: list"
        " them, and with --yes remove them. A partial or interrupted run is refused.",
        epilog="example: editmetrics prune run --yes",
    )
    parser.add_argument(
        "run_path",
        metavar="RUN",
        help="a run directory (--editmetrics-run-dir) or results file (--editmetrics-results)",
    )
    parser.add_argument(
        "--rootdir",
        metavar="DIR",
        default=".",
        help="pytest's rootdir, which the run's files are relative to (default: here)",
    )
    parser.add_argument("--yes", action="store_true", help="remove what is listed")
    parser.set_defaults(run=_prune)


def _prune(args: argparse.Namespace) -> int:
    from pathlib import Path

    from pytest_editmetrics.errors import InputError
    from pytest_editmetrics.runs.folder import read_run
    from pytest_editmetrics.runs.obsolete import listed_obsolete, prune

    rootdir = Path(args.rootdir)
    if not rootdir.is_dir():
        raise InputError(f"--rootdir {rootdir}: there is no such folder")
    images = listed_obsolete(read_run(Path(args.run_path)), rootdir)
    for image in images:
        say(f"{image.file}: {image.reason}")
    if not images:
        say("nothing to remove: every golden image is used")
    elif not args.yes:
        say(f"{len(images)} to remove; nothing was removed yet, give --yes")
    else:
        say(f"removed {len(prune(images, rootdir))}")
    return 0
