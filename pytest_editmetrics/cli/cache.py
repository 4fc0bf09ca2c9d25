"""``editmetrics cache``: what features and pictures take on disk, and how to get rid of them."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.lines import say
from pytest_editmetrics.errors import counted
from pytest_editmetrics.weights.kept import pictures_folder

if TYPE_CHECKING:
    from pytest_editmetrics.cache.folder import CacheFolder
    from pytest_editmetrics.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add ``cache info``, ``cache prune`` and ``cache clear``."""
    parser = commands.add_parser(
        "cache",
        help="show, prune or clear the features that runs keep on disk",
        description="Show, prune or clear the features that runs keep on disk. Removing them is"
        " always safe: they are computed again. Pictures of failing gates that lie here, where"
        " pytest has no cache of its own, are shown and removed too, the oldest first.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    info = actions.add_parser(
        "info",
        help="print the folder, its files and their size",
        epilog="example: editmetrics cache info",
    )
    info.set_defaults(run=_info)
    prune = actions.add_parser(
        "prune",
        help="remove the least recently used down to a size",
        epilog="example: editmetrics cache prune --size 500MB",
    )
    prune.add_argument("--size", metavar="SIZE", required=True, help="such as 500MB or 2GB")
    prune.set_defaults(run=_prune)
    clear = actions.add_parser(
        "clear",
        help="remove all of them",
        epilog="example: editmetrics cache clear",
    )
    clear.set_defaults(run=_clear)
    for action in (info, prune, clear):
        action.add_argument(
            "--dir",
            metavar="DIR",
            help="the folder, as in --editmetrics-cache-dir (default: the user's)",
        )


def _info(args: argparse.Namespace) -> int:
    _print(_folder(args))
    if not args.dir and (pictures := _pictures()):
        nbytes = sum(path.stat().st_size for path in pictures)
        number = counted(len(pictures), "picture", "pictures")
        say(f"{pictures_folder()}: {number} of failing gates, {nbytes / 1e6:.1f} MB")
    return 0


def _prune(args: argparse.Namespace) -> int:
    from pytest_editmetrics.session.options import parse_size

    return _remove(args, parse_size(args.size))


def _clear(args: argparse.Namespace) -> int:
    return _remove(args, 0)


def _remove(args: argparse.Namespace, bound: int) -> int:
    from pytest_editmetrics.errors import EditMetricsError

    folder = _folder(args)
    before = folder.info().files
    try:
        after = folder.prune(bound).files
    except OSError as error:
        raise EditMetricsError(f"{folder.path}: cannot be pruned: {error}") from error
    say(f"removed {before - after}")
    _print(folder)
    if not args.dir and (removed := _remove_pictures(bound)):
        say(f"removed {counted(removed, 'picture', 'pictures')}")
    return 0


def _remove_pictures(bound: int) -> int:
    """Remove the oldest pictures until the rest take no more than ``bound``; return how many."""
    removed = nbytes = 0
    for path in sorted(_pictures(), key=lambda path: path.stat().st_mtime, reverse=True):
        nbytes += path.stat().st_size
        if nbytes > bound:
            path.unlink(missing_ok=True)
            removed += 1
            with suppress(OSError):  # another picture is in it
                path.parent.rmdir()
    return removed


def _folder(args: argparse.Namespace) -> CacheFolder:
    from pytest_editmetrics.cache.folder import CacheFolder
    from pytest_editmetrics.weights.kept import features_folder

    return CacheFolder(Path(args.dir) if args.dir else features_folder(), 0)


def _pictures() -> list[Path]:
    return [path for path in pictures_folder().rglob("*") if path.is_file()]


def _print(folder: CacheFolder) -> None:
    found = folder.info()
    say(f"{found.path}: {found.files} features, {found.nbytes / 1e6:.1f} MB")
