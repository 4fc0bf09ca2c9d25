"""A golden says which weights gave its value; one of other weights is an error, not a failure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.saved_runs.approve import approve
from pytest_editmetrics.saved_runs.project import in_project
from pytest_editmetrics.weights.catalog import PACKAGED

ALEX = PACKAGED["lpips:alex"].sha256[:12]
CLIP, SAM = (PACKAGED[f"{name}:smoke"].sha256[:12] for name in ("clip", "sam"))
OTHER = "0123456789ab"


@pytest.fixture
def golden(scene: pytest.Pytester) -> Path:
    scene.makepyfile(
        test_x="from scene import *\n"
        "def test_it(edit_gate):\n"
        "    edit_gate.check(scene(), jpeg(edited()), coords=BOX, metrics=['lpips', 'unedit_psnr'])\n"
    )
    return scene.path / "goldens" / "test_x.py.yaml"


def of_other_weights(scene: pytest.Pytester, golden: Path) -> str:
    """Record, and let the golden say that it was recorded with other weights."""
    scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    text = golden.read_text().replace(ALEX, OTHER)
    golden.write_text(text)
    return text


def test_what_is_recorded(scene: pytest.Pytester, golden: Path) -> None:
    scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    lpips, psnr = golden.read_text().splitlines()[1:]
    assert re.fullmatch(
        rf'  lpips: {{max: \S+, measured: \S+, weights: "{ALEX}", share: 0.902, size: "128x128"}}',
        lpips,
    )
    assert "weights" not in psnr
    scene.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", [(), ("--editmetrics-update=missing",)], ids=["none", "missing"])
def test_an_error_that_says_so(scene: pytest.Pytester, golden: Path, mode: tuple[str, ...]) -> None:
    before = of_other_weights(scene, golden)
    result = scene.runpytest(*mode)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*EditMetricsError: lpips could not be judged: the golden goldens/test_x.py.yaml:2 was"
            f" measured with weights of sha256 {OTHER}, and today's are lpips:alex sha256 {ALEX}:*",
            "*to accept*pytest test_x.py::test_it --editmetrics-update=failed",
        ]
    )
    assert golden.read_text() == before


@pytest.mark.parametrize("mode", ["failed", "all"])
def test_recording_anew(scene: pytest.Pytester, golden: Path, mode: str) -> None:
    before = of_other_weights(scene, golden)
    scene.runpytest(f"--editmetrics-update={mode}").assert_outcomes(passed=1)
    assert golden.read_text() == before.replace(OTHER, ALEX)
    scene.runpytest().assert_outcomes(passed=1)


def test_the_command_records_every_gate_of_the_test(scene: pytest.Pytester, golden: Path) -> None:
    of_other_weights(scene, golden)
    text = golden.read_text()
    golden.write_text("".join(line for line in text.splitlines(True) if "psnr" not in line))
    result = scene.runpytest()
    told = [line for line in result.outlines if "--editmetrics-update=" in line]
    assert len(told) == 2  # of the failure, and of both gates at the session's end
    assert all(line.endswith("--editmetrics-update=failed") for line in told)
    scene.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    scene.runpytest().assert_outcomes(passed=1)


def test_approve(scene: pytest.Pytester, golden: Path) -> None:
    before = of_other_weights(scene, golden)
    scene.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    run = read_run(scene.path / "run")
    written = in_project(lambda session: approve(session, run, None, print), rootdir=scene.path)
    assert written == 1
    assert golden.read_text() == before.replace(OTHER, ALEX)


def test_an_xfail_mark_does_not_hide_it(scene: pytest.Pytester, golden: Path) -> None:
    of_other_weights(scene, golden)
    scene.makeconftest(
        "import pytest\n"
        "def pytest_collection_modifyitems(items):\n"
        "    items[0].add_marker(pytest.mark.xfail)\n"
    )
    scene.runpytest().assert_outcomes(failed=1)


def test_a_golden_that_does_not_say_holds(scene: pytest.Pytester, golden: Path) -> None:
    """As those that an earlier release recorded."""
    scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    golden.write_text(golden.read_text().replace(f', weights: "{ALEX}"', ""))
    scene.runpytest().assert_outcomes(passed=1)


def test_a_bound_of_the_test_itself_needs_no_golden(scene: pytest.Pytester, golden: Path) -> None:
    of_other_weights(scene, golden)
    source = scene.path / "test_x.py"
    mark = "@pytest.mark.editmetrics(thresholds={'lpips': 9.0})\ndef "
    source.write_text(source.read_text().replace("def ", mark))
    scene.runpytest().assert_outcomes(passed=1)


def test_a_pipe_without_weights_after_one_that_had_some(
    scene: pytest.Pytester, golden: Path
) -> None:
    scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    golden.write_text(golden.read_text().replace("psnr: {", f'psnr: {{weights: "{OTHER}", '))
    result = scene.runpytest()
    result.stdout.fnmatch_lines([f"*sha256 {OTHER}, and today's are none:*"])
    scene.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    assert 'weights: "none"' in golden.read_text()
    scene.runpytest().assert_outcomes(passed=1)


def test_a_variant_has_its_own_and_two_models_two(scene: pytest.Pytester) -> None:
    (scene.path / "editmetrics.yaml").write_text(
        "pipes_default:\n  clip-pipe: {model_path: smoke}\n  sam-pipe: {model_type: smoke}\n"
    )
    scene.makepyfile(
        test_x="from scene import *\n"
        "def test_it(edit_gate):\n"
        "    edit_gate.check(scene(), edited(), ref_boxes=BOX, edited_boxes=BOX,\n"
        "                    metrics=['sam_clip_cls_sim'])\n"
    )
    golden = scene.path / "goldens" / "test_x.py.yaml"
    scene.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    text = golden.read_text()
    assert re.search(rf'weights: "{CLIP} \w{{12}} {SAM} \w{{12}}", size: "128x128"}}}}}}', text)
    scene.runpytest().assert_outcomes(passed=1)
    golden.write_text(text.replace(SAM, OTHER))
    result = scene.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*weights of sha256 {CLIP} * {OTHER} *, and today's are*"])
    scene.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    assert golden.read_text() == text
