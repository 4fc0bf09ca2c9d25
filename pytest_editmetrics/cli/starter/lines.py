"""The lines of a project's files, whatever these hold."""

from __future__ import annotations

from pathlib import Path

_LARGEST = 1_000_000  # bytes of a file that is looked into


def lines_of(path: Path) -> list[str]:
    """Return a file's lines; none of one that is not there or too large."""
    try:
        if path.stat().st_size > _LARGEST:
            return []
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def code_of(path: Path) -> list[str]:
    """Return a file's lines without what ``#`` begins, see ``lines_of``."""
    return [line.partition("#")[0] for line in lines_of(path)]
