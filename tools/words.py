"""Words that the pages and messages do without: each with what to say instead.

    python tools/words.py    says where one stands; exit status 1 if one does

Pages are read without their blocks of code and what stands in backticks; of the package every text
and docstring. Made pages are left out: what they say stands in the package.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
MADE = "<!-- made by `make reference`"
TABLE = re.compile(r"<!-- (\w+): (?:written|made) by.*?<!-- end of \1 -->", re.DOTALL)

AVOID: Mapping[str, str] = {
    r"leverag\w+": "use",
    r"utili[sz]\w+": "use",
    r"facilitat\w+": "help",
    r"seamless\w*": "say what happens",
    r"robust\w*": "say against what",
    r"powerful|effortless\w*|blazing\w*|cutting-edge|state-of-the-art": "say what it does",
    r"simply|easily|basically|obviously|actually|of course": "leave it out",
    r"just(?! noticeable)": "only, exactly, or leave it out",
    r"please": "leave it out",
    r"in order to": "to",
    r"allows? (?:you |one )?to|enables? (?:you |one )?to": "say what you can do",
    r"e\.g\.|i\.e\.": "such as, that is",
    r"via": "through, by, with",
    r"upon|thereof|therein|whilst|amongst": "on, of it, in it, while, among",
    r"hence|thus|moreover|furthermore": "so, also",
    r"(?:gave|gives?|giving) no verdict": "cannot be judged",
    r"(?:record|mak|made|hash)\w*(?:[^.;:|]{0,30})\s+anew": "again",
}
_AVOIDED = {re.compile(rf"\b(?:{words})(?!\w)", re.IGNORECASE): say for words, say in AVOID.items()}


class Found(NamedTuple):
    """A word to avoid: where it stands, and what to say instead."""

    place: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.place}:{self.line}: {self.word!r}; say: {self.instead}"


def in_text(text: str, place: str, first: int = 1) -> Iterator[Found]:
    """Give the words to avoid in a text whose first line has a number."""
    for pattern, instead in _AVOIDED.items():
        for found in pattern.finditer(text):
            yield Found(place, first + text.count("\n", 0, found.start()), found[0], instead)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def prose(markdown: str) -> str:
    """Return a page without code, made tables, and addresses, its lines where they were."""
    text = TABLE.sub(_blank, markdown)
    text = re.sub(r"^( *)(`{3,}).*?^\1\2", _blank, text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"(`+).+?\1", _blank, text, flags=re.DOTALL)
    return re.sub(r"\]\([^)]*\)|https://\S+", _blank, text)


def in_module(source: str, place: str) -> Iterator[Found]:
    """Give the words to avoid in the texts and docstrings of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = re.sub(r"(`+).+?\1", _blank, node.value, flags=re.DOTALL)
            yield from in_text(text, place, node.lineno)


def everywhere() -> Iterator[Found]:
    """Give the words to avoid in all pages and in the package."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md", "*.py"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in sorted(set(listed.splitlines())):
        if not (ROOT / name).is_file():
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        if name.endswith(".md") and MADE not in text:
            yield from in_text(prose(text), name)
        elif name.startswith("pytest_editmetrics/"):
            yield from in_module(text, name)


def main() -> int:
    """Print what is found."""
    found = list(everywhere())
    print(*found, sep="\n")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
