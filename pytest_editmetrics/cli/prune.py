"""``editmetrics prune``: removes the golden images that no test uses any more."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import add_rootdir
from pytest_editmetrics.cli.lines import note, say

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.session.state import EditSession


def add(commands: Commands) -> None:
    """Add ``prune``."""
    parser = commands.add_parser(
        "prune",
        help="remove the golden images that a run of the whole suite did not use",
        description="Remove the golden images that a run of the whole suite found obsolete: list"
        " them, and with --yes remove them. What a test without a golden image looks for, in"
        " another file or under another name, or makes, is left. A partial or interrupted run is"
        " refused; all shards, merged with --shards, are a whole one.",
        epilog="example: editmetrics prune run --yes",
    )
    parser.add_argument(
        "run_path",
        metavar="RUN",
        help="a run directory (--editmetrics-run-dir) or results file (--editmetrics-results)",
    )
    add_rootdir(parser)
    parser.add_argument("--yes", action="store_true", help="remove what is listed")
    parser.set_defaults(run=_prune)


def _prune(args: argparse.Namespace) -> int:
    from pathlib import Path

    from pytest_editmetrics.runs.folder import read_run
    from pytest_editmetrics.runs.unheld import told_by
    from pytest_editmetrics.saved_runs.project import in_project

    run = read_run(Path(args.run_path))

    def work(session: EditSession) -> int:
        from pytest_editmetrics.errors import counted
        from pytest_editmetrics.goldens.git_files import commit_here
        from pytest_editmetrics.goldens.leftovers import remove_stale
        from pytest_editmetrics.runs.obsolete import (
            commit_of,
            listed_obsolete,
            prune,
        )

        listed, others = listed_obsolete(run, session.rootdir)
        told = told_by(run)

        def has_image(file: str, test: str) -> bool:
            folder = session.golden_file(session.rootdir / file).with_suffix("")
            entries = session.goldens.provenance(folder).values()
            return any(entry.get("test") == test for entry in entries)

        why = told.uncertain(has_image) if told and any(one.of_gone for one in listed) else ""
        unsure = [one for one in listed if why and one.removable and one.of_gone]
        images = [one for one in listed if one.removable and one not in unsure]
        wanted = [f"{one.file}: {one.reason}" for one in listed if one.wanted]
        kept = sum(image.keep for image in listed)
        if images or wanted or unsure:
            commit = commit_of(run)
            at = "" if commit is None else f", at commit {commit[:12]}"
            say(f"in the run {run.shown}, started {run.session.get('started')}{at}:")
            here = commit_here(session.rootdir)
            if None not in (commit, here) and commit != here:
                note(
                    f"the run is of another commit than this checkout, {str(here)[:12]}, which may"
                    " have tests that compare with what is listed"
                )
        for image in images:
            say(f"{image.file}: {image.reason}")
        if others:
            where = session.rootdir
            which = counted(others, "golden image")
            say(f"left: {which} that the run lists, and that {where} holds no more as then")
        for one in unsure:
            say(f"left: {one.file}: {one.reason}")
        if unsure:
            which = counted(len(unsure), "golden image")
            say(
                f"left: {which} of tests that are gone, or that have another name now: {why}, so it"
                " may be a test's that was renamed or moved; prune a run of the whole suite in"
                " which each such test compares its own, or delete what is of none by hand"
            )
        for line in wanted:
            say(f"left: {line}")
        if wanted:
            which = counted(len(wanted), "golden image")
            say(
                f"left: {which} that tests without one may mean: move or rename what is meant; if"
                " nothing is, record theirs and run the whole suite again"
            )
        if kept:
            which = counted(kept, "golden image")
            say(
                f"left: {which} of test files that are there and gave no test in the run, since"
                " other machines may have their tests; if none has, delete what it lists by hand"
            )
        if not listed and not others and told is not None and told.asked:
            say(
                "nothing to remove in the files that the run was asked for; it tells of no others:"
                " prune a run of the whole suite"
            )
        elif not listed and not others:
            say("nothing to remove: the run found no golden image that its tests do not use")
        elif not images:
            say("nothing to remove")
        elif not args.yes:
            say(f"{len(images)} to remove; nothing was removed yet, give --yes")
        else:
            say(f"removed {len(prune(images, session.rootdir))}")
        if args.yes:
            files = {record.nodeid.partition("::")[0] for record in run.gates}
            if stale := remove_stale(session.golden_folders(files)):
                left = counted(stale, "unfinished golden", "unfinished goldens")
                say(f"removed {left} of sessions that were killed")
        return 0

    return in_project(work, args.rootdir)
