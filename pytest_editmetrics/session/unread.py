"""Files that look like the configuration, or like cases, and are not read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_editmetrics.errors import ConfigError, EditMetricsError
from pytest_editmetrics.session.asked import GATE_FIXTURES, Asked
from pytest_editmetrics.session.began import refuse_changed
from pytest_editmetrics.session.option_list import RIGHT_NAME
from pytest_editmetrics.session.unread_options import unread_options
from pytest_editmetrics.session.written_options import OPTION_FILES, section_of_ours
from pytest_editmetrics.whole_file import read_whole

if TYPE_CHECKING:
    from pytest_editmetrics.session.state import EditSession

UNUSABLE = "editmetrics_unusable"
"""The key under which an xdist worker says why the configuration cannot be used."""
_COLLECTED = re.compile(r"test_.*\.edit\.ya?ml")
_TEST_YAML = re.compile(r"test_[^.]*\.ya?ml")
_CASES = re.compile(r".+\.edits?\.ya?ml", re.IGNORECASE)
_CASES_KEY = re.compile(rb"^cases:", re.MULTILINE)
_REFERENCE = re.compile(rb"^[ -]+reference:", re.MULTILINE)
_SAMPLE = "; if it is a sample, name its folder in pytest's norecursedirs"
_LIKE_IT = re.compile(r"\.?edit[-_. ]?metrics?\.ya?ml", re.IGNORECASE)


def is_case_file(path: Path) -> bool:
    """Tell whether a file is collected as cases, by its name."""
    return bool(_COLLECTED.fullmatch(path.name))


def looks_like_cases(path: Path) -> bool:
    """Tell whether a file is called as one of cases, or nearly."""
    return bool(_CASES.fullmatch(path.name))


def misnamed_cases(test_file: Path) -> list[Path]:
    """Return files beside one that is gone which may be it, under a name that is not collected."""
    if test_file.exists():
        return []
    beside = sorted(test_file.parent.glob("*.y*ml"))
    return [path for path in beside if looks_like_cases(path) and not is_case_file(path)]


def looks_like_settings(path: Path) -> bool:
    """Tell whether a file is called as the configuration, or nearly."""
    return bool(_LIKE_IT.fullmatch(path.name))


def may_be_unread(path: Path) -> bool:
    """Tell whether a file is called as the configuration, or nearly as one of cases."""
    cases = looks_like_cases(path) and not is_case_file(path)
    return cases or looks_like_settings(path) or bool(_TEST_YAML.fullmatch(path.name))


def files_that_may_be_unread(folder: Path) -> list[Path]:
    """Return the files of a folder that are called so."""
    try:
        return sorted(path for path in folder.iterdir() if may_be_unread(path) and path.is_file())
    except OSError:
        return []


def refuse_misspelt(session: EditSession) -> None:
    """Refuse a wrong spelling of the configuration's name where it would be looked for.

    Raises:
        ConfigError: the message gives the right name.
    """
    for folder in dict.fromkeys((session.rootdir, session.config.invocation_params.dir)):
        for path in files_that_may_be_unread(folder):
            like_it = looks_like_settings(path) and not _is_read(path, session)
            if like_it and path.name != RIGHT_NAME:
                raise ConfigError(
                    f"it is not read: the configuration is called {RIGHT_NAME}; rename the file, or"
                    f" name it with --editmetrics-config={path.name}",
                    path,
                )


def refuse_unread_options(session: EditSession) -> None:
    """Refuse options in a file that pytest does not read, where nobody chose another with ``-c``.

    Those that decide what fails are refused, beside and above tests that make gates.

    Raises:
        ConfigError: the message names the file that pytest reads.
    """
    if session.config.getoption("inifilename", None):
        return
    always = _folders(session, ())
    folders = _folders(session, (item.path for item in session.items))
    for path, said, decide in unread_options(session.config, folders):
        if decide and (path.parent in always or _has_gates(path.parent, session.items)):
            raise ConfigError(said, path)


def refuse_unusable(session: EditSession) -> None:
    """Refuse a configuration that is not the one to read, before it is read.

    Raises:
        ConfigError: it is misspelt, an option that decides stands where pytest reads none, or the
            session began with another.
    """
    refuse_misspelt(session)
    refuse_unread_options(session)
    refuse_changed(session)


def _has_gates(folder: Path, items: Iterable[pytest.Item]) -> bool:
    return any(item.path.is_relative_to(folder) and asks_for_gates(item) for item in items)


def refuse_where_gates_are(session: EditSession, items: Iterable[pytest.Item]) -> None:
    """Refuse a configuration that cannot be used as soon as a collected test uses a gate.

    A worker of pytest-xdist ends with it, and its last word, ``UNUSABLE``, ends the session.
    ``--collect-only`` reads no file.

    Raises:
        pytest.UsageError: what is wrong, and where.
    """
    if not any(map(uses_a_gate, items)):
        return
    try:
        if session.config.option.collectonly:
            refuse_unusable(session)
        else:
            session.read_configuration()
    except EditMetricsError as error:
        output = getattr(session.config, "workeroutput", {})
        output[UNUSABLE] = str(error)
        raise pytest.UsageError(str(error)) from None


def unread_notes(session: EditSession, gated_files: Iterable[Path]) -> list[str]:
    """Return what to say of options that are not read and were not refused, between the rootdir and
    files of tests that make gates, if there are any, and of files that hold what cases do."""
    files = list(gated_files)
    if not files:
        return []
    # none are named as a rule, and what knows them is slow to import
    named = session.asset_roots.named if session.options["asset-roots"] else ()
    absent = [
        f"{session.shown(folder)} of editmetrics_asset_roots is no folder here"
        for folder in named
        if not folder.is_dir()
    ]
    chosen = bool(session.config.getoption("inifilename", None))
    cases = [
        f"not read: {session.shown(path)}; if these are cases of pytest-editmetrics, call the file"
        f" {path.stem}.edit.yaml"
        for path in _seen(session, files)
        if _TEST_YAML.fullmatch(path.name) and _has_cases(path, _REFERENCE)
    ]
    return (
        absent
        + cases
        + [
            f"{session.shown(path)}: {said}"
            for path, said, decide in unread_options(session.config, _folders(session, files))
            if chosen or not decide
        ]
    )


def unread(session: EditSession, test_files: Iterable[Path], *, gates: bool) -> list[str]:
    """Return what to say of configurations and cases that are not read, between the rootdir and the
    tests and where pytest came by, and of a folder of goldens that is not there.

    Without ``gates`` in the session a file that is only called as cases are may be another tool's.
    """
    goldens = session.goldens_root
    absent = []
    if goldens is not None and not goldens.is_dir() and session.options["update"] == "none":
        absent.append(
            f"{session.shown(goldens)} is no folder (editmetrics_goldens), so no golden holds:"
            " correct the path, or record with --editmetrics-update=missing"
        )
    below = _in_subfolders(session) if gates and session.config_path is None else ()
    files = dict.fromkeys([*_seen(session, test_files), *below])
    cases = [
        f"not read: {session.shown(path)}; files of cases are called test_*.edit.yaml: rename it"
        for path in files
        if looks_like_cases(path) and (gates or _has_cases(path))
    ]
    folders = _folders(session, test_files)
    option_files = [folder / name for folder in folders for name in OPTION_FILES]
    sections = [
        f"not read: {header} in {session.shown(path)}; options are keys editmetrics_* of pytest's"
        " own section ([tool.pytest.ini_options] in pyproject.toml), the configuration is"
        f" {RIGHT_NAME}: move what stands there"
        for path in option_files
        if gates and (header := section_of_ours(path))
    ]
    own, beside = session.rootdir / RIGHT_NAME, set(folders)
    # whoever names another leaves this one aside, as the first lines of the session show
    left_aside = own if session.options["config"] else None
    came = [own] if own in files and session.config_path is None else []
    appeared = [
        f"not read: {session.shown(path)}; it was not there when the session began: run again"
        for path in came
    ]
    return [*absent, *sections, *cases, *appeared] + [
        f"not read: {session.shown(path)}; only one configuration is, {RIGHT_NAME} at pytest's"
        " rootdir: move it there, or name it with --editmetrics-config"
        + ("" if path.parent in beside else _SAMPLE)
        for path in files
        if looks_like_settings(path)
        and not _is_read(path, session)
        and path not in (left_aside, *came)
    ]


def _in_subfolders(session: EditSession) -> Iterator[Path]:
    """Yield configurations one folder below a rootdir that has none.

    A folder that has a file of options is a project of its own; one that ``norecursedirs`` names is
    left out, as pytest leaves it out.
    """
    rootdir = session.rootdir
    for path in sorted(rootdir / name / RIGHT_NAME for name in os.listdir(rootdir)):
        if not os.path.isfile(path):
            continue
        from pytest_editmetrics.goldens.file_names import is_foreign

        folder = path.parent
        if _is_left_out(folder, session.config):
            continue
        if folder.name == ".github" or not is_foreign(folder):
            own = any((folder / name).exists() for name in OPTION_FILES)
            yield from () if own else (path,)


def _is_left_out(folder: Path, config: pytest.Config) -> bool:
    """Tell whether ``norecursedirs`` of the project names a folder; pytest's own names are hidden
    folders, and what tools make."""
    for pattern in set(config.getini("norecursedirs")) - {".*"}:
        name = str(folder) if "/" in pattern or os.sep in pattern else folder.name
        if fnmatch(name, pattern if name == folder.name else f"*{os.sep}{pattern}"):
            return True
    return False


def _seen(session: EditSession, test_files: Iterable[Path]) -> dict[Path, None]:
    """Return the files that may be unread, beside the tests and above, and where pytest came by."""
    folders = _folders(session, test_files)
    beside = [path for folder in folders for path in files_that_may_be_unread(folder)]
    return dict.fromkeys([*beside, *sorted(session.unread_files_seen)])


def _has_cases(path: Path, *also: re.Pattern[bytes]) -> bool:
    try:
        data = read_whole(path)
    except OSError:
        return False
    return all(one.search(data) for one in (_CASES_KEY, *also))


def uses_a_gate(item: pytest.Item) -> bool:
    """Tell whether a test has a fixture or a marker of ours."""
    names = getattr(item, "fixturenames", ())
    marked = item.get_closest_marker("editmetrics") is not None
    return marked or any(name in GATE_FIXTURES for name in names)


def asks_for_gates(item: pytest.Item) -> bool:
    """Tell whether a test uses a gate, or calls an importable helper."""
    asked = Asked.of(item)
    return uses_a_gate(item) or asked.itself or asked.widely or asked.by_call


def _folders(session: EditSession, test_files: Iterable[Path]) -> list[Path]:
    """Return the folders between the rootdir and these files, and where pytest was started."""
    rootdir = session.rootdir
    folders = {rootdir: None, session.config.invocation_params.dir: None}
    for folder in dict.fromkeys(file.parent for file in test_files):
        above = [one for one in (folder, *folder.parents) if one.is_relative_to(rootdir)]
        folders.update(dict.fromkeys(above or [folder]))
    return list(folders)


def _is_read(path: Path, session: EditSession) -> bool:
    """Tell whether a file is the session's configuration."""
    try:
        return session.config_path is not None and path.samefile(session.config_path)
    except OSError:
        return False
