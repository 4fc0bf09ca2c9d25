"""Every file of the package in a line, from its docstring: ``docs/reference/files.md``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from reference_pages.markdown import MADE

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "pytest_editmetrics"
HEAD = f"""# Every file in a line

{MADE}

From the files' docstrings. What a room is for, and how they lie above each other, is in
[architecture.md](../explanation/architecture.md).
"""


def text() -> str:
    """Return the page."""
    return "\n".join([HEAD, *_lines()])


def _lines() -> Iterator[str]:
    for room in sorted(path.parent for path in PACKAGE.glob("*/__init__.py")):
        yield f"## `{room.name}`\n\n{_first(room / '__init__.py')}\n"
        for path in sorted(room.rglob("*.py")):
            if path.stem != "__init__" and "data" not in path.parts:
                yield f"- `{path.relative_to(room).as_posix()}`: {_first(path)}"
        yield ""


def _first(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split()).replace("``", "`")
