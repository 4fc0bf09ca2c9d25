"""What pytest calls. Here are hooks only; each calls a file beside this one, and none is heavy.

Measuring, judging and the texts of reports lie in the rooms below.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.plugin.fixtures import (
    assert_object_sim_above,
    assert_unedit_emd_below,
    assert_unedit_lpips_below,
    clip_pipe,
    dino_v3_pipe,
    edit_gate,
    golden_image,
    lpips_pipe,
    sam_pipe,
)
from pytest_editmetrics.plugin.header import Header
from pytest_editmetrics.plugin.last_word import LastWord
from pytest_editmetrics.plugin.own_modules import OwnModules
from pytest_editmetrics.session import hookspec
from pytest_editmetrics.session.began import note_begin
from pytest_editmetrics.session.id_parts import noted_calls
from pytest_editmetrics.session.options import add_options
from pytest_editmetrics.session.state import EditSession, session_key
from pytest_editmetrics.session.unread import is_case_file, refuse_where_gates_are

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = [
    "assert_object_sim_above",
    "assert_unedit_emd_below",
    "assert_unedit_lpips_below",
    "clip_pipe",
    "dino_v3_pipe",
    "edit_gate",
    "golden_image",
    "lpips_pipe",
    "sam_pipe",
]

_IMPORTING = "pytest_editmetrics.cache.importing"
MARKER = (
    "editmetrics(metrics=None, thresholds=None, gates=None, **pipe_options): what edit_gate"
    " measures in this test, the bounds it is held to, gates='none' for a test that may make no"
    " gate, and options of the pipes, such as framing='center-crop'"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that users implement."""
    pluginmanager.add_hookspecs(hookspec)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    """Take the last word on the exit status from whoever is there at the start."""
    note_begin(early_config)
    result = yield
    early_config.pluginmanager.register(LastWord(), "editmetrics-last-word")
    return result


def pytest_configure(config: pytest.Config) -> None:
    """Check the options and set the session's state up; nothing is read or loaded yet."""
    note_begin(config)
    if parts := [name for name in config.option.plugins if name.startswith("no:editmetrics-")]:
        raise pytest.UsageError(
            f"-p {parts[0]} would take out a part of pytest-editmetrics, without which wrong images"
            " may pass; -p no:editmetrics takes out all of it, and tests that ask for gates fail"
        )
    config.add_cleanup(_take_back)
    own_modules = OwnModules()
    own_modules.begin()
    config.add_cleanup(own_modules.end)
    config.addinivalue_line("markers", MARKER)
    session = config.stash[session_key] = EditSession(config)
    if config.option.collectonly:
        config.pluginmanager.register(Header(session), "editmetrics-header")
        return
    from pytest_editmetrics.plugin.parts import register_parts

    register_parts(session)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Remember which tests use which fixture, also those that will not run; show errors of ours."""
    report = yield
    users = collector.config.stash[session_key].users
    for node in report.result or ():
        if isinstance(node, pytest.Item):
            users.add(node)
    if report.failed:
        from pytest_editmetrics.plugin.tracebacks import show_collecting

        show_collecting(collector, report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, Any, Any]:
    """Remember which part of a test's id stands for which of its arguments."""
    __tracebackhide__ = True
    with noted_calls(metafunc):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Remember the order of the tests; a misspelt configuration is no reason to go on.

    First, or a worker of pytest-xdist would tell that it waits for tests, and be gone.
    """
    state = session.config.stash[session_key]
    state.collected(session.items)
    try:
        refuse_where_gates_are(state, session.items)
    except pytest.UsageError as error:
        if controller := session.config.pluginmanager.get_plugin("editmetrics-controller"):
            controller.refuse(str(error))
        raise
    if "pyfakefs" in sys.modules and not session.config.option.collectonly:
        from pytest_editmetrics.plugin.fake_files import import_before_fake_files

        import_before_fake_files(session.items)


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path: Path, parent: pytest.Collector) -> None:
    """Remember the folders of goldens: those of tests that are gone lie in no test's folder."""
    parent.config.stash[session_key].came_by(path, folder=True)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect ``test_*.edit.yaml`` as a module of cases, and remember files nearly called so."""
    parent.config.stash[session_key].came_by(file_path, folder=False)
    if not is_case_file(file_path):
        return None
    from pytest_editmetrics.plugin.collect import CaseModule

    return CaseModule.from_parent(parent, path=file_path)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Spare pytest its last looks for garbage in what a large package made."""
    if (imported := sys.modules.get(_IMPORTING)) is not None:
        imported.leave_out()


def _take_back() -> None:
    """End that, after pytest's own last steps: they come before that of who was first."""
    if (imported := sys.modules.get(_IMPORTING)) is not None:
        imported.take_back()
