"""How a process is asked of the one that forks: what pytest's process does, and what a program does.

    python -IS warm_line.py NAME PROGRAM ARGUMENTS...

is the program in a process that has imported already what it needs. It imports little, for its own start.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

NUMBER = 8
"""Bytes of a number on the line."""


def ask(
    name: str, run: list[str] | None, environment: dict[str, str], *files: int
) -> tuple[int, int]:
    """Have a process forked; return its id, and the file from which its status is read at its end.

    ``name`` is that of the process that forks. ``run`` is a program with its arguments, or nothing for
    a worker that execnet tells what to do. ``files`` are what it reads, and where its output and its
    errors go.
    """
    ended, tell = os.pipe()
    request: dict[str, Any] = {"cwd": os.getcwd(), "env": environment, "run": run}
    told = json.dumps(request).encode()
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(f"\0{name}")
        socket.send_fds(line, [len(told).to_bytes(NUMBER, "big")], [*files, tell])
        line.sendall(told)
        os.close(tell)
        return int.from_bytes(received(line, NUMBER), "big"), ended


def received(line: socket.socket, count: int) -> bytes:
    """Return so many bytes.

    Raises:
        EOFError: the other end was closed.
    """
    data = b""
    while len(data) < count:
        more = line.recv(count - len(data))
        if not more:
            raise EOFError("the process that forks others has ended")
        data += more
    return data


def status(ended: int) -> int:
    """Wait for the end of a process; return its exit status, that of a signal as a negative number."""
    with os.fdopen(ended, "rb") as file:
        return os.waitstatus_to_exitcode(int.from_bytes(file.read(NUMBER), "big"))


if __name__ == "__main__":
    sys.exit(status(ask(sys.argv[1], sys.argv[2:], dict(os.environ), 0, 1, 2)[1]) % 256)
