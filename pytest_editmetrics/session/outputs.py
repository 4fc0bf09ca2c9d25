"""The run directory and the HTML report of a session, opened before the first test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime, timezone
from functools import cached_property
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import pytest

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.session.options import in_ci
from pytest_editmetrics.session.state import EditSession
from pytest_editmetrics.whole_file import real_path

if TYPE_CHECKING:
    from pytest_editmetrics.runs.failed import FailedTest
    from pytest_editmetrics.runs.results import ResultsFile
    from pytest_editmetrics.runs.writing import RunResults


_VERSIONS = (
    "pytest-editmetrics",
    "pytest",
    "torch",
    "transformers",
    "lpips",
    "segment-anything",
    "pot",
    "numpy",
    "pillow",
)


_OF_OTHERS = {
    "--junitxml": "xmlpath",
    "--html": "htmlpath",
    "--report-log": "report_log",
    "--json-report-file": "json_report_file",
    "--log-file": "log_file",
    "--debug": "debug",
    "--csv": "csv_path",
    "--md-report-output": "md_report_output",
}
"""Files that pytest and well-known plugins write, by option: the name under which they keep it, and
under which the ini file may give it."""


class RunOutputs:
    """Serves ``--editmetrics-results``, ``-run-dir`` and ``-html``; made by the controller only.

    ``problems`` are outputs that could not be written: each fails the session. ``kept_run`` and
    ``html_report`` are what was written, as a path for a command.
    """

    def __init__(self, session: EditSession):
        self._session = session
        self._start = session.config.invocation_params.dir
        self._html: Path | None = None
        self._files: list[ResultsFile] = []
        self._temporary = False
        self._begun = False
        self.notes: list[str] = []
        self.problems: list[str] = []
        self.kept_run: str | None = None
        self.html_report: str | None = None

    def open(self) -> None:
        """Open what was asked for, so that a bad path costs no run.

        Raises:
            pytest.UsageError: a path cannot be written, or holds something else than a run.
        """
        options = self._session.options
        self._session.config.pluginmanager.register(self, "editmetrics-outputs")
        try:
            self._check_apart()
            self._html = self._start / options["html"] if options["html"] else None
            run = self._opened_run()  # first: what lay in its folder would be somebody else's
            if self._html is not None:
                check_writable(self._html)
                self._claim(self._html)
            if options["results"]:
                from pytest_editmetrics.runs.results import ResultsFile

                path = self._start / options["results"]
                self._add(ResultsFile(path, package_versions(), now(), **self._head))
            if run is not None:
                self._files.append(run)
        except EditMetricsError as error:
            raise pytest.UsageError(str(error)) from None

    @cached_property
    def _head(self) -> dict[str, str | None]:
        from pytest_editmetrics.goldens.git_files import commit_here

        return {"id": new_id(), "commit": commit_here(self._session.rootdir)}

    def _opened_run(self) -> RunResults | None:
        if (run_path := self._run_path()) is None:
            return None
        from pytest_editmetrics.runs.writing import RunDir, RunResults

        run = RunResults(RunDir(run_path), package_versions(), now(), **self._head)
        self._session.config.add_cleanup(run.leave)
        self._session.run_path = run_path
        return run

    def _add(self, file: ResultsFile) -> None:
        self._files.append(file)
        self._session.config.add_cleanup(file.leave)

    def _claim(self, path: Path) -> None:
        from pytest_editmetrics.runs.claims import Claim

        self._session.config.add_cleanup(Claim(path).release)

    def _check_apart(self) -> None:
        """Refuse two outputs in one file, where each would overwrite the other, one in a folder of
        which another makes a file, and one that pytest removes."""
        outputs = ("run-dir", "results", "summary", "html")
        given = {name: value for name in outputs if (value := self._session.options[name])}
        if not given:
            return
        from pytest_editmetrics.runs.claims import is_stream
        from pytest_editmetrics.runs.folder import RESULTS

        ours = {
            f"--editmetrics-{name}": self._start / value / (RESULTS if name == "run-dir" else "")
            for name, value in given.items()
        }
        ours = {flag: path for flag, path in ours.items() if not is_stream(path)}
        seen: dict[Path | tuple[int, int], str] = {}
        theirs = {flag: path for flag, path in self._of_others() if not is_stream(path)}
        for flag, path in (*ours.items(), *theirs.items()):
            other = seen.setdefault(_file_of(path), flag)
            if other != flag:
                raise EditMetricsError(
                    f"{other} and {flag} both write {path}; give one of them another path"
                )
            folder = next((one for one in ours if real_path(path) in _folders_of(ours[one])), None)
            pages = flag == "--editmetrics-html" and path.suffix.lower() != ".html"
            if folder and not (pages or path.is_dir()):  # of one that is there, writing says so
                raise EditMetricsError(
                    f"{flag} writes the file {path}, which is a folder of {folder}; give one of"
                    " them another path"
                )
        temporary = self._session.config.getoption("basetemp", None)
        for flag, path in ours.items() if temporary else ():
            if real_path(Path(os.path.abspath(temporary))) in _folders_of(path / "any"):
                raise EditMetricsError(
                    f"{flag} lies in the folder of --basetemp, {temporary}, which pytest removes"
                    " while tests run; give one of them another path"
                )

    def _of_others(self) -> Iterator[tuple[str, Path]]:
        config = self._session.config
        for flag, name in _OF_OTHERS.items():
            value, said = config.getoption(name, None), flag
            if not value:
                with suppress(ValueError, KeyError):  # no plugin here knows it
                    value, said = config.getini(name), f"{name} of the ini file"
            if value and isinstance(value, (str, Path)):
                yield said, self._start / os.path.expanduser(os.path.expandvars(value))

    @pytest.hookimpl
    def pytest_runtest_logstart(self) -> None:
        """Replace the results and the report of an earlier run, now that a test runs."""
        if self._begun:
            return
        self._begun = True
        self.write("begin")
        if self._html is not None:
            from pytest_editmetrics.report.html import write_unfinished

            write_unfinished(self._html, now())

    def _run_path(self) -> Path | None:
        named = self._session.options["run-dir"]
        if named:
            return Path(os.path.abspath(self._start / named))
        if self._html is None:
            return None
        from pytest_editmetrics.cache.work import work_folder

        self._temporary = True
        work = ExitStack()
        self._session.config.add_cleanup(work.close)
        return work.enter_context(work_folder())

    def write(self, record: str, *values: object) -> None:
        """Let each results file ``begin`` or ``close``, or append a record."""
        for file in tuple(self._files):
            try:
                getattr(file, record)(*values)
            except EditMetricsError as error:
                self._files.remove(file)
                self.problems.append(str(error))

    def write_failures(self, files: Sequence[FailedTest], problems: Sequence[str]) -> None:
        """Append files that were not collected, and what fails the session besides its tests.

        Where nothing ran an earlier run stays; but not in CI, where it would pass for this one.
        """
        from pytest_editmetrics.report.listed import with_entries

        if (files or problems) and in_ci():
            self.write("begin")
        for file in files:
            self.write("failed", file)
        for problem in tuple(problems):
            self.write("problem", with_entries(problem))

    def close(self) -> None:
        """Write the report and say what there is; the results have their end, if there is one."""
        run_path = self._session.run_path
        for file in self._files:
            file.leave()
            if not file.begun:
                self.notes.append(f"no test ran: {file.path} still holds an earlier run")
            elif file.path.parent != run_path:
                self.notes.append(f"results: {file.path}")
        earlier = not all(file.begun for file in self._files)
        if run_path is not None and not self._temporary and not earlier:
            self.notes.append(f"run directory: {run_path}")
            self.kept_run = self._typed(run_path)
        if run_path is not None and not earlier:
            self._write_report(run_path, self.notes.append)

    def amend(self, said: str) -> None:
        """Let what was closed say what failed the session since."""
        self.write("amend", said)
        if self.html_report is not None and self._session.run_path is not None:
            self._write_report(self._session.run_path, lambda line: None)

    def _write_report(self, run_path: Path, say: Callable[[str], None]) -> None:
        if self._html is None:
            return
        from pytest_editmetrics.report.html import write_html
        from pytest_editmetrics.runs.folder import read_run

        try:
            with self._session.clock.of("report"):
                run = read_run(run_path)
                keeps = not self._temporary
                write_html(run, self._html, say=say, keeps_run=keeps, begun=True, start=self._start)
        except EditMetricsError as error:
            self.problems.append(str(error))
        else:
            say(f"report: {self._html}")
            self.html_report = self._typed(self._html)

    def _typed(self, path: Path) -> str:
        """Return a path as one types it here."""
        from pytest_editmetrics.report.next_steps import typed_path

        near = path.relative_to(self._start) if path.is_relative_to(self._start) else path
        return typed_path(near)


def _file_of(path: Path) -> Path | tuple[int, int]:
    """Return what is the same for each spelling of a path, and for each link to a file."""
    try:
        found = path.stat()
    except OSError:
        return real_path(path)
    return found.st_dev, found.st_ino


def _folders_of(path: Path) -> set[Path]:
    """Return the folders in which a file is written, links followed or not."""
    return {*real_path(path).parents, *Path(os.path.abspath(path)).parents}


def package_versions() -> dict[str, str | None]:
    """Return the versions of the packages that a measurement depends on, ``None`` if absent."""
    return {name: package_version(name) for name in _VERSIONS}


def package_version(distribution: str) -> str | None:
    """Return the version of one package, ``None`` if it is absent."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def new_id() -> str:
    """Return an id for a session, which no other has."""
    return os.urandom(8).hex()


def now() -> str:
    """Return the time as results state it: ISO 8601, UTC, in seconds."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def check_writable(output: Path) -> None:
    """Make the folder of a report, and raise ``EditMetricsError`` if it cannot be written there."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=output if output.is_dir() else output.parent):
            pass
    except OSError as error:
        raise EditMetricsError(
            f"cannot write the report {output}: {error.strerror or error}; give another path"
        ) from None
    from pytest_editmetrics.report.html import check_report

    is_page = output.suffix.lower() == ".html"
    problem = None
    if is_page and output.is_dir():
        problem = "it is a folder"
    elif not is_page and output.exists() and not output.is_dir():
        problem = "it is a file; a path that does not end in .html is a folder"
    elif not os.access(output if output.exists() else output.parent, os.W_OK):
        problem = "permission denied"
    if problem:
        raise EditMetricsError(f"cannot write the report {output}: {problem}; give another path")
    check_report(output)
