"""When a session began, and with what configuration, for all of its processes."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.errors import ConfigError, EditMetricsError
from pytest_editmetrics.whole_file import read_whole

if TYPE_CHECKING:
    from pytest_editmetrics.session.state import EditSession

BEGAN = "editmetrics_began"
CONFIGURED = "editmetrics_configured"
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


def configured(session: EditSession) -> dict[str, str]:
    """Return the digest of each file of the configuration as it is now, by path."""
    if session.config_path is None:
        return {}
    files = {session.config_path: _text(session.config_path)}
    if b"_base_" in files[session.config_path]:  # else nothing that reads YAML is imported
        from pytest_editmetrics.config.interpolate import load_tree

        with suppress(EditMetricsError):  # which is told where it is read
            tree = load_tree(session.config_path, session.rootdir)
            files |= {path: _text(path) for path in tree.files}
    return {str(path): hashlib.sha256(text).hexdigest() for path, text in files.items()}


def _text(path: Path) -> bytes:
    try:
        return read_whole(path)
    except OSError:
        return b""


def refuse_changed(session: EditSession) -> None:
    """Refuse, in a worker of pytest-xdist, another configuration than the session began with.

    A worker that takes the place of one that died reads the files anew.

    Raises:
        ConfigError: one was changed, came or went meanwhile.
    """
    at_first = getattr(session.config, "workerinput", {}).get(CONFIGURED)
    if at_first is None:
        return
    changed = dict(configured(session).items() ^ at_first.items())
    if changed:
        raise ConfigError(
            "it changed while the session ran, and a worker that began later would hold its gates"
            " to other bounds than those before it: run again, and let no test write the file",
            Path(min(changed)),
        )


def first_older_file(config: pytest.Config, image: Any) -> str | None:
    """Say, once, that an image is a file which was there, as it is, before the session began.

    An image of PIL counts that is still to be read from its file.
    """
    from pytest_editmetrics.images.unread import is_unread

    unread = getattr(image, "filename", None) if is_unread(image) else image
    if config.stash.get(_told, False) or not isinstance(unread, (str, os.PathLike)) or not unread:
        return None
    with suppress(OSError, ValueError):  # no file, which is said elsewhere
        found = Path(unread).stat()
        changed = max(found.st_mtime, found.st_ctime)  # of a copy that keeps the time too
        if changed < began(config) - _CLOCK:
            config.stash[_told] = True
            when = datetime.fromtimestamp(changed).isoformat(" ", "seconds")
            return f"{unread}, last changed {when}"
    return None
