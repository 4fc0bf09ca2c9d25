"""GitHub annotations: workflow commands that mark the lines of tests on a pull request's page."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.listed import below
from pytest_editmetrics.report.tally import Tally, TestGates, beyond
from pytest_editmetrics.report.text import explanation_rows, headline, update_mode

LIMIT = 10
_LONGEST = 4_000


def annotation_lines(
    tally: Tally,
    rootdir: Path,
    workspace: Path | None,
    errors: int = 0,
    typed: Callable[[str], str] = shlex.quote,
) -> list[str]:
    """Return the lines to print, one a test: ``::error`` if gates fail it, else ``::warning``.

    A gate warns if it is for review, is unmeasured where it was measured when approved, or fails
    without failing its test. GitHub shows ten of either kind a step, so that is how many are
    printed, what lies farthest beyond its bound first and errors last; a plain line tells of the
    rest.

    Args:
        tally: the session's gates.
        rootdir: what test files are relative to.
        workspace: the checkout's root (``GITHUB_WORKSPACE``), which GitHub takes paths from.
        errors: how many ``::error`` stand before these, which GitHub counts too.
        typed: returns the words that run a test, given its id.
    """
    hidden = {id(gate) for _, gate in tally.hidden}
    failing: dict[str, tuple[TestGates, list[Gate]]] = {}
    warned: dict[str, tuple[TestGates, list[Gate]]] = {}
    for test, gate in tally.notable:
        if gate.failing and id(gate) not in hidden:
            failing.setdefault(test.nodeid, (test, []))[1].append(gate)
        elif gate.verdict == "review" or gate.regressed or id(gate) in hidden:
            warned.setdefault(test.nodeid, (test, []))[1].append(gate)
    lines = []
    for kind, room, what, tests in (
        ("error", LIMIT - errors, "failing tests", failing),
        ("warning", LIMIT, "tests whose gates are for review, unmeasured or fail unseen", warned),
    ):
        ordered = sorted(tests.values(), key=lambda pair: max(map(beyond, pair[1])), reverse=True)
        lines += [
            _annotation(kind, t, of, _in_checkout(t, rootdir, workspace), typed)
            for t, of in ordered[:room]
        ]
        if len(tests) > room:
            lines.append(
                f"{len(tests) - room} more {what} are not annotated: GitHub shows {LIMIT} a step;"
                " the summary lists all"
            )
    return lines


def problem_lines(problems: Sequence[str]) -> list[str]:
    """Return an ``::error`` for each of what fails a session besides its gates, ten at most."""
    whole = ("\n".join([one, *below(one)])[:_LONGEST] for one in problems[:LIMIT])
    return [f"::error title=editmetrics::{_data(one)}" for one in whole]


def _annotation(
    kind: str,
    test: TestGates,
    gates: Sequence[Gate],
    path: str | None,
    typed: Callable[[str], str],
) -> str:
    gates = sorted(gates, key=beyond, reverse=True)
    properties = {"title": f"editmetrics {', '.join(gate.label for gate in gates)}"}
    if test.location is not None and path is not None:
        properties = {"file": path, "line": str(test.location[1]), **properties}
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    first, *others = gates
    message = "\n".join([f"{test.nodeid}: {headline(first)}", *map(headline, others)])
    accept = dict.fromkeys(row for gate in gates for row in _accepted(gate, test, typed))
    message += "".join(f"\n{what}: {how}" for what, how in accept)
    return f"::{kind} {listed}::{_data(message[:_LONGEST])}"


def _accepted(gate: Gate, test: TestGates, typed: Callable[[str], str]) -> list[tuple[str, str]]:
    rows = explanation_rows(gate, test.nodeid, update_mode(test.gates), typed)
    return [row for row in rows if row[0] in ("to accept", "or apart", "to record")]


def _in_checkout(test: TestGates, rootdir: Path, workspace: Path | None) -> str | None:
    if test.location is None:
        return None
    path = (rootdir / test.location[0]).resolve()
    for root in (workspace, rootdir):
        if root is not None and path.is_relative_to(root.resolve()):
            return path.relative_to(root.resolve()).as_posix()
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
