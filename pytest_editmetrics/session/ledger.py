"""What checks began, and which gates have reached no report yet, over one session.

A gate that ends late, in another process or under a foreign report would vanish without a word:
here it is kept until a report has it, and is named if none had.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from os import getpid
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import InputError, printable
from pytest_editmetrics.session.journal import Journal, alive

if TYPE_CHECKING:
    import pytest

    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.session.record import TestRecord

REPORT_KEY = "_editmetrics"
"""The attribute of a report that carries its gates."""
WAITED = 10  # seconds that checks may take beyond the session's last test
_PAUSE = 0.02
_numbers = itertools.count()


class Ledger:
    """One process's part of the session: the records that are open, and what belongs to none.

    ``lost`` are what reached no report, in JSON-ready values: the test if it is known, the gate if
    there is one, and why. ``came_late`` tells whether a check came when the session was ``over``,
    ``sent`` how many reports were seen off with gates.
    """

    def __init__(self) -> None:
        self.journal = Journal()
        self.lost: list[dict[str, Any]] = []
        self.over = self.came_late = False
        self.sent = 0
        self._pid = getpid()
        self._lock = threading.RLock()
        self._gathering = threading.RLock()
        self._open: dict[str, TestRecord] = {}
        self._begun: dict[str, tuple[str, int]] = {}
        self._untold: dict[tuple[str, str], tuple[str, list[Gate]]] = {}
        self._overtaken: dict[str, dict[str, list[Gate]]] = {}
        self._told: str | None = None

    @property
    def here(self) -> bool:
        """Whether this is the session's process, and none that a test forked."""
        return getpid() == self._pid

    def opened(self, record: TestRecord, earlier: TestRecord | None) -> None:
        """Take a new attempt, where an ``earlier`` one may not have come to its last report.

        What an earlier one of the same test has not told, as where a plugin or a protocol of the
        user's runs a test again and logs no report of that, the new one tells.
        """
        gates = [] if earlier is None else [earlier.untold]
        told = [news for (test, _), news in self._untold.items() if test == record.item.nodeid]
        gates += [all_of_it for _, all_of_it in told[-1:]]
        if any(gates):
            attempts = self._overtaken.setdefault(record.item.nodeid, {})
            attempts |= {f"{getpid()}-{next(_numbers)}": one for one in gates if one}
        self._open = {
            token: other for token, other in self._open.items() if other.item is not record.item
        }
        self._forget_news({record.item.nodeid})
        self._open[record.token] = record

    def closed(self, record: TestRecord) -> None:
        """Let an attempt go whose gates its reports will tell."""
        self._open.pop(record.token, None)

    def lose(self, nodeid: str | None, why: str, gate: Gate | None = None) -> None:
        """Keep what can reach no report; after the session all that is left is to say so."""
        entry = {"test": nodeid, "why": why, "gate": None if gate is None else gate.to_dict()}
        if self.here and not self.over:
            with self._lock:
                self.lost.append(entry)
        elif self.here or self._untellable(entry):
            test = "" if nodeid is None else f"{nodeid}: "
            told = f"{test}{_text(entry)}; this came after the session's end"
            told = printable(f"pytest-editmetrics: ERROR: {told}")
            self.came_late = self.here
            print(told, file=sys.__stderr__, flush=True)

    def carry(self, record: TestRecord, values: dict[str, Any]) -> None:
        """Send what a check in another process came to, to the process of its test."""
        entry = {"token": record.token, "test": record.item.nodeid, **values}
        if error := self._untellable(entry):
            raise InputError(
                f"{record.item.nodeid}: what a check in another process came to cannot be told to"
                f" the test's own ({error}): it came late, when the session was over, or the"
                " session's folder was removed or cannot be written"
            )

    def _untellable(self, entry: dict[str, Any]) -> OSError | None:
        """Leave a line for the session's process; return what was in the way."""
        try:
            self.journal.write(entry)
        except OSError as error:
            return error
        return None

    @contextmanager
    def checking(self, record: TestRecord) -> Iterator[None]:
        """Know of a check from its first moment: one that never ends is named too."""
        number = f"{getpid()}-{next(_numbers)}"
        if self.here:
            self._begun[number] = record.item.nodeid, getpid()
        else:
            self._untellable({"begun": number, "test": record.item.nodeid})
        try:
            yield
        finally:
            if self.here:
                del self._begun[number]
            else:
                self._untellable({"ended": number})

    def gather(self) -> None:
        """Bring the gates of other processes to their tests."""
        if self.here:
            with self._gathering:
                for entry in self.journal.read():
                    self._take(entry)

    def _take(self, entry: dict[str, Any]) -> None:
        if "begun" in entry:
            self._begun[entry["begun"]] = entry["test"], entry["pid"]
        elif "ended" in entry:
            self._begun.pop(entry["ended"], None)
        elif (record := self._open.get(entry.get("token", ""))) is not None:
            record.adopt(entry)
        else:
            why = "it was made in another process and ended after its test's reports were made"
            with self._lock:
                self.lost.append({"gate": None, "why": why, **entry})

    def overtaken(self, nodeid: str) -> dict[str, list[dict[str, Any]]]:
        """Return the test's own gates in earlier attempts that no report told, by attempt."""
        return {
            attempt: [gate.to_dict() for gate in gates if gate.fixture is None]
            for attempt, gates in self._overtaken.get(nodeid, {}).items()
        }

    def tell(self, nodeid: str, when: str, news: str, gates: list[Gate]) -> None:
        """Expect a report to bring this news of gates to the controller."""
        self._untold[nodeid, when] = news, gates

    def arrived(self, report: pytest.TestReport) -> None:
        """Take note that a report is on its way, and give one that another plugin made its news.

        A report that is sent twice carries its gates once.
        """
        carried = vars(report).get(REPORT_KEY)
        if carried is not None:
            if carried == self._told:
                delattr(report, REPORT_KEY)
            else:
                tests = {key[0] for key, (news, _) in self._untold.items() if news == carried}
                self._delivered(tests)
                self._told = carried
                self.sent += 1
                return
        news = self._untold.pop((report.nodeid, report.when or ""), None)
        if news is not None:
            self._delivered({report.nodeid})
            self._told = news[0]
            self.sent += 1
            setattr(report, REPORT_KEY, news[0])

    def _delivered(self, nodeids: Container[str]) -> None:
        self._forget_news(nodeids)
        self._overtaken = {
            test: gates for test, gates in self._overtaken.items() if test not in nodeids
        }

    def _forget_news(self, nodeids: Container[str]) -> None:
        """Expect no report for these tests: the last news of a test tells all of it."""
        self._untold = {key: one for key, one in self._untold.items() if key[0] not in nodeids}

    def settle(self, wait: bool) -> None:
        """Wait for the checks that have begun, then close the books of this process."""
        if self.over or not self.here:
            return
        deadline = time.monotonic() + (WAITED if wait else 0)
        self.gather()
        while self._waiting() and time.monotonic() < deadline:
            time.sleep(_PAUSE)
            self.gather()
        if self.lost and wait:  # one check of a queue came late: the next may begin any moment
            time.sleep(5 * _PAUSE)
        self.gather()
        for nodeid, pid in tuple(self._begun.values()):
            where = "" if pid == getpid() else f" in another process ({pid})"
            self.lose(nodeid, f"a check that it began{where} did not end")
        for test, pid in self.journal.missing():
            why = (
                f"what a check in another process ({pid}) came to could not be told: the session's"
                f" folder {self.journal.folder or ''} was removed, or that process could not write"
            )
            self.lose(test or None, why)
        for record in tuple(self._open.values()):
            record.close()
            for gate in record.untold:
                self.lose(record.item.nodeid, "its test's teardown was not reported", gate)
        for nodeid, attempts in self._overtaken.items():
            for gate in itertools.chain(*attempts.values()):
                self.lose(nodeid, "no report of its test, which was run again, was logged", gate)
        untold = {nodeid: gates for (nodeid, _), (_, gates) in self._untold.items()}
        for nodeid, gates in untold.items():
            for gate in gates:
                self.lose(nodeid, "no report of its test was logged", gate)
        self.over = True

    def _waiting(self) -> bool:
        begun = tuple(self._begun.values())
        return any(pid == getpid() or alive(pid) for _, pid in begun)


def _text(entry: dict[str, Any]) -> str:
    gate = entry["gate"]
    return str(entry["why"]) if gate is None else f"{gate['metric']} {gate['verdict']}"
