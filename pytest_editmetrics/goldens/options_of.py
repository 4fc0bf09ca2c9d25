"""What the files of pytest's options name, in one version of a project."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from pytest_editmetrics.goldens.file_names import files_below

Say = Callable[[str], None]


class Options(NamedTuple):
    """Files of pytest's options: what they are called, and what a folder's name: the configuration,
    and the folder of goldens."""

    files: Collection[str]
    configuration: Callable[[Path], Path | None]
    goldens: Callable[[Path], str | None]


def configurations(top: Path, shown: str, options: Options, say: Say) -> dict[Path, Path]:
    """Return the configurations that pytest's options name, by the folder of the options."""
    found = {}
    for folder in {path.parent: None for path in _below(top, options)}:
        path = options.configuration(folder)
        if path is None:
            continue
        named = os.path.relpath(path, top)
        inside = named.split(os.sep)[0] != os.pardir
        if inside and path.is_file():
            found[folder] = top / named
        else:
            where = os.path.relpath(folder, top)
            why = "is no .yaml file there" if inside else "lies outside of what is compared"
            say(
                f"{shown}: the options of pytest in {where} name the configuration {named},"
                f" which {why}: its default thresholds are not compared"
            )
    return found


def golden_folders(top: Path, options: Options) -> dict[str, str]:
    """Return the folders of goldens that pytest's options name, by the folder of the options."""
    folders = {path.parent: options.goldens(path.parent) for path in _below(top, options)}
    return {path.relative_to(top).as_posix(): folder for path, folder in folders.items() if folder}


def _below(top: Path, options: Options) -> Iterator[Path]:
    return (path for path in files_below(top) if path.name in options.files)
