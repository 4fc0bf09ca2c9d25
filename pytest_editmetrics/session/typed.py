"""A test as it is typed on the command line, from where pytest was started."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

_OF_PYTEST = {"inifilename": "-c", "rootdir": "--rootdir"}
_OF_OURS = ("config", "goldens")


def typed_test(config: pytest.Config, nodeid: str) -> str:
    """Return the words that run one test as this session ran it, quoted for a shell.

    Its path counts from where pytest was started. What was given there and says which files it is
    held to, is given again; a worker of xdist knows it by its value only.
    """
    path, colons, name = nodeid.partition("::")
    start = config.invocation_params.dir
    if start != config.rootpath:
        path = seen_from(start, config.rootpath / path)
    return shlex.join([path + colons + name, *_given(config)])


def seen_from(start: Path, path: Path) -> str:
    """Return a path as it is typed in the folder ``start``; on another drive of Windows, whole."""
    try:
        return os.path.relpath(path, start)
    except ValueError:
        return str(path)


def rootdir_from_here(config: pytest.Config) -> str | None:
    """Return the rootdir as it is typed, where a command that starts here would not find it."""
    here, root = config.invocation_params.dir, config.rootpath
    return None if here.is_relative_to(root) else seen_from(here, root)


def _given(config: pytest.Config) -> Iterator[str]:
    for name, flag in _OF_PYTEST.items():
        if value := config.getoption(name, None):
            yield from (flag, str(value)) if flag == "-c" else (f"{flag}={value}",)
    for setting in config.getoption("override_ini", None) or ():
        yield from ("-o", str(setting))
    for name in _OF_OURS:
        if value := config.getoption(f"editmetrics_{name}"):
            yield f"--editmetrics-{name}={value}"
