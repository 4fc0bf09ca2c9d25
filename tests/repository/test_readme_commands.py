"""Every command that the README names exists, and its list of steps is six long."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pytest_editmetrics.cli.main import make_parser

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = [*re.findall(r"`([^`\n]+)`", README), *re.sub(r"#.*", "", README).splitlines()]
COMMANDS = sorted({line.strip() for line in CODE if line.startswith("editmetrics ")})
TARGETS = sorted(set(re.findall(r"\bmake ([a-z]+)\b(?=`| +#)", README)))


def test_there_is_something_to_check():
    named = {command.split()[1] for command in COMMANDS}
    assert named == {"init", "report", "comment", "approve", "review", "audit"}
    assert TARGETS == ["demo", "test"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_that_the_parser_takes(command):
    assert callable(make_parser().parse_args(shlex.split(command)[1:]).run)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_one_of_the_makefile(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_walk_has_six_lines():
    section = README.partition("## From golden to report and back\n")[2].partition("\n## ")[0]
    assert re.findall(r"^(\d)\. ", section, re.MULTILINE) == list("123456")
