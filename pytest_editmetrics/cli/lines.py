"""What the subcommands print: lines in which nothing can steer the terminal or a job's log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import printable
from pytest_editmetrics.report.printed import printable_json, printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def say(line: str) -> None:
    """Print a line; what could steer anything is escaped, since a run may come from anywhere.

    >>> say("red\x1b[31m")
    red\\x1b[31m
    """
    print(printable(line))


def say_all(lines: Iterable[str]) -> None:
    """Print lines as ``say`` does."""
    for line in lines:
        say(line)


def say_path(path: Path) -> None:
    """Print a path of this machine as it is, for a script."""
    print(path)


def say_json(value: Any, indent: int | None = 2) -> None:
    """Print a value as JSON, escaped as ``say`` does."""
    print(printable_json(value, indent))


def note(line: str) -> None:
    """Print a line to stderr, escaped as ``say`` does."""
    print(printable(line), file=sys.stderr, flush=True)


def note_error(error: object) -> None:
    """Print to stderr what went wrong, which may take several lines."""
    for line in printable_lines(f"editmetrics: error: {error}"):
        print(line, file=sys.stderr, flush=True)
