"""Options that hold nothing: in a file that pytest does not read, or of a name that is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from pytest_editmetrics.errors import did_you_mean
from pytest_editmetrics.session.option_list import OPTIONS

_NAMES = tuple(option.ini for option in OPTIONS)
_FILES = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)
_SECTIONS = ("pytest", "tool:pytest", "tool.pytest", "tool.pytest.ini_options")
_LIKE_OURS = re.compile(r"-*edit[-_. ]?metric", re.IGNORECASE)
_SECTION = re.compile(r"\s*\[([^\[\]]*)\]")
_KEY = re.compile(r"""\s*["']?(editmetrics_[a-z_]+)["']?\s*[=:]""")
_FLAG = re.compile(r"--(?:no-)?(editmetrics-[a-z-]+)")
_COMMENT = re.compile(r"(^|\s)#.*|^\s*;.*")


def refuse_unknown_options(config: pytest.Config) -> None:
    """Refuse a key of the ini file that is called as one of ours, or nearly, and is none.

    Raises:
        pytest.UsageError: the message gives the right name.
    """
    for key in _given(config):
        if _LIKE_OURS.match(key) and key not in _NAMES and not _is_declared(config, key):
            near = did_you_mean(key.lower().replace("-", "_"), _NAMES)
            raise pytest.UsageError(
                f"{config.inipath or '-o'}: no option is called {key!r}, so it holds nothing{near}"
            )


def unread_options(config: pytest.Config, folders: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield the files of these folders that hold options of ours which are not read, and what to
    say of each.

    An option that is given where it is read as well is not missed.
    """
    read = config.inipath
    given = _given(config)
    for path in (folder / name for folder in folders for name in _FILES):
        names = [name for name in _written(path) if name not in given and _not_typed(config, name)]
        if not names:
            continue
        held = f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}"
        if read is None:
            what = (
                "pytest found no file of options from where it was started: start it in that"
                " folder, name the file with -c, or give the option on the command line"
            )
        elif path.samefile(read):
            what = (
                "pytest does not read the section that it stands in: move it to the section of"
                " pytest's other options"
            )
        else:
            what = f"pytest reads {read}: move it there, or give it on the command line"
        yield path, f"not read: {held}; {what}"


def _given(config: pytest.Config) -> dict[str, None]:
    """Return the keys of the file that pytest reads, and those of ``-o``."""
    settings = getattr(config, "_inicfg", None)  # pytest 9 warns of the other
    keys = config.inicfg if settings is None else settings
    overridden = getattr(config.option, "override_ini", None) or ()
    typed = (str(one).partition("=")[0].strip() for one in overridden)
    return dict.fromkeys([*map(str, keys), *typed])


def _is_declared(config: pytest.Config, key: str) -> bool:
    """Tell whether a plugin knows this key of the ini file."""
    try:
        config.getini(key)
    except (KeyError, ValueError) as error:
        return "unknown" not in str(error)
    return True


def _not_typed(config: pytest.Config, name: str) -> bool:
    return config.getoption(name, None) is None


def _written(path: Path) -> list[str]:
    """Return the options that stand in a file's sections for pytest, also those of ``addopts``.

    Lines are looked at, and nothing is parsed: the file may be broken, and no concern of ours.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return []
    if b"editmetrics" not in data:
        return []
    names, section = {}, ""
    for line in data.decode(errors="replace").splitlines():
        if header := _SECTION.fullmatch(_COMMENT.sub("", line).rstrip()):
            section = header[1].strip()
        elif section in _SECTIONS:
            text = _COMMENT.sub("", line)
            key = _KEY.match(text)
            found = [key[1]] if key else _FLAG.findall(text)
            names.update(dict.fromkeys(name.replace("-", "_") for name in found))
    return [name for name in names if name in _NAMES]
