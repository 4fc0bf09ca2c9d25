"""``docs/explanation/reliability.md`` names tests that exist, and every way in which nothing is measured."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from pytest_editmetrics.measurement import SoftReason

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "explanation" / "reliability.md").read_text(encoding="utf-8")
GREEN = TEXT.partition("## Never silently green\n")[2].partition("\n### Ways")[0]
WAYS = TEXT.partition("<!-- ways")[2].partition("<!-- end of ways")[0]
ROWS = [line.strip("| ").split(" | ") for line in GREEN.splitlines() if line.startswith("| ")][2:]
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))


@pytest.mark.parametrize("path", sorted({path for path, _ in TESTS}))
def test_every_test_that_is_named_exists(path):
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    there = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    assert not [name for of, name in TESTS if of == path and name not in there]


def test_every_way_has_an_exit_status_and_a_test():
    assert len(ROWS) > 40
    for what, status, said, test in ROWS:
        assert what, said
        assert re.fullmatch(r"\d|killed", status), what
        assert re.fullmatch(r"`tests/[\w/]+\.py::test_\w+`", test), what


def test_every_way_that_strangers_tried_is_in_the_table():
    for path in (ROOT / "tests" / "adversity").glob("test_*.py"):
        module = ast.parse(path.read_text(encoding="utf-8"))
        tests = [node.name for node in module.body if isinstance(node, ast.FunctionDef)]
        ways = [name for name in tests if name.startswith("test_")]
        assert not [way for way in ways if f"{path.name}::{way}`" not in WAYS], "make adversity"


def test_every_soft_failure_is_listed():
    reasons = SoftReason.__args__  # type: ignore[attr-defined]
    assert not [reason for reason in reasons if f"`{reason}`" not in GREEN]
