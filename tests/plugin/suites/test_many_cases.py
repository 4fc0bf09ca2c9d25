"""What a session of many cases reads and holds, in counts."""

from __future__ import annotations

import json

import pytest
from conftest_text import add_to_conftest
from PIL import Image

CASES = 200

COUNTS = """
import gc
import json
from collections import Counter
from pathlib import Path

from pytest_editmetrics.config import case_file
from pytest_editmetrics.goldens import file as golden_file
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.session.ledger import REPORT_KEY
from pytest_editmetrics.session.record import TestRecord

reads = Counter()


def counted(module):
    read = module.read_yaml

    def read_yaml(path, rootdir=None):
        reads[path.name] += 1
        return read(path, rootdir)

    module.read_yaml = read_yaml


counted(case_file)
counted(golden_file)


def pytest_terminal_summary(terminalreporter):
    if not hasattr(terminalreporter.config, "workerinput"):
        alive = gc.get_objects()
        reports = [r for some in terminalreporter.stats.values() for r in some]
        Path("counts.json").write_text(json.dumps({
            "reads": reads,
            "gates": sum(isinstance(one, Gate) for one in alive),
            "records": sum(isinstance(one, TestRecord) for one in alive),
            "carried": sum(hasattr(report, REPORT_KEY) for report in reports),
        }))
"""


@pytest.fixture
def many(suite):
    add_to_conftest(suite, COUNTS)
    for value in (0, 20):
        Image.new("RGB", (8, 8), (value, value, value)).save(suite.path / f"{value}.png")
    cases = "".join(
        f"  - {{id: case-{n}, reference: 0.png, edited: 20.png}}\n" for n in range(CASES)
    )
    (suite.path / "test_many.edit.yaml").write_text(f"metrics: [score]\ncases:\n{cases}")
    (suite.path / "goldens").mkdir()
    goldens = "".join(f'"case-{n}":\n  score: {{max: 0.3, measured: 0.2}}\n' for n in range(CASES))
    (suite.path / "goldens" / "test_many.edit.yaml.yaml").write_text(goldens)
    return suite


def counts(suite):
    return json.loads((suite.path / "counts.json").read_text())


def test_files_are_read_once_and_passing_gates_are_not_held_but_written(many):
    many.runpytest_subprocess("--editmetrics-results=results.jsonl").assert_outcomes(passed=CASES)
    held = counts(many)
    assert held["reads"] == {"test_many.edit.yaml": 1, "test_many.edit.yaml.yaml": 1}
    assert held["gates"] == 1  # the one nearest to its bound
    assert held["records"] == held["carried"] == 0
    lines = [json.loads(line) for line in (many.path / "results.jsonl").read_text().splitlines()]
    assert sum(line["record"] == "gate" for line in lines) == CASES
    assert lines[-1]["passed"] == CASES


@pytest.mark.long
def test_the_controller_of_workers_holds_no_more(many):
    many.runpytest_subprocess("-n2").assert_outcomes(passed=CASES)
    held = counts(many)
    assert held["reads"] == {"test_many.edit.yaml.yaml": 1}
    assert (held["gates"], held["records"], held["carried"]) == (1, 0, 0)


def test_recorded_goldens_are_read_again_for_their_lines(many):
    goldens = many.path / "goldens" / "test_many.edit.yaml.yaml"
    goldens.write_text('"gone": {score: {max: 1}}\n' + goldens.read_text())
    result = many.runpytest_subprocess("--editmetrics-update=all")
    result.stdout.fnmatch_lines(["*obsolete goldens: 1 *", "*test_many.edit.yaml.yaml:1: gone"])
    assert goldens.read_text().count("max: 0.22") == CASES
