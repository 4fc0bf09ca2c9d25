"""A golden states the size of the picture that it was measured on: a much smaller one is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest_text import add_to_conftest
from parameters import first_of

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.saved_runs.approve import approve
from pytest_editmetrics.saved_runs.project import in_project

MODEL = """
from scene import *
BOX = (0, 0, 30, 30)
def model(image, width, height):
    made = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)).copy()
    made[: height // 5, : width // 5] = 255 - made[: height // 5, : width // 5]
    return made
"""
RETURNS = """
from model import *
def test_it(edit_gate):
    edited = model(scene(), %d, %d)
    edit_gate.check(scene(), edited, [BOX], resize="edited", aspect="any", metrics=["unedit_psnr"])
"""
THUMBNAIL = """
from model import *
def test_it(edit_gate):
    reference = Image.fromarray(scene())
    reference.thumbnail((%d, %d))  # of the very image that is compared with
    edited = np.asarray(reference).copy()
    edited[:20, :20] = 255 - edited[:20, :20]
    edit_gate.check(reference, edited, [(0, 0, 20, 20)], metrics=["unedit_psnr", "edit_lpips"])
"""
RECORD = "--editmetrics-update=missing"
ERROR = (
    "*EditMetricsError: unedit_psnr* could not be judged: the golden goldens/test_x.py.yaml:2* was"
    " measured on %s px, and today's value on %s px: *if that is meant, record it again"
)


@pytest.fixture
def golden(scene: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEED", "0")
    scene.makepyfile(model=MODEL)
    return scene.path / "goldens" / "test_x.py.yaml"


WORKERS = pytest.mark.parametrize("workers", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])


def returns(scene: pytest.Pytester, width: int, height: int, test: str = RETURNS) -> None:
    scene.makepyfile(test_x=test % (width, height))


def sizes(golden: Path) -> list[str]:
    return re.findall(r'size: "(\d+x\d+)"', golden.read_text())


@WORKERS
@pytest.mark.parametrize("test", [RETURNS, THUMBNAIL], ids=["returned", "thumbnail"])
def test_a_picture_of_less_than_half_of_the_pixels_is_an_error(scene, golden, test, workers):
    returns(scene, 120, 120, test)
    scene.runpytest(RECORD, *workers).assert_outcomes(passed=1)
    recorded = golden.read_text()
    assert set(sizes(golden)) == {"120x120"}
    scene.runpytest(*workers).assert_outcomes(passed=1)
    returns(scene, 64, 64, test)
    for mode in ((), (RECORD,)):
        result = scene.runpytest(*mode, *workers)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                ERROR % ("120x120", "64x64"),
                "*to accept*pytest test_x.py::test_it --editmetrics-update=failed",
            ]
        )
    assert golden.read_text() == recorded
    scene.runpytest("--editmetrics-update=failed", *workers).assert_outcomes(passed=1)
    assert set(sizes(golden)) == {"64x64"}
    scene.runpytest(*workers).assert_outcomes(passed=1)


@pytest.mark.parametrize("size", [(120, 120), (96, 96), (85, 85), (60, 120), (120, 60), (256, 256)])
def test_a_little_smaller_turned_or_larger_is_none(scene, golden, size):
    returns(scene, 120, 120)
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    golden.write_text(re.sub("min: [0-9.]+", "min: 9", golden.read_text()))
    returns(scene, *size)
    scene.runpytest("--editmetrics-strict=all").assert_outcomes(passed=1)


def test_all_records_a_larger_picture_and_that_is_held(scene, golden):
    returns(scene, 64, 64)
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    returns(scene, 120, 120)
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    assert sizes(golden) == ["120x120"]
    returns(scene, 64, 64)
    scene.runpytest().assert_outcomes(failed=1)


def test_a_golden_that_states_no_size_is_held_as_it_was(scene, golden):
    returns(scene, 120, 120)
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    golden.write_text(re.sub(', size: "[0-9x]+"', "", golden.read_text()))
    golden.write_text(re.sub("min: [0-9.]+", "min: 9", golden.read_text()))
    recorded = golden.read_text()
    returns(scene, 32, 32)
    for mode in ("none", "missing", "failed"):
        scene.runpytest(f"--editmetrics-update={mode}").assert_outcomes(passed=1)
    assert golden.read_text() == recorded


def test_a_size_that_somebody_wrote_is_held(scene, golden):
    returns(scene, 64, 64)
    golden.parent.mkdir()
    golden.write_text('"test_it":\n  unedit_psnr: {min: 9, size: 128x128}\n')
    result = scene.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([ERROR % ("128x128", "64x64")])


@pytest.mark.parametrize("size", ["512", "0x10", "[4, 4]", "1234567x1", "4x4x3"])
def test_a_size_that_is_none_is_refused(scene, golden, size):
    returns(scene, 64, 64)
    golden.parent.mkdir()
    golden.write_text(f'"test_it":\n  unedit_psnr: {{min: 9, size: {size}}}\n')
    result = scene.runpytest()
    result.stdout.fnmatch_lines(
        ["*goldens/test_x.py.yaml:2: size of unedit_psnr must be width and height in px, such as*"]
    )


def test_the_size_is_said_and_not_that_the_area_grew(scene, golden):
    """The box is of the same pixels, so that less than half of the share is left too."""
    scene.makepyfile(test_x=THUMBNAIL.replace("20, 20)", "60, 60)") % (128, 128))
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    scene.makepyfile(test_x=THUMBNAIL.replace("20, 20)", "60, 60)") % (64, 64))
    result = scene.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([ERROR % ("128x128", "64x64")])
    result.stdout.no_fnmatch_line("*the edit area grew*")


def test_objects_and_repetitions_of_one_call_are_held_too(scene, golden):
    add_to_conftest(
        scene,
        """
import numpy as np
from pytest_editmetrics import Metric
class Pipe:
    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        return float(abs(np.mean(edited) - np.mean(reference)))
def pytest_editmetrics_register_pipes(registry):
    objects = Metric("near", "lower", scope="edit_area", compares="objects")
    registry.register("own-pipe", Pipe, metrics=[objects])
""",
    )
    test = (
        "from model import *\n"
        "from hypothesis import HealthCheck, example, given, settings, strategies as st\n"
        "@settings(max_examples=1, database=None, suppress_health_check=HealthCheck)\n"
        "@given(st.just(100))\n"
        "@example(%d)\n"
        "@example(%d)\n"
        "def test_it(edit_gate, side):\n"
        "    edited = model(scene(), side, side)\n"
        "    box = [BOX]\n"
        "    there = [(0, 0, side // 4, side // 4)]\n"
        "    edit_gate.check(scene(), edited, resize='edited', ref_boxes=box,\n"
        "        edited_boxes=there, metrics=['near'])\n"
    )
    returns(scene, 96, 64, test)
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    assert sizes(golden) == ["64x64"]
    scene.runpytest().assert_outcomes(passed=1)
    returns(scene, 96, 32, test)
    result = scene.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*near could not be judged*on 64x64 px*on 32x32 px*"])


def test_approving_a_run_and_merged_ones_records_the_size(scene, golden):
    returns(scene, 120, 120)
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    returns(scene, 64, 64)
    scene.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    assert main(["merge", str(scene.path / "run"), "-o", str(scene.path / "all")]) == 0
    run = read_run(scene.path / "all")
    assert in_project(lambda session: approve(session, run, None, print)) == 1
    assert sizes(golden) == ["64x64"]
    scene.runpytest().assert_outcomes(passed=1)


REPEATED = """
import pytest
@pytest.fixture
def __pytest_repeat_step_number(request): return request.param
@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc):
    metafunc.fixturenames.append("__pytest_repeat_step_number")
    metafunc.parametrize(
        "__pytest_repeat_step_number", range(3), indirect=True, ids=lambda i: f"{i + 1}-3"
    )
"""
BY_NUMBER = """
from scene import *
def test_it(edit_gate, request):
    number = int(request.node.callspec.id.partition("-")[0])
    picture = scene()[: {1: 128, 2: 50, 3: 80}[number]] // 2
    edit_gate.check(picture, picture + np.uint8(10 * number), metrics=["unedit_max_diff"])
"""


@pytest.mark.quick(1)
@WORKERS
@pytest.mark.parametrize("mode", ["missing", "all", "failed"])
def test_a_golden_of_repetitions_holds_for_each_of_them(scene, golden, mode, workers):
    scene.makepyfile(test_x=BY_NUMBER)
    add_to_conftest(scene, REPEATED)
    scene.runpytest(f"--editmetrics-update={mode}", *workers).assert_outcomes(passed=3)
    assert sizes(golden) == ["128x50"]
    for update in ("none", "failed", "none"):
        scene.runpytest(f"--editmetrics-update={update}", *workers).assert_outcomes(passed=3)


@pytest.mark.parametrize("how", ["failed", "approve"])
def test_what_one_repetition_records_holds_for_those_that_passed(scene, golden, how):
    scene.makepyfile(test_x=BY_NUMBER)
    add_to_conftest(scene, REPEATED)
    scene.runpytest(RECORD).assert_outcomes(passed=3)
    golden.write_text(re.sub("max: [0-9.]+", "max: 25", golden.read_text()))
    scene.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=2, failed=1)
    if how == "failed":
        scene.runpytest("--editmetrics-update=failed").assert_outcomes(passed=3)
    else:
        run = read_run(scene.path / "run")
        assert in_project(lambda session: approve(session, run, None, print)) == 1
    assert sizes(golden) == ["128x50"]
    scene.runpytest().assert_outcomes(passed=3)


def test_runs_that_are_calibrated_are_held_to_the_least(scene, golden, monkeypatch):
    scene.makepyfile(
        test_x="""
        from scene import *
        def test_it(edit_gate):
            picture = scene()[: int(os.environ["ROWS"])]
            edit_gate.check(picture, noisy(picture), metrics=["unedit_psnr"])
        """
    )
    for seed, rows in enumerate(["120", "50", "90"]):
        monkeypatch.setenv("SEED", str(seed))
        monkeypatch.setenv("ROWS", rows)
        scene.runpytest(f"--editmetrics-run-dir=run{seed}")
    paths = [str(scene.path / f"run{seed}") for seed in range(3)]
    assert main(["calibrate", *paths, "--rootdir", str(scene.path), "--write"]) == 0
    assert sizes(golden) == ["128x50"]


def test_a_variant_of_an_environment_states_its_own(scene, golden):
    golden.parent.mkdir()
    golden.write_text('"test_it":\n  unedit_psnr: {min: 9, size: 512x512, env: {mine: {}}}\n')
    returns(scene, 64, 64)
    mine = "--editmetrics-env=mine"
    scene.runpytest(RECORD, mine).assert_outcomes(passed=1)
    assert sizes(golden) == ["64x64"]
    scene.runpytest(mine).assert_outcomes(passed=1)
    scene.runpytest("--editmetrics-env=other").assert_outcomes(failed=1)
