"""Where a failing check was called: its test may be told so where it could not raise."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_editmetrics.gates.verdict import Gate

_NOT_THE_PROJECTS = (Path(__file__).parents[1], Path(threading.__file__).parent)
"""This package, and the standard library."""


class Callers:
    """Knows the lines that called the failing checks of one attempt of a test."""

    def __init__(self) -> None:
        self._found: dict[tuple[str | None, str], str] = {}

    def note(self, gate: Gate, item: pytest.Item) -> None:
        """Take note of who is calling, if the gate that is made fails."""
        if gate.failing and (caller := caller_of(item)):
            self._found[gate.set_up, gate.label] = caller

    def of(self, gates: Iterable[Gate]) -> str:
        """Return who called the checks of these gates: with their names where they are several."""
        found: dict[str, list[str]] = {}
        for gate in gates:
            found.setdefault(self._found.get((gate.set_up, gate.label), ""), []).append(gate.label)
        if len(found) == 1:
            return next(iter(found))
        named = (f"{', '.join(of)}: {caller}" for caller, of in found.items() if caller)
        return "; ".join(named)


def caller_of(item: pytest.Item) -> str:
    """Return ``file:line`` of the test's file, else of another of the project, else the thread.

    Nothing in the main thread: there is no call but ours.
    """
    frame: FrameType | None = sys._getframe(1)
    of_project = ""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        shown = _shown(path, item.config.rootpath)
        if path == item.path:
            return f"{shown or path}:{frame.f_lineno}"
        if shown and not of_project:
            of_project = f"{shown}:{frame.f_lineno}"
        frame = frame.f_back
    if of_project or threading.current_thread() is threading.main_thread():
        return of_project
    return f"by the thread {threading.current_thread().name!r} itself, from no line of the project"


def _shown(path: Path, root: Path) -> str:
    """Return a file of the project as it is shown, empty for any other."""
    if not path.is_relative_to(root) or any(map(path.is_relative_to, _NOT_THE_PROJECTS)):
        return ""
    shown = path.relative_to(root)
    return "" if "site-packages" in shown.parts else shown.as_posix()
