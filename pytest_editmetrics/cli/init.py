"""``editmetrics init``: looks at a project, and writes its first files."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.cli.lines import say, say_all
from pytest_editmetrics.errors import EditMetricsError

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.cli.starter.look import Project

SYSTEMS = {"github": ".github", "gitlab": ".gitlab-ci.yml"}
"""Systems of CI, and by what one knows that a project is there."""


def add(commands: Commands) -> None:
    """Add ``init``."""
    parser = commands.add_parser(
        "init",
        help="look at a project and write its first files: settings, and a test that runs",
        description="Write editmetrics.yaml and a first test where pytest looks for them, on"
        " request a workflow and .gitattributes too. Nothing is asked, and no file is written over;"
        " where tests of edits are there already, no first test is written."
        " Says what was found, and what to type next.",
        epilog="example: editmetrics init --ci github --lfs",
    )
    parser.add_argument("folder", metavar="DIR", nargs="?", default=".", help="default: here")
    parser.add_argument(
        "--ci", choices=tuple(SYSTEMS), help="write a workflow that runs the tests, too"
    )
    parser.add_argument(
        "--lfs", action="store_true", help="write .gitattributes, so that Git LFS keeps goldens"
    )
    parser.set_defaults(run=_init)


def _init(args: argparse.Namespace) -> int:
    from pytest_editmetrics.cli.starter import write
    from pytest_editmetrics.cli.starter.look import look

    folder = Path(args.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EditMetricsError(f"cannot write {folder}: {error.strerror}") from None
    project = look(folder)
    say_all(_found(project))
    test = write.first_test_file(project)
    others = None if test.path.exists() else project.of_edits
    wanted = [write.settings_file(project), *([] if others else [test])]
    if args.ci:
        wanted.append(write.workflow_file(project, args.ci))
    if args.lfs:
        wanted.append(write.attributes_file(project))
    for new in wanted:
        path = _shown(new.path)
        say(f"wrote  {path}: {new.what}" if write.write(new) else f"kept   {path}{new.kept}")
    if others is not None:
        say(f"kept   no sample: {_shown(others[0])} {others[1]}")
    say_all(_next(project, None if others else test.path, args.ci))
    return 0


def _found(project: Project) -> Iterator[str]:
    """Tell what the files were written for."""
    ini = "no ini file of pytest"
    if project.ini is not None:
        stated = [
            f"{name} = {' '.join(values)}"
            for name, values in (
                ("testpaths", project.testpaths),
                ("pythonpath", project.pythonpath),
            )
            if values
        ]
        ini = f"{_shown(project.ini)}{': ' if stated else ''}{', '.join(stated)}"
    yield f"found  {ini}"
    if project.diffusers is not None:
        yield f"found  diffusers, in {_shown(project.diffusers)}"
    if project.package is not None and project.source is not None:
        yield f"found  the package {project.package}, in {_shown(project.source)}"
    if project.ci:
        yield f"found  CI: {', '.join(_shown(path) for path in project.ci[:4])}"


def _next(project: Project, test: Path | None, ci: str | None) -> Iterator[str]:
    """Tell what to type next; ``test`` is the sample, if there is one."""
    from pytest_editmetrics.cli.starter.write import not_ignored

    if not project.importable:
        yield f"note   tests cannot import {project.package} yet: {_way_to_import(project)}"
    if test is not None and not project.collected:
        below = project.tests.relative_to(project.rootdir).as_posix()
        yield (
            f"note   plain pytest in {project.rootdir} looks into"
            f" {' '.join(project.testpaths)} only (testpaths): add {below} to them"
        )
    if test is None:
        yield "next   pytest"
    else:
        yield f"next   pytest {_shown(test)}"
        yield f"then   load your model in the fixture `model` of {_shown(test)}, and record it:"
        yield f"       pytest {_shown(test)} --editmetrics-update=missing"
    if ci is not None:
        yield "then   give --editmetrics-require in the job what a run there says at its end"
    if missing := not_ignored(project):
        yield f"then   keep out of git what a run leaves, in .gitignore: {' '.join(missing)}"
    for system, sign in SYSTEMS.items():
        if ci is None and not project.ci_runs_it and any(sign in path.parts for path in project.ci):
            yield f"then   for CI: editmetrics init --ci {system}"


def _way_to_import(project: Project) -> str:
    from pytest_editmetrics.cli.starter.look import is_installable

    source = os.path.relpath(project.source or project.folder, project.rootdir)
    path = f"in pytest's ini file pythonpath = {Path(source).as_posix()}"
    if not is_installable(project.folder):
        return path
    return f"pip install -e {_shown(project.folder)}, or {path}"


def _shown(path: Path) -> str:
    from pytest_editmetrics.config.reader import shown_path

    return shown_path(path.absolute(), Path.cwd())
