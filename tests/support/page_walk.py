"""A page's blocks of code in their order, done as a reader does them who starts in an empty folder.

A block with ``title="tests/test_mug.py"`` is that file, or as a ``diff`` a change of it. The lines of
a ``bash`` block are run; what the comment behind a command says, parts joined by ``;``, is found in
its output. ``1 failed`` or ``exit status N`` among it is the status that the command ends with, else 0.
A ``text`` block after it shows lines of that output, in order; ``...`` stands for whatever is there.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"^( *)```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# what a reader does once, or with a repository of their own
NOT_RUN = ("pip", "git")


class Block(NamedTuple):
    """A fenced block: its language, the file that it is, and its lines, not indented."""

    language: str
    title: str
    text: str


class Done(NamedTuple):
    """A command of a page, what its comment promises, and what it did."""

    command: str
    promised: list[str]
    status: int
    output: str


def blocks(markdown: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found = FENCE.findall(markdown)
    assert len(found) * 2 == len(re.findall(r"^ *```", markdown, re.MULTILINE))
    return [
        Block(language, title, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))
        for indent, language, title, text in found
    ]


def walk(markdown: str, folder: Path) -> Iterator[Done]:
    """Do in ``folder`` what a page says, and give each command when it is done."""
    output = ""
    for language, title, text in blocks(markdown):
        if language == "diff":
            change(folder / title, text)
        elif title:
            (folder / title).parent.mkdir(parents=True, exist_ok=True)
            (folder / title).write_text(text, encoding="utf-8")
        elif language == "bash":
            for line in text.replace("\\\n", " ").splitlines():
                if line and line.split()[0] not in (*NOT_RUN, "#"):
                    done = run(folder, line)
                    yield done
                    output = done.output
        elif language == "text":
            assert_shown(text, output)


def change(file: Path, diff: str) -> None:
    """Change a file as a diff says: what it takes away stands there once."""
    lines = [line for line in diff.splitlines() if not line.startswith(("--- ", "+++ ", "@@"))]
    old = "".join(f"{line[1:]}\n" for line in lines if line[:1] in ("-", " ", ""))
    new = "".join(f"{line[1:]}\n" for line in lines if line[:1] in ("+", " ", ""))
    text = file.read_text(encoding="utf-8")
    assert old != new
    assert text.count(old) == 1, diff
    file.write_text(text.replace(old, new), encoding="utf-8")


def run(folder: Path, line: str) -> Done:
    """Run a line of a shell block; the environment is that of a user, not of this test.

    Only the cache is the test's.
    """
    command, _, comment = line.partition(" #")
    words = shlex.split(command)
    ours = ("PYTEST_", "GITHUB_", "EDITMETRICS_", "CI")
    kept = "EDITMETRICS_CACHE"
    world = {k: v for k, v in os.environ.items() if k == kept or not k.startswith(ours)}
    installed = str(Path(sys.executable).parent)
    if installed not in world["PATH"].split(os.pathsep):  # the test's programs stand before it
        world["PATH"] = os.pathsep.join([installed, world["PATH"]])
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        world[name] = value
    done = subprocess.run(
        words,
        cwd=folder,
        env=world,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    promised = [part.strip() for part in comment.split(";") if part.strip()]
    return Done(command.strip(), promised, done.returncode, done.stdout)


def assert_done(done: Done) -> None:
    """A command ended as the page says, and said what the page says."""
    status = 1 if any(re.match(r"\d+ failed", one) for one in done.promised) else 0
    for one in done.promised:
        if stated := re.fullmatch(r"exit status (\d+)", one):
            status = int(stated[1])
        else:
            assert one in done.output, (done.command, one, done.output)
    assert done.status == status, (done.command, done.output)


def assert_shown(text: str, output: str) -> None:
    """Every line of a page's output is there, in order; ``...`` stands for whatever is there."""
    rest = output
    for line in text.splitlines():
        pattern = ".*".join(re.escape(part) for part in line.strip().split("..."))
        found = re.search(rf"^[ \t]*{pattern}[ \t]*$", rest, re.MULTILINE)
        assert found, (line, output)
        rest = rest[found.end() :]
