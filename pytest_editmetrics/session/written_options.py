"""What files of pytest's options state, without pytest: they may be broken, or of a revision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pytest_editmetrics.whole_file import read_whole

OPTION_FILES = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)
"""Their names; of several in a folder pytest reads the first."""
_SECTIONS = ("pytest", "tool:pytest", "tool.pytest", "tool.pytest.ini_options")
_SECTION = re.compile(r"\s*\[([^\[\]]*)\]")
_OF_OURS = re.compile(r"\s*(tool[.:])?(pytest[-_.:])?edit[-_]?metrics([.:].*)?\s*", re.IGNORECASE)
_KEY = re.compile(r"""\s*["']?([A-Za-z_][\w-]*)["']?\s*[=:]""")
_FLAG = re.compile(r"""--(no-)?(editmetrics-[a-z-]+)(?:[=\s"',]+([^-\s"',\]][^\s"',\]]*))?""")
_COMMENT = re.compile(r"(^|\s)#.*|^\s*;.*")


def written_options(path: Path, *, addopts: bool = True) -> Iterator[tuple[str, str]]:
    """Yield the keys and values that stand in a file's sections for pytest.

    Flags of ours in ``addopts`` are told as the keys that they stand for; without ``addopts`` they
    are left out.
    """
    for key, text in _texts(path):
        if key != "addopts":
            yield key, text.strip().strip("\"'")
        elif addopts:
            for no, flag, value in _FLAG.findall(text):
                yield flag.replace("-", "_"), "no" if no else value


def named_configuration(folder: Path) -> Path | None:
    """Return the configuration that a folder's file of options names, ``None`` if none does.

    Of several files the first that names one counts: where pytest reads another one, a session
    refuses to start.
    """
    for name in OPTION_FILES:
        named = dict(written_options(folder / name)).get("editmetrics_config")
        if named:
            return folder / named
    return None


def named_goldens(folder: Path) -> str | None:
    """Return the folder of goldens that a folder's file of options names, as it is written."""
    for name in OPTION_FILES:
        if named := dict(written_options(folder / name)).get("editmetrics_goldens"):
            return named
    return None


def section_of_ours(path: Path) -> str | None:
    """Return the header of a section in a file of options that is called as ours, which nobody
    reads; ``None`` if there is none."""
    for line in _lines(path):
        header = _SECTION.fullmatch(line)
        if header and _OF_OURS.fullmatch(header[1]):
            return line.strip()
    return None


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file that may hold something of ours, without comments.

    Nothing is parsed: the file may be broken, and no concern of ours.
    """
    try:
        data = read_whole(path)
    except OSError:
        return
    if re.search(rb"edit[-_]?metrics", data, re.IGNORECASE):
        for line in data.decode(errors="replace").splitlines():
            yield _COMMENT.sub("", line).rstrip()


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the keys that stand in a file's sections for pytest, and the text of each."""
    section, key, text = "", "", ""
    for line in _lines(path):
        header, begun = _SECTION.fullmatch(line), _KEY.match(line)
        if header or begun:
            yield key, text
            key, text = "", ""
        if header:
            section = header[1].strip()
        elif section in _SECTIONS:
            key, line = (begun[1], line[begun.end() :]) if begun else (key, line)
            text += f"{line} "
    yield key, text
