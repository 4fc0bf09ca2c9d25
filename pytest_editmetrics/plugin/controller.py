"""What happens once a session, never in an xdist worker.

Gates arrive with the reports, are counted, written to the results file, recorded as goldens, summed
up, and decide the exit status.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from functools import cached_property, partial
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pytest_editmetrics.plugin.attempts import (
    Attempt,
    Died,
    Overtaken,
    key_of,
    with_labels,
)
from pytest_editmetrics.plugin.deliveries import OUTCOMES, Undelivered
from pytest_editmetrics.plugin.failed_tests import FailedTests, failure_of
from pytest_editmetrics.plugin.gateless import Gateless
from pytest_editmetrics.plugin.header import Header
from pytest_editmetrics.plugin.junit import JUnit
from pytest_editmetrics.plugin.last_lines import LastLines
from pytest_editmetrics.plugin.last_screen import EachGate
from pytest_editmetrics.plugin.names import Names
from pytest_editmetrics.plugin.notes import Notes
from pytest_editmetrics.plugin.required import Required
from pytest_editmetrics.plugin.unheld import UnheldGoldens
from pytest_editmetrics.plugin.whole_run import WholeRun
from pytest_editmetrics.session.ledger import REPORT_KEY
from pytest_editmetrics.session.property_text import is_ours
from pytest_editmetrics.session.state import EditSession
from pytest_editmetrics.session.unread import unread, unread_notes

if TYPE_CHECKING:
    from pytest_editmetrics.plugin.ci import CiSurfaces
    from pytest_editmetrics.plugin.fixture_gates import FixtureGates
    from pytest_editmetrics.plugin.image_recorder import ImageRecorder
    from pytest_editmetrics.plugin.suite_recorder import SuiteRecorder
    from pytest_editmetrics.report.tally import Tally, TestGates
    from pytest_editmetrics.session.outputs import RunOutputs

    class _Recorder(Protocol):
        notes: list[str]
        problems: list[str]


class Controller:
    """Collects gates from reports; registered as a plugin in every process but xdist workers.

    ``last.problems`` takes what fails the session besides its tests.
    """

    def __init__(self, session: EditSession, last: LastLines):
        self.session, self._last = session, last
        self._config = session.config
        self._tally: Tally | None = None
        self._crashed: list[str] = []
        self._run_again: list[str] = []
        self._running: dict[tuple[str, str], Attempt] = {}
        self._attempts: dict[str, int] = {}
        self._overtaken = Overtaken()
        self._died = Died(self._finish_attempt)
        self._collected: dict[str, int] = {}
        self.whole = WholeRun(self._config, self._crashed)
        self._measured: dict[str, frozenset[str]] = {}
        self._labels: dict[frozenset[str], frozenset[str]] = {}  # most tests measure the same
        self._gateless = Gateless(session)
        self._notes = Notes()
        self._problems = last.problems
        self._required = Required(session)
        self._names = Names()
        self._unheld = UnheldGoldens(session, self._names)
        self.found = self._unheld.found
        self.undelivered = Undelivered(session)
        self.failed = FailedTests(session.rootdir, lambda *told: self._outputs.write(*told))
        self._each_gate = EachGate()
        self._junit = JUnit(session)

    @cached_property
    def _ci(self) -> CiSurfaces:
        from pytest_editmetrics.plugin.ci import CiSurfaces

        return CiSurfaces(self.session)

    @cached_property
    def fixtures(self) -> FixtureGates:
        """Gates of fixtures that serve more than one test."""
        from pytest_editmetrics.plugin.fixture_gates import FixtureGates

        return FixtureGates()

    @cached_property
    def _outputs(self) -> RunOutputs:
        from pytest_editmetrics.session.outputs import RunOutputs

        return RunOutputs(self.session)

    @cached_property
    def _images(self) -> ImageRecorder:
        from pytest_editmetrics.plugin.image_recorder import ImageRecorder

        return ImageRecorder(self.session)

    @cached_property
    def _suite(self) -> SuiteRecorder:
        from pytest_editmetrics.plugin.suite_recorder import SuiteRecorder

        return SuiteRecorder(self.session)

    @pytest.hookimpl
    def pytest_sessionstart(self) -> None:
        """Open what the session writes before the first test, so that a bad path costs no run."""
        self._config.pluginmanager.register(Header(self.session), "editmetrics-header")
        self._outputs.open()
        self._ci.open()
        self._config.add_cleanup(partial(self._last.tell_late, self._outputs, self._ci))

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember which tests exist."""
        self.collected(item.nodeid for item in session.items)

    def collected(self, nodeids: Iterable[str]) -> None:
        """Add tests that exist; under xdist the workers tell them."""
        for nodeid in nodeids:
            self._collected.setdefault(nodeid, len(self._collected))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the gates off a report; keep an attempt that is rerun out of junit's properties."""
        nodeid = self._names.of(report)
        self.whole.ran(nodeid)
        if report.when not in ("setup", "call", "teardown"):
            self._crash(report, nodeid)
            return
        key = key_of(report)
        if report.when == "setup" or key not in self._running:
            self._died.runs_again(nodeid)
            self._running[key] = Attempt(nodeid)
        attempt = self._running[key]
        if report.when == "call" and attempt.outcome not in OUTCOMES:  # as pytest-retry's "retried"
            attempt.rerun = True
            self._finish_attempt(attempt)
            attempt = self._running[key] = Attempt(nodeid)
        attempt.called |= report.when == "call"
        if not attempt.rerun:
            self._add(attempt, report)
        if attempt.rerun or report.outcome not in ("passed", "failed", "skipped"):
            report.user_properties = [p for p in report.user_properties if not is_ours(p[0])]
        if report.outcome == "rerun":  # type: ignore[comparison-overlap]
            attempt.rerun, attempt.outcome = True, "rerun"
            self._finish_attempt(attempt)
        elif report.when == "teardown":
            if not attempt.rerun:
                self._junit.close_case(report, attempt.gates)
                self._finish_attempt(attempt)
            del self._running[key]

    def _add(self, attempt: Attempt, report: pytest.TestReport) -> None:
        carried = vars(report).pop(REPORT_KEY, None)  # pytest keeps every report to the end
        if carried is not None:
            data = loads(carried)
            for earlier in self._overtaken.take(attempt.nodeid, data["earlier"]):
                if self._gateless.forget(attempt.nodeid):
                    self._attempts[attempt.nodeid] -= 1
                self._finish_attempt(earlier)
            attempt.take(data)
            self._notes.take(data["notes"])
        if carried is not None or report.failed:
            attempt.locate(report, self.session.rootdir)
        if report.failed:
            attempt.take_failure(failure_of(report))
        attempt.end_phase(report)

    def _crash(self, report: pytest.TestReport, nodeid: str) -> None:
        """Take a test whose worker died, with the gates that it told before."""
        attempt = self._running.pop(key_of(report), None) or Attempt(nodeid)
        again = report.outcome == "rerun"  # type: ignore[comparison-overlap]
        attempt.outcome, attempt.other_failure = "failed", True
        self._died.add(attempt, again=again)
        if again:
            self.whole.runs_again(nodeid)
        else:
            self._junit.close_case(report, ())
            self.failed.crashed(attempt)
        listed = self._run_again if again else self._crashed
        if nodeid not in listed:
            listed.append(nodeid)
            self._outputs.write("crashed", nodeid, again)

    def _finish_attempt(self, attempt: Attempt) -> None:
        nodeid = attempt.nodeid
        number = self._attempts[nodeid] = self._attempts.get(nodeid, 0) + 1
        lost = attempt.failed or attempt.outcome == "failed"  # the teardown's error too
        self._images.finished(attempt, failed=lost)
        own = self.fixtures.take(attempt)
        self._unheld.ended(attempt, own)
        if not attempt.rerun and not attempt.failed and attempt.outcome in ("passed", "xfailed"):
            labels = frozenset(g["metric"] + (f"@{g['name']}" if g["name"] else "") for g in own)
            self._measured[nodeid] = self._labels.setdefault(labels, labels)
        if not own:
            self.undelivered.ended(nodeid, not attempt.rerun, attempt.outcome, ())
            if attempt.asked and not attempt.rerun:
                how = attempt.outcome, attempt.why
                self._gateless.ended(nodeid, *how, by_call=attempt.by_call)
            self.failed.ended(attempt, ())
            return
        from pytest_editmetrics.gates.verdict import Gate
        from pytest_editmetrics.gates.written import as_written
        from pytest_editmetrics.report.tally import TestGates

        final = not attempt.rerun
        gates = as_written(map(Gate.from_dict, own), lost=lost or not final)
        told = attempt.outcome, attempt.failed
        others = attempt.location, attempt.other_failure
        self._count(TestGates(nodeid, number, final, *told, gates, *others))
        self.failed.ended(attempt, gates)

    def _count(self, test: TestGates) -> None:
        """Take the gates of one attempt of a test, or of a fixture."""
        if self._tally is None:
            self._tally = self._new_tally()
        self._tally.add(test)
        self.undelivered.ended(test.nodeid, test.final, test.outcome, test.gates)
        if test.final:
            self._suite.add(test.nodeid, test.gates)
            self._unheld.successors.made(test.nodeid, test.gates)
            self._required.add(self._names.golden_id(test.nodeid), test.gates)
        told = (test.nodeid, test.attempt, test.final, test.outcome)
        for gate in test.gates:
            self._outputs.write("gate", *told, gate, test.other_failure)

    def _new_tally(self) -> Tally:
        from pytest_editmetrics.report.tally import Tally

        each = self._each_gate.add if self._config.get_verbosity() > 0 else None
        return Tally(crashed=self._crashed, each=each, run_again=self._run_again)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Close the books while the exit status is still open: also after Ctrl-C."""
        self._required.open()
        try:
            return (yield)
        finally:
            self._close(session)

    def _close(self, session: pytest.Session) -> None:
        for attempt in self._running.values():  # stopped before the teardown: a debugger, Ctrl-C
            if attempt.called and not attempt.rerun:
                self._finish_attempt(attempt)
        self._died.close()
        for one in self.fixtures.close():
            self._count(one)
        self._problems += self.fixtures.problems
        lost = self.undelivered.close(wait=sys.exc_info()[0] is None)
        self._take(self.undelivered)
        self._collected = self._names.plain(self._collected)
        partial = self.whole.why_partial(session, self._collected)
        judged = self.whole.why_partial(session, self._collected, found=True) is None
        self._problems += self.whole.never_ran(session, self._collected, self._tally is not None)
        if self._tally is not None:
            from pytest_editmetrics.plugin.golden_recorder import record_goldens

            order = self.fixtures.order(self._collected)
            self._unheld.before_recording(self._tally.by_default)
            notes, problems = record_goldens(self.session, self._tally, order)
            self._notes += notes
            self._problems += problems
        self._close_images(judged)
        if self._tally is not None:
            self._last.judge(session, self._tally, smoke=self.session.options["allow-smoke"])
        self._report_obsolete(judged)
        self._problems += self.whole.ended_workers(self._collected.keys() - self._attempts.keys())
        if self._collected:
            self._suite.close(self._collected, partial)
            self._take(self._suite)
        self._report_not_measured(session)
        self._take(self._unheld)
        self._report_unread()
        self._required.close(whole=partial is None and session.testsfailed == 0)
        self._take(self._required)
        cut = self.whole.was_cut(session, self._collected)
        problems = self._problems + self.whole.failed_besides(session, known=True)
        self._outputs.write_failures(self.failed.files, problems)
        if not (cut or self.whole.internal_error or lost):  # else the results say so
            counts = self._tally.counts() if self._tally else {"gates": 0}
            if self._tally:
                self._junit.totals(counts)
            obsolete = self._images.obsolete if judged else None
            told = self._suite.record, self._told(), self.whole.failed_tests(session)
            self._outputs.write("close", counts, partial is None, obsolete, *told)
        self._outputs.close()
        self._take(self._outputs)
        self._last.closed(session, self._tally)
        self._summarise()
        if self._problems:
            self.whole.fail(session)

    @property
    def _is_gated(self) -> bool:
        """Whether the session has gates, was to have some, or fails by what this plugin asks."""
        return self._tally is not None or bool(self._problems) or self.failed.gated

    def _close_images(self, full: bool) -> None:
        folders = self._unheld.folders(self._collected)
        if self._tally is not None or folders:
            told = self._names.golden_id, folders, self.found
            self._images.close(self._collected, full, *told)
            self._unheld.renamed |= bool(self._images.moved)
            self._take(self._images)
            self._take_unusable(self._images)

    def _take_unusable(self, recorder: ImageRecorder | UnheldGoldens) -> None:
        """Take what it says of files that cannot be read; without gates they may be foreign."""
        if self._tally is not None:
            self._notes += recorder.unusable

    def _take(self, recorder: _Recorder) -> None:
        self._notes += recorder.notes
        self._problems += recorder.problems

    def _summarise(self) -> None:
        if self._ci.wanted(gates=self._is_gated):
            told = self._notes.settled(), self._problems, self.failed.found, self.whole
            self._ci.close(self._tally or self._new_tally(), told, gates=self._is_gated)

    def _report_not_measured(self, session: pytest.Session) -> None:
        """Name tests that asked for a gate and made none, and goldens that nothing was held to."""
        self._gateless.close(session, self.failed.skipped, gates=self._tally is not None)
        self._take(self._gateless)
        of_all = {**self._measured, **self.fixtures.measured}
        for nodeid, labels in self.fixtures.left_under.items():
            of_all[nodeid] = of_all.get(nodeid, frozenset()) | labels
        self._unheld.not_measured(of_all)

    def _report_unread(self) -> None:
        where = self._problems if self.session.options["strict"] != "none" else self._notes
        files = self._unheld.files(self._collected)
        where += unread(self.session, files, gates=self._tally is not None)
        self._notes += unread_notes(self.session, self._unheld.files(self._gated()))

    def _gated(self) -> dict[str, frozenset[str]]:
        """Return the labels of gates, by the node id of the test that made them."""
        notable = self._tally.notable if self._tally else ()
        return with_labels(self._measured, ((test.nodeid, gate.label) for test, gate in notable))

    def _fixtures_of_suite(self) -> dict[Path, set[str]] | None:
        return None if self._suite.part_of_suite() else self.fixtures.known(self.session)

    def _report_obsolete(self, judged: bool) -> None:
        if judged or (self._tally is not None and self.whole.found_all):
            known = self.whole.ran_all and not self.found.part
            fixtures = self._fixtures_of_suite if known else lambda: None
            self._unheld.obsolete(self._collected, fixtures, whole=judged)
            self._take_unusable(self._unheld)

    def _told(self) -> dict[str, Any] | None:
        told = self._attempts, self._images, self._fixtures_of_suite
        whole, asked = self.whole.found_all, bool(self._suite.part_of_suite())
        return self._unheld.told(*told, whole=whole, asked=asked)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hold a session that never came to its tests to its number of gates, or say why."""
        if self._required.close_early(session, self._problems):
            self._outputs.write_failures(self.failed.files, self._problems)
            self._outputs.close()
            self._take(self._outputs)
            self._summarise()
        self._junit.problems(self._problems)

    def refuse(self, why: str) -> None:
        """Take what is wrong with the configuration: pytest says it last, as a usage error."""
        self._problems.append(why)
        self._last.refused = why

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the section; a session without gates prints nothing."""
        if not (self._is_gated or self._notes):
            return
        from pytest_editmetrics.plugin.last_screen import write_last_screen

        problems = [one for one in self._problems if one != self._last.refused]
        said = self._notes.settled(), problems, self._unheld.renamed
        write_last_screen(terminalreporter, self._tally, self._each_gate, said, self._outputs)
        if self._is_gated:
            for line in self._ci.annotations(self._tally, self._problems, self.failed.found):
                terminalreporter.write_line(line)
