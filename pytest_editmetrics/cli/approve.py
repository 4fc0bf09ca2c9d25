"""``editmetrics approve``: writes the goldens of a run, without running the model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import add_expression, add_folder, add_rootdir
from pytest_editmetrics.cli.lines import note, say, say_all

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.runs.folder import Run
    from pytest_editmetrics.session.state import EditSession


def add(commands: Commands) -> None:
    """Add ``approve``."""
    parser = commands.add_parser(
        "approve",
        help="accept what a run measured: write its goldens, without running the model",
        description=(
            "Write golden thresholds and golden images for the failing gates of a run, also of one"
            " downloaded from CI. Bounds that a test or a case states are never written, nor cases"
            " that were refused or put off in `editmetrics review`; those of a test that is"
            " expected to fail (xfail) only by -k with its whole id."
        ),
        epilog="example: editmetrics approve run -k test_portrait",
    )
    add_folder(parser)
    add_expression(parser)
    parser.add_argument("--missing", action="store_true", help="only gates that have no golden yet")
    parser.add_argument(
        "--reason",
        metavar="TEXT",
        help="why, for a reviewer: written into the goldens, and printed by `editmetrics audit`",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="write nothing; show what would change, as a diff"
    )
    add_rootdir(parser)
    parser.set_defaults(run=_approve)


def _approve(args: argparse.Namespace) -> int:
    from pytest_editmetrics.report.failure import listed_errors
    from pytest_editmetrics.report.listed import listed_failures
    from pytest_editmetrics.report.tally import tally_of
    from pytest_editmetrics.runs.folder import read_run
    from pytest_editmetrics.saved_runs.acceptance import to_accept
    from pytest_editmetrics.saved_runs.approve import approve
    from pytest_editmetrics.saved_runs.project import in_project

    run = read_run(args.folder)

    def work(session: EditSession) -> int:
        if not run.complete:
            cut = f"lacks tests ({run.lacks})" if run.lacks else "was cut off"
            note(f"{args.folder} {cut}; only what finished can be approved")
        found = approve(
            session,
            run,
            args.expression,
            say,
            missing=args.missing,
            reason=args.reason,
            dry_run=args.dry_run,
        )
        if found:
            say_all(_renamed(session, run))
        notable = tally_of(run.gates, ()).notable
        errors = [(of, gate) for of, gate in notable if gate.verdict == "error"]
        unjudged = [(of, gate) for of, gate in errors if not to_accept(gate)]
        say_all(listed_errors("gates that could not be judged, which no golden mends", unjudged))
        say_all(listed_failures("other failures of the run, which no golden mends", run.failed))
        if not found:
            say("nothing to approve")
        elif args.dry_run:
            say("nothing was written; leave --dry-run out to write it")
        return 0

    return in_project(work, args.rootdir)


def _renamed(session: EditSession, run: Run) -> list[str]:
    """Return which goldens that still lie there may be those of renamed tests of the run."""
    from dataclasses import replace

    from pytest_editmetrics.report.listed import listed
    from pytest_editmetrics.report.unheld import obsolete_texts
    from pytest_editmetrics.runs.unheld import obsolete_of

    unheld = obsolete_of(run)
    if unheld is None or not unheld.renamed:
        return []
    meant, root, goldens = unheld.of_part(), session.rootdir, session.goldens
    asked = [(one, {goldens.test_file_of(root / one.file): [one.test]}) for one in meant.entries]
    entries = tuple(one for one, its in asked if not any(goldens.without_entry(its).values()))
    images = tuple(one for one in meant.images if (root / one.file).is_file())
    texts = obsolete_texts(replace(meant, entries=entries, images=images))
    title = (
        "goldens that renamed or moved tests of the run may have left; what was written under a new"
        " name is not held to them: compare it, or take it back and do what is said of each"
    )
    return listed(title, [line.strip() for text in texts for line in text.entries])
