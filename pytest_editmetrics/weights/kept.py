"""Where weights, features and pictures are kept: folders of this project, and of others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pytest_editmetrics.errors import EditMetricsError

_OWN = "EDITMETRICS_CACHE"


def own_cache() -> Path:
    """Return where this project keeps what can be made or fetched again.

    ``$EDITMETRICS_CACHE``, else ``$XDG_CACHE_HOME/pytest-editmetrics``, else
    ``~/.cache/pytest-editmetrics``.
    """
    own = os.environ.get(_OWN)
    return Path(own).expanduser() if own else _user_cache() / "pytest-editmetrics"


def stay_in_place() -> Callable[[], None]:
    """Let a cache that was named by a relative path stay where it is, whoever goes elsewhere.

    Processes that are started from now on find it there, too. Returns what undoes it.
    """
    before = os.environ.get(_OWN)
    try:
        cache = own_cache()
        if not cache.is_absolute():
            os.environ[_OWN] = str(cache.absolute())
    except (OSError, RuntimeError):  # there is no home, or no current folder
        pass

    def undo() -> None:
        if before is None:
            os.environ.pop(_OWN, None)
        else:
            os.environ[_OWN] = before

    return undo if os.environ.get(_OWN) != before else lambda: None


def sam_folder() -> Path:
    """Return where fetched SAM checkpoints are kept: ``sam`` in ``own_cache``."""
    return own_cache() / "sam"


def features_folder() -> Path:
    """Return where features are kept unless an option says otherwise."""
    return own_cache() / "features"


def pictures_folder() -> Path:
    """Return where pictures of failing gates lie, a folder a project, if pytest has no cache."""
    return own_cache() / "pictures"


def torch_folder() -> Path:
    """Return where torchvision keeps its downloads, without importing torch.

    ``$TORCH_HOME/hub/checkpoints``, else ``torch/hub/checkpoints`` in the user's cache.
    """
    own = os.environ.get("TORCH_HOME")
    return (Path(own).expanduser() if own else _user_cache() / "torch") / "hub" / "checkpoints"


class NoHomeError(EditMetricsError, RuntimeError):
    """The user has no home directory, as in a container under a number of no account."""

    __module__ = "builtins"


def _user_cache() -> Path:
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    except RuntimeError:
        raise NoHomeError(
            "there is no home directory, so no folder to keep anything in; name one in"
            " EDITMETRICS_CACHE, or set HOME"
        ) from None
