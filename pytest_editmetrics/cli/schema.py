"""``editmetrics schema``: prints the JSON Schema of the YAML files."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_editmetrics.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add ``schema``."""
    parser = commands.add_parser(
        "schema",
        help="print a JSON Schema of the YAML files, for editors",
        description="Print the JSON Schema of one kind of YAML file, or of all three.",
    )
    parser.add_argument("kind", nargs="?", choices=("settings", "goldens", "cases"))
    parser.set_defaults(run=_schema)


def _schema(args: argparse.Namespace) -> int:
    from pytest_editmetrics.config.schema import json_schema
    from pytest_editmetrics.pipes.registry import PipeRegistry

    print(json.dumps(json_schema(PipeRegistry(), args.kind), indent=2))
    return 0
