"""Every block of code of README and docs/ is one that Python, YAML or a command's parser takes."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import jsonschema
import pytest
import yaml
from page_walk import assert_done, blocks, walk

from pytest_editmetrics.cli.main import make_parser
from pytest_editmetrics.cli.schema import json_schema
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.session.option_list import OPTIONS

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "<!-- made by `make reference` from the decl" not in path.read_text(encoding="utf-8")
]
TUTORIALS = sorted(path for path in (ROOT / "docs" / "tutorials").glob("*.md") if "```" in path.read_text(encoding="utf-8"))  # fmt: skip
BLOCKS = [
    pytest.param(block, id=f"{path.relative_to(ROOT).as_posix()}-{number}")
    for path in PAGES
    for number, block in enumerate(blocks(path.read_text(encoding="utf-8")))
]


def of(*languages):
    found = [one for one in BLOCKS if one.values[0].language in languages]
    assert len(found) > 10
    return found


def test_every_language_is_looked_at():
    known = {"python", "bash", "yaml", "text", "diff", "ini", "toml", "groovy", "json"}
    assert {one.values[0].language for one in BLOCKS} <= known


@pytest.mark.parametrize("block", of("python"))
def test_python_is_python(block):
    assert ast.parse(block.text).body


COMMANDS = [
    pytest.param(line, id=f"{one.id}-{number}")
    for one in of("bash")
    for number, line in enumerate(one.values[0].text.replace("\\\n", " ").splitlines())
    if line.startswith("editmetrics ")
]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_one_that_its_parser_takes(line):
    for part in re.split(r" &&? | \| ", line.partition(" #")[0].partition(" > ")[0]):
        assert callable(make_parser().parse_args(shlex.split(part)[1:]).run)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_option_of_pytest_exists(path):
    named = re.findall(
        r"--(?:no-)?editmetrics-[a-z-]+\b(?!\.\.\.)", path.read_text(encoding="utf-8")
    )
    assert {name.replace("--no-", "--") for name in named} <= {option.flag for option in OPTIONS}


HELD = {
    kind: jsonschema.Draft202012Validator(json_schema(PipeRegistry(), kind))
    for kind in ("settings", "goldens", "cases")
}


def of_ci(value):
    """Whether it is of GitHub, GitLab or pre-commit, which test_workflows.py holds to their schemas."""
    inner = [one for one in value.values() if isinstance(one, dict)]
    return "jobs" in value or "repos" in value or any("script" in one for one in inner)


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml_is_a_file_of_ours_or_of_ci(block):
    value = yaml.safe_load(block.text)
    if of_ci(value):
        return
    # a page on regions shows that key of a case alone
    case = {"id": "a", "reference": "a.png", "edited": "b.png", **value}
    values = {"cases": value if "cases" in value else {"cases": [case]}}
    said = {
        kind: [error.message for error in held.iter_errors(values.get(kind, value))]
        for kind, held in HELD.items()
    }
    assert [] in said.values(), said


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.name)
@pytest.mark.slow
def test_a_tutorial_does_what_it_says(path, tmp_path):
    done = [(one, assert_done(one)) for one in walk(path.read_text(encoding="utf-8"), tmp_path)]
    assert len(done) > 4
