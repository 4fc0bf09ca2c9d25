"""How what is not ours is printed: a test's id, a path, a message of a run may come from anywhere.

It can neither steer a terminal nor give a command to the service that reads a job's log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from pytest_editmetrics.errors import printable


def printable_lines(text: str) -> Iterator[str]:
    r"""Give the lines of a text of ours, each printable; all but the first are indented.

    >>> list(printable_lines("cannot be read:\n::error::x"))
    ['cannot be read:', '  \\x3a:error::x']
    """
    first, *rest = text.split("\n")
    yield printable(first)
    for line in rest:
        yield printable(line if line[:1] == " " else f"  {line}")


def printing(write: Callable[..., None]) -> Callable[..., None]:
    r"""Return what writes a text of ours by ``write``, which takes a line and options, printable.

    >>> printing(print)("two\n::error::lines")
    two
      \x3a:error::lines
    """

    def printed(text: str, **options: Any) -> None:
        for line in printable_lines(text):
            write(line, **options)

    return printed


def printable_json(value: Any, indent: int | None = 2) -> str:
    r"""Return a value as JSON in lines, whose texts give no command.

    >>> print(printable_json(["##[error]\x1b\x7f"]))
    [
      "#\u0023[error]\u001b\u007f"
    ]
    """
    text = json.dumps(value, indent=indent).replace("\x7f", "\\u007f")
    return re.sub(r"(?<=#)#(?=\w*\[)", r"\\u0023", text)
