"""One kind of bad input, what became of it, and the page that lists them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Gets = Literal["error", "unmeasured", "failed", "measured"]

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "bad-input.md"
COMMAND = "make bad-input"

_INSIDE = re.compile(
    r"\b(numpy|torch|PIL|yaml|ruamel|skimage|scipy|json|pyarrow|pytest_editmetrics)/[\w/]+\.py:\d+"
)
_FOREIGN = (  # what libraries say differs between their releases
    (re.compile(r"(is truncated or damaged|is no image that Pillow can read) \(.*\)"), r"\1 (...)"),
    (re.compile(r"(into RGB) \(.*\);"), r"\1 (...);"),
    (re.compile(r"0x[0-9a-f]{6,}"), "0x..."),
    (re.compile(r"cannot be read: .*null .*"), "cannot be read: (...)"),
    (re.compile(r"\(choose from .*\)"), "(choose from ...)"),
    (re.compile(r"not valid JSON \(.*\);"), "not valid JSON (...);"),
    (re.compile(r"the line is cut or broken: .*"), "the line is cut or broken: ..."),
)
_LONGEST = 300


@dataclass(frozen=True)
class Case:
    """A kind of bad input: in words, what it is made of, and what it must get.

    ``made`` is code, a file's text or a command line; ``names`` must stand in what is said.
    ``shown`` stands in the page in place of ``made``.
    """

    what: str
    made: str | bytes
    gets: Gets = "error"
    names: str = ""
    shown: str | None = None


@dataclass(frozen=True)
class Came:
    """What a case came to: what pytest or the command made of it, and all that was shown."""

    gets: Gets | Literal["passed", "crashed"]
    line: str
    shown: str = ""


def wrong(case: Case, came: Came) -> str | None:
    """Say what is wrong with what a case came to; ``None`` if nothing is."""
    if came.gets != case.gets:
        return f"gets {came.gets}, not {case.gets}: {came.line}\n{came.shown}"
    if case.gets == "error" and not case.names:
        return "the case says not what the error must name"
    if case.names not in came.line:
        return f"does not name {case.names!r}: {came.line}"
    if inside := _INSIDE.search(came.shown):
        return f"shows a traceback from inside {inside.group()}:\n{came.shown}"
    return None


def tidy(text: str, root: Path) -> str:
    """Return the first line of a message as it reads everywhere."""
    line = text.strip().partition("\n")[0].replace(f"{root}/", "").replace(str(root), ".")
    for pattern, instead in _FOREIGN:
        line = pattern.sub(instead, line)
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."


def _cell(text: str) -> str:
    text = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return text.replace("|", "\\|")


def _code(text: str, longest: int) -> str:
    text = _cell(text)
    text = text if len(text) <= longest else text[: longest - 3] + "..."
    ticks = "``" if "`" in text else "`"
    pad = " " if ticks == "``" else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _made(case: Case) -> str:
    if case.shown is not None:
        return case.shown
    return case.made if isinstance(case.made, str) else case.made.decode("latin-1")


def page(doors: Sequence[tuple[str, str, Iterable[tuple[Case, Came]]]]) -> str:
    """Return the page: one table a door."""
    doors = [(door, about, list(rows)) for door, about, rows in doors]
    came = [one for _, _, rows in doors for _, one in rows]
    count = {gets: sum(one.gets == gets for one in came) for gets in Gets.__args__}  # type: ignore[attr-defined]
    lines = [
        "# Bad input",
        "",
        "What the plugin and the command do with input that is broken, that lies, or that makes no",
        "sense. Each row is made and run by `tests/bad_input`, which holds this page to what came of it;",
        f"`{COMMAND}` writes it anew.",
        "",
        f"**{len(came)} kinds**: {count['error']} end in an error that names what is wrong and where (an",
        "`EditMetricsError`, which no xfail mark hides, or a usage error),"
        f" {count['failed']} in a failing gate or",
        f"command, {count['unmeasured']} in a soft failure with its reason (xfailed), and"
        f" {count['measured']} are odd but fine and are",
        "measured. None passes by default, and none shows a traceback from inside a library.",
        "",
        "`(...)` stands for words of a library, which differ between its releases.",
    ]
    for door, about, rows in doors:
        lines += [
            "",
            f"## {door}",
            "",
            about,
            "",
            "| input | made as | gets |",
            "| --- | --- | --- |",
        ]
        for case, one in rows:
            said = f"{one.gets}: {_code(one.line, 240)}" if one.line else one.gets
            lines.append(f"| {_cell(case.what)} | {_code(_made(case), 120)} | {said} |")
    return "\n".join(lines) + "\n"
