"""A project that several tests read, made by the first of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path


def made_once(kept: Path, folder: Path, make: Callable[[], None]) -> None:
    """Let ``make`` fill a test's ``folder`` if nothing is ``kept`` yet, else copy what is."""
    if kept.exists():
        shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)
    else:
        make()
        shutil.copytree(folder, kept, symlinks=True)
