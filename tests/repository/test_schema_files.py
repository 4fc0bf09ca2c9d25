"""schemas/: what is published is what the declarations of today give, at the address it states."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema
import pytest

from pytest_editmetrics.cli.schema import KINDS
from pytest_editmetrics.config.schema import PROJECT_URL, address

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import schema_files  # noqa: E402

MADE = schema_files.texts()


def test_the_files_are_those_that_make_reference_writes():
    there = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "schemas").iterdir()}
    assert there.keys() == MADE.keys(), "make reference"
    assert [name for name in MADE if there[name] != MADE[name]] == [], "make reference"


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_a_schema_that_says_where_it_is_published(kind):
    schema = json.loads(MADE[f"{kind}.json"])
    jsonschema.Draft202012Validator.check_schema(schema)
    path = schema["$id"].removeprefix(f"{PROJECT_URL}/raw/main/")
    assert schema["$id"] == address(kind)
    assert (ROOT / path).is_file()


def test_the_projects_address_is_that_of_its_metadata():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'Repository = "{PROJECT_URL}"' in text
