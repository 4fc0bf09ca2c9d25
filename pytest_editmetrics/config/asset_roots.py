"""Folders beyond pytest's rootdir in which images of cases, and linked goldens, may lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_editmetrics.config.interpolate import Resolver, load_tree
from pytest_editmetrics.config.keys import Key, Kind
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.whole_file import real_path

NAME = "asset_roots"
_SETTINGS = "editmetrics.yaml"


def _read(node: Node, what: str, registry: PipeRegistry) -> tuple[Path, ...]:
    folder = Path() if node.source.path is None else node.source.path.parent
    names = [item.text(f"a folder of {what}") for item in node.items(what)]
    return tuple((folder / name).absolute() for name in names)


KEY = Key(
    NAME,
    Kind(
        "a list of folders, relative to this file",
        _read,
        lambda _: {"type": "array", "items": {"type": "string", "pattern": r"\S"}},
    ),
    "where images of cases and linked goldens may lie besides pytest's rootdir",
    "[../shared_images]",
    call=NAME,
)


@dataclass(frozen=True)
class AssetRoots:
    """Where a project's images and goldens may lie; the configuration is read when it matters.

    Args:
        rootdir: pytest's.
        config: the configuration file, if there is one.
        named: folders that the command line or the ini file names.
    """

    rootdir: Path
    config: Path | None = None
    named: tuple[Path, ...] = ()

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """The folders that are named, there or not.

        Raises:
            ConfigError: the configuration cannot be read, or its folders make no sense.
        """
        if self.config is None or not self.config.is_file():
            return self.named
        tree = load_tree(self.config, self.rootdir)
        node = tree.root.get(NAME)
        if node is None:
            return self.named
        written = KEY.kind.read(Resolver(tree).resolve(node), NAME, PipeRegistry())
        return (*self.named, *written)

    def hold(self, real: Path) -> bool:
        """Tell whether a resolved path lies in one of the folders."""
        return any(real.is_relative_to(real_path(folder)) for folder in self.folders)

    def outside(self, real: Path) -> str:
        """Say where a resolved path does not lie, and what to write so that it may lie there."""
        roots = [f"{shown_path(self.rootdir, None)}, the rootdir"]
        for folder in self.folders:
            gone = "" if folder.is_dir() else " (no such folder)"
            roots.append(f"{os.path.normpath(folder)} of {NAME}{gone}")
        where = self.rootdir if self.config is None else self.config.parent
        try:
            needed = Path(os.path.relpath(real.parent, real_path(where))).as_posix()
        except ValueError:  # another drive of Windows
            needed = real.parent.as_posix()
        file = _SETTINGS if self.config is None else shown_path(self.config, self.rootdir)
        return (
            f"lies outside {' and '.join(roots)}; if it belongs to the project, write"
            f" `{NAME}: [{needed}]` into {file}, or editmetrics_{NAME} into pytest's ini file"
        )


def wider_rootdir(rootdir: Path, path: Path) -> str | None:
    """Return the option that makes pytest's rootdir hold a path too; ``None`` if none would.

    Where several folders are named, pytest takes the first that has an ini file, so that those of
    other packages lie outside.

    >>> wider_rootdir(Path("/repo/pkga"), Path("/repo/pkgb/tests/test_x.py"))
    '--rootdir=/repo'
    """
    try:
        common = Path(os.path.commonpath([rootdir, path]))
    except ValueError:
        return None
    return None if common == Path(common.anchor) else f"--rootdir={common.as_posix()}"
