"""What a report shows of an error of this package: the line that called it, not our own."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.session.unread import is_case_file

_PACKAGE = __name__.partition(".")[0]
_LIBRARY = Path(sysconfig.get_path("stdlib"))


def show_collecting(collector: pytest.Collector, report: pytest.CollectReport) -> None:
    """Show of an error of this package only the lines of the test file that could not be read."""
    excinfo = report.call.excinfo if hasattr(report, "call") else None
    if excinfo is None or not isinstance(excinfo.value, EditMetricsError):
        return
    if not collector.config.getoption("fulltrace", False):
        shown = collector.repr_failure(as_called(excinfo))
        if not isinstance(shown, str):
            report.longrepr = shown


def as_called(excinfo: pytest.ExceptionInfo[Any]) -> pytest.ExceptionInfo[Any]:
    """Return an error of this package as one of the line that called it.

    What the package did in between says nothing of what is wrong. An error that nothing outside
    pytest called for, as of a gate whose exception was caught, stays as it is.
    """
    error: BaseException = excinfo.value
    if not isinstance(error, EditMetricsError):
        return excinfo
    steps = outside(error)
    if not steps:
        return excinfo
    seen = None
    for step in reversed(steps):
        seen = TracebackType(seen, step.tb_frame, step.tb_lasti, step.tb_lineno)
    error.__suppress_context__ = (context := _handled(error)) is None
    if context is not None and error.__cause__ is None:
        error.__context__ = context
    if error.__cause__ is not None:
        error.__cause__ = _without_ours(error.__cause__)
    return pytest.ExceptionInfo.from_exception(error.with_traceback(seen))


def _handled(error: BaseException) -> BaseException | None:
    """Return the error that the test was handling as it called, ``None`` if it was none."""
    context = error.__context__
    while context is not None and (
        context.__traceback__ is None or _is_inside(context.__traceback__)
    ):
        context = context.__context__
    return context


def _without_ours(cause: BaseException) -> BaseException | None:
    """Return an error from the first step that is not of this package, ``None`` if there is none.

    What is raised inside is what the error that it causes says in words.
    """
    step = cause.__traceback__
    while step is not None and _is_inside(step):
        step = step.tb_next
    return None if step is None else cause.with_traceback(step)


def outside(error: BaseException) -> list[TracebackType]:
    """Return the steps to the line that called this package, none if pytest itself did."""
    steps: list[TracebackType] = []
    step = error.__traceback__
    while step is not None:
        steps.append(step)
        step = step.tb_next
    while steps and _is_inside(steps[-1]):
        steps.pop()
    return [] if steps and _module(steps[-1]) in ("_pytest", "pluggy") else steps


def _is_inside(step: TracebackType) -> bool:
    """Tell whether a step is of this package, or of Python's library below it.

    The line of a YAML case is the user's, and so is a folder of theirs called ``profile``.
    """
    file = step.tb_frame.f_code.co_filename
    if _module(step) == _PACKAGE:
        return not is_case_file(Path(file))
    if _module(step) not in sys.stdlib_module_names:
        return False
    path = Path(file)
    return file.startswith("<frozen") or (
        path.is_relative_to(_LIBRARY) and "site-packages" not in path.parts
    )


def _module(step: TracebackType) -> str:
    return str(step.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
