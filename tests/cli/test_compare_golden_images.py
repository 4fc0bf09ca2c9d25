"""A local fault in a golden image: two runs are compared by its worst tile, too."""

from __future__ import annotations

import json

import pytest

from pytest_editmetrics.cli.main import main

FAIL = [
    "--fail",
    "golden_lpips:0.12",
    "--fail",
    "golden_tone:0.5",
    "--fail",
    "golden_structure:0.9",
]
METRICS = ("golden_lpips", "golden_structure", "golden_tone")


@pytest.fixture
def two_runs(scene, capsys, monkeypatch):
    """A base that holds its golden image, and a head with a red square of 12 px in it."""
    scene.makepyfile(
        test_picture="from scene import *\n"
        "def test_it(golden_image):\n"
        "    made = np.asarray(Image.fromarray(edited()).resize((512, 512))).copy()\n"
        "    if 'FAULT' in os.environ: made[200:212, 300:312] = 255, 0, 0\n"
        "    golden_image.check(made)\n"
    )
    scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    scene.runpytest("--editmetrics-run-dir=base").assert_outcomes(passed=1)
    monkeypatch.setenv("FAULT", "1")
    scene.runpytest("--editmetrics-run-dir=head").assert_outcomes(failed=1)
    monkeypatch.chdir(scene.path)
    capsys.readouterr()


def test_a_local_fault_is_beyond(two_runs, capsys):
    assert main(["compare", "base", "head", *FAIL]) == 1
    text = capsys.readouterr().out
    for metric in METRICS:
        assert f"FAILED: {metric}: 1 of 1 gate is worse by more than" in text
        assert f"FAILED: {metric}: 1 gate fails that did not in the base" in text
    assert "    worst tile 0.000 -> " in text
    assert main(["compare", "base", "head", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["metrics"][0]
    assert first["worse"] == 1
    assert first["worst"]["base_tile"] == 0
    assert first["worst"]["head_tile"] > 0.2


def test_what_fails_now_fails_whatever_its_bound(two_runs, capsys):
    assert main(["compare", "base", "head", "--fail", "golden_tone:90"]) == 1
    text = capsys.readouterr().out
    assert "0 beyond" in text
    assert "FAILED: golden_tone: 1 gate fails that did not in the base" in text


def test_a_comment_never_calls_it_small(two_runs, capsys):
    assert main(["comment", "head", "--base", "base"]) == 0
    changed = capsys.readouterr().out.partition("### Changed against the base")[2]
    assert "less than half" not in changed
    lines = changed.partition("###")[0].splitlines()
    assert [metric for line in lines if "worst tile 0" in line for metric in METRICS if metric in line
    ] == ["golden_tone", "golden_structure", "golden_lpips"]  # fmt: skip
