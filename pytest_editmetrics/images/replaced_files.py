"""Whether files are the machine's: a test may put a file system of its own in their place.

What is imported, or read, while pyfakefs does that would stay wrong for the rest of the session.
"""

from __future__ import annotations

import io
import os
import sys
from types import BuiltinFunctionType, ModuleType

from pytest_editmetrics.errors import EditMetricsError

_FUNCTIONS = ((io, "open"), (os, "open"), (os, "stat"))


def check_real_files(what: str) -> None:
    """Refuse to import or read what the models of metrics need from a file system of a test's.

    A function that only watches, as one that tells of blocking calls, is let pass.

    Raises:
        EditMetricsError: ``os`` or ``io`` is another, or one of their functions that open files or
            tell of them is replaced and sees no file of this package.
    """
    # pyfakefs puts its own where these are named in a module, or only where they are imported from
    fakes = [one for one in (os, io, *map(sys.modules.get, ("os", "io"))) if not _is_module(one)]
    if fakes:
        raise _refused(what, f"the module {getattr(fakes[0], '__name__', 'os')}")
    for module, name in _FUNCTIONS:
        if type(getattr(module, name)) is not BuiltinFunctionType and not os.path.exists(__file__):
            raise _refused(what, f"{module.__name__}.{name}")


def _is_module(given: object) -> bool:
    return type(given) is ModuleType


def _refused(what: str, replaced: str) -> EditMetricsError:
    return EditMetricsError(
        f"{what} is not loaded while {replaced} is replaced: the test has a fake file system"
        " (pyfakefs, a mock). Check outside of it (between fs.pause() and fs.resume() of pyfakefs),"
        " or let an earlier test check by this model"
    )
