"""Whether a project has tests of edits already, as its files tell; none of them is run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from pytest_editmetrics.cli.starter.lines import code_of

CASES = ("test_*.edit.yaml", "test_*.edit.yml")
_USES = re.compile(
    r"(?<![\w.])(edit_gate|golden_image|assert_(?:unedit|edit|object)_\w+_(?:below|above))(?!\w)"
)
_NO_TESTS = {"node_modules", "venv", "build", "dist", "__pycache__"}


def tests_of_edits(
    folder: Path, places: Sequence[Path], python_files: Sequence[str]
) -> tuple[Path, str] | None:
    """Return the first file that has a test of an edit, and by what that is known.

    Args:
        folder: where the command was typed; nothing outside it is looked at.
        places: where pytest looks for tests; empty: in all of ``folder``.
        python_files: the patterns of pytest's ini file.
    """
    names = ("conftest.py", *python_files)
    for place in places or [folder]:
        for path in _files(place.resolve(), folder):
            if any(fnmatch(path.name, pattern) for pattern in CASES):
                return path, "holds cases"
            if any(fnmatch(path.name, pattern.rpartition("/")[2]) for pattern in names):
                used = next(
                    (found for line in code_of(path) if (found := _USES.search(line))), None
                )
                if used is not None:
                    return path, f"uses {used[1]}"
    return None


def _files(place: Path, folder: Path) -> Iterator[Path]:
    """Give the files of a place inside ``folder``, in a steady order."""
    if place.is_file() and place.is_relative_to(folder):
        yield place
    start = folder if folder.is_relative_to(place) else place
    if not start.is_relative_to(folder):
        return
    for at, folders, files in os.walk(start):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NO_TESTS
            and not name.startswith(".")
            and not os.path.exists(os.path.join(at, name, "pyvenv.cfg"))
        )
        yield from (Path(at, name) for name in sorted(files))
