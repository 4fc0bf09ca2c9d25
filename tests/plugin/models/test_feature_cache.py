"""Features across runs: the second run of a suite computes nothing and says the same."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CONFTEST = """
from pathlib import Path
from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.lpips import LPIPSPipe
from pytest_editmetrics.pipes.sam import SAMPipe

LOG = Path(__file__).parent / "loads.txt"

BUILDS = {pipe: pipe._build for pipe in (CLIPPipe, LPIPSPipe, SAMPipe)}

def counting(pipe, build):
    def counted(self, using):
        with LOG.open("a") as file:
            file.write(self.key + "\\n")
        return build(self, using)
    pipe._build = counted

for pipe, build in BUILDS.items():
    counting(pipe, build)

def pytest_unconfigure():
    for pipe, build in BUILDS.items():  # the next suite runs in this process too
        pipe._build = build
"""
SETTINGS = """
metrics: [lpips, emd, sam_clip_cls_sim]
pipes_default:
  clip-pipe: {model_path: smoke}
  sam-pipe: {model_type: smoke}
thresholds: {lpips: {max: 9}, emd: {max: 1000}, sam_clip_cls_sim: {min: -0.99}}
"""
TESTS = """
import numpy as np
import pytest
from PIL import Image

BOX = [(10, 10, 40, 40)]

@pytest.mark.parametrize("shift", [1, 2])
def test_edit(edit_gate, shift):
    reference = np.asarray(Image.open("photo.png"))
    edited = np.roll(reference, shift, axis=0)
    edit_gate.check(reference, edited, BOX, ref_boxes=BOX, edited_boxes=BOX)
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    photo = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(photo).save(pytester.path / "photo.png")
    (pytester.path / "editmetrics.yaml").write_text(SETTINGS)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_edits=TESTS)
    return pytester


def loads(pytester: pytest.Pytester) -> list[str]:
    path = pytester.path / "loads.txt"
    found = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return sorted(found)


def gates(path: Path) -> list[tuple[str, str, float]]:
    lines = map(json.loads, path.read_text().splitlines())
    found = [line for line in lines if line.get("type") == "gate" or "metric" in line]
    return sorted((g["nodeid"], g["metric"], g["value"]) for g in found)


def test_a_warm_run_loads_no_model_and_gives_the_same_bits(suite):
    suite.runpytest("--editmetrics-results=cold.jsonl").assert_outcomes(passed=2)
    assert loads(suite) == ["clip-pipe", "lpips-pipe", "sam-pipe"]
    suite.runpytest("--editmetrics-results=warm.jsonl").assert_outcomes(passed=2)
    assert loads(suite) == []
    suite.runpytest("--editmetrics-results=off.jsonl", "--no-editmetrics-cache")
    assert loads(suite) == ["clip-pipe", "lpips-pipe", "sam-pipe"]
    cold, warm, off = (gates(suite.path / f"{name}.jsonl") for name in ("cold", "warm", "off"))
    assert cold == warm == off
    assert len(cold) == 6


@pytest.mark.long
def test_workers_share_what_a_serial_run_kept(suite):
    suite.runpytest().assert_outcomes(passed=2)
    loads(suite)
    suite.runpytest("-n2").assert_outcomes(passed=2)
    assert loads(suite) == []


def test_a_changed_edit_computes_only_what_changed(suite):
    suite.runpytest().assert_outcomes(passed=2)
    loads(suite)
    suite.makepyfile(test_edits=TESTS.replace("[1, 2]", "[1, 3]"))
    suite.runpytest("-k", "1").assert_outcomes(passed=1)
    assert loads(suite) == []
    suite.runpytest("-k", "3").assert_outcomes(passed=1)
    assert loads(suite) == ["clip-pipe", "lpips-pipe", "sam-pipe"]


def test_the_folder_and_its_size_can_be_chosen(suite):
    suite.makeini("[pytest]\neditmetrics_cache_dir = kept\neditmetrics_cache_size = 100KB\n")
    suite.runpytest().assert_outcomes(passed=2)
    files = [path for path in (suite.path / "kept").rglob("*") if path.is_file()]
    assert files
    assert sum(path.stat().st_size for path in files) <= 100_000
    assert not Path(os.environ["EDITMETRICS_CACHE"]).exists()


def test_the_ini_file_can_turn_it_off_and_the_command_line_on_again(suite):
    suite.makeini("[pytest]\neditmetrics_cache = false\n")
    suite.runpytest().assert_outcomes(passed=2)
    assert not Path(os.environ["EDITMETRICS_CACHE"]).exists()
    suite.runpytest("--editmetrics-cache").assert_outcomes(passed=2)
    assert Path(os.environ["EDITMETRICS_CACHE"]).exists()


def test_a_size_that_is_none_is_a_usage_error(suite):
    result = suite.runpytest("--editmetrics-cache-size=much")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--editmetrics-cache-size*'much' is not a size*500MB*"])


@pytest.mark.slow
@pytest.mark.parametrize("args", [[], ["-n2"]])
def test_damaged_features_are_said_once_and_computed_again(suite, args):
    suite.runpytest("--editmetrics-results=cold.jsonl").assert_outcomes(passed=2)
    loads(suite)
    features = Path(os.environ["EDITMETRICS_CACHE"]) / "features"
    for path in features.rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])
    result = suite.runpytest("--editmetrics-results=damaged.jsonl", *args)
    result.assert_outcomes(passed=2)
    assert set(loads(suite)) == {"clip-pipe", "lpips-pipe", "sam-pipe"}
    said = [line for line in result.outlines if line.startswith("feature cache: ")]
    assert 1 <= len(said) <= (2 if args else 1)
    assert all("computed again" in line for line in said)
    assert gates(suite.path / "cold.jsonl") == gates(suite.path / "damaged.jsonl")


def test_a_folder_that_cannot_be_written_fails_nothing(suite):
    (suite.path / "blocked").write_text("a file")
    result = suite.runpytest("--editmetrics-cache-dir=blocked/features")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["feature cache: *cannot be written*this run goes on without*"])


def test_a_pipe_of_the_users_own_shares_the_features(suite):
    suite.runpytest().assert_outcomes(passed=2)
    loads(suite)
    suite.makeconftest(
        CONFTEST
        + """
import pytest

@pytest.fixture
def lpips_pipe():
    return LPIPSPipe()
"""
    )
    suite.runpytest().assert_outcomes(passed=2)
    assert loads(suite) == []
