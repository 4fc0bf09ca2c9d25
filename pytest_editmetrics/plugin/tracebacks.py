"""What a report shows of an error of this package: the line that called it, not our own."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.session.unread import is_case_file

_INSIDE = {__name__.partition(".")[0], *sys.stdlib_module_names}


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
    error.__suppress_context__ = True
    if error.__cause__ is not None:
        error.__cause__ = _without_ours(error.__cause__)
    return pytest.ExceptionInfo.from_exception(error.with_traceback(seen))


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
    """Tell whether a step is of this package; the line of a YAML case is the user's."""
    return _module(step) in _INSIDE and not is_case_file(Path(step.tb_frame.f_code.co_filename))


def _module(step: TracebackType) -> str:
    return str(step.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
