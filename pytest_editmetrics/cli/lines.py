"""What the subcommands print: lines in which nothing can steer the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def say(line: str) -> None:
    """Print a line; what could steer the terminal is escaped, since a run may come from anywhere.

    >>> say("red\x1b[31m")
    red\\x1b[31m
    """
    print(_printable(line))


def say_all(lines: Iterable[str]) -> None:
    """Print lines as ``say`` does."""
    for line in lines:
        say(line)


def note(line: str) -> None:
    """Print a line to stderr, escaped as ``say`` does."""
    print(_printable(line), file=sys.stderr, flush=True)


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
