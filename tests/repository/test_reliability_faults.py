"""The table of faults names tests that exist, and the noise floor the margins that hold."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from pytest_editmetrics.pipes.registry import PipeRegistry

ROOT = Path(__file__).parents[2]


def rows(title: str, columns: int) -> list[list[str]]:
    """Return the cells of the table of a section of docs/explanation/reliability.md, without its head."""
    text = (ROOT / "docs" / "explanation" / "reliability.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert all(len(row) == columns for row in cells)
    return cells[2:]


FAULTS = rows("Faults", 4)


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row[0])
def test_each_fault_names_tests_that_exist(row):
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[3])
    assert named
    assert re.sub(r"`[^`]*`", "", row[3]).strip() == ""
    for file, test in named:
        assert f"\ndef {test}(" in (ROOT / file).read_text(encoding="utf-8")


def test_each_test_of_a_fault_is_in_the_table():
    listed = " ".join(row[3] for row in FAULTS)
    for path in sorted((ROOT / "tests" / "plugin").rglob("test_faults_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert f"{path.name}::{node.name}`" in listed


NOISE = {row[0]: row for row in rows("Determinism and the noise floor", 8)}
FACTOR = 1000


def test_every_metric_has_a_noise_floor():
    registry = PipeRegistry()
    own = {registry.metric(name).name for name in registry.names}
    assert own - {"pie_bench_lpips"} == set(NOISE)


@pytest.mark.parametrize("name", NOISE)
def test_the_margin_of_a_metric_exceeds_its_noise(name):
    """The cells hold what was measured; the margin is the one that the metric declares today."""
    metric = PipeRegistry().metric(name)
    noises, margin_cell, times = NOISE[name][2:6], *NOISE[name][6:]
    assert margin_cell == " or ".join(
        [f"{metric.margin.relative * 100:g} %"] * bool(metric.margin.relative)
        + [f"{metric.margin.absolute:g}"] * bool(metric.margin.absolute)
    )
    absolute = max(float(cell.split(" ")[0]) for cell in noises)
    relative = max(float(re.search(r"\((.*)\)", cell)[1]) if "(" in cell else 0 for cell in noises)
    assert (times == "no noise") == (absolute == 0)
    assert (
        metric.margin.absolute >= FACTOR * absolute or metric.margin.relative >= FACTOR * relative
    )
