"""``editmetrics weights``: list, locate, fetch and verify model weights."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.arguments import add_json
from pytest_editmetrics.cli.lines import note, note_error, say, say_json, say_path
from pytest_editmetrics.errors import EditMetricsError, InputError

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.weights.status import WeightsStatus

_NAMES = (
    "sam:vit_b, sam:vit_l, sam:vit_h, lpips:vgg, lpips:squeeze; or clip:, dino: or sam2: and a hub"
    " id, such as clip:openai/clip-vit-base-patch32, clip:google/siglip2-base-patch16-224,"
    " dino:facebook/dinov2-base or sam2:facebook/sam2.1-hiera-tiny; a branch, tag or commit of a"
    " hub model stands after @ (clip:acme/clip@v2)"
)


def add(commands: Commands) -> None:
    """Add ``weights list``, ``path``, ``fetch`` and ``verify``."""
    parser = commands.add_parser(
        "weights",
        help="list, locate, fetch and verify model weights",
        description="List, locate, fetch and verify model weights. A test run never downloads any.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser(
        "list",
        help="what is on this machine, hashes checked, and the command for what is not",
        description="List every model the catalogue knows; what is here is checked by its hash.",
        epilog="example: editmetrics weights list",
    )
    add_json(listing, "a table")
    listing.set_defaults(run=_list)

    path = actions.add_parser(
        "path",
        help="print where weights lie; exit status 1 if they are missing or damaged",
        description="Print where weights lie, and nothing else; exit status 1 if they do not.",
        epilog="example: editmetrics weights path sam:vit_b",
    )
    path.add_argument("name", metavar="NAME", help=_NAMES)
    path.set_defaults(run=_path)

    fetching = actions.add_parser(
        "fetch",
        help="download weights once, checked by their hash",
        description="Download weights once, checked by their hash; does nothing if they are here."
        " An interrupted download goes on where it stopped.",
        epilog="example: editmetrics weights fetch clip:openai/clip-vit-base-patch32 sam:vit_b",
    )
    fetching.add_argument("names", metavar="NAME", nargs="+", help=_NAMES)
    fetching.add_argument(
        "--mirror",
        metavar="URL",
        help="fetch from here: a folder with the published files, or another hub for hub models"
        " (default: EDITMETRICS_MIRROR for files, HF_ENDPOINT for hub models, else the publisher)",
    )
    fetching.set_defaults(run=_fetch)

    verifying = actions.add_parser(
        "verify",
        help="hash weights again; exit status 1 if any are damaged",
        description="Read weights whole and compare their hashes with the published ones, whatever"
        " is remembered of them. Exit status 1: some are damaged, or named and missing.",
        epilog="example: editmetrics weights verify",
    )
    verifying.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help=f"{_NAMES} (default: every model of the catalogue that is on this machine)",
    )
    add_json(verifying, "a table")
    verifying.set_defaults(run=_verify)


def _list(args: argparse.Namespace) -> int:
    from pytest_editmetrics.weights.catalog import known_names
    from pytest_editmetrics.weights.status import status

    rows = [status(name) for name in known_names()]
    if args.json:
        say_json([asdict(row) for row in rows])
        return 0
    _print_table(
        [(row.name, f"{row.size_text:>7}", row.state, row.path or row.command) for row in rows]
    )
    for row in rows:
        if row.state == "damaged":
            note(f"{row.name} is damaged: {row.problem}")
    return 0


def _path(args: argparse.Namespace) -> int:
    from pytest_editmetrics.weights.catalog import split_revision
    from pytest_editmetrics.weights.find import find

    say_path(find(*split_revision(args.name)).path)
    return 0


def _fetch(args: argparse.Namespace) -> int:
    from pytest_editmetrics.weights.catalog import split_revision
    from pytest_editmetrics.weights.fetch import fetch

    _check_names(args.names)
    failed = 0
    for name in args.names:
        try:
            found = fetch(*split_revision(name), mirror=args.mirror, say=note)
        except InputError:
            raise
        except EditMetricsError as error:
            note_error(error)
            failed += 1
        else:
            say(f"{name}: {found.path}")
    return 1 if failed else 0


def _verify(args: argparse.Namespace) -> int:
    from pytest_editmetrics.weights.status import verify

    _check_names(args.names)
    rows = verify(args.names)
    bad = [row for row in rows if row.problem is not None]
    if args.json:
        say_json([asdict(row) for row in rows])
    else:
        _print_table([(row.name, _verdict(row), row.sha256 or row.command) for row in rows])
        for row in bad:
            note(f"{row.name}: {row.problem}")
    return 1 if bad else 0


def _verdict(row: WeightsStatus) -> str:
    return row.state if row.problem is not None else "OK"


def _check_names(names: Sequence[str]) -> None:
    from pytest_editmetrics.weights.catalog import check_name, split_revision

    for name in names:
        check_name(split_revision(name)[0])


def _print_table(lines: Sequence[tuple[str | None, ...]]) -> None:
    columns = list(zip(*lines, strict=True))[:-1]
    widths = [max(len(text or "") for text in column) for column in columns]
    for *texts, last in lines:
        padded = [f"{text or '':<{width}}" for text, width in zip(texts, widths, strict=True)]
        say("  ".join([*padded, last or ""]))
