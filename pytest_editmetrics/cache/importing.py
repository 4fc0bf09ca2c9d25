"""How a large package is imported, where nobody else did."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing(package: str) -> Iterator[None]:
    """Let nothing look for garbage while ``package`` is imported inside, nor in what it made later.

    torch makes 200,000 objects that live as long as the process. Looking through them takes a tenth
    of its import, and as long again at the end of pytest; taking them apart as the process ends
    takes a third more. Whatever lives at that moment is left out with them (``gc.freeze``): it is
    freed when nothing refers to it, but not as part of a ring. Nothing is done where the package
    is imported already, as by a test.
    """
    if package in sys.modules:
        yield
        return
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if package in sys.modules:
            gc.freeze()
        if looks:
            gc.enable()
