"""Every test that pytest found, also those that do not run: goldens are held against them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_editmetrics.plugin.whole_run import deselected_by
from pytest_editmetrics.session.asked import may_get_images, names_images
from pytest_editmetrics.session.held_tests import has_gates
from pytest_editmetrics.session.state import EditSession
from pytest_editmetrics.session.unread import asks_for_gates


class FoundTests:
    """Tells once what a process found; registered in every process that collects.

    A test that a node id, a mark or a plugin leaves out was found too: its file was imported. A
    file that was imported and gave no test is told as well: no golden of it is held.

    Args:
        session: knows which test files have goldens, and whether it leaves results, which tell
            of all tests.
        tell: takes what ``AllFound`` adds up, as JSON has it.
    """

    def __init__(self, session: EditSession, tell: Callable[[dict[str, Any]], None]):
        self._session = session
        self._tell = tell
        self._items: dict[int, pytest.Item] = {}
        self._waiting: set[str] = set()
        self._files: dict[str, bool] = {}
        self._by: dict[int, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Take the tests that exist, and the classes that are still to give theirs."""
        report = yield
        if report.passed:
            self._waiting.discard(collector.nodeid)
        if isinstance(collector, pytest.File):  # that doctests of it are looked for is another's
            before = self._files.get(collector.nodeid, True)
            self._files[collector.nodeid] = before and report.passed
        for node in report.result or ():
            if isinstance(node, pytest.Item):
                self._items[id(node)] = node
            elif not isinstance(node, (pytest.File, pytest.Directory)):
                self._waiting.add(node.nodeid)
        return report

    @pytest.hookimpl
    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Remember which option left a test out, or that a plugin did."""
        self._by.update(dict.fromkeys(map(id, items), deselected_by()))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell it, now that nobody changes the tests any more."""
        items: dict[str, list[pytest.Item]] = {}
        for item in (self._items | {id(item): item for item in session.items}).values():
            items.setdefault(item.nodeid.partition("::")[0], []).append(item)
        self._items = {}
        part = {nodeid.partition("::")[0] for nodeid in self._waiting}
        part.update(file for file, passed in self._files.items() if not passed)
        without = [one for one in self._files if not (one in items or one in part)]
        own = [*items, *(one for one in without if not _is_conftest(one))]
        golden_file, root = self._session.golden_file, self._session.rootdir
        own = [file for file in own if file and has_goldens(golden_file(root / file))]
        results = keeps_results(self._session.options)
        if not (own or part or (results and items)):
            return
        kept = {item.nodeid for item in session.items}
        gated = [
            f for f, of in items.items() if results and (f in own or any(map(asks_for_gates, of)))
        ]
        from pytest_editmetrics.session.identity import id_of

        looked = dict.fromkeys([*own, *(items if results else ())])
        tests = {file: list(map(id_of, items.get(file, ()))) for file in looked}
        gating = [id_of(i) for file in looked for i in items.get(file, ()) if asks_for_gates(i)]
        told = {
            "tests": {
                file: list({test.key: None for test in tests[file]})
                for file in dict.fromkeys([*own, *gated])
            },
            "of_goldens": own,
            "part": sorted(part),
            "digests": sorted({test.digest for test in gating if test.digest is not None}),
        }
        if results:
            from pytest_editmetrics.runs.unheld import sum_of

            told["sum"] = sum_of(test.nodeid for of in tests.values() for test in of)
            told["left"] = {file: self._left(items[file], kept) for file in gated}
            told["pictured"] = {
                file: {id_of(one).key: names_images(one) for one in pictured}
                for file, of_file in items.items()
                if (pictured := list(filter(_may_use_images, of_file)))
            }
        self._tell(told)

    def _left(self, items: list[pytest.Item], kept: set[str]) -> dict[str, list[str]]:
        """Return a file's tests with gates that are not to run, by what left them out."""
        from pytest_editmetrics.session.identity import id_of

        left: dict[str, list[str]] = {}
        for item in items:
            if item.nodeid not in kept and has_gates(item):
                test = id_of(item).nodeid.partition("::")[2]
                left.setdefault(self._by.get(id(item), ""), []).append(test)
        return left


def has_goldens(golden_file: Path) -> bool:
    """Tell whether a test file has golden thresholds in this file, or golden images beside it."""
    return golden_file.is_file() or golden_file.with_suffix("").is_dir()


def _may_use_images(item: pytest.Item) -> bool:
    """Tell whether a test may compare golden images: not one that asks for another gate alone."""
    only_edits = "edit_gate" in getattr(item, "fixturenames", ())
    return may_get_images(item) or (asks_for_gates(item) and not only_edits)


def _is_conftest(file: str) -> bool:
    return file.rpartition("/")[2] == "conftest.py"


class AllFound:
    """What the processes of a session found.

    ``tests`` are keys by test file, of files that have goldens, be there none; where results tell
    of it, which makes it true, of files whose tests ask for gates, too: ``of_goldens`` are the
    former. ``part`` are files of which not every class gave its tests, or that were skipped as a
    whole; ``left`` are tests that were not to run, see ``Unheld``; ``pictured`` those that may
    compare golden images, and whether they request these by name.
    """

    def __init__(self) -> None:
        self.tests: dict[str, set[str]] = {}
        self.of_goldens: dict[str, None] = {}
        self.left: dict[str, dict[str, tuple[str, ...]]] = {}
        self.pictured: dict[str, dict[str, bool]] = {}
        self.part: set[str] = set()
        self.digests: set[str] = set()
        self._sums: set[str] = set()

    def take(self, told: Mapping[str, Any]) -> None:
        """Add what one process tells."""
        for file, keys in told["tests"].items():
            self.tests.setdefault(file, set()).update(keys)
        self.part.update(told["part"])
        self.digests.update(told["digests"])
        self.of_goldens |= dict.fromkeys(told["of_goldens"])
        if "sum" in told:
            self._sums.add(told["sum"])
            self.left |= told["left"]
            self.pictured |= told["pictured"]

    def __bool__(self) -> bool:
        return bool(self._sums)

    @property
    def nodeids(self) -> list[str]:
        """The tests; a file that has none stands for itself."""
        tests = [f"{file}::{key}" for file, keys in self.tests.items() for key in keys]
        return [*(file for file, keys in self.tests.items() if not keys), *tests]

    def and_more(self, nodeids: Iterable[str]) -> list[str]:
        """Return these tests and what was found besides, of files that gave all of their tests."""
        every = dict.fromkeys([*nodeids, *self.nodeids])
        return [one for one in every if one.partition("::")[0] not in self.part]

    @property
    def sum(self) -> str:
        """The sum of all ids; empty where the processes found other tests."""
        return next(iter(self._sums)) if len(self._sums) == 1 else ""


def keeps_results(options: Mapping[str, Any]) -> bool:
    """Tell whether a session leaves results, which alone tell of what was found."""
    return any(options[name] for name in ("results", "run-dir", "html"))
