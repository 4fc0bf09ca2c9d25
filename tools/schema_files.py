"""The JSON Schemas of the YAML files, as they are published in ``schemas``: one for each kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pytest_editmetrics.cli.schema import KINDS, json_schema
from pytest_editmetrics.config.schema import address
from pytest_editmetrics.pipes.registry import PipeRegistry

FOLDER = Path(__file__).resolve().parent.parent / "schemas"


def texts() -> Mapping[str, str]:
    """Return what each file of the folder holds, by its name."""
    registry = PipeRegistry()
    schemas = {kind: {"$id": address(kind), **json_schema(registry, kind)} for kind in KINDS}
    return {f"{kind}.json": json.dumps(made, indent=1) + "\n" for kind, made in schemas.items()}


def write() -> None:
    """Write the folder, and nothing else into it."""
    FOLDER.mkdir(exist_ok=True)
    made = texts()
    for path in FOLDER.iterdir():
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
