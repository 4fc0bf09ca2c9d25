"""``editmetrics schema``: prints the JSON Schema of the YAML files."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.cli.arguments import add_rootdir
from pytest_editmetrics.cli.lines import say_json

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands
    from pytest_editmetrics.pipes.registry import PipeRegistry
    from pytest_editmetrics.session.state import EditSession

KINDS = {
    "settings": "editmetrics.yaml",
    "goldens": "golden thresholds",
    "cases": "cases",
    "manifest": "a row of a manifest",
    "suite": "the suite's gates",
}


def add(commands: Commands) -> None:
    """Add ``schema``."""
    parser = commands.add_parser(
        "schema",
        help="print a JSON Schema of the YAML files, for editors",
        description="Print the JSON Schema of one kind of file, or of all. In a project it knows"
        " the pipes and metrics that its conftest registers.",
        epilog="example: editmetrics schema settings",
    )
    parser.add_argument("kind", nargs="?", choices=tuple(KINDS))
    add_rootdir(parser)
    parser.set_defaults(run=_schema)


def _schema(args: argparse.Namespace) -> int:
    from pytest_editmetrics.saved_runs.project import in_project

    def work(session: EditSession) -> int:
        say_json(json_schema(session.registry, args.kind), indent=None)
        return 0

    return in_project(work, args.rootdir)


def json_schema(registry: PipeRegistry, kind: str | None = None) -> dict[str, Any]:
    """Return a JSON Schema (draft 2020-12) of the files of one kind, or of all under ``$defs``.

    >>> from pytest_editmetrics.pipes.registry import PipeRegistry
    >>> json_schema(PipeRegistry(), "goldens")["title"]
    'pytest-editmetrics: golden thresholds'
    """
    from pytest_editmetrics.config.case_file import FILE
    from pytest_editmetrics.config.manifest import row_schema
    from pytest_editmetrics.config.schema import DIALECT, document, settings_schema, suite_schema
    from pytest_editmetrics.goldens.file import golden_schema

    made: dict[str, Callable[[PipeRegistry], dict[str, Any]]] = {
        "settings": settings_schema,
        "goldens": golden_schema,
        "cases": FILE.schema,
        "manifest": row_schema,
        "suite": suite_schema,
    }
    if kind is not None:
        return document(f"pytest-editmetrics: {KINDS[kind]}", made[kind](registry))
    every = {name: {**json_schema(registry, name), "$id": f"editmetrics-{name}"} for name in KINDS}
    return {"$schema": DIALECT, "title": "pytest-editmetrics", "$defs": every}
