"""Whether files are the machine's: a test may put a file system of its own in their place.

What is imported, or read, while pyfakefs or a mock does that would stay wrong for the rest of the
session: torch, half imported, cannot be imported again.
"""

from __future__ import annotations

import builtins
import importlib
import io
import logging
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.images.replacements import code_of, file_of, is_installed, is_mock

_START = b'"""'


def _starts(read: Callable[[Any], Any]) -> bool:
    found = read(Path(__file__))
    return bool(found[:3] == (_START if isinstance(found, bytes) else _START.decode()))


def _opens(opened: Callable[..., Any]) -> bool:
    with opened(Path(__file__), "rb") as file:
        return bool(file.read(3) == _START)


_FILES: dict[str, tuple[Any, Callable[[Any], bool]]] = {
    "io.open": (io, _opens),
    "os.open": (os, lambda _: os.path.exists(__file__)),
    "os.stat": (os, lambda stat: stat(__file__).st_size > 0),
}
_OPEN: dict[str, tuple[Any, Callable[[Any], bool]]] = {"builtins.open": (builtins, _opens)}
_IMPORTING: dict[str, tuple[Any, Callable[[Any], bool]]] = {
    **_FILES,
    **_OPEN,
    "importlib.import_module": (importlib, lambda imported: imported("io") is io),
    "logging.getLogger": (logging, lambda get: isinstance(get(__name__), logging.Logger)),
    "os.getenv": (os, lambda get: get("EDITMETRICS_NO_SUCH_VARIABLE") is None),
    "os.path.abspath": (os.path, lambda absolute: absolute(__file__) == __file__),
    "os.path.dirname": (os.path, lambda folder: folder(f"{os.sep}a{os.sep}b") == f"{os.sep}a"),
    "os.path.exists": (os.path, lambda exists: exists(__file__) is True),
    "os.path.join": (os.path, lambda join: join("a", "b") == f"a{os.sep}b"),
    "pathlib.Path.open": (Path, _opens),
    "pathlib.Path.read_bytes": (Path, _starts),
    "pathlib.Path.read_text": (Path, _starts),
}
"""What libraries call as they are imported: where it lies, and whether it tells the truth."""


def check_real_files(what: str, *, opens: bool = False) -> None:
    """Refuse to import or read what the models of metrics need from a file system of a test's.

    A function that only watches, as one that tells of blocking calls, is let pass. ``opens`` tells
    that what is done now opens files as Python's own ``open`` does.

    Raises:
        EditMetricsError: ``os`` or ``io`` is another, or one of their functions that open files or
            tell of them is a mock, or is replaced and sees no file of this package.
    """
    # pyfakefs puts its own where these are named in a module, or only where they are imported from
    fakes = [one for one in (os, io, *map(sys.modules.get, ("os", "io"))) if not _is_module(one)]
    if fakes:
        raise _refused(what, f"the module {getattr(fakes[0], '__name__', 'os')}")
    for name in _false({**_FILES, **_OPEN} if opens else _FILES):
        raise _refused(what, name)


def check_importable(module: str) -> None:
    """Refuse to import a module that is not there yet while what reads its files is mocked.

    Raises:
        EditMetricsError: one of these functions is a mock that watches nothing, or a function of a
            test's that sees no file.
    """
    if module in sys.modules:
        return
    for name in _false(_IMPORTING):
        package = module.partition(".")[0]
        raise EditMetricsError(
            f"{package} is not imported while {name} is replaced: it would stay half imported for"
            f" the rest of the session. Check outside of the mock, or import {package} before it"
            f" (`import {module}` at the head of the test file)"
        )


def _false(functions: dict[str, tuple[Any, Callable[[Any], bool]]]) -> Iterable[str]:
    """Yield the names of those that are replaced, and tell of other files than there are."""
    for name, (owner, is_true) in functions.items():
        function = getattr(owner, name.rpartition(".")[2])
        if type(function) is BuiltinFunctionType:
            continue
        if is_mock(function):
            mock = getattr(function, "mock", function) if _is_function(function) else function
            if getattr(mock, "_mock_wraps", None) is None:
                yield name
        elif not is_installed(file_of(code_of(function))) and not _tells(is_true, function):
            yield name


def _tells(is_true: Callable[[Any], bool], function: Any) -> bool:
    try:
        return is_true(function)
    except Exception:
        return False


def _is_function(given: object) -> bool:
    return type(given) is FunctionType


def _is_module(given: object) -> bool:
    return type(given) is ModuleType


def _refused(what: str, replaced: str) -> EditMetricsError:
    return EditMetricsError(
        f"{what} is not loaded while {replaced} is replaced: the test has a fake file system"
        " (pyfakefs, a mock). Check outside of it (between fs.pause() and fs.resume() of pyfakefs),"
        " or let an earlier test check by this model"
    )
