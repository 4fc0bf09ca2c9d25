"""How gates change a test's outcome: soft failures to xfail, strictness, what reports carry.

A soft failure is recorded, not raised, and applied when the report is made: a helper that raised at
once would hide the next assertion of the test.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from types import TracebackType
from typing import Any

import pytest

from pytest_editmetrics.errors import EditMetricsError, GateFailure
from pytest_editmetrics.plugin.names import name_report
from pytest_editmetrics.session.identity import id_of
from pytest_editmetrics.session.record import (
    REPORT_KEY,
    Phase,
    TestRecord,
    record_key,
    set_running,
    start_attempt,
)
from pytest_editmetrics.session.state import session_of

_INSIDE = {__name__.partition(".")[0], *sys.stdlib_module_names}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Begin a record for this attempt."""
    with _phase(start_attempt(item), "setup"):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run the call; under strictness its soft failures fail it, so that an xfail mark applies."""
    record = item.stash[record_key]
    with _phase(record, "call"):
        result = yield
        _enforce_failures(record, "setup", "call")
        _enforce_strict(record, "setup", "call")
        _enforce_review(record, "setup", "call")
        _enforce_marker(record)
        if not record.wanted.late:
            _enforce_measured(record)
        return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run the teardown, whose fixtures may measure too."""
    record = item.stash.get(record_key, None) or start_attempt(item)
    with _phase(record, "teardown"):
        result = yield
        _enforce_failures(record, "teardown")
        _enforce_strict(record, "teardown")
        _enforce_review(record, "teardown")
        if record.wanted.late and record.call_passed:
            _enforce_measured(record)
        return result


class _phase:
    """Marks which phase of which test is running."""

    def __init__(self, record: TestRecord, phase: Phase):
        self.record, self.phase = record, phase

    def __enter__(self) -> None:
        self.record.phase, self.record.running = self.phase, True
        set_running(self.record)

    def __exit__(self, *exc: object) -> None:
        self.record.running = False
        set_running(None)


def _enforce_failures(record: TestRecord, *phases: Phase) -> None:
    """Fail a test whose gate failed where it could not raise: in a thread, or caught."""
    failing = record.failing(*phases)
    if not failing:
        return
    from pytest_editmetrics.report.text import failure_text

    text = failure_text(failing, id_of(record.item).nodeid)
    hint = "a gate failed and its exception was caught; a test of such a failure is marked xfail"
    error = any(gate.verdict == "error" for gate in failing)
    raise (EditMetricsError if error else GateFailure)(f"{text}\n    ({hint})")


def _unless_failing(
    record: TestRecord, call: pytest.CallInfo[Any], report: pytest.TestReport
) -> pytest.TestReport:
    """Return a skipped phase's report, as a failure if one of its gates failed.

    However it was skipped: ``unittest`` tells of a skip only when the report is made.
    """
    phases: tuple[Phase, ...] = ("setup", "call") if call.when == "call" else (call.when,)  # type: ignore[assignment]
    try:
        _enforce_failures(record, *phases)
    except (EditMetricsError, GateFailure):
        call.excinfo = pytest.ExceptionInfo.from_current()
        return pytest.TestReport.from_item_and_call(record.item, call)
    return report


def _enforce_marker(record: TestRecord) -> None:
    item = record.item
    if not record.gates or not any(mark.name == "editmetrics" for mark in item.own_markers):
        return
    with record.errors(None):
        from pytest_editmetrics.session.marker import check_used

        check_used(item, session_of(item.config), {gate.metric for _, gate in record.gates})


def _enforce_measured(record: TestRecord) -> None:
    """Fail a test that asked for gates itself, would pass, and made none."""
    if not record.wanted.itself or record.gates or record.subtest_failed:
        return
    from pytest_editmetrics.session.asked import check_made

    with record.errors(None):
        check_made(record.item)


def _enforce_strict(record: TestRecord, *phases: Phase) -> None:
    strict = session_of(record.item.config).options["strict"]
    soft = record.soft(*phases)
    if strict == "regressed":
        soft = [gate for gate in soft if gate.regressed]
    if strict == "none" or not soft:
        return
    from pytest_editmetrics.report.text import headline

    lines = "\n".join(headline(gate) for gate in soft)
    raise GateFailure(f"{lines}\n    to accept run without --editmetrics-strict={strict}")


def _enforce_review(record: TestRecord, *phases: Phase) -> None:
    gates = record.for_review(*phases)
    if not gates or session_of(record.item.config).options["review"] != "fail":
        return
    from pytest_editmetrics.report.text import explanation, headline

    lines = [
        line for g in gates for line in (headline(g), *explanation(g, id_of(record.item).nodeid))
    ]
    raise GateFailure("\n".join(lines))


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Apply soft failures innermost, before an xfail mark is, and attach the gates."""
    if call.excinfo is not None and not item.config.getoption("fulltrace", False):
        call.excinfo = _as_called(call.excinfo)
    report = yield
    name_report(report, id_of(item))
    record = item.stash.get(record_key, None)
    if record is None:
        return report
    if record.running:  # a subtest's report, made while the call is still running
        record.subtest_failed |= report.failed
        record.other_failure |= _is_other_failure(record, report, call)
        return report
    if report.skipped:
        report = _unless_failing(record, call, report)
        name_report(report, id_of(item))
    if call.when == "teardown":
        del item.stash[record_key]  # the session keeps every item to its end
    if call.when == "call":
        record.call_failed = report.failed or record.subtest_failed
        record.call_passed = report.passed and not record.subtest_failed
        record.other_failure |= _is_other_failure(record, report, call)
    if not record.gates and not record.asked:
        return report
    if call.when == "call":
        if report.passed and not record.subtest_failed:
            _apply(report, record.soft("setup", "call"), item)
    elif call.when == "teardown" and report.passed:
        _apply(report, record.soft("teardown"), item)
    if report.failed and (soft := record.soft("setup", "call", "teardown")):
        from pytest_editmetrics.report.text import headline

        report.sections.append(("not measured", "\n".join(map(headline, soft))))
    notes = session_of(item.config).take_notes() if call.when == "teardown" else []
    if (news := record.news(notes)) is not None:
        setattr(report, REPORT_KEY, news)
    return report


def _as_called(excinfo: pytest.ExceptionInfo[Any]) -> pytest.ExceptionInfo[Any]:
    """Return an error of this package as one of the line that called it.

    What the package did in between says nothing of what is wrong. An error that nothing outside
    pytest called for, as of a gate whose exception was caught, stays as it is.
    """
    error: BaseException = excinfo.value
    if not isinstance(error, EditMetricsError):
        return excinfo
    steps: list[TracebackType] = []
    step = error.__traceback__
    while step is not None:
        steps.append(step)
        step = step.tb_next
    while steps and _module(steps[-1]) in _INSIDE:
        steps.pop()
    if not steps or _module(steps[-1]) in ("_pytest", "pluggy"):
        return excinfo
    seen = None
    for step in reversed(steps):
        seen = TracebackType(seen, step.tb_frame, step.tb_lasti, step.tb_lineno)
    error.__suppress_context__ = True
    return pytest.ExceptionInfo.from_exception(error.with_traceback(seen))


def _module(step: TracebackType) -> str:
    return str(step.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


def _is_other_failure(
    record: TestRecord, report: pytest.TestReport, call: pytest.CallInfo[Any]
) -> bool:
    """Tell whether a report failed, and not because of gates that recording would mend."""
    raised = None if call.excinfo is None else call.excinfo.value
    if not report.failed or isinstance(raised, GateFailure):
        return False
    from pytest_editmetrics.gates.verdict import OTHER_WEIGHTS

    errors = [gate for _, gate in record.gates if gate.verdict == "error"]
    of_gates = isinstance(raised, EditMetricsError) and errors
    return not (of_gates and all(OTHER_WEIGHTS in gate.details for gate in errors))


class ErrorsStay:
    """An error is no expected failure: an xfail mark does not hide it."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Undo what an xfail mark made of an error, outermost."""
        report = yield
        raised = call.excinfo is not None and isinstance(call.excinfo.value, EditMetricsError)
        if raised and report.skipped and hasattr(report, "wasxfail"):
            report.outcome = "failed"
            del report.wasxfail
        return report


def _apply(report: pytest.TestReport, soft: list[Any], item: pytest.Item) -> None:
    if not soft:
        return
    from pytest_editmetrics.report.text import headline

    skipped = [gate for gate in soft if gate.reason == "skipped-missing"]
    report.outcome = "skipped"
    if len(skipped) == len(soft):
        path, line, _ = item.reportinfo()
        reason = "; ".join(map(headline, skipped))
        report.longrepr = (str(path), (line or 0) + 1, f"Skipped: {reason}")
    else:
        # plain str: xdist refuses str subclasses
        report.wasxfail = "; ".join(map(headline, soft))
