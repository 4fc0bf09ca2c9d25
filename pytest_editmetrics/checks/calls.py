"""What every check of a test shares: its name, the line it stands on, its failure, its picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import EditMetricsError, GateFailure, InputError

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.session.state import EditSession

_PACKAGE = str(Path(__file__).parent)


def check_name(name: str | None) -> None:
    """Raise ``InputError`` for a name that cannot be part of a golden's address."""
    if name is None:
        return
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or "@" in name:
        raise InputError(
            f"name={name!r} cannot be part of a golden's address: give a printable text without '@'"
        )


def call_site(test_file: Path, rootdir: Path) -> str:
    """Return ``file:line`` of the call in the test's file, else of the caller of this package."""
    frame: FrameType | None = sys._getframe(1)
    callers: list[tuple[Path, int]] = []
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            callers.append((Path(frame.f_code.co_filename), frame.f_lineno))
        frame = frame.f_back
    path, line = next((caller for caller in callers if caller[0] == test_file), callers[0])
    return f"{_relative(path, rootdir)}:{line}"


def raise_failures(gates: Sequence[Gate], nodeid: str) -> None:
    """Raise one error or failure that holds every gate of a check, if one of them fails."""
    __tracebackhide__ = True
    if not any(gate.failing for gate in gates):
        return
    from pytest_editmetrics.report.text import failure_text

    text = failure_text(gates, nodeid)
    if any(gate.verdict == "error" for gate in gates):
        raise EditMetricsError(text)
    raise GateFailure(text)


def illustrated(session: EditSession, gate: Gate, pair: tuple[Any, Any], nodeid: str) -> Gate:
    """Return a failing gate with its picture, which is put into pytest's cache folder."""
    from pytest_editmetrics.report.picture import save_picture

    cache = getattr(session.config, "cache", None)
    if cache is None:
        return gate
    try:
        with session.clock.of("pictures"):
            path = save_picture(pair, gate, nodeid, cache.mkdir("editmetrics"))
    except OSError as error:
        return replace(gate, picture=f"no picture: {error}")
    shown = _relative(path, session.rootdir)
    panels = "reference | edited" if gate.snapshot is None else "golden | image"
    return replace(gate, picture=f"{shown} ({panels} | difference)")


def _relative(path: Path, rootdir: Path) -> Path:
    return path.relative_to(rootdir) if path.is_relative_to(rootdir) else path
