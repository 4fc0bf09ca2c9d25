"""What a session leaves for people who look at CI: a Markdown summary and GitHub annotations."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.runs.claims import Claim, check_ours, is_stream
from pytest_editmetrics.session.state import EditSession
from pytest_editmetrics.session.typed import typed_test
from pytest_editmetrics.whole_file import real_path

if TYPE_CHECKING:
    from pytest_editmetrics.plugin.whole_run import WholeRun
    from pytest_editmetrics.report.tally import Tally
    from pytest_editmetrics.runs.failed import FailedTest

    Told = tuple[list[str], list[str], list[FailedTest], WholeRun]
    """Notes, problems, tests that failed without a gate, and what the session knows of its end."""

GITHUB_LIMIT = 1 << 20
UNFINISHED = "## ❌ editmetrics failed: the session did not finish\n"


class CiSurfaces:
    """Writes ``--editmetrics-summary`` and ``GITHUB_STEP_SUMMARY``; made by the controller only."""

    def __init__(self, session: EditSession):
        self._rootdir = session.rootdir
        step, option = os.environ.get("GITHUB_STEP_SUMMARY"), session.options["summary"]
        self._config = session.config
        self._step = Path(step) if step else None
        self._path = session.config.invocation_params.dir / option if option else None
        if self._path and self._step and real_path(self._path) == real_path(self._step):
            self._path = None
        self._report_url: str | None = session.options["report-url"]
        self._told: tuple[Tally, Told, bool] | None = None
        self._problems: list[str] = []
        self._on_page: tuple[int, int] | None = None

    def open(self) -> None:
        """Write a summary that says the session did not finish, so that a killed one leaves it.

        Raises:
            pytest.UsageError: the path cannot be written, holds something else than a summary, or
                is being written by another session; no test has run yet.
        """
        if self._path is not None:
            from pytest_editmetrics.report.markdown import is_summary

            try:
                check_ours(self._path, "the summary", is_summary)
                self._config.add_cleanup(Claim(self._path).release)
            except EditMetricsError as error:
                raise pytest.UsageError(str(error)) from None
            self._write(self._path, UNFINISHED, "w")
        if self._problems:
            raise pytest.UsageError(self._problems[0])
        self._config.pluginmanager.register(self, "editmetrics-ci")

    def wanted(self, *, gates: bool) -> bool:
        """Tell whether there is a summary to write: of a session without gates only the one asked
        for.
        """
        return self._path is not None or (self._step is not None and gates)

    def close(self, tally: Tally, told: Told, *, gates: bool) -> None:
        """Take what there is to say; a session without ``gates`` leaves GitHub's page alone."""
        self._told = tally, told, gates

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Write the summaries, when plugins that fail the session at its end did so.

        What cannot be written fails it, too.
        """
        try:
            return (yield)
        finally:
            if self._told is not None:
                _, (_, problems, *_), _ = self._told
                self._summarise(session, *self._told)
                problems += self._problems
                if self._problems and session.exitstatus == 0:
                    session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def amend(self, session: pytest.Session, said: str) -> None:
        """Write the summaries anew, with what failed a session at its very end."""
        if self._told is not None and not self._told[1][3].cut:
            self._summarise(session, *self._told, late=said)

    def _summarise(
        self, session: pytest.Session, tally: Tally, told: Told, gates: bool, late: str = ""
    ) -> None:
        from pytest_editmetrics.report.markdown import SessionEnd, markdown_summary
        from pytest_editmetrics.session.outputs import package_versions

        notes, problems, failed, whole = told
        besides = whole.failed_besides(session, known=whole.cut or bool(problems))
        end = SessionEnd(
            package_versions(),
            tuple(notes),
            list(dict.fromkeys([*problems, *besides, *filter(None, [late])])),
            whole.failed_tests(session),
            failed,
            "interrupted" if whole.cut else "",
            self._report_url,
            partial(typed_test, self._config),
        )
        if self._path is not None:
            self._write(self._path, markdown_summary(tally, end, GITHUB_LIMIT), "w")
            if not self._problems:
                notes.append(f"summary: {self._path}")
        if self._step is None or not gates:
            return
        start = _size(self._step)
        if self._on_page is not None and self._on_page[1] == start and not is_stream(self._step):
            start = self._on_page[0]
            os.truncate(self._step, start)
        room = GITHUB_LIMIT - start
        text = "\n" + markdown_summary(tally, end, room - 1)
        if len(text.encode()) > room:
            notes.append(f"no summary on GitHub's page: {self._step} holds 1 MiB already")
        else:
            self._write(self._step, text, "a")
            self._on_page = start, _size(self._step)

    def annotations(
        self, tally: Tally | None, problems: Sequence[str], failed: Sequence[FailedTest]
    ) -> list[str]:
        """Return the lines that GitHub turns into annotations; none elsewhere.

        ``problems`` are what fails the session besides its tests, ``failed`` are tests that fail
        without a gate.
        """
        if os.environ.get("GITHUB_ACTIONS") != "true":
            return []
        from pytest_editmetrics.report.annotations import annotation_lines, problem_lines
        from pytest_editmetrics.report.tally import Tally

        given = os.environ.get("GITHUB_WORKSPACE")
        roots = self._rootdir, Path(given) if given else None
        lines = problem_lines(problems)
        told = tally or Tally(), failed
        return lines + annotation_lines(
            *told, *roots, len(lines), partial(typed_test, self._config)
        )

    def _write(self, path: Path, text: str, mode: Literal["w", "a"]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open(
                "a" if is_stream(path) else mode, encoding="utf-8", newline="\n"
            ) as file:
                file.write(text)
        except OSError as error:
            self._problems.append(
                f"cannot write the summary {path}: {error.strerror or error}; give"
                " --editmetrics-summary (or GITHUB_STEP_SUMMARY) another path"
            )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
