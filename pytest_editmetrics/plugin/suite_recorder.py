"""What the controller keeps and says of the suite: its gates' values, judged once at the end."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.plugin.whole_run import PARTIAL
from pytest_editmetrics.session.options import ci_variable, in_ci
from pytest_editmetrics.session.state import EditSession
from pytest_editmetrics.session.unread import is_case_file
from pytest_editmetrics.whole_file import real_path

if TYPE_CHECKING:
    from pytest_editmetrics.config.suite import SuiteSettings
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.suites.gate import SuiteGate
    from pytest_editmetrics.suites.gone import Key
    from pytest_editmetrics.suites.judge import Point, Side


class SuiteRecorder:
    """Values for the suite's gates, kept only where the configuration has a suite.

    ``problems`` each fail the session; ``record`` is what the results tell, ``None`` without one.
    """

    def __init__(self, session: EditSession):
        self._session = session
        self._points: dict[Key, Point] = {}
        self._twice: str | None = None
        self._suite: SuiteSettings | None = None
        self._asked = False
        self.notes: list[str] = []
        self.problems: list[str] = []
        self.record: dict[str, Any] | None = None

    def add(self, nodeid: str, gates: Iterable[Gate]) -> None:
        """Take the gates of a test's last attempt."""
        self._read()
        if self._suite is None:
            return
        from pytest_editmetrics.suites.judge import Point

        for gate in gates:
            if gate.metric in self._suite.metrics:
                key = (nodeid, gate.metric, gate.name)
                if key in self._points:
                    self._twice = f"{nodeid} ran twice (--dist each), so there is no telling which"
                self._points[key] = Point.of(gate)

    def _read(self) -> None:
        if self._asked:
            return
        self._asked = True
        try:
            self._suite = self._session.suite
        except EditMetricsError as error:
            self.problems.append(f"the suite's gates are not known: {error}")

    def close(self, collected: Collection[str], partial: str | None) -> None:
        """Judge the suite, if all of it ran; what fails is a problem.

        ``collected`` are the node ids of all tests, ``partial`` why not each of them ran. A part
        of the suite that made no gate at all is none of its business.
        """
        made_gates = self._asked
        if not made_gates and partial is not None:
            return
        self._read()
        suite = self._suite
        if suite is None:
            return
        why = partial or self.part_of_suite()
        if not made_gates and why is not None:
            return
        from pytest_editmetrics.suites.gate import SuiteResult
        from pytest_editmetrics.suites.judge import Side, judge_suite

        shown = None if suite.base is None else str(self._session.shown(suite.base))
        gates: list[SuiteGate] = []
        if why is None:
            base = self._base(suite)
            why = None if base is None else self._left_out(base, collected)
            if why is None:
                gates = judge_suite(suite, Side(self._points, self._twice), base)
        self.record = SuiteResult(tuple(gates), shown, why).to_dict()
        if why is not None:
            self.notes.append(f"suite gates not judged: {why}")
        self._tell(gates, suite)

    def _tell(self, gates: Sequence[SuiteGate], suite: SuiteSettings) -> None:
        from pytest_editmetrics.report.suite_text import change_lines, suite_headline

        failing = [gate for gate in gates if gate.verdict == "fail"]
        self.notes += [suite_headline(gate) for gate in gates if gate.verdict == "pass"]
        self.notes += change_lines(failing)
        if suite.base is not None and any(g.change and g.message is None for g in failing):
            self.notes.append(f"  to accept make a new base: {self._making(suite.base)}")
        self.problems += [suite_headline(gate) for gate in failing]

    def part_of_suite(self) -> str | None:
        """Return why this run is only a part of the suite, ``None`` if it is the whole."""
        config = self._session.config
        typed = [str(arg) for arg in config.invocation_params.args]
        if any(arg.startswith("--ignore") for arg in typed):
            return PARTIAL
        if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            return None
        here = config.invocation_params.dir
        named = [real_path(here / arg.partition("::")[0]) for arg in config.args]
        if any(path.is_file() for path in named):
            return PARTIAL
        left_out = _not_below(named, config)
        if left_out is None:
            return None
        shown = self._session.shown(left_out)
        return f"this run left out {shown}; run pytest without a path, or set testpaths"

    def _left_out(self, base: Side, collected: Collection[str]) -> str | None:
        """Tell of a test file that is there, that the base has and this run did not collect."""
        ran = {nodeid.partition("::")[0] for nodeid in collected}
        for nodeid, _, _ in base.points:
            file = nodeid.partition("::")[0]
            if file not in ran and (self._session.rootdir / file).is_file():
                ran.add(file)
                return f"this run left out {file}, which the base has; run the whole suite"
        return None

    def _base(self, suite: SuiteSettings) -> Side | None:
        """Return the base, or a problem in its place; ``None`` where this run is to be the base."""
        from pytest_editmetrics.runs.folder import RESULTS, read_run
        from pytest_editmetrics.suites.judge import Side, side_of

        if suite.base is None:
            return Side(
                {},
                "no base is named to compare with: write `base: results/base.jsonl` in suite, a"
                " file of --editmetrics-results",
            )
        shown = self._session.shown(suite.base)
        target = real_path(suite.base)
        if {target, target / RESULTS} & self._written():
            text = f"this run writes the base {shown}, so nothing is compared with it"
            if in_ci() and not self._session.options["force-update"]:
                self.problems.append(
                    f"{text}: refused because {ci_variable()} is set; give another path"
                )
            else:
                self.notes.append(f"suite: {text}; review the change and commit it")
            return None
        if not suite.base.exists():
            how = self._making(suite.base)
            return Side({}, f"there is no base {shown} ({suite.base_source}); make it with: {how}")
        try:
            return side_of(read_run(suite.base), suite.metrics, f"base {shown}")
        except EditMetricsError as error:
            return Side({}, f"the base cannot be used: {error}")

    def _making(self, base: Path) -> str:
        """Return the command that makes a base."""
        folder = base.is_dir() or not base.suffix
        return (
            f"pytest --editmetrics-{'run-dir' if folder else 'results'}={self._session.shown(base)}"
        )

    def _written(self) -> set[Path]:
        """Return the results files that this session writes, links and ``..`` resolved."""
        from pytest_editmetrics.runs.folder import RESULTS

        session = self._session
        named = session.options["results"]
        written = {real_path(session.config.invocation_params.dir / named)} if named else set()
        if session.run_path is not None:
            written.add(real_path(session.run_path / RESULTS))
        return written


def _not_below(named: Sequence[Path], config: pytest.Config) -> Path | None:
    """Return a place with tests of this project that lies below none of the paths."""
    root = real_path(config.rootpath)
    if root in named:
        return None
    testpaths = [root / text for text in config.getini("testpaths")]
    for place in testpaths or _test_files(root, config):
        if not any(real_path(place).is_relative_to(path) for path in named):
            return place
    return None


def _test_files(root: Path, config: pytest.Config) -> Iterator[Path]:
    """Give the files that pytest, started in the rootdir, would collect."""
    patterns = config.getini("python_files")

    def collected(path: Path) -> bool:
        return not config.hook.pytest_ignore_collect(collection_path=path, config=config)

    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if collected(Path(folder, name)))
        for name in sorted(files):
            path = Path(folder, name)
            named = is_case_file(path) or any(path.match(pattern) for pattern in patterns)
            if named and collected(path):
                yield path
