"""Only the golden that a run was judged by is replaced by what the run measured."""

from __future__ import annotations

import pytest
from golden_gate import GOLDEN
from reviewed import failing, write_run

from pytest_editmetrics.cli.main import main

SUITE = """
from pathlib import Path
import numpy as np

def model(by):
    image = np.random.default_rng(0).integers(40, 200, (24, 24, 3), dtype=np.uint8)
    image[0, 0] += np.uint8(by)
    return image

STRENGTH = int(Path("model").read_text())

def test_bound(edit_gate):
    edit_gate.check(model(0), model(STRENGTH), metrics=["unedit_max_diff"])

def test_image(golden_image):
    golden_image.check(model(STRENGTH))
"""
TESTS = ("test_bound", "test_image")


@pytest.fixture
def suite(pytester, monkeypatch):
    """Goldens of strength 5, and a run of strength 50 that they fail."""
    monkeypatch.chdir(pytester.path)
    pytester.makeini("[pytest]\n")
    (pytester.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    (pytester.path / "model").write_text("5")
    pytester.makepyfile(test_x=SUITE)
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    (pytester.path / "model").write_text("50")
    pytester.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=2)
    return pytester


def goldens(suite) -> dict[str, bytes]:
    files = (suite.path / "goldens").rglob("*")
    return {path.name: path.read_bytes() for path in files if path.is_file()}


@pytest.mark.parametrize("test", TESTS)
def test_a_golden_approved_since_is_not_replaced(suite, capsys, test):
    (suite.path / "model").write_text("7")
    suite.runpytest("--editmetrics-update=all", "-k", test).assert_outcomes(passed=1, deselected=1)
    before = goldens(suite)
    assert main(["approve", "run"]) == 1
    said = capsys.readouterr().err
    assert f"nothing was written: test_x.py::{test}: the golden " in said
    assert "run the tests again, or leave it out with -k" in said
    if test == "test_bound":
        assert "is max 8.05 (measured 7) now, and was max 6 (measured 5) when the run" in said
    assert main(["approve", "run", "--dry-run"]) == 1
    assert goldens(suite) == before
    assert main(["approve", "run", "-k", f"not {test}"]) == 0
    assert goldens(suite) != before


@pytest.mark.parametrize("test", TESTS)
def test_a_golden_that_is_gone_does_not_come_back(suite, capsys, test):
    for path in (suite.path / "goldens").rglob("*.yaml" if test == "test_bound" else "*.png"):
        path.unlink()
    before = goldens(suite)
    assert main(["approve", "run", "-k", test]) == 1
    assert ("is none now" if test == "test_bound" else "is gone") in capsys.readouterr().err
    assert goldens(suite) == before


@pytest.mark.parametrize("test", TESTS)
def test_a_first_golden_approved_since_is_not_replaced(suite, capsys, test):
    for path in (suite.path / "goldens").rglob("*"):
        if path.is_file():
            path.unlink()
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=2)
    (suite.path / "model").write_text("7")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    before = goldens(suite)
    assert main(["approve", "run", "-k", test]) == 1
    assert ("was none" if test == "test_bound" else "was not there") in capsys.readouterr().err
    assert goldens(suite) == before


def test_what_the_run_wrote_may_be_approved_again(suite):
    assert main(["approve", "run"]) == 0
    before = goldens(suite)
    assert main(["approve", "run"]) == 0
    assert goldens(suite) == before
    suite.runpytest().assert_outcomes(passed=2)


@pytest.mark.parametrize("image_format", ["png", "webp"])
def test_what_the_tests_recorded_may_be_approved(suite, image_format):
    config = f"golden_images: {{comparator: exact, format: {image_format}}}\n"
    (suite.path / "editmetrics.yaml").write_text(config)
    suite.runpytest("--editmetrics-update=failed").assert_outcomes(passed=2)
    assert main(["approve", "run"]) == 0


def test_repetitions_share_one_golden(project, capsys):
    """The worst is written, and each may be approved again; one that is none of them stays."""
    golden = {"file": GOLDEN, "test": "test_a", "gate": "lpips"}
    gates = {
        f"test_a[{number}-2]": [failing(value=value, golden=golden)]
        for number, value in ((1, 0.5), (2, 0.6))
    }
    run = str(write_run(project / "run", gates))
    for only in (["-k", "1-2"], [], ["-k", "1-2"], []):
        assert main(["approve", run, *only]) == 0, capsys.readouterr().err
    text = (project / GOLDEN).read_text()
    (project / GOLDEN).write_text(text.replace("max", "max: 0.65, review"))
    assert main(["approve", run]) == 1
