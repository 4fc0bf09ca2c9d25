"""When a session began, in all of its processes: a file that is older is none of its outputs."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

BEGAN = "editmetrics_began"
_CLOCK = 2.0  # seconds that a file system's clock may be behind, or count in
_began = pytest.StashKey[float]()
_told = pytest.StashKey[bool]()


def note_begin(config: pytest.Config) -> None:
    """Remember that a process of the session begins, if it is not known yet."""
    config.stash.setdefault(_began, time.time())


def began(config: pytest.Config) -> float:
    """Return when the session began, in seconds; workers of pytest-xdist are told by it."""
    of_session = getattr(config, "workerinput", {}).get(BEGAN)
    return config.stash[_began] if of_session is None else float(of_session)


def first_older_file(config: pytest.Config, image: Any) -> str | None:
    """Say, once, that an image is a file which was there, as it is, before the session began.

    An image of PIL counts that is still to be read from its file.
    """
    unread = getattr(image, "filename", None) if getattr(image, "tile", None) else image
    if config.stash.get(_told, False) or not isinstance(unread, (str, os.PathLike)):
        return None
    with suppress(OSError, ValueError):  # no file, which is said elsewhere
        found = Path(unread).stat()
        changed = max(found.st_mtime, found.st_ctime)  # of a copy that keeps the time too
        if changed < began(config) - _CLOCK:
            config.stash[_told] = True
            when = datetime.fromtimestamp(changed).isoformat(" ", "seconds")
            return f"{unread}, last changed {when}"
    return None
