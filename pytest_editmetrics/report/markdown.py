"""The Markdown summary of a session, for a CI job's page or a pull request's comment.

Every string that comes from tests (ids, names, messages) is escaped: it can neither form Markdown
nor HTML, nor leave its table cell.
"""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from pytest_editmetrics.errors import counted
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.causes import causes_in_short
from pytest_editmetrics.report.failure import failure_text, of_the_same_error
from pytest_editmetrics.report.listed import below
from pytest_editmetrics.report.summary import by_expect, columns_of, worst_margin
from pytest_editmetrics.report.tally import Tally, TestGates, beyond
from pytest_editmetrics.report.text import (
    ACCEPTING,
    explanation_rows,
    headline,
    rows_as_lines,
    subject,
    update_mode,
)
from pytest_editmetrics.runs.failed import FailedTest, and_more, failed_alike, in_the_same_words

_ENTITIES = {
    **{character: f"&#{ord(character)};" for character in "\\`*[|~$_"},
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
}
_LONGEST = 8_000
_PICTURED = 5
_HEADING = re.compile(r"## \S+ editmetrics\b")
_ELLIPSIS = "…"


@dataclass(frozen=True)
class SessionEnd:
    """How a session ended, besides its gates.

    ``problems`` each fail the session, ``notes`` do not; ``failed_tests`` counts every failed test,
    with gates or without, ``failed`` are those for another reason than a gate; ``cut`` says why
    not every test ran, if so; ``unheld`` are words of tests in no shard and goldens of no test that
    fail. ``report_url`` is where readers find the report: a page, or a
    folder with the report's pictures. ``typed`` returns the words that run a test, given its id.
    """

    versions: Mapping[str, str | None] = field(default_factory=dict)
    notes: Sequence[str] = ()
    problems: Sequence[str] = ()
    failed_tests: int = 0
    failed: Sequence[FailedTest] = ()
    cut: str = ""
    report_url: str | None = None
    typed: Callable[[str], str] = shlex.quote
    unheld: Sequence[str] = ()


def is_summary(path: Path) -> bool:
    """Tell whether a file starts as the summary of a session does."""
    try:
        with path.open(encoding="utf-8") as file:
            return _HEADING.match(file.readline(_LONGEST)) is not None
    except (OSError, UnicodeError):
        return False


def escape(text: str) -> str:
    r"""Return ``text`` as Markdown that shows it as it is, in one line.

    >>> escape("test_x[<b>|`a`]")
    'test_x&#91;&lt;b&gt;&#124;&#96;a&#96;]'
    >>> escape("two\nlines")
    'two lines'
    """
    shown = []
    for index, character in enumerate(text):
        if (
            character == "_"
            and text[index - 1 : index].isalnum()
            and text[index + 1 :][:1].isalnum()
        ):
            shown.append(character)
        else:
            shown.append(_ENTITIES.get(character) or _visible(character, " "))
    return "".join(shown)


def _visible(character: str, line_break: str) -> str:
    if character.isprintable():
        return character
    if character in "\r\n\t":
        return line_break if character == "\n" else " "
    return "&#92;" + character.encode("unicode_escape").decode()[1:]


def code(text: str) -> str:
    """Return one line of text from a test; ``<code>`` also keeps mentions and emoji names away."""
    return f"<code>{escape(_shortened(text))}</code>"


def _preformatted(lines: Iterable[str]) -> str:
    text = html.escape(_shortened("\n".join(lines)), quote=False)
    return "<pre>\n" + "".join(_visible(character, "\n") for character in text) + "\n</pre>"


def problem_block(text: str) -> str:
    """Return what fails a session besides its tests, with its entries below."""
    entries = below(text)
    return f"❌ {code(text)}" + (f"\n\n{_preformatted(entries)}" if entries else "")


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + _ELLIPSIS


def markdown_summary(tally: Tally, end: SessionEnd, limit: int | None = None) -> str:
    """Return the summary of a session as Markdown.

    Args:
        tally: the session's gates.
        end: how the session ended.
        limit: how many bytes of UTF-8 it may take. What does not fit is left out from the end, and
            the summary says so; the verdict, the table and the versions always stay.
    """
    head = [verdict_heading(tally, end), *map(problem_block, end.problems)]
    if tally.smoke:
        gates = counted(tally.counts()["gates"], "gate was", "gates were")
        head.append(
            f"⚠️ **smoke weights**: {tally.smoke} of {gates}"
            " measured with random weights, which test the suite's plumbing and judge no quality"
        )
    if rows := _table(tally):
        head.append(rows)
    if tally.by_expect:
        head.append(by_expect(tally.by_expect, tally.counts()["gates"]))
    if end.report_url:
        head.append(f'<a href="{html.escape(end.report_url)}">The report</a>')
    return fitted(head, _sections(tally, end), _versions(end.versions), limit)


def verdict_heading(tally: Tally, end: SessionEnd) -> str:
    """Return the heading: whether the session passed, and its counts."""
    counts = tally.counts()
    errors = counts["errors"]
    expected = counts["expected"]
    unseen = len(tally.hidden) - expected
    seen = counts["failed"] - unseen
    ends = (end.problems, end.failed_tests, end.cut, end.unheld)
    failed = bool(seen or errors or counts["crashed"] or any(ends))
    if not counts["gates"] and not failed:
        return "## ➖ editmetrics: no gate was made, so nothing was judged"
    made = counted(counts["gates"], "gate")
    said = [f"{seen} of {made} failed" if seen else made]
    told = (
        (errors, "could not be judged"),
        (expected, "failed as expected"),
        (unseen, "failing without failing their test"),
        (counts["review"], "for review"),
        (counts["unmeasured"], "unmeasured"),
        (counts["recorded"], "recorded"),
    )
    said += [f"{number} {what}" for number, what in told if number]
    said += [f"{counted(counts['crashed'], 'test')} crashed"] if counts["crashed"] else []
    if end.failed:
        said.append(counted(len(end.failed), "other failure"))
    elif end.failed_tests and not (seen or errors or counts["crashed"]):
        said.append(f"{counted(end.failed_tests, 'failed test')} of the session")
    said += end.unheld
    if end.cut:
        said.append(f"{escape(end.cut)}, so not every test ran")
    return f"## {'❌ editmetrics failed' if failed else '✅ editmetrics passed'}: {', '.join(said)}"


def _table(tally: Tally) -> str:
    rows = tally.rows()
    if not rows:
        return ""
    columns = columns_of(rows)
    head = ["metric", *columns, "worst value"]
    lines = [" | ".join(head), " | ".join(["---", *["---:"] * len(columns), "---"])]
    for row in rows:
        numbers = [str(getattr(row, column)) for column in columns]
        lines.append(" | ".join([code(row.metric), *numbers, code(worst_margin(row))]))
    return "\n".join(f"| {line} |" for line in lines)


def _sections(tally: Tally, end: SessionEnd) -> list[str]:
    failed = sorted(
        (pair for pair in tally.failing if pair[1].verdict != "error"),
        key=lambda pair: beyond(pair[1]),
        reverse=True,
    )
    errors = [pair for pair in tally.failing if pair[1].verdict == "error"]
    passing = [(t, g) for t, g in tally.notable if not g.failing]
    review = [(t, g) for t, g in passing if g.verdict == "review"]
    unmeasured = [(t, g) for t, g in passing if g.verdict == "unmeasured"]
    recorded = [(t, g) for t, g in tally.notable if g.verdict == "recorded"]
    sections = _explained("Failing, the worst first", failed, end.typed, end.report_url)
    sections += _errors(errors, end.typed)
    sections += _explained(
        "Failing, but did not fail the test (xfail mark or caught)", tally.hidden, end.typed
    )
    sections += listed_alike("Failed otherwise", failed_alike(end.failed), len(end.failed))
    sections += listed_gates("For review", review)
    sections += listed("Crashed, so not measured to the end", tally.crashed)
    sections += listed_gates("Unmeasured", unmeasured)
    sections += reruns(tally)
    sections += listed("Recorded", [f"{t.nodeid}: {headline(g)}" for t, g in recorded])
    return sections + listed("Notes", [note.strip() for note in end.notes])


def reruns(tally: Tally) -> list[str]:
    """Return the lists of tests that another attempt made good."""
    passed = listed("Passed only after a rerun", tally.flaky)
    return passed + listed("Crashed, then run again", tally.run_again)


def _explained(
    title: str,
    gates: Sequence[tuple[TestGates, Gate]],
    typed: Callable[[str], str],
    report_url: str | None = None,
) -> list[str]:
    """Return a block a gate; the first few show their pictures, where the report will be."""
    if not gates:
        return []
    blocks = [f"\n### {title}: {len(gates)}"]
    for number, (test, gate) in enumerate(gates):
        pictures = _pictures(gate, report_url) if report_url and number < _PICTURED else ""
        summary = f"{code(test.nodeid)}<br>{code(headline(gate))}"
        rows = explanation_rows(gate, test.nodeid, update_mode(test.gates), typed)
        told = [row for row in rows if not (test.expected and row[0] in ACCEPTING)]
        lines = [headline(gate), *(line.removeprefix("    ") for line in rows_as_lines(told))]
        blocks.append(
            f"\n<details{' open' if pictures else ''}><summary>{summary}</summary>\n\n{pictures}"
            f"{_preformatted(lines)}\n\n</details>"
        )
    return blocks


def _errors(errors: Sequence[tuple[TestGates, Gate]], typed: Callable[[str], str]) -> list[str]:
    """Return a block for the gates, and the tests, that could not be judged for one reason."""
    blocks = [f"\n### Could not be judged: {len(errors)}"] if errors else []
    for (test, gates), *others in of_the_same_error(errors):
        summary = (
            f"{code(test.nodeid)}{and_more(others)}<br>{code(failure_text(gates, test.nodeid, -2))}"
        )
        lines = failure_text(gates, test.nodeid, typed=typed).split("\n")
        lines += [f"and of {other.nodeid}" for other, _ in others]
        told = _preformatted([line.removeprefix("    ") for line in lines])
        blocks.append(f"\n<details><summary>{summary}</summary>\n\n{told}\n\n</details>")
    return blocks


def _pictures(gate: Gate, report_url: str) -> str:
    """Return the images of a gate as they lie in the folder of a report."""
    if report_url.lower().partition("?")[0].endswith((".html", ".htm")):
        return ""
    kept = {**gate.images, **(gate.images.get("compared") or {})}
    shown = [(name, kept[name]) for name in ("reference", "golden", "edited")
             if isinstance(kept.get(name), str)]  # fmt: skip
    return "".join(
        f'<img width="30%" alt="{name}" src="'
        f'{html.escape(report_url.rstrip("/"))}/images/{quote(Path(path).stem)}.png">\n'
        for name, path in shown
    ) + ("\n" if shown else "")


def listed(title: str, entries: Sequence[str], number: int | None = None) -> list[str]:
    """Return a list of texts from tests below its title; nothing without entries.

    ``number`` is told in the title, where an entry may stand for several.
    """
    if not entries:
        return []
    number = len(entries) if number is None else number
    return [f"\n### {title}: {number}", *(f"- {code(entry)}" for entry in entries)]


def listed_alike(
    title: str, entries: Sequence[tuple[str, Sequence[str]]], number: int
) -> list[str]:
    """Return such a list, of which an entry may stand for more tests: their names are folded."""
    lines = listed(title, [entry for entry, _ in entries], number)
    blocks = lines[:1]
    for line, (_, others) in zip(lines[1:], entries, strict=True):
        blocks.append(line)
        if others:
            blocks.append(_folded(others))
    return blocks


def listed_gates(title: str, gates: Sequence[tuple[TestGates, Gate]]) -> list[str]:
    """Return such a list of gates: those that say the same of their tests are one entry."""
    entries = [
        (
            f"{test.nodeid}{and_more(others)}: {headline(gate)}",
            [other.nodeid + _other_value(of_other, gate) for other, of_other in others],
        )
        for (test, gate), *others in in_the_same_words(gates, lambda pair: _words(pair[1]))
    ]
    return listed_alike(title, entries, len(gates))


def _words(gate: Gate) -> object:
    """Return what a gate says; where its cause is known, whatever its value."""
    causes = causes_in_short(gate)
    if not causes or gate.value is None or gate.bound is None or gate.snapshot is not None:
        return headline(gate)
    return subject(gate), gate.verdict, gate.bound_kind, gate.bound, gate.review, causes


def _other_value(gate: Gate, first: Gate) -> str:
    """Return, in brackets, the value of a gate that says the same as another and has its own."""
    said = headline(gate, cause=False)
    return "" if said == headline(first, cause=False) else f" ({said})"


def _folded(tests: Sequence[str]) -> str:
    shown: list[str] = []
    room = _LONGEST - len(f"and {len(tests)} more")
    for test in tests:
        room -= len(test) + 1
        if room < 0:
            break
        shown.append(test)
    left = [f"and {len(tests) - len(shown)} more"] if len(shown) < len(tests) else []
    more = counted(len(tests), "more test", "more tests")
    told = _preformatted([*shown, *left])
    return f"\n<details><summary>{more} in these words</summary>\n\n{told}\n\n</details>\n"


def _versions(versions: Mapping[str, str | None]) -> str:
    known = [f"{name} {version}" for name, version in versions.items() if version]
    return f"<sub>{escape(', '.join(known))}</sub>" if known else ""


def fitted(head: list[str], body: list[str], foot: str, limit: int | None) -> str:
    """Join the blocks, leaving out what of the body would pass ``limit`` bytes."""
    kept = body
    if limit is not None and len(_joined(head, body, foot).encode()) > limit:
        room = limit - len(_joined(head, [_left_out(len(body))], foot).encode())
        kept = []
        for block in body:
            room -= len(f"\n{block}".encode())
            if room < 0:
                break
            kept.append(block)
        kept.append(_left_out(len(body) - len(kept)))
    return _joined(head, kept, foot)


def _joined(head: list[str], body: list[str], foot: str) -> str:
    return "\n".join(["\n\n".join(head), *body, *([f"\n{foot}"] if foot else [])]) + "\n"


def _left_out(count: int) -> str:
    entries = counted(count, "more entry is", "more entries are")
    return f"\n**Truncated**: {entries} left out, since the page takes no more text"
