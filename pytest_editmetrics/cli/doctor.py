"""``editmetrics doctor``: is this machine's model what it should be, and what would a run see?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import add_config, add_json, add_rootdir
from pytest_editmetrics.cli.lines import say_all, say_json

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.session.state import EditSession


def add(commands: Commands) -> None:
    """Add ``doctor``."""
    parser = commands.add_parser(
        "doctor",
        help="check each model against the library it comes from, and what a run would see",
        description="Load each model that the configuration names both ways, here and by"
        " transformers, segment-anything or lpips, and compare tokens, masks and scores on two"
        " public-domain photos; and say what a run would see of versions, device, folders,"
        " configuration, goldens and environment. Exit status 1: a model differs by more than"
        " the documentation of this command allows, cannot be checked, is missing or damaged, or a"
        " run would fail.",
        epilog="example: editmetrics doctor",
    )
    add_json(parser, "a screen of text, for a bug report")
    add_config(parser)
    add_rootdir(parser)
    parser.set_defaults(run=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    from pytest_editmetrics.saved_runs.project import in_project

    def work(session: EditSession) -> int:
        from pytest_editmetrics.report.doctor import as_json, screen
        from pytest_editmetrics.session.surroundings import examined

        around, checkups, foreign = examined(session)
        if args.json:
            say_json(as_json(around, checkups, foreign))
        else:
            say_all(screen(around, checkups, foreign))
        well = not around.problems and all(one.well for one in checkups)
        return 0 if well else 1

    return in_project(work, args.rootdir, args.config)
