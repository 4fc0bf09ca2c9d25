"""What is there in a project, as pytest sees it and as its files tell; nothing of it is run."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from fnmatch import fnmatch
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from pytest_editmetrics.cli.starter.edit_tests import tests_of_edits
from pytest_editmetrics.cli.starter.lines import code_of
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.saved_runs.project import check_loaded
from pytest_editmetrics.session.state import EditSession
from pytest_editmetrics.session.unread import refuse_misspelt
from pytest_editmetrics.whole_file import real_path

FIRST_TEST = "test_first_edit.py"
_REQUIREMENTS = (
    "pyproject.toml", "setup.cfg", "setup.py", "requirements*.txt", "requirements/*.txt", "Pipfile",
    "environment.yml", "environment.yaml",
)  # fmt: skip
_CI = (
    ".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitlab-ci.yml", "Jenkinsfile",
    "azure-pipelines.yml", ".circleci/config.yml",
)  # fmt: skip
_NO_PACKAGES = {"tests", "test", "docs", "examples", "scripts", "benchmarks", "tools", "src"}


@dataclass(frozen=True)
class Project:
    """What was found in ``folder``, where the command was typed.

    ``rootdir`` and ``ini`` are pytest's, ``testpaths`` and ``pythonpath`` what the ini file states;
    ``tests`` is where a test goes, ``collected`` whether plain ``pytest`` at the rootdir looks
    there, ``first_test`` what pytest has to find it by. ``configuration``
    is the ``editmetrics.yaml`` that holds already; ``goldens`` the one folder of all goldens, if
    the ini file names it. ``repository`` is the folder with ``.git``. ``diffusers`` is the file
    that requires diffusers, ``package`` the project's own, in ``source``; ``importable`` tells
    whether tests can import it. ``ci`` are the files of CI, ``ci_runs_it`` whether one names this
    plugin. ``of_edits`` is a file that has tests of edits already, and by what that is known.
    """

    folder: Path
    rootdir: Path
    ini: Path | None
    testpaths: tuple[str, ...]
    pythonpath: tuple[str, ...]
    tests: Path
    collected: bool
    first_test: str
    configuration: Path | None
    goldens: str
    repository: Path | None = None
    diffusers: Path | None = None
    package: str | None = None
    source: Path | None = None
    importable: bool = True
    ci: tuple[Path, ...] = ()
    ci_runs_it: bool = False
    of_edits: tuple[Path, str] | None = None


@dataclass
class _Look:
    """A pytest plugin that looks at the configuration, in place of the tests."""

    config: pytest.Config | None = field(default=None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> int:
        self.config = config
        return 0


def look(folder: Path) -> Project:
    """Return what is in a project's folder.

    Raises:
        EditMetricsError: pytest cannot start there, or a configuration is there that pytest would
            refuse for its name.
    """
    folder = real_path(folder)
    with inside(folder):
        config = _config()
        try:
            session = EditSession(config)
        except pytest.UsageError as error:
            raise EditMetricsError(str(error)) from None
        refuse_misspelt(session)
    repository = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)
    testpaths = tuple(config.getini("testpaths"))
    pythonpath = tuple(map(str, config.getini("pythonpath")))
    ci = tuple(path for name in _CI for path in sorted((repository or folder).glob(name)))
    package, source = _package(folder)
    searched = [found for path in testpaths for found in sorted(config.rootpath.glob(path))]
    tests = _tests(folder, config.rootpath, testpaths)
    places = [config.rootpath / path for path in pythonpath]
    if (folder / "conftest.py").is_file():  # pytest puts its folder on the path
        places.append(folder)
    return Project(
        folder=folder,
        rootdir=config.rootpath,
        ini=config.inipath,
        testpaths=testpaths,
        pythonpath=pythonpath,
        tests=tests,
        collected=not testpaths
        or any(real_path(tests).is_relative_to(real_path(one)) for one in searched)
        or tests in [config.rootpath / path for path in testpaths],
        first_test=_first_test(config.getini("python_files"), _suffix(folder, config.rootpath)),
        configuration=session.config_path,
        goldens=session.options["goldens"] or "",
        repository=repository,
        diffusers=_requiring("diffusers", folder, repository),
        package=package,
        source=source,
        importable=package is None or _importable(package, folder, places),
        ci=ci,
        of_edits=tests_of_edits(
            folder if tests.is_relative_to(folder) else config.rootpath,
            searched,
            config.getini("python_files"),
        ),
        ci_runs_it=any("editmetrics" in line for path in ci for line in code_of(path)),
    )


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder: pytest's rootdir depends on where it is typed."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _quiet() -> Iterator[None]:
    silent = io.StringIO()
    with redirect_stdout(silent), redirect_stderr(silent):
        yield


def _config() -> pytest.Config:
    """Return pytest's configuration here, without the project's conftest files if that will do."""
    for alone in (True, False):  # `addopts` may have an option that a conftest declares
        seen = _Look()
        args = ["--assert=plain", *(["--noconftest"] if alone else [])]
        with _quiet() if alone else nullcontext():
            pytest.main(args, plugins=[seen])
        if seen.config is not None:
            break
    else:
        raise EditMetricsError("pytest cannot start in this project; see what it says above")
    check_loaded(seen.config)
    return seen.config


def _tests(folder: Path, rootdir: Path, testpaths: tuple[str, ...]) -> Path:
    """Return the folder that a test of ``folder`` goes to: one that plain ``pytest`` looks into.

    One of the folder itself, if there is one, else one beside it: that of all packages.
    """
    named = [one for path in testpaths for one in sorted(rootdir.glob(path)) or [rootdir / path]]
    named = [one for one in named if not one.is_file()]
    own = [one for one in named if real_path(one).is_relative_to(folder)]
    known = [path for name in ("tests", "test") if (path := folder / name).is_dir()]
    shared = [one for one in named if real_path(one.parent) in folder.parents]
    return next(iter([*own, *known, *shared]), folder / "tests")


def _first_test(python_files: list[str], suffix: str = "") -> str:
    """Return a name for the first test under which pytest collects it.

    >>> _first_test(["check_*.py"]), _first_test(["*_test.py"]), _first_test(["test_*.py"], "_app")
    ('check_first_edit.py', 'first_edit_test.py', 'test_first_edit_app.py')
    """
    name = FIRST_TEST.replace(".", f"{suffix}.")
    if any(fnmatch(name, pattern) for pattern in python_files):
        return name
    plain = (one for one in python_files if one.count("*") == 1 and not re.search(r"[?\[/]", one))
    return next((one.replace("*", f"first_edit{suffix}") for one in plain), name)


def _suffix(folder: Path, rootdir: Path) -> str:
    """Return what tells the test of one package from another's: pytest imports by file name."""
    return "" if folder == rootdir else f"_{re.sub(r'[^0-9a-zA-Z]+', '_', folder.name)}".lower()


def _requiring(name: str, folder: Path, repository: Path | None) -> Path | None:
    """Return the file that requires a package, in the folder or at the root of its repository."""
    requires = re.compile(rf"(?<![\w.-]){name}(?![\w-])", re.IGNORECASE)
    for place in dict.fromkeys((folder, repository or folder)):
        for pattern in _REQUIREMENTS:
            for path in sorted(place.glob(pattern)):
                if any(requires.search(line) for line in code_of(path)):
                    return path
    return None


def _package(folder: Path) -> tuple[str | None, Path | None]:
    """Return the project's own package and the folder that it lies in, if there is one alone."""
    for source in (folder / "src", folder):
        found = [
            path.parent
            for path in sorted(source.glob("*/__init__.py"))
            if path.parent.name.isidentifier() and path.parent.name not in _NO_PACKAGES
        ]
        if len(found) == 1:
            return found[0].name, source
    return None, None


def _importable(package: str, folder: Path, places: Iterable[Path]) -> bool:
    """Tell whether tests can import the package: installed, or found by ``pythonpath``."""
    installed = [one for one in sys.path if one and real_path(Path(one)) != folder]
    where = [*map(str, places), *installed]
    if PathFinder.find_spec(package, where) is not None:
        return True
    others = (one for one in sys.meta_path if one is not PathFinder)  # of editable installs
    return any(one.find_spec(package, None) is not None for one in others)


def is_installable(folder: Path) -> bool:
    """Tell whether pip can install a folder."""
    return any((folder / name).is_file() for name in ("pyproject.toml", "setup.py", "setup.cfg"))
