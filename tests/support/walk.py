"""The walk of docs/how-to/walk.md: its files and commands, run as a user does."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "walk.md"
PHOTO = ROOT / "fixtures" / "demo" / "images" / "coffee.png"


class Done(NamedTuple):
    """A command of the page, what its comment promises, and what it did."""

    command: str
    promised: list[str]
    status: int
    output: str


def blocks() -> list[tuple[str, str]]:
    """Return the language and the text of each fenced block of the walk, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def walk(folder: Path) -> Iterator[Done]:
    """Do in ``folder`` what the page says, and give each command when it is done."""
    shutil.copy(PHOTO, folder)
    for language, text in blocks():
        if language == "python":
            name = text.splitlines()[0].removeprefix("# ")
            (folder / name).write_text(text, encoding="utf-8")
        elif language == "diff":
            change(folder, text)
        elif language == "bash":
            yield from (run(folder, line) for line in text.splitlines())
        else:
            raise AssertionError(f"the walk has a block in {language}, which nothing runs")


def change(folder: Path, diff: str) -> None:
    """Apply a diff of one line."""
    header, _, old, new = diff.splitlines()
    file = folder / header.removeprefix("--- ")
    text = file.read_text(encoding="utf-8")
    assert (old[0], new[0], text.count(f"{old[1:]}\n")) == ("-", "+", 1)
    file.write_text(text.replace(old[1:], new[1:]), encoding="utf-8")


def run(folder: Path, line: str) -> Done:
    """Run a line of a shell block; the environment is that of a user, not of this test."""
    command, _, comment = line.partition("#")
    ours = ("PYTEST_", "GITHUB_", "CI")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        shlex.split(command),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    promised = [part.strip() for part in comment.split(";")]
    return Done(command.strip(), promised, done.returncode, done.stdout)
