"""The walk of docs/how-to/walk.md: its files and commands, run as a user does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from page_walk import Done, blocks, change, run

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "walk.md"
PHOTO = ROOT / "fixtures" / "demo" / "images" / "coffee.png"


def walk(folder: Path) -> Iterator[Done]:
    """Do in ``folder`` what the page says, and give each command when it is done.

    The first line of a file names it, and so does that of a diff.
    """
    shutil.copy(PHOTO, folder)
    for language, _, text in blocks(PAGE.read_text(encoding="utf-8")):
        name = text.splitlines()[0].split()[-1]
        if language == "python":
            (folder / name).write_text(text, encoding="utf-8")
        elif language == "diff":
            change(folder / name, text)
        elif language == "bash":
            yield from (run(folder, line) for line in text.splitlines())
        else:
            raise AssertionError(f"the walk has a block in {language}, which nothing runs")
