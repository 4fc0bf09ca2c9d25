"""Where weights, features and pictures are kept: folders of this project, and of others."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_editmetrics.errors import EditMetricsError


def own_cache() -> Path:
    """Return where this project keeps what can be made or fetched again.

    ``$EDITMETRICS_CACHE``, else ``$XDG_CACHE_HOME/pytest-editmetrics``, else
    ``~/.cache/pytest-editmetrics``.
    """
    own = os.environ.get("EDITMETRICS_CACHE")
    return Path(own).expanduser() if own else _user_cache() / "pytest-editmetrics"


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
