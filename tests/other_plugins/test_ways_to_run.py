"""Under a plugin that changes how tests run, each gate counts, decides and is filed as without it."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec

import pytest
import yaml
from ways_to_run import OUTCOMES, VERDICTS, WAYS, Way, tried

pytestmark = pytest.mark.slow
NO_TEST = (4, 5)
"""How a session ends that a plugin left no test: this machine's part of a few tests may be empty."""
EVERY_PLUGIN = "TEST_WITH_EVERY_PLUGIN" in os.environ
DEFAULT = "thresholds: {score: {max: 60}, likeness: {min: 0.1}}\n"
GOLDEN = '"test_has_a_golden": {score: {max: 0.1, measured: 0.05}}\n'


@pytest.fixture(params=list(tried()))
def way(request: pytest.FixtureRequest) -> Way:
    """A plugin that is installed."""
    return WAYS[request.param]


@pytest.fixture
def held(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite of which one test has a golden, far from the default; each way names its plugins."""
    if EVERY_PLUGIN:
        for name in ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_ADDOPTS"):
            monkeypatch.delenv(name, raising=False)
        if find_spec("pytest_randomly"):  # what is split in two must have one order
            monkeypatch.setenv("PYTEST_ADDOPTS", "--randomly-seed=1")
    else:
        monkeypatch.setenv("PYTEST_PLUGINS", "pytest_editmetrics.plugin")
    (suite.path / "editmetrics.yaml").write_text(DEFAULT)
    suite.mkdir("goldens").joinpath("test_x.py.yaml").write_text(GOLDEN)
    return suite


def run(suite: pytest.Pytester, way: Way, *options: str) -> list[pytest.RunResult]:
    """Run the sessions that together run every test."""
    load = () if EVERY_PLUGIN else way.load()
    results = f"--editmetrics-results={suite.path}/results.jsonl"
    found, written = [], ""
    for of_way in way.runs:
        found.append(suite.runpytest_subprocess(*load, *of_way, results, *options))
        if found[-1].ret not in NO_TEST:
            written += (suite.path / "results.jsonl").read_text()
    (suite.path / "gates.jsonl").write_text(written)
    return found


def gates(suite: pytest.Pytester) -> list[dict]:
    """Return the gates that the sessions wrote, of each test's last attempt."""
    lines = (suite.path / "gates.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [one for one in records if one["record"] == "gate" and one["final"]]


def shown(results: list[pytest.RunResult]) -> str:
    return "\n".join(result.stdout.str() for result in results)


def name_of(nodeid: str) -> str:
    return nodeid.partition("::")[2].partition("[")[0]


def test_each_gate_is_counted_and_decides_its_test(held, way):
    held.makepyfile(test_x=way.suite())
    results = run(held, way)
    found: dict[str, set[str]] = {}
    outcomes: dict[str, set[str]] = {}
    for gate in gates(held):
        found.setdefault(name_of(gate["nodeid"]), set()).add(gate["verdict"])
        outcomes.setdefault(name_of(gate["nodeid"]), set()).add(gate["outcome"])
    assert found == {name: set(verdicts) for name, verdicts in VERDICTS.items()}
    assert outcomes == {name: {outcome} for name, outcome in OUTCOMES.items()}
    assert 1 in {int(result.ret) for result in results}
    text = shown(results)
    assert "score 0.300 > max 0.100" in text
    assert "score 0.200 > max 0.100" in text
    assert "reached no report" not in text


def test_a_session_of_passing_gates_passes(held, way):
    held.makepyfile(test_x=way.suite("test_passes", "test_makes_two"))
    held.path.joinpath("goldens", "test_x.py.yaml").unlink()  # of a test that is not in this suite
    results = run(held, way, "--editmetrics-strict=all")
    statuses = {int(result.ret) for result in results}
    assert 0 in statuses
    assert statuses <= {0, *NO_TEST}
    assert {gate["verdict"] for gate in gates(held)} == {"pass"}


def test_a_session_that_measured_nothing_fails(held, way):
    held.makepyfile(test_x=way.suite("test_is_not_measured"))
    results = run(held, way)
    assert {gate["outcome"] for gate in gates(held)} == {"xfailed"}
    statuses = {int(result.ret) for result in results}
    assert 1 in statuses
    assert statuses <= {1, *NO_TEST}
    assert "not one gate of this session could be measured" in shown(results)


def test_goldens_are_filed_under_the_same_tests(held, way):
    held.makepyfile(test_x=way.suite("test_has_a_golden", "test_has_none"))
    run(held, way, "--editmetrics-update=all")
    file = held.path / "goldens" / "test_x.py.yaml"
    entries = {test: sorted(entry) for test, entry in yaml.safe_load(file.read_text()).items()}
    assert entries == {
        "test_has_a_golden": ["score"],
        "test_has_none": ["likeness@one", "likeness@two"],
    }
    results = run(held, way)
    assert {(gate["verdict"], gate["origin"]) for gate in gates(held)} == {("pass", "golden")}
    assert "obsolete" not in shown(results)
