"""What the pages are made of: entries, tables, examples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pytest_editmetrics.pipes.registry import PipeRegistry

METRICS = frozenset(PipeRegistry().names)
MADE = "<!-- made by `make reference` from the declarations; do not edit -->"


@dataclass
class Entry:
    """One thing that a reader looks up: a heading, a sentence, facts, and an example."""

    name: str
    text: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    example: str = ""
    language: str = "yaml"
    more: str = ""

    @property
    def heading(self) -> str:
        """The name, as it is written."""
        return f"`{self.name}`"

    @property
    def slug(self) -> str:
        """The anchor that a heading gets."""
        kept = re.sub(r"[^\w\- ]", "", self.heading.lower())
        return kept.replace(" ", "-")

    def lines(self) -> Iterable[str]:
        """Give the section of the entry."""
        yield f"### {self.heading}\n"
        yield f"{sentence(self.text)}\n"
        if self.facts:
            yield "\n".join(f"- {name}: {text}" for name, text in self.facts) + "\n"
        if self.example:
            yield f"```{self.language}\n{self.example}\n```\n"
        if self.more:
            yield f"{self.more}\n"


@dataclass
class Group:
    """Entries that belong together, and what is to be said of all of them."""

    title: str
    entries: Sequence[Entry]
    text: str = ""
    listed: bool = True


@dataclass
class Page:
    """One page: what it is for, and its groups."""

    name: str
    title: str
    text: str
    groups: Sequence[Group]

    @property
    def entries(self) -> list[Entry]:
        """Every entry, in the order of the page."""
        return [entry for group in self.groups for entry in group.entries]

    def render(self) -> str:
        """Return the page as Markdown: its entries as a table, then one by one."""
        lines = [f"# {self.title}\n", f"{MADE}\n", f"{self.text}\n"]
        for group in self.groups:
            lines.append(f"## {group.title}\n")
            if group.text:
                lines.append(f"{group.text}\n")
            if group.listed and len(group.entries) > 1:
                rows = [(f"[{e.heading}](#{e.slug})", sentence(e.text)) for e in group.entries]
                lines.append(table(("name", "meaning"), rows) + "\n")
            for entry in group.entries:
                lines.extend(entry.lines())
        return "\n".join(lines).rstrip("\n") + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    every = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, row)) + " |" for row in every)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def sentence(text: str) -> str:
    """Return a text that begins with a capital and ends with a full stop.

    >>> sentence("the bound"), sentence("`review` is a bound."), sentence("a.yaml: the file")
    ('The bound.', '`review` is a bound.', 'a.yaml: the file.')
    """
    word = re.match(r"[a-z]+(?=[ ,;'-]|$)", text)
    start = text[0].upper() + text[1:] if word and word[0] not in METRICS else text
    return start if start.endswith((".", ":")) else f"{start}."


def code(text: str) -> str:
    """Return a value as code, words as they are.

    >>> code("[lpips, emd]"), code("64"), code("the edited image")
    ('`[lpips, emd]`', '`64`', 'the edited image')
    """
    return f"`{text}`" if " " not in text or text[0] in "[{" else text


def nested(names: Sequence[str], lines: Iterable[str]) -> str:
    """Return lines of YAML below these keys.

    >>> print(nested(["a", "b"], ["c: 1"]))
    a:
      b:
        c: 1
    """
    above = [f"{'  ' * depth}{name}:" for depth, name in enumerate(names)]
    return "\n".join([*above, *(f"{'  ' * len(names)}{line}" for line in lines)])


def prose(doc: str) -> str:
    """Return a docstring as Markdown: sections of arguments as lists, code in fences."""
    out: list[str] = []
    section, fenced = "", False
    for written in doc.splitlines():
        line = written.replace("``", "`")
        if fenced and line and not line.startswith("    "):
            out[:] = [*"\n".join(out).rstrip().splitlines(), "```", ""]
            fenced = False
        if fenced:
            if line or out[-1] != "```python":
                out.append(written[4:])
        elif re.fullmatch(r"(Args|Returns|Raises):", line):
            section = line[:-1]
            out += ["Arguments:" if section == "Args" else line, ""]
        elif section in ("Args", "Raises") and (item := re.match(r" {4}(\w[^:]*): (.*)", line)):
            out.append(f"- {', '.join(f'`{name}`' for name in item[1].split(', '))}: {item[2]}")
        elif section in ("Args", "Raises") and line.startswith("        "):
            out.append(f"  {line.strip()}")
        elif line.endswith("::"):
            out += [line[:-1], "", "```python"]
            fenced = True
        else:
            out.append(line.strip())
    return "\n".join([*out, "```"] if fenced else out)
