"""``editmetrics calibrate`` says which of its proposals would notice no fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from made_once import made_once

from pytest_editmetrics.background.faults import grossly_broken
from pytest_editmetrics.calibration import blindness
from pytest_editmetrics.cli.main import main

SUITE = """
from scene import *


def test_it(edit_gate):
    edit_gate.check(scene(), noisy(edited()), BOX, metrics=["tone", "unedit_psnr"])
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the suite and its three runs lie, once they were made."""
    return tmp_path_factory.mktemp("kept") / "project"


@pytest.fixture
def runs(scene: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, kept: Path) -> list[str]:
    folders = [f"run{seed}" for seed in range(3)]

    def make() -> None:
        scene.makepyfile(test_it=SUITE)
        (scene.path / "editmetrics.yaml").write_text("thresholds: {tone: 1, unedit_psnr: 1}\n")
        for seed, folder in enumerate(folders):
            monkeypatch.setenv("SEED", str(seed))
            result = scene.runpytest("-q", f"--editmetrics-run-dir={folder}")
            result.assert_outcomes(passed=1)

    made_once(kept, scene.path, make)
    monkeypatch.chdir(scene.path)
    return folders


def test_a_proposal_that_notices_nothing_is_told(runs, capsys):
    assert main(["calibrate", *runs, "--min-margin", "tone:18", "-k", "tone"]) == 0
    (told,) = re.findall("blind: .*", capsys.readouterr().out)
    assert told.startswith("blind: a gate with this bound notices none of 10 faults (shift, ")
    assert told.endswith("); what helps: docs/how-to/selftest.md")


def test_what_other_proposals_of_the_check_notice_needs_no_word(runs, capsys):
    assert main(["calibrate", *runs, "--min-margin", "tone:18"]) == 0
    assert "blind" not in capsys.readouterr().out


def test_what_no_proposal_of_the_check_notices_is_named(runs, capsys):
    margins = ["--min-margin", "tone:18", "--min-margin", "unedit_psnr:30"]
    assert main(["calibrate", *runs, *margins]) == 0
    of_tone, of_psnr = capsys.readouterr().out.split("test_it.py::test_it unedit_psnr")
    assert "notices none of 10 faults, nor any other gate of this check (" in of_tone
    assert "what helps: docs/how-to/selftest.md" in of_tone
    assert "blind" not in of_psnr


def test_a_proposal_that_a_broken_image_keeps_is_refused(runs, capsys):
    margin = ["--min-margin", "tone:200"]
    for options in (margin, [*margin, "--no-selftest"]):
        assert main(["calibrate", *runs, *options]) == 0
        of_tone, of_psnr = capsys.readouterr().out.split("test_it.py::test_it unedit_psnr")
        assert "holds for ever: a grossly broken pair gives 23" in of_tone
        assert " (inverted)" in of_tone
        assert "proposal  " not in of_tone
        assert "proposal  min" in of_psnr


def test_a_proposal_for_a_size_is_broken_by_what_is_enlarged(scene, monkeypatch, capsys):
    def enlarged(*images):
        return [pair for pair in grossly_broken(*images) if pair[0] == "turned and enlarged"]

    monkeypatch.setattr(blindness, "grossly_broken", enlarged)
    scene.makepyfile(test_it=SUITE.replace('metrics=["tone", "unedit_psnr"]', 'metrics="zoom"'))
    (scene.path / "editmetrics.yaml").write_text("thresholds: {zoom: 1}\n")
    for seed in ("0", "1"):
        monkeypatch.setenv("SEED", seed)
        scene.runpytest("-q", f"--editmetrics-run-dir=run{seed}").assert_outcomes(passed=1)
    monkeypatch.chdir(scene.path)
    assert main(["calibrate", "run0", "run1", "--no-selftest", "--min-margin", "zoom:2"]) == 1
    told = re.search(
        r"holds for ever: a grossly broken pair gives ([\d.]+)", capsys.readouterr().out
    )
    assert told is not None
    assert float(told[1]) == pytest.approx((1 / 0.88 / 0.8) ** 0.5 - 1, abs=0.002)


def test_a_proposal_whose_weights_are_missing_is_not_called_blind(scene, monkeypatch, capsys):
    scene.makepyfile(test_it=SUITE.replace('metrics=["tone", "unedit_psnr"]', 'metrics="lpips"'))
    (scene.path / "editmetrics.yaml").write_text("thresholds: {lpips: 1}\n")
    for seed in ("0", "1"):
        monkeypatch.setenv("SEED", seed)
        result = scene.runpytest("-q", f"--editmetrics-run-dir=run{seed}")
        result.assert_outcomes(passed=1)
    (scene.path / "editmetrics.yaml").write_text("pipes_default: {lpips-pipe: {net: vgg}}\n")
    monkeypatch.chdir(scene.path)
    assert main(["calibrate", "run0", "run1"]) == 0
    out = capsys.readouterr().out
    assert "blind: " not in out
    assert "1 gate was not self-tested: lpips could not be judged: " in out
    assert "editmetrics weights fetch lpips:vgg" in out


def test_faults_may_be_left_out(runs, capsys):
    assert main(["calibrate", *runs, "--no-selftest"]) == 0
    assert "blind" not in capsys.readouterr().out


def test_runs_without_images_say_so(runs, capsys, pytester):
    for folder in runs:
        results = pytester.path / folder / "results.jsonl"
        results.rename(pytester.path / f"{folder}.jsonl")
    assert main(["calibrate", *(f"{folder}.jsonl" for folder in runs)]) == 0
    assert "2 gates were not self-tested: the runs keep no images" in capsys.readouterr().out
