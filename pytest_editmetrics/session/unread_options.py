"""Options that hold nothing: in a file that pytest does not read, or of a name that is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pytest_editmetrics.errors import did_you_mean
from pytest_editmetrics.session.option_list import OPTIONS, RIGHT_NAME, Option
from pytest_editmetrics.session.written_options import OPTION_FILES, written_options

_OPTIONS = {option.ini: option for option in OPTIONS}
_DECIDE = {"strict", "review", "require", "env", "selftest", "config", "goldens"}
"""The options without which a session may pass that would fail with them."""
_LIKE_OURS = re.compile(r"-*edit[-_. ]?metric", re.IGNORECASE)
_OFF = ("no", "false", "off", "0")


class UnreadOptions(NamedTuple):
    """Options in a file that hold nothing, what to say of them, and whether a session that should
    fail may pass without them."""

    path: Path
    said: str
    decide: bool


def refuse_unknown_options(config: pytest.Config) -> None:
    """Refuse a key of the ini file that is called as one of ours, or nearly, and is none.

    Raises:
        pytest.UsageError: the message gives the right name.
    """
    typed = _typed(config)
    for key in _given(config):
        if _LIKE_OURS.match(key) and key not in _OPTIONS and not _is_declared(config, key):
            where = "-o" if key in typed else config.inipath
            near = did_you_mean(key.lower().replace("-", "_"), _OPTIONS)
            raise pytest.UsageError(
                f"{where}: no option is called {key!r}, so it holds nothing{near}"
            )


def unread_options(config: pytest.Config, folders: Iterable[Path]) -> Iterator[UnreadOptions]:
    """Yield the files of these folders that hold options of ours which are not read.

    An option that is given where it is read as well is not missed, nor one that says what holds
    without it, nor the ``addopts`` of any file where ``-o`` gives others.
    """
    read = config.inipath
    given = _given(config)
    for path in (folder / name for folder in folders for name in OPTION_FILES):
        names = [
            option.ini
            for option in _written(path, addopts="addopts" not in _typed(config))
            if option.ini not in given and _not_typed(config, option.ini)
        ]
        if not names:
            continue
        deciding = [name for name in names if _OPTIONS[name].name in _DECIDE]
        names = list(dict.fromkeys([*deciding, *names]))
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
        yield UnreadOptions(path, f"not read: {held}; {what}", bool(deciding))


def _given(config: pytest.Config) -> dict[str, None]:
    """Return the keys of the file that pytest reads, and those of ``-o``."""
    settings = getattr(config, "_inicfg", None)  # pytest 9 warns of the other
    keys = config.inicfg if settings is None else settings
    return dict.fromkeys([*map(str, keys), *_typed(config)])


def _typed(config: pytest.Config) -> list[str]:
    """Return the keys of ``-o``."""
    overridden = getattr(config.option, "override_ini", None) or ()
    return [str(one).partition("=")[0].strip() for one in overridden]


def _is_declared(config: pytest.Config, key: str) -> bool:
    """Tell whether a plugin knows this key of the ini file."""
    try:
        config.getini(key)
    except (KeyError, ValueError) as error:
        return "unknown" not in str(error)
    return True


def _not_typed(config: pytest.Config, name: str) -> bool:
    return config.getoption(name, None) is None


def _written(path: Path, *, addopts: bool) -> list[Option]:
    """Return the options that stand in a file's sections for pytest, ``addopts`` included or not,
    and that differ from their default."""
    names = {
        name: _OPTIONS[name]
        for name, value in written_options(path, addopts=addopts)
        if name in _OPTIONS and not _is_default(_OPTIONS[name], value)
    }
    return list(names.values())


def _is_default(option: Option, value: str) -> bool:
    if option.kind == "bool":
        return bool(option.default) != (value.lower() in _OFF)
    if option.kind == "args":
        return value in ("", "[]")
    if option.name == "config":
        return value in ("", RIGHT_NAME)
    return value in ("", option.default)
