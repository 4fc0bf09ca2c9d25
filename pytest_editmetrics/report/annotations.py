"""GitHub annotations: workflow commands that mark the lines of tests on a pull request's page."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.failure import failure_text
from pytest_editmetrics.report.listed import with_entries
from pytest_editmetrics.report.tally import Tally, TestGates, beyond
from pytest_editmetrics.report.text import ACCEPTING, explanation_rows, headline, update_mode
from pytest_editmetrics.runs.failed import FailedTest, and_more, in_the_same_words
from pytest_editmetrics.whole_file import real_path

LIMIT = 10
_LONGEST = 4_000


def annotation_lines(
    tally: Tally,
    failed: Sequence[FailedTest],
    rootdir: Path,
    workspace: Path | None,
    errors: int = 0,
    typed: Callable[[str], str] = shlex.quote,
) -> list[str]:
    """Return the lines to print, one a test: ``::error`` if it fails, else ``::warning``.

    Tests that fail in the same words, by an error or without a gate, have one line together.

    A gate warns if it is for review, is unmeasured where it was measured when approved, or fails
    without failing its test. GitHub shows ten of either kind a step, so that is how many are
    printed, what lies farthest beyond its bound first, errors and then what fails without a gate
    last; a plain line tells of the rest.

    Args:
        tally: the session's gates.
        failed: tests that fail though no gate of theirs does, and files that were not collected.
        rootdir: what test files are relative to.
        workspace: the checkout's root (``GITHUB_WORKSPACE``), which GitHub takes paths from.
        errors: how many ``::error`` stand before these, which GitHub counts too.
        typed: returns the words that run a test, given its id.
    """
    failing: dict[str, tuple[TestGates, list[Gate]]] = {}
    warned: dict[str, tuple[TestGates, list[Gate]]] = {}
    for test, gate in tally.notable:
        if gate.failing and test.outcome == "failed":
            failing.setdefault(test.nodeid, (test, []))[1].append(gate)
        elif gate.verdict == "review" or gate.regressed or gate.failing:
            warned.setdefault(test.nodeid, (test, []))[1].append(gate)

    def of_gates(
        kind: str, tests: Mapping[str, tuple[TestGates, list[Gate]]]
    ) -> Iterator[tuple[str, int]]:
        ordered = sorted(tests.values(), key=lambda pair: max(map(beyond, pair[1])), reverse=True)
        for (test, gates), *others in in_the_same_words(ordered, _words):
            path = _in_checkout(test.location, rootdir, workspace)
            yield _annotation(kind, test, gates, path, typed, others), 1 + len(others)

    def without() -> Iterator[tuple[str, int]]:
        for test, *others in in_the_same_words(failed, FailedTest.words):
            path = _in_checkout(test.location, rootdir, workspace)
            line = _command(
                "error", f"failed in {test.when}", test.location, path, test.told(others)
            )
            yield line, 1 + len(others)

    def of_crashed() -> Iterator[tuple[str, int]]:
        for nodeid in tally.crashed:
            first = nodeid.partition("::")[0], 1
            path = _in_checkout(first, rootdir, workspace)
            said = f"{nodeid}: its worker ended while it ran, so nothing of it was measured"
            yield _command("error", "crashed", first, path, said), 1

    unseen = "tests whose gates are for review, unmeasured or fail unseen"
    return [
        *_first(
            chain(of_gates("error", failing), of_crashed(), without()),
            LIMIT - errors,
            "failing tests",
        ),
        *_first(of_gates("warning", warned), LIMIT, unseen),
    ]


def _words(test_gates: tuple[TestGates, list[Gate]]) -> object:
    """Return what other tests may have in common with one: errors; numbers are its own."""
    test, gates = test_gates
    errors = all(gate.verdict == "error" for gate in gates)
    return errors, failure_text(gates, "", -2) if errors else test.nodeid


def _first(told: Iterable[tuple[str, int]], room: int, what: str) -> list[str]:
    """Return the first lines, and of how many tests the rest would tell."""
    told = iter(told)
    lines = [line for line, _ in islice(told, max(room, 0))]
    left = sum(number for _, number in told)
    more = f"{left} more {what} are not annotated: GitHub shows {LIMIT} a step"
    return [*lines, *([f"{more}; the summary lists all"] if left else [])]


def problem_lines(problems: Sequence[str]) -> list[str]:
    """Return an ``::error`` for each of what fails a session besides its gates, ten at most."""
    whole = (with_entries(one)[:_LONGEST] for one in problems[:LIMIT])
    return [f"::error title=editmetrics::{_data(one)}" for one in whole]


def _annotation(
    kind: str,
    test: TestGates,
    gates: Sequence[Gate],
    path: str | None,
    typed: Callable[[str], str],
    others: Sequence[object],
) -> str:
    gates = sorted(gates, key=beyond, reverse=True)
    title = f"editmetrics {', '.join(gate.label for gate in gates)}"
    failing = [gate for gate in gates if gate.failing]
    lines = failure_text(failing, test.nodeid, -2).split("\n") if failing else []
    lines += [headline(gate) for gate in gates if not gate.failing]
    message = "\n".join([f"{test.nodeid}{and_more(others)}: {lines[0]}", *lines[1:]])
    accept = dict.fromkeys(row for gate in gates for row in _accepted(gate, test, typed))
    message += "".join(f"\n{what}: {how}" for what, how in accept)
    return _command(kind, title, test.location, path, message)


def _command(
    kind: str, title: str, location: tuple[str, int] | None, path: str | None, message: str
) -> str:
    properties = {"title": title}
    if location is not None and path is not None:
        properties = {"file": path, "line": str(location[1]), **properties}
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{kind} {listed}::{_data(message[:_LONGEST])}"


def _accepted(gate: Gate, test: TestGates, typed: Callable[[str], str]) -> list[tuple[str, str]]:
    rows = explanation_rows(gate, test.nodeid, update_mode(test.gates), typed)
    return [row for row in rows if row[0] in ACCEPTING and not test.expected]


def _in_checkout(
    location: tuple[str, int] | None, rootdir: Path, workspace: Path | None
) -> str | None:
    if location is None:
        return None
    path = real_path(rootdir / location[0])
    for root in (workspace, rootdir):
        if root is not None and path.is_relative_to(real_path(root)):
            return path.relative_to(real_path(root)).as_posix()
    return path.as_posix()


def _data(text: str) -> str:
    r"""Escape a workflow command's message.

    >>> print(_data("100 %\n::error::x"))
    100 %25%0A::error::x
    """
    text = "".join(c if c.isprintable() or c in "\r\n" else ascii(c)[1:-1] for c in text)
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a workflow command's property.

    >>> _property("a,b:c")
    'a%2Cb%3Ac'
    """
    return _data(text).replace(":", "%3A").replace(",", "%2C")
