"""``editmetrics audit``: what became of the thresholds between two versions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.lines import note, say_all

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add ``audit``."""
    parser = commands.add_parser(
        "audit",
        help="which thresholds were loosened, tightened, added or dropped between two versions",
        description="Compare the golden thresholds, the default thresholds, the golden images and"
        " the edit areas of YAML cases of two versions of a project. Each is a git revision, or the"
        " path of a file or folder; a path wins over a revision of the same name. Beside a path a"
        " revision is read at the same place.",
        epilog="example: editmetrics audit main HEAD --markdown",
    )
    what = "a git revision, a folder or a golden file"
    parser.add_argument("base", metavar="BASE", help=f"{what}: what to compare with")
    parser.add_argument("head", metavar="HEAD", help=f"{what}: what is judged")
    parser.add_argument(
        "--markdown", action="store_true", help="print Markdown, for a pull request's comment"
    )
    parser.add_argument(
        "--fail-on-loosening",
        action="store_true",
        help="exit status 1 if a threshold was loosened or dropped, a golden image dropped, put"
        " there by hand or held by fewer comparators, goldens looked for elsewhere, or a golden"
        " measured on less than half of what it was",
    )
    parser.set_defaults(run=_audit)


def _audit(args: argparse.Namespace) -> int:
    from pytest_editmetrics.goldens.audit import audit
    from pytest_editmetrics.goldens.options_of import Options
    from pytest_editmetrics.goldens.versions import read_pair, versions
    from pytest_editmetrics.report.audit import audit_lines, audit_markdown
    from pytest_editmetrics.session.written_options import (
        OPTION_FILES,
        named_configuration,
        named_goldens,
    )

    options = Options(OPTION_FILES, named_configuration, named_goldens)
    with versions(args.base, args.head, Path.cwd(), note, options) as (base, head):
        found = audit(read_pair(base, head))
    say_all(audit_markdown(found).splitlines() if args.markdown else audit_lines(found))
    if args.fail_on_loosening and found.loosening:
        note(f"FAILED: {found.loosening} of the changes let more through")
        return 1
    return 0
