"""A run as the Markdown of a comment on a merge request: what changed, what fails, what is new."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.comparison import key_text, moved
from pytest_editmetrics.report.failure import failure_text, of_the_same_error
from pytest_editmetrics.report.listed import headed
from pytest_editmetrics.report.markdown import (
    SessionEnd,
    code,
    escape,
    fitted,
    listed,
    listed_alike,
    listed_gates,
    problem_block,
    reruns,
    verdict_heading,
)
from pytest_editmetrics.report.next_steps import Session, next_steps, typed_path
from pytest_editmetrics.report.summary import by_expect
from pytest_editmetrics.report.tally import Tally, TestGates, beyond, tally_of
from pytest_editmetrics.report.unheld import (
    failing_words,
    obsolete_texts,
    passed_by_texts,
    told_once,
)
from pytest_editmetrics.runs.failed import and_more, failed_alike
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.runs.unheld import obsolete_of
from pytest_editmetrics.suites.compare import Comparison
from pytest_editmetrics.suites.pairs import NOISE, Pair, Step, worst_of

LIMIT = 60_000
"""Bytes: GitHub takes 65,536 characters of a comment, and a job adds a line of its own."""

_WORTH = 0.5
_IN_A_LINK = "-._~:/?#[]@!$&'*+,;=%"


def comment(
    run: Run, base: Comparison | None = None, *, mark: str = "edits", url: str | None = None
) -> str:
    """Return the comment.

    Args:
        run: the run that is judged.
        base: what moved against the run before, if there is one.
        mark: a name in an HTML comment on the first line, by which a job finds its earlier comment.
        url: where the report lies.

    Raises:
        EditMetricsError: what the run tells of goldens makes no sense.
    """
    tally = tally_of(run.gates, run.crashed, run.run_again)
    unheld = obsolete_of(run)
    problems, obsolete = told_once(map(headed, run.problems), obsolete_texts(unheld), unheld)
    end = SessionEnd(
        problems=problems,
        unheld=failing_words(unheld),
        failed_tests=run.failed_tests,
        failed=run.failed,
        cut="" if run.complete else run.lacks or "interrupted",
        report_url=url,
    )
    head = [f"<!-- editmetrics: {escape(mark)} -->", verdict_heading(tally, end)]
    head += map(problem_block, problems)
    if tally.by_expect:
        head.append(by_expect(tally.by_expect, tally.counts()["gates"]))
    if url:
        head.append(f"[The report]({quote(url, safe=_IN_A_LINK)})")
    body = listed_gates("Failing, the worst first", _failing(tally))
    body += listed_gates("Failing, but did not fail the test (xfail mark or caught)", tally.hidden)
    errors = [pair for pair in tally.failing if pair[1].verdict == "error"]
    said = [
        (
            f"{test.nodeid}{and_more(others)}: {failure_text(gates, test.nodeid, -2)}",
            [other.nodeid for other, _ in others],
        )
        for (test, gates), *others in of_the_same_error(errors)
    ]
    body += listed_alike("Could not be judged", said, len(errors))
    body += listed_alike("Failed otherwise", failed_alike(run.failed), len(run.failed))
    body += listed("Crashed, so not measured to the end", tally.crashed)
    for text in (*obsolete, *passed_by_texts(unheld)):
        body += [f"\n### {text}", *(f"- {code(entry.strip())}" for entry in text.entries)]
    body += _without_entry(run)
    if base is not None:
        changed, number = _changed(base)
        body += listed("Changed against the base, the worst first", changed, number)
        body += listed("New", [key_text(key) for key in base.only_head])
        raised = {test.nodeid for test in run.failed}  # told above
        body += listed("Gone", [key_text(key) for key in base.only_base if key[0] not in raised])
    body += listed_gates("Unmeasured", _of(tally, "unmeasured"))
    body += listed_gates("For review", _of(tally, "review"))
    body += reruns(tally)
    renamed = unheld is not None and unheld.renamed
    steps = next_steps(tally, Session(run=typed_path(run.shown), url=url, renamed=renamed))
    foot = ["### Next", *(f"- {code(line.text)}" for line in steps)] if steps else []
    return fitted(head, body, "\n".join(foot), LIMIT)


def _without_entry(run: Run) -> list[str]:
    """Return the golden images that nobody had recorded: those that the run approved, others."""
    approved, others = dict[str, None](), dict[str, None]()
    for record in run.gates:
        snapshot = record.gate.snapshot or {}
        if record.final and snapshot.get("no_entry") and record.gate.verdict != "recorded":
            signed = snapshot.get("signed") and record.outcome == "passed"
            (approved if signed else others)[f"{record.nodeid}: {snapshot.get('file')}"] = None
    signed = "Approved golden images that nobody had recorded (look at what is there)"
    left = "Golden images of which provenance.yaml has no entry (nothing tells what made them)"
    return [*listed(signed, list(approved)), *listed(left, list(others))]


def _failing(tally: Tally) -> list[tuple[TestGates, Gate]]:
    failing = [pair for pair in tally.failing if pair[1].verdict != "error"]
    return sorted(failing, key=lambda pair: beyond(pair[1]), reverse=True)


def _of(tally: Tally, verdict: str) -> list[tuple[TestGates, Gate]]:
    found = [pair for pair in tally.notable if pair[1].verdict == verdict]
    return [(test, gate) for test, gate in found if not gate.failing]


def _changed(base: Comparison) -> tuple[list[str], int]:
    """Return what moved, what took little of the room to its bound as a number, and how many.

    What fails took all of it.
    """
    pairs = [pair for change in base.metrics for pair in change.pairs if abs(pair.worse_by) > NOISE]
    taken = [(pair, worst_of(pair.steps, partial(_taken, pair))) for pair in pairs]
    large = [
        (pair, step)
        for pair, step in taken
        if pair.head.failing or abs(_taken(pair, step)) >= _WORTH
    ]
    large.sort(key=lambda one: _taken(*one), reverse=True)
    lines = [moved(*one) for one in large]
    if small := len(pairs) - len(large):
        lines.append(f"{small} by less than half of the room that the bound left")
    return lines, len(pairs)


def _taken(pair: Pair, step: Step) -> float:
    """Return what share of the room to its bound a step took: metrics are sorted together."""
    held = pair.held(step)
    room = abs(held.bound - step.base) if held is not None else 0.0
    return step.worse_by / max(room, NOISE)
