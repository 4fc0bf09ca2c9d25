"""Whether the whole suite ran: what was collected, what was taken out again, and what ran."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Generator
from typing import Any

import pytest

from pytest_editmetrics.errors import counted
from pytest_editmetrics.session.held_tests import has_gates
from pytest_editmetrics.session.named import PACKAGE

PARTIAL = "only a part of the suite ran (-k, -m, --lf, --deselect, node ids, files, -x or a crash)"
_CHOOSING = {
    ("_pytest.mark", "deselect_by_keyword"): "keyword",
    ("_pytest.mark", "deselect_by_mark"): "markexpr",
    ("_pytest.main", "pytest_collection_modifyitems"): "deselect",
}
"""pytest's options that deselect tests, each of which was found, by the functions that do."""
_NARROWING = (*_CHOOSING.values(), "lf", "stepwise", "setuponly", "setupplan")


def deselected_by() -> str:
    """Return the option by which pytest deselects tests right now; of a plugin, an empty text."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] in (PACKAGE, "pluggy"):
        frame = frame.f_back
    return _CHOOSING.get((frame.f_globals["__name__"], frame.f_code.co_name), "")


def choosing(config: pytest.Config) -> dict[str, str]:
    """Return the values of the options by which pytest deselects tests, each as a text."""
    values = {name: getattr(config.option, name, None) or "" for name in _CHOOSING.values()}
    return {
        name: value if isinstance(value, str) else "\n".join(value)
        for name, value in values.items()
    }


def fails(session: pytest.Session, status: int) -> bool:
    """Tell whether an exit status fails a session; where there are no tests, theirs does not."""
    none = status == pytest.ExitCode.NO_TESTS_COLLECTED and not session.testscollected
    return status != 0 and not none


def besides(status: int) -> str:
    """Return what to say of a session that neither its tests nor this plugin failed."""
    return (
        f"the session failed besides its tests, exit status {status}: what pytest or a plugin"
        " says of it stands in its output"
    )


class Found:
    """Compares the tests that pytest found with those that are left when its collection ends.

    Registered in every process that collects. A plugin that cuts the list of tests itself need not
    tell ``pytest_deselected``; but every test was told to ``pytest_itemcollected`` before.

    Args:
        deselected: called with the option that left tests out, or an empty text, if a plugin did.
        left_out: called with the tests that were taken out without a word, if there are any.
    """

    def __init__(self, deselected: Callable[[str], None], left_out: Callable[[list[str]], None]):
        self._tell_deselected = deselected
        self._tell_left_out = left_out
        self._found: list[pytest.Item] = []
        self._deselected: set[int] = set()

    @pytest.hookimpl
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Remember a test that exists, whatever is made of the list later."""
        self._found.append(item)

    @pytest.hookimpl
    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Remember that not every test runs."""
        if items:
            self._deselected.update(map(id, items))
            self._tell_deselected(deselected_by())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Name what is not in the list any more, though nobody said so."""
        result = yield
        kept = {item.nodeid for item in session.items}
        left_out = [
            item.nodeid
            for item in self._found
            if item.nodeid not in kept and id(item) not in self._deselected
        ]
        self._found.clear()
        if left_out:
            self._tell_left_out(left_out)
        return result


class WholeRun:
    """Tells at the end of a session whether every test that pytest found ran.

    ``crashed`` are tests whose worker died; ``internal_error`` is pytest's own; ``lost_workers`` of
    pytest-xdist ended before they had collected, ``dead_workers`` is how many died, ``wordless``
    are those that made gates and died between tests, before they told what was lost;
    ``cut`` is what ``was_cut`` came to.
    """

    def __init__(self, config: pytest.Config, crashed: Collection[str]):
        self._config = config
        self._crashed = crashed
        self._deselected: set[str] = set()
        self._left_out: list[str] = []
        self._broken = False
        self._ran: set[str] = set()
        self._lacks_tests = False
        self.internal_error = False
        self.lost_workers: list[str] = []
        self.dead_workers = 0
        self.wordless: dict[object, str] = {}
        self._failed_tests = self._own_failures = 0
        self.cut = False

    def deselected(self, by: str) -> None:
        """Take note that tests were left out, by an option of pytest's or by a plugin."""
        self._deselected.add(by)

    def left_out(self, nodeids: list[str]) -> None:
        """Take the tests that somebody took out of the list; every worker tells the same ones."""
        self._left_out = max(self._left_out, nodeids, key=len)

    def ran(self, nodeid: str) -> None:
        """Take a test that made a report."""
        self._ran.add(nodeid)

    def runs_again(self, nodeid: str) -> None:
        """Take a test whose worker died and that is to run on another: there may be none left."""
        self._ran.discard(nodeid)

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take note of what cannot be collected: pytest may be told to go on without it."""
        self._broken |= report.failed

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Count the failed tests before plugins around it fail the session, as pytest-cov does."""
        try:
            return (yield)
        finally:
            self._failed_tests = session.testsfailed

    def failed_tests(self, session: pytest.Session) -> int:
        """Return how many tests failed, and files that could not be collected."""
        return min(self._failed_tests, session.testsfailed)

    def fail(self, session: pytest.Session) -> None:
        """Fail the session, whatever its tests came to."""
        session.testsfailed += 1
        self._own_failures += 1

    def failed_besides(self, session: pytest.Session, *, known: bool) -> list[str]:
        """Say that neither tests nor this plugin failed the session, where something else did.

        ``--cov-fail-under`` counts a failure more; what fails a session at its very end, as
        ``--fail-on-flaky``, only sets the exit status: it tells where no reason is ``known``.
        """
        status = int(session.exitstatus)
        if session.testsfailed > self._failed_tests + self._own_failures:
            status = status or 1
        elif known or session.testsfailed or not fails(session, status):
            return []
        return [besides(status)]

    @property
    def found_all(self) -> bool:
        """Whether the files that were collected gave all of their tests, whichever of them ran."""
        return not self._broken and not getattr(self._config.option, "lf", False)

    @pytest.hookimpl
    def pytest_internalerror(self) -> None:
        """Take note of it: pytest-xdist goes on after a worker's, and may call the rest passed."""
        self.internal_error = True

    def never_ran(
        self, session: pytest.Session, collected: Collection[str], gates: bool
    ) -> list[str]:
        """Return what to say of tests that were to run, and of which no report came.

        A hook took them over (``pytest_runtest_protocol``, ``pytest_runtestloop``) and called none:
        only tests with gates count; under pytest-xdist, where the workers know that, all do if
        there are ``gates`` in the session. Or pytest-xdist gave up, since its workers died.
        """
        stopped = session.shouldstop or session.shouldfail or sys.exc_info()[0]
        if stopped or self.internal_error:
            return []
        said = self._never_ran(session, collected, gates)
        self._lacks_tests = bool(said)
        return [f"{said}: exit status 1"] if said else []

    def _never_ran(self, session: pytest.Session, collected: Collection[str], gates: bool) -> str:
        if self.lost_workers and not collected:
            workers = counted(len(self.lost_workers), "worker")
            return (
                f"no test was collected: {workers} of pytest-xdist ended before"
                f" ({', '.join(self.lost_workers)}); what they say stands above"
            )
        missing = [nodeid for nodeid in collected if nodeid not in self._ran]
        if missing and self.dead_workers:
            return (
                f"{counted(len(missing), 'test')} never ran, as {missing[0]}: pytest-xdist gave up"
                f" when {counted(self.dead_workers, 'worker')} had died (--max-worker-restart)"
            )
        items = {item.nodeid: item for item in session.items}
        missing = [one for one in missing if (has_gates(items[one]) if one in items else gates)]
        if not missing:
            return ""
        tests = counted(len(missing), "test")
        return (
            f"{tests} with gates never ran, though pytest was to run {missing[0]}: a plugin or"
            " conftest.py took over and reported nothing"
        )

    def ended_workers(self, without_result: Collection[str]) -> list[str]:
        """Return what to say of workers that an internal error ended, or that died at last."""
        if not self.internal_error:
            return [
                f"the worker {worker} of pytest-xdist died after its tests, before it told whether"
                " gates were lost: exit status 1"
                for worker in self.wordless.values()
            ]
        gone = len(set(without_result) - set(self._crashed))
        return [
            "an internal error of pytest ended a worker, and"
            f" {counted(gone, 'test has', 'tests have')} no result: exit status 1"
        ]

    def was_cut(self, session: pytest.Session, collected: Collection[str]) -> bool:
        """Tell whether the session ends before each test ran; ``-x`` may end the last."""
        ending = sys.exc_info()[0]
        at_last = ending is session.Failed and bool(collected) and self._ran.issuperset(collected)
        self.cut = self._lacks_tests or (ending is not None and not at_last)
        return self.cut

    @property
    def ran_all(self) -> bool:
        """Whether no test was deselected."""
        return not self._deselected

    def why_partial(
        self, session: pytest.Session, collected: Collection[str], *, found: bool = False
    ) -> str | None:
        """Return why not every test of the collected files ran; ``None`` if each of them did.

        It is enough that each was ``found``, if wanted: those that ``addopts`` deselects are.
        """
        standing = {name for name in _CHOOSING.values() if found and not self._typed(name)}
        option = self._config.option
        narrowed = any(getattr(option, name, None) for name in {*_NARROWING} - standing)
        named = any("::" in str(arg) for arg in self._config.args)
        stopped = session.shouldstop or session.shouldfail or sys.exc_info()[0]
        died = self._crashed or self.internal_error
        if narrowed or named or stopped or died or self._deselected - standing:
            return PARTIAL
        if self._broken:
            return "only a part of the suite ran: not every file could be collected"
        wanted = dict.fromkeys([*self._left_out, *collected])
        missing = [nodeid for nodeid in wanted if nodeid not in self._ran]
        if not missing:
            return None
        return (
            f"only a part of the suite ran: {len(missing)} of {len(wanted)} tests that pytest found"
            f" did not, as {missing[0]}; a plugin or conftest.py took them out without telling"
            " pytest"
        )

    def _typed(self, name: str) -> bool:
        """Tell whether an option's value was typed, and does not stand in ``addopts`` alone."""
        value = getattr(self._config.option, name, None) or ()
        values = (value,) if isinstance(value, str) else tuple(value)
        args = tuple(map(str, self._config.invocation_params.args))
        return any(arg.endswith(values) for arg in args if values)
