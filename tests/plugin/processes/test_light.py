"""Starting pytest, and collecting tests that ask for every fixture, imports nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.usefixtures("no_other_plugin")

HEAVY = ["torch", "torchvision", "transformers", "lpips", "segment_anything", "ot", "numpy", "PIL",
         "yaml", "pydantic"]  # fmt: skip
# of ours, what a session needs only once a gate or a wider fixture is there
LATER = [f"pytest_editmetrics.{name}" for name in (
    "session.owner", "session.fixture_record", "measurement", "weights.catalog")]  # fmt: skip

# and what no session needs in which no test runs
RUNNING = [f"pytest_editmetrics.{name}" for name in (
    "plugin.outcomes", "plugin.fixture_gates", "session.record", "session.running",
    "session.identity")]  # fmt: skip

SCRIPT = """
import json, sys
before = [name for name in HEAVY if name in sys.modules]
assert not before, before
import pytest
code = pytest.main(["-p", "pytest_editmetrics.plugin", "-q", *sys.argv[1:]])
print("RESULT", json.dumps([int(code), [name for name in HEAVY if name in sys.modules]]))
"""

TEST = """
def test_it(clip_pipe, dino_v3_pipe, sam_pipe, lpips_pipe, edit_gate, golden_image, assert_unedit_emd_below,
            assert_unedit_lpips_below, assert_object_sim_above):
    pass

def test_other():
    pass
"""


def run(pytester, *args, also=()):
    pytester.makepyfile(test_x=TEST)
    process = subprocess.run(
        [sys.executable, "-I", "-c", f"HEAVY = {[*HEAVY, *LATER, *also]}\n{SCRIPT}", *args],
        cwd=pytester.path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "RESULT" in process.stdout, process.stdout + process.stderr
    return json.loads(process.stdout.rpartition("RESULT ")[2])


def test_collecting_imports_nothing_heavy(pytester):
    assert run(pytester, "--collect-only", also=RUNNING) == [0, []]


def test_other_tests_pay_nothing(pytester):
    assert run(pytester, "-k", "test_other and not test_it") == [0, []]


def test_asking_for_fixtures_loads_no_model_library(pytester):
    code, loaded = run(pytester)
    assert code == 1  # fixtures were asked for and no gate was made
    assert not set(loaded) & {"torch", "torchvision", "transformers", "lpips", "segment_anything"}
