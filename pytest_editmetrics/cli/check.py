"""``editmetrics check``: are the YAML files of a project right?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import add_rootdir
from pytest_editmetrics.cli.lines import note, note_error, say
from pytest_editmetrics.errors import ConfigError, counted

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.session.state import EditSession


def add(commands: Commands) -> None:
    """Add ``check``."""
    parser = commands.add_parser(
        "check",
        help="read the YAML files of a project as a run would, and measure nothing",
        description="Read configuration, cases, golden thresholds and provenance as a run would,"
        " and tell every mistake with file and line; nothing is measured, and of images only"
        " whether golden ones are the files that were recorded. Golden thresholds that state no"
        " bound are named. It knows the pipes and metrics that the project's conftest registers."
        " Exit status 1: a file cannot be used, or there is none.",
        epilog="example: editmetrics check editmetrics.yaml tests/goldens",
    )
    parser.add_argument(
        "files",
        metavar="FILE",
        type=Path,
        nargs="*",
        help="a file, or a folder with all below it (default: the project's root)",
    )
    add_rootdir(parser)
    parser.set_defaults(run=_check)


def _check(args: argparse.Namespace) -> int:
    from pytest_editmetrics.saved_runs.project import in_project

    def work(session: EditSession) -> int:
        from pytest_editmetrics.session.project_files import NAMES, check_file, written_files

        given = [path.absolute() for path in args.files] or [session.rootdir]
        files = dict.fromkeys(
            file for path in given for file in (written_files(path) if path.is_dir() else (path,))
        )
        if not files:
            note(f"FAILED: there is no file to check; read are {NAMES}")
            return 1
        wrong = 0
        for file in files:
            try:
                for told in check_file(file, session):
                    note(told)
            except ConfigError as error:
                wrong += 1
                note_error(error)
        if wrong:
            note(f"FAILED: {wrong} of {counted(len(files), 'file')} cannot be used")
            return 1
        say(f"{counted(len(files), 'file is', 'files are')} right")
        return 0

    return in_project(work, args.rootdir)
