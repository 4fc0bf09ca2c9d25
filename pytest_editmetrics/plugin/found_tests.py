"""Every test that pytest found, also those that do not run: shards are held to goldens by them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

from pytest_editmetrics.session.state import EditSession


class FoundTests:
    """Tells once what a process found; registered in every process that collects.

    A test that a node id, a mark or a plugin leaves out was found too: its file was imported.

    Args:
        session: knows which test files have goldens.
        tell: takes what ``AllFound`` adds up, as JSON has it.
    """

    def __init__(self, session: EditSession, tell: Callable[[dict[str, Any]], None]):
        self._session = session
        self._tell = tell
        self._items: dict[int, pytest.Item] = {}
        self._waiting: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Take the tests that exist, and the classes that are still to give theirs."""
        report = yield
        if report.passed:
            self._waiting.discard(collector.nodeid)
        for node in report.result or ():
            if isinstance(node, pytest.Item):
                self._items[id(node)] = node
            elif not isinstance(node, (pytest.File, pytest.Directory)):
                self._waiting.add(node.nodeid)
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell it, now that nobody changes the tests any more."""
        items = self._items | {id(item): item for item in session.items}
        self._items = {}
        if not items:
            return
        from pytest_editmetrics.runs.unheld import sum_of
        from pytest_editmetrics.session.identity import id_of

        tests = list(map(id_of, items.values()))
        keys: dict[str, dict[str, None]] = {}
        for test in tests:
            keys.setdefault(test.nodeid.partition("::")[0], {})[test.key] = None
        own = [file for file in keys if file and self._has_goldens(file)]
        self._tell(
            {
                "tests": {file: list(keys[file]) for file in own},
                "part": sorted({nodeid.partition("::")[0] for nodeid in self._waiting}),
                "digests": sorted({test.digest for test in tests if test.digest is not None}),
                "sum": sum_of(test.nodeid for test in tests),
            }
        )

    def _has_goldens(self, file: str) -> bool:
        from pytest_editmetrics.goldens.file_names import SUFFIX

        golden = self._session.golden_file(self._session.rootdir / file)
        return golden.is_file() or golden.with_name(golden.name.removesuffix(SUFFIX)).is_dir()


class AllFound:
    """What the processes of a session found.

    ``tests`` are keys by test file, of files that have goldens; ``part`` are files of which not
    every class gave its tests.
    """

    def __init__(self) -> None:
        self.tests: dict[str, set[str]] = {}
        self.part: set[str] = set()
        self.digests: set[str] = set()
        self._sums: set[str] = set()

    def take(self, told: Mapping[str, Any]) -> None:
        """Add what one process tells."""
        for file, keys in told["tests"].items():
            self.tests.setdefault(file, set()).update(keys)
        self.part.update(told["part"])
        self.digests.update(told["digests"])
        self._sums.add(told["sum"])

    def __bool__(self) -> bool:
        return bool(self._sums)

    @property
    def sum(self) -> str:
        """The sum of all ids; empty where the processes found other tests."""
        return next(iter(self._sums)) if len(self._sums) == 1 else ""


def keeps_results(options: Mapping[str, Any]) -> bool:
    """Tell whether a session leaves results, which alone tell of what was found."""
    return any(options[name] for name in ("results", "run-dir", "html"))
