"""Whether a project has tests of edits already, as its files tell; none of them is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from pytest_editmetrics.cli.starter.lines import code_of
from pytest_editmetrics.goldens.file_names import files_below
from pytest_editmetrics.session.asked import USES_A_GATE
from pytest_editmetrics.session.unread import is_case_file
from pytest_editmetrics.whole_file import real_path

_BUILT = {"build", "dist", "venv"}


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
        for path in _files(real_path(place), folder):
            if is_case_file(path):
                return path, "holds cases"
            if any(fnmatch(path.name, pattern.rpartition("/")[2]) for pattern in names):
                used = next(filter(None, map(USES_A_GATE.search, code_of(path))), None)
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
    for path in files_below(start):
        if _BUILT.isdisjoint(path.relative_to(start).parts[:-1]):
            yield path
