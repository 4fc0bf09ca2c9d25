"""The project that a command works on, as pytest sees it: ini file, conftest, pipes, goldens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.session.state import EditSession


def check_loaded(config: pytest.Config) -> None:
    """Raise ``EditMetricsError`` if pytest does not load the plugin."""
    hook = getattr(config.hook, "pytest_editmetrics_register_pipes", None)
    if hook is None or not hook.has_spec():  # a conftest may implement it all the same
        raise EditMetricsError(
            "pytest does not load the plugin here (PYTEST_DISABLE_PLUGIN_AUTOLOAD is set?);"
            " add `-p editmetrics` to addopts"
        )


class _Command:
    """A pytest plugin that runs a command in place of the tests."""

    def __init__(self, work: Callable[[EditSession], int]):
        self._work = work
        self.status: int | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> int:
        check_loaded(config)
        self.status = self._work(EditSession(config))
        return self.status


def in_project(
    work: Callable[[EditSession], int], rootdir: str | None = None, config: str | None = None
) -> int:
    """Give ``work`` the session that pytest would start, and return what it returns.

    The ini file, ``addopts``, the plugins and the conftest files that pytest loads at its start are
    loaded; nothing is collected.

    Args:
        work: takes the session, returns an exit status.
        rootdir: the project's root; default: what pytest finds from the current folder.
        config: a configuration file instead of the project's ``editmetrics.yaml``.

    Raises:
        InputError: ``rootdir`` is no folder, or ``config`` no file.
        EditMetricsError: pytest cannot start here; it has said why.
    """
    # what is loaded already cannot be rewritten: a warning, which `filterwarnings = error` raises
    args = ["--assert=plain"]
    if rootdir is not None:
        if not Path(rootdir).is_dir():
            raise InputError(f"--rootdir: {rootdir} is not a folder")
        args += [f"--rootdir={rootdir}", rootdir]
    if config is not None:
        if not Path(config).is_file():
            raise InputError(f"-c: there is no file {config}")
        args.append(f"--editmetrics-config={Path(config).absolute()}")
    command = _Command(work)
    pytest.main(args, plugins=[command])
    if command.status is None:
        raise EditMetricsError("pytest cannot start in this project; see what it says above")
    return command.status
