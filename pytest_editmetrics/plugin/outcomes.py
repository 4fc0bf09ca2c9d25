"""How gates change a test's outcome: soft failures to xfail, strictness, what reports carry.

A soft failure is recorded, not raised, and applied when the report is made: a helper that raised at
once would hide the next assertion of the test.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.errors import EditMetricsError, GateFailure
from pytest_editmetrics.plugin.failed_tests import first_line_of, is_skip, tell_failure
from pytest_editmetrics.plugin.names import name_report
from pytest_editmetrics.plugin.tracebacks import as_called, outside
from pytest_editmetrics.session.identity import id_of
from pytest_editmetrics.session.ledger import REPORT_KEY
from pytest_editmetrics.session.record import TestRecord, record_key, start_attempt
from pytest_editmetrics.session.running import phase_of, setting_up, wider
from pytest_editmetrics.session.state import session_of
from pytest_editmetrics.session.typed import typed_test
from pytest_editmetrics.session.unread import is_case_file

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate

_OURS = (EditMetricsError, GateFailure)
_ENDING = (KeyboardInterrupt, pytest.exit.Exception)
"""What ends the session at once: no report is made of the phase."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Begin a record for this attempt."""
    __tracebackhide__ = True  # in a failure of the user's code, our frames say nothing
    with phase_of(start_attempt(item), "setup"):
        try:
            return (yield)
        except Exception:
            if is_case_file(item.path):
                from pytest_editmetrics.plugin.collect import refuse_without_image

                refuse_without_image(item)
            raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run the call; under strictness its soft failures fail it, so that an xfail mark applies."""
    __tracebackhide__ = True
    record = item.stash[record_key]
    with phase_of(record, "call"):
        try:
            result = yield
            record.speak()
            _enforce(record)
            _enforce_marker(record)
            if not record.wanted.late:
                _enforce_measured(record)
        except BaseException as error:
            record.speak()
            record.call_failed = not is_skip(error)
            record.other_failure |= record.call_failed and _is_other_failure(record.gates, error)
            record.spoke()
            raise
        return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run the teardown, whose fixtures may measure too."""
    __tracebackhide__ = True
    record = item.stash.get(record_key, None) or start_attempt(item)
    with phase_of(record, "teardown"):
        try:
            result = yield
            if record.wanted.late and record.call_passed:
                record.speak()
                _enforce_measured(record)
        except _ENDING:  # so that the session's end tells of the gates
            raise
        except BaseException:
            record.close()
            raise
        record.close()
        _enforce(record)
        return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """Let a gate that is made here belong to the fixture, if it serves more than one test."""
    __tracebackhide__ = True
    if request.scope == "function":
        return (yield)
    from pytest_editmetrics.session.fixture_record import FixtureRecord

    fixture = FixtureRecord.of(fixturedef, request)
    if fixture is None:
        with wider(session_of(request.config).ledger):
            return (yield)
    try:
        with setting_up(fixturedef, fixture):
            result = yield
    except BaseException as error:
        fixture.ended(True, _is_other_failure(fixture.host.gates, error))
        raise
    fixture.ended(False, False)
    return result


def _enforce(record: TestRecord) -> None:
    _enforce_failures(record)
    _enforce_strict(record)
    _enforce_review(record)


def _enforce_failures(record: TestRecord) -> None:
    """Fail a test whose gate failed where it could not raise: in a thread, or caught."""
    failing = [gate for gate in record.current if gate.failing]
    if not failing:
        return
    from pytest_editmetrics.report.failure import failure_text
    from pytest_editmetrics.report.text import rows_as_lines

    config = record.item.config
    typed = partial(typed_test, config)
    text = failure_text(failing, id_of(record.item).nodeid, config.get_verbosity(), typed)
    if caller := record.callers.of(failing):
        text += "\n" + "\n".join(rows_as_lines([("called", caller)]))
    hint = "a gate failed and its exception was caught; a test of such a failure is marked xfail"
    error = any(gate.verdict == "error" for gate in failing)
    raise (EditMetricsError if error else GateFailure)(f"{text}\n    ({hint})")


def _unless_failing(
    record: TestRecord, call: pytest.CallInfo[Any], report: pytest.TestReport
) -> pytest.TestReport:
    """Return a skipped phase's report, as a failure if one of its gates fails the test.

    However it was skipped: ``unittest`` tells of a skip only when the report is made.
    """
    try:
        _enforce(record)
    except (EditMetricsError, GateFailure):
        call.excinfo = pytest.ExceptionInfo.from_current()
        with _unread(record.item, call.excinfo):
            report = pytest.TestReport.from_item_and_call(record.item, call)
        _say_alone(record.item, call, report)
        tell_failure(record.item, report, _leaves(call.excinfo.value))
    return report


def _enforce_marker(record: TestRecord) -> None:
    item = record.item
    if not record.own or not any(mark.name == "editmetrics" for mark in item.own_markers):
        return
    with record.errors(None):
        from pytest_editmetrics.session.marker import check_used

        check_used(item, session_of(item.config), {gate.metric for gate in record.own})


def _enforce_measured(record: TestRecord) -> None:
    """Fail a test that asked for gates itself, would pass, and made none."""
    record.note_uses()
    asked = record.wanted.itself and not record.may_be_empty
    if not asked or record.own or record.subtest_failed:
        return
    from pytest_editmetrics.session.asked import check_made

    with record.errors(None):
        check_made(record.item)


def _enforce_strict(record: TestRecord) -> None:
    strict = session_of(record.item.config).options["strict"]
    soft = record.soft()
    if strict == "regressed":
        soft = [gate for gate in soft if gate.regressed]
    if strict == "none" or not soft:
        return
    from pytest_editmetrics.measurement import REMEDIES
    from pytest_editmetrics.report.text import headline, rows_as_lines

    _hold(record, soft, f"--editmetrics-strict={strict}")
    lines = [headline(gate) for gate in soft]
    reasons = dict.fromkeys(gate.reason for gate in soft if gate.reason)
    rows = [("to do", REMEDIES[reason]) for reason in reasons if reason in REMEDIES]
    rows.append(("to accept", f"run without --editmetrics-strict={strict}"))
    raise GateFailure("\n".join([*lines, *rows_as_lines(rows)]))


def _hold(record: TestRecord, gates: Sequence[Gate], option: str) -> None:
    """Note on gates that they fail the test, and the option that asks for it."""
    from pytest_editmetrics.gates.verdict import HELD

    for gate in gates:
        record.amend(gate, replace(gate, details={**gate.details, HELD: option}))


def _enforce_review(record: TestRecord) -> None:
    gates = [gate for gate in record.current if gate.verdict == "review"]
    if not gates or session_of(record.item.config).options["review"] != "fail":
        return
    from pytest_editmetrics.report.text import explanation, headline

    _hold(record, gates, "--editmetrics-review=fail")
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
        call.excinfo = as_called(call.excinfo)
    with _unread(item, call.excinfo):
        report = yield
    _say_alone(item, call, report)
    record = item.stash.get(record_key, None)
    gated = record is not None and bool(record.gates or record.asked or record.set_up)
    name_report(report, id_of(item), gated=gated)
    raised = None if call.excinfo is None else call.excinfo.value
    tell_failure(item, report, _leaves(raised))
    if record is None:
        return report
    if record.running:  # a subtest's report, made while the call is still running
        if report.failed:
            record.subtest_failed = True
            since = record.gates[record.looked_at :]
            record.looked_at = len(record.gates)
            record.other_failure |= _is_other_failure(since, raised)
        return report
    if call.when == "setup" and not report.passed:
        record.speak()
    if report.skipped:
        report = _unless_failing(record, call, report)
        name_report(report, id_of(item), gated=True)
        raised = None if call.excinfo is None else call.excinfo.value
    if call.when == "teardown":
        del item.stash[record_key]  # the session keeps every item to its end
    if call.when == "call":
        record.call_failed = report.failed or record.subtest_failed
        record.call_passed = report.passed and not record.subtest_failed
        record.other_failure |= report.failed and _is_other_failure(record.gates, raised)
    if call.when != "setup" or not report.passed:
        record.spoke()
    session = session_of(item.config)
    if not (record.gates or record.asked or record.set_up or session.measured_fixtures):
        return report
    soft = record.soft() if call.when != "setup" else []
    if report.passed and not (call.when == "call" and record.subtest_failed):
        _apply(report, soft, item)
    if report.failed and (told := record.soft_so_far()):
        from pytest_editmetrics.report.text import headline

        report.sections.append(("not measured", "\n".join(map(headline, told))))
    notes = session.take_notes() if call.when == "teardown" else []
    if (news := record.news(notes)) is not None:
        setattr(report, REPORT_KEY, news)
        session.ledger.tell(report.nodeid, str(call.when), news, record.gates)
    return report


def _say_alone(item: pytest.Item, call: pytest.CallInfo[Any], report: pytest.TestReport) -> None:
    """Show what this package says of a test that no line of it raised, without our own lines."""
    excinfo = call.excinfo
    if excinfo is not None and report.failed and _is_alone(item, excinfo):
        shown = excinfo.getrepr(style="value")
        (entry,) = shown.reprtraceback.reprentries
        entry.lines = [f"E   {line}" for line in excinfo.exconly().split("\n")]
        report.longrepr = shown


def _is_alone(item: pytest.Item, excinfo: pytest.ExceptionInfo[Any]) -> bool:
    ours = isinstance(excinfo.value, _OURS) and not item.config.getoption("fulltrace", False)
    return ours and not outside(excinfo.value)


@contextmanager
def _unread(item: pytest.Item, excinfo: pytest.ExceptionInfo[Any] | None) -> Iterator[None]:
    """Keep our own lines from pytest where ``_say_alone`` leaves them out.

    It would read and parse our files anew for each test.
    """
    if excinfo is None or not _is_alone(item, excinfo):
        yield
        return
    lines = excinfo.traceback
    excinfo.traceback = lines.filter(lambda line: False)
    try:
        yield
    finally:
        excinfo.traceback = lines


def _is_other_failure(gates: Sequence[Gate], raised: BaseException | None) -> bool:
    """Tell whether a failure was not because of these gates, or not of what recording mends."""
    leaves = list(_leaves(raised))
    if not leaves:
        return True
    if gates:
        from pytest_editmetrics.gates.written import unrecordable

        if unrecordable(gates):
            return True
    if all(isinstance(error, GateFailure) for error in leaves):
        return False
    errors = [gate for gate in gates if gate.verdict == "error"]
    of_gates = errors and all(isinstance(error, _OURS) for error in leaves)
    return not (of_gates and all(gate.of_other_golden for gate in errors))


def _leaves(raised: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, or those of a group of them."""
    if raised is None:
        return
    inner = getattr(raised, "exceptions", None)
    if isinstance(inner, tuple) and isinstance(raised, BaseException) and inner:
        for error in inner:
            yield from _leaves(error)
    else:
        yield raised


class ErrorsStay:
    """An error is no expected failure, nor is a golden image of another size: no mark hides it."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Undo what an xfail mark made of an error, outermost.

        The record tells, whatever exception lies on top of the error, or came after it.
        """
        record = item.stash.get(record_key, None)
        _name_no_class(call, report := self._undone(record, call, (yield)))
        return report

    @staticmethod
    def _undone(
        record: TestRecord | None, call: pytest.CallInfo[Any], report: pytest.TestReport
    ) -> pytest.TestReport:
        if not (report.skipped and hasattr(report, "wasxfail")):
            return report
        from pytest_editmetrics.gates.decided import never_expected

        value = None if call.excinfo is None else call.excinfo.value
        if record is not None and not record.running and (kinds := never_expected(record.current)):
            if not isinstance(value, kinds):
                report.longrepr = _unless_failing(record, call, report).longrepr
        elif not isinstance(value, EditMetricsError):
            return report
        report.outcome = "failed"
        del report.wasxfail
        if record is not None and call.excinfo is not None:
            tell_failure(record.item, report, _leaves(call.excinfo.value))
        return report


def _name_no_class(call: pytest.CallInfo[Any], report: pytest.TestReport) -> None:
    """Let the short summary be one line that begins with the metric: it has few columns.

    In CI pytest does not cut it, and would print all that stands above once more.
    """
    crash = getattr(report.longrepr, "reprcrash", None) if report.failed else None
    if crash is not None and call.excinfo is not None and isinstance(call.excinfo.value, _OURS):
        crash.message = first_line_of(str(call.excinfo.value))


def _apply(report: pytest.TestReport, soft: list[Any], item: pytest.Item) -> None:
    if not soft:
        return
    from pytest_editmetrics.report.text import headline

    skipped = [gate for gate in soft if gate.reason == "skipped-missing"]
    report.outcome = "skipped"
    path, line, _ = item.reportinfo()
    told = "; ".join(map(headline, soft))  # plain str: xdist refuses str subclasses
    if len(skipped) == len(soft):
        report.longrepr = (str(path), (line or 0) + 1, f"Skipped: {told}")
        return
    report.wasxfail = told
    if not item.config.pluginmanager.has_plugin("skipping"):  # then pytest lists it as skipped
        report.longrepr = (str(path), (line or 0) + 1, told)
