"""How a large package is imported, where nobody else did, and left out at the end."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pytest_editmetrics.images.replaced_files import check_importable

_large: list[str] = []


def imported(package: str) -> Any:
    """Return a package that is imported, ``None`` if it is not.

    Where another thread is importing it, that is waited for: it lacks its parts till then.
    """
    if package in sys.modules:
        with suppress(ImportError):  # something else was put in its place
            __import__(package)
    return sys.modules.get(package)


@contextmanager
def importing(package: str) -> Iterator[None]:
    """Let nothing look for garbage while ``package`` is imported inside, nor as the process ends.

    torch makes 200,000 objects that live as long as the process. Looking through them takes a tenth
    of its import, and taking them apart as the process ends a third more. In between they are
    looked at as ever: whoever deletes a model and collects garbage has its memory back. Nothing is
    done where the package is imported already, as by a test.

    Raises:
        EditMetricsError: what reads its files is mocked.
    """
    if package in sys.modules:
        yield
        return
    check_importable(package)
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if package in sys.modules:
            atexit.register(gc.freeze)
            _large.append(package)
        if looks:
            gc.enable()


def leave_out() -> None:
    """Look for garbage a last time, if a large package was imported here; pytest would five times.

    Whatever lives then is left out until ``take_back``.
    """
    if _large:
        gc.collect()
        gc.freeze()


def take_back() -> None:
    """Look at what was left out again: who called ``pytest.main`` goes on, and deletes models."""
    if _large:
        _large.clear()
        gc.unfreeze()
