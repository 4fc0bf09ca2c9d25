"""The section that ends a session's output: what came of the gates, and what to type next."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_editmetrics.session.options import in_ci

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.report.next_steps import Session
    from pytest_editmetrics.report.tally import Tally, TestGates
    from pytest_editmetrics.session.outputs import RunOutputs

_UPDATE = "--editmetrics-update"


class EachGate:
    """A line for every gate of the session, as ``-v`` shows them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, test: TestGates, gate: Gate) -> None:
        """Keep the line of a gate of the test's last attempt."""
        from pytest_editmetrics.report.summary import gate_line

        self.lines.append(gate_line(test.nodeid, gate))


def write_last_screen(
    reporter: pytest.TerminalReporter,
    tally: Tally | None,
    each: EachGate,
    end: tuple[Sequence[str], Sequence[str], bool],
    outputs: RunOutputs,
) -> None:
    """Write the section, if it has a line.

    ``end`` are the notes, what fails the session besides its tests, and whether goldens are to be
    renamed or moved.
    """
    from pytest_editmetrics.report.listed import below
    from pytest_editmetrics.report.next_steps import (
        Line,
        next_steps,
        verdict_lines,
        worst_picture,
    )
    from pytest_editmetrics.report.printed import printing
    from pytest_editmetrics.report.summary import summary_lines

    notes, problems, renamed = end
    lines = [Line(line) for line in each.lines]
    wide = None if in_ci() or not reporter.isatty else reporter._tw.fullwidth
    if tally is not None:
        quiet = reporter.config.get_verbosity() < 0
        lines += map(Line, summary_lines(tally, quiet=quiet, width=wide))
        lines += [*verdict_lines(tally), *worst_picture(tally)]
    lines += map(Line, notes)
    for problem in problems:
        lines += [Line(f"FAILED: {problem}", "red"), *map(Line, below(problem))]
    if tally is not None:
        lines += next_steps(tally, _session(reporter.config, outputs, renamed=renamed))
    if not lines:
        return
    reporter.ensure_newline()
    reporter.section("editmetrics")
    for text, markup in lines:
        room = None if markup == "bold" else wide  # a command is copied: it is not broken
        printing(partial(_write, reporter, room))(text, **({markup: True} if markup else {}))


def _write(reporter: pytest.TerminalReporter, room: int | None, line: str, **shown: bool) -> None:
    for part in _fitted(line, room):
        reporter.write_line(part, **shown)


def _fitted(line: str, room: int | None) -> Sequence[str]:
    """Return a line in parts that a terminal has room for, broken between words.

    >>> _fitted("  tests/a.py::test_a: lpips unmeasured (empty-region)", 30)
    ['  tests/a.py::test_a: lpips', '    unmeasured (empty-region)']
    """
    if room is None or len(line) <= room:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(
        line,
        room,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _session(config: pytest.Config, outputs: RunOutputs, *, renamed: bool) -> Session:
    """Return what the next commands are made of: this one as it was typed, and what it wrote."""
    from pytest_editmetrics.report.next_steps import Session, typed_path
    from pytest_editmetrics.session.typed import rootdir_from_here

    root = rootdir_from_here(config)
    elsewhere = None if root is None else typed_path(Path(root))
    typed = shlex.join(["pytest", *_without_update(config.invocation_params.args)])
    return Session(typed, outputs.kept_run, outputs.html_report, rootdir=elsewhere, renamed=renamed)


def _without_update(typed: Iterable[object]) -> Iterator[str]:
    """Leave out what was to be recorded: the next command says it anew."""
    words = map(str, typed)
    for word in words:
        if word == _UPDATE:
            next(words, None)
        elif not word.startswith(f"{_UPDATE}="):
            yield word
