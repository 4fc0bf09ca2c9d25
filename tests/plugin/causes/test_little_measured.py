"""A golden states how much it was measured on: an area that grew, or was turned round, is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest_text import add_to_conftest

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.saved_runs.approve import approve
from pytest_editmetrics.saved_runs.project import in_project

TEST = """
from scene import *
def test_it(edit_gate):
    edit_gate.check(scene(), noisy(scene()), %s, metrics=['unedit_psnr', 'unedit_max_diff'])
"""
ORDINARY = "coords=BOX"
LARGE = "coords=[(0, 0, 128, 116)]"  # 9 % are left
HUGE = "coords=[(0, 0, 128, 124)]"  # 3 %
LARGER = "coords=[(0, 0, 128, 126)]"  # 1.6 %
ALL_BUT_A_LINE = "coords=[(0, 0, 128, 127)]"  # 0.8 %
GROWN = {
    "box": ALL_BUT_A_LINE,
    "boxes": "coords=[(0, 0, 128, 70), (0, 60, 128, 127)]",
    "mask": "coords=np.arange(128 * 128).reshape(128, 128) >= 128",
    "dilate": "coords=Region(boxes=BOX, dilate=88)",
    "inverted": "coords=Region(mask=np.arange(128 * 128).reshape(128, 128) < 128, invert=True)",
}
RECORD = "--editmetrics-update=missing"
ERROR = (
    "*EditMetricsError: unedit_psnr* could not be judged: the golden goldens/test_x.py.yaml:2* was"
    " measured on %s of the picture, and today's value on %s: *"
)


@pytest.fixture
def golden(scene: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEED", "0")
    return scene.path / "goldens" / "test_x.py.yaml"


def has(scene: pytest.Pytester, area: str) -> None:
    head = "from pytest_editmetrics import Region" if "Region" in area else ""
    scene.makepyfile(test_x=head + TEST % area)


def shares(golden: Path) -> list[str]:
    return re.findall(r"share: ([\d.]+)", golden.read_text())


@pytest.mark.quick(1)
@pytest.mark.parametrize("grown", GROWN.values(), ids=GROWN)
def test_a_golden_is_of_no_area_that_grew_until_hardly_a_pixel_is_left(scene, golden, grown):
    has(scene, ORDINARY)
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    recorded = golden.read_text()
    assert shares(golden) == ["0.902", "0.902"]
    has(scene, grown)
    for mode in ((), (RECORD,)):
        result = scene.runpytest(*mode)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                ERROR % ("90.2 %", "0.*%"),
                "*to accept*pytest test_x.py::test_it --editmetrics-update=failed",
            ]
        )
    assert golden.read_text() == recorded
    scene.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    assert not {"0.902"} & set(shares(golden))
    scene.runpytest().assert_outcomes(passed=1)


def test_an_edit_of_nearly_the_whole_picture_is_held_to_its_own_share(scene, golden):
    has(scene, HUGE)
    result = scene.runpytest(RECORD)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "little measured, less than 5 % of the picture (is the edit area right?): 2",
            "  test_x.py::test_it unedit_psnr: 3.12 %",
        ]
    )
    assert shares(golden) == ["0.0312", "0.0312"]
    result = scene.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*little measured*")
    has(scene, LARGER)
    scene.runpytest().assert_outcomes(passed=1)
    has(scene, ALL_BUT_A_LINE)
    result = scene.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([ERROR % ("3.12 %", "0.781 %")])


def test_a_golden_that_is_recorded_of_more_again_is_held_to_that(scene, golden):
    has(scene, ALL_BUT_A_LINE)
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    has(scene, ORDINARY)
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    assert shares(golden) == ["0.902", "0.902"]
    has(scene, ALL_BUT_A_LINE)
    scene.runpytest().assert_outcomes(failed=1)


def test_a_large_area_that_grows_a_little_is_no_error(scene, golden):
    has(scene, LARGE)
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    assert shares(golden) == ["0.0938", "0.0938"]
    has(scene, LARGE.replace("116", "121"))  # 5.5 %
    result = scene.runpytest("--editmetrics-update=none")
    result.assert_outcomes(passed=1)


INSIDE = """
from scene import *
from pytest_editmetrics.images.regions import region_mask
def test_it(edit_gate):
    inside = region_mask([%(box)s], "inner", 128, 128)[..., None]
    edited = np.where(inside, 255 - scene(), scene())
    edit_gate.check(scene(), edited, [%(box)s], metrics=['edit_lpips', 'unedit_max_diff'])
"""


@pytest.mark.parametrize(
    ("before", "after", "errors"),
    [
        ((0, 0, 128, 22), (0, 22, 128, 128), "unedit_max_diff"),  # turned round
        ((0, 22, 128, 128), (0, 0, 128, 22), ""),  # the background is held to more
        ((0, 0, 128, 12), (0, 0, 128, 30), ""),
        ((0, 0, 40, 16), (0, 0, 20, 12), ""),  # a small object
        ((0, 0, 20, 12), (0, 0, 40, 16), ""),
    ],
)
def test_an_area_that_is_another_part_of_the_picture(scene, golden, before, after, errors):
    scene.makepyfile(test_x=INSIDE % {"box": before})
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    assert len(shares(golden)) == 1  # of the background
    scene.makepyfile(test_x=INSIDE % {"box": after})
    result = scene.runpytest()
    told = re.findall(r"(\w+) could not be judged: the golden \S+ was", str(result.stdout))
    assert set(told) - {"gate", "gates"} == set(errors.split())
    if "unedit" in errors:
        result.stdout.fnmatch_lines(
            ["*on 82.8 % of *on 17.2 %: the edit area grew (is the mask inverted[?])*"]
        )


def test_a_golden_that_does_not_say_how_much_was_of_at_least_a_little(scene, golden):
    has(scene, ORDINARY)
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    golden.write_text(re.sub(", share: [0-9.]+", "", golden.read_text()))
    for area in (LARGE, HUGE):
        has(scene, area)
        scene.runpytest().assert_outcomes(passed=1)
    has(scene, ALL_BUT_A_LINE)
    result = scene.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([ERROR % ("5 % or more", "0.781 %")])


def test_a_bound_that_no_golden_holds_is_told(scene, golden):
    has(scene, ALL_BUT_A_LINE)
    (scene.path / "editmetrics.yaml").write_text(
        "thresholds: {unedit_psnr: {min: 5}, unedit_max_diff: {max: 200}}\n"
    )
    for workers in ((), ("-n2",)):
        result = scene.runpytest(*workers)
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(
            ["little measured*: 2", "  test_x.py::test_it unedit_psnr: 0.781 %"]
        )
    golden.parent.mkdir()
    golden.write_text('"test_it":\n  unedit_psnr: {min: 5}\n  unedit_max_diff: {max: 200}\n')
    result = scene.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["little measured*: 2"])
    golden.write_text(golden.read_text().replace("}", ", measured: 20, share: 0.01}"))
    result = scene.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("little measured*")


def test_what_is_measured_everywhere_has_no_share(scene, golden):
    scene.makepyfile(
        test_x="""
        from scene import *
        def test_it(edit_gate):
            edit_gate.check(scene(), noisy(scene()), coords=[(0, 0, 9, 9)], metrics=['edit_lpips'])
            edit_gate.check(scene(), noisy(scene()), metrics='unedit_psnr')
        """
    )
    result = scene.runpytest(RECORD)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*little measured*")
    assert shares(golden) == []


def test_approving_a_run_records_the_share(scene, golden):
    has(scene, ORDINARY)
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    has(scene, ALL_BUT_A_LINE)
    scene.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    run = read_run(scene.path / "run")
    assert in_project(lambda session: approve(session, run, None, print)) == 2
    assert shares(golden) == ["0.00781", "0.00781"]
    scene.runpytest().assert_outcomes(passed=1)


def test_a_share_that_is_none_is_refused(scene, golden):
    has(scene, ORDINARY)
    golden.parent.mkdir()
    golden.write_text('"test_it":\n  unedit_psnr: {min: 5, share: 3}\n')
    result = scene.runpytest()
    result.stdout.fnmatch_lines(["*goldens/test_x.py.yaml:2: share of unedit_psnr *"])


MOVES = """
from scene import *
BOXES = [(0, 0, 128, 120), (0, 0, 40, 16), (0, 0, 128, 60), (0, 0, 20, 10)]
def test_it(edit_gate, request):
    box = BOXES[int(request.node.callspec.id.partition("-")[0]) - 1]
    edited = noisy(scene())
    edited[box[1]:box[3], box[0]:box[2]] = 255 - edited[box[1]:box[3], box[0]:box[2]]
    edit_gate.check(scene(), edited, coords=[box], metrics=["edit_lpips", "unedit_max_diff"])
"""
ONE_FAILS = """
from scene import *
def test_it(edit_gate, request):
    number = int(request.node.callspec.id.partition("-")[0])
    box = (0, 0, 128, {1: 120, 3: 60}.get(number, 10))
    off = np.uint8(40 if number == 3 else 20)
    edit_gate.check(scene() // 2, scene() // 2 + off, coords=[box], metrics=["unedit_max_diff"])
"""
REPEATED = """
import pytest
@pytest.fixture
def __pytest_repeat_step_number(request): return request.param
@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc):
    metafunc.fixturenames.append("__pytest_repeat_step_number")
    metafunc.parametrize(
        "__pytest_repeat_step_number", range(4), indirect=True, ids=lambda i: f"{i + 1}-4"
    )
"""


@pytest.mark.quick(1)
@pytest.mark.parametrize("mode", ["missing", "all", "failed"])
def test_a_golden_of_repetitions_holds_for_each_of_them(scene, golden, mode):
    """Their edit areas are of 94, 4, 47 and 1 %."""
    scene.makepyfile(test_x=MOVES)
    add_to_conftest(scene, REPEATED)
    scene.runpytest(f"--editmetrics-update={mode}").assert_outcomes(passed=4)
    assert shares(golden) == ["0.0625"]
    for update in ("none", "failed", "none"):
        scene.runpytest(f"--editmetrics-update={update}").assert_outcomes(passed=4)


@pytest.mark.parametrize("how", ["failed", "approve"])
def test_what_one_repetition_records_holds_for_those_that_passed(scene, golden, how):
    scene.makepyfile(test_x=ONE_FAILS)
    add_to_conftest(scene, REPEATED)
    scene.runpytest(RECORD).assert_outcomes(passed=4)
    golden.write_text(re.sub(r"max: [\d.]+", "max: 25.0", golden.read_text()))
    scene.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=3, failed=1)
    if how == "failed":
        scene.runpytest("--editmetrics-update=failed").assert_outcomes(passed=4)
    else:
        run = read_run(scene.path / "run")
        assert in_project(lambda session: approve(session, run, None, print)) == 1
    assert shares(golden) == ["0.0625"]
    scene.runpytest().assert_outcomes(passed=4)


def test_repetitions_that_are_approved_are_held_to_the_least_share(scene, golden):
    scene.makepyfile(test_x=MOVES)
    add_to_conftest(scene, REPEATED)
    scene.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=4)
    run = read_run(scene.path / "run")
    in_project(lambda session: approve(session, run, None, print))
    assert shares(golden) == ["0.0625"]
    scene.runpytest().assert_outcomes(passed=4)


def test_examples_of_one_call_are_held_to_the_least_share(scene, golden):
    scene.makepyfile(
        test_x="""
        from scene import *
        from hypothesis import HealthCheck, example, given, settings, strategies as st
        @settings(max_examples=1, database=None, suppress_health_check=HealthCheck)
        @given(st.just(64))
        @example(20)
        @example(120)
        @example(90)
        def test_it(edit_gate, rows):
            box = [(0, 0, 128, rows)]
            off = np.uint8(40 - rows // 4)
            edit_gate.check(scene() // 2, scene() // 2 + off, box, metrics=["unedit_max_diff"])
        """
    )
    scene.runpytest(RECORD).assert_outcomes(passed=1)
    assert shares(golden) == ["0.0625"]
    scene.runpytest().assert_outcomes(passed=1)


BY_SEED = """
import os
from scene import *
def test_it(edit_gate):
    box = (0, 0, 128, int(os.environ["ROWS"]))
    edit_gate.check(scene(), noisy(scene()), coords=[box], metrics=["unedit_psnr"])
"""


def test_runs_that_are_calibrated_are_held_to_the_least_share(scene, golden, monkeypatch):
    scene.makepyfile(test_x=BY_SEED)
    for seed, of in enumerate(["120", "60", "90"]):
        monkeypatch.setenv("SEED", str(seed))
        monkeypatch.setenv("ROWS", of)
        scene.runpytest(f"--editmetrics-run-dir=run{seed}")
    paths = [str(scene.path / f"run{seed}") for seed in range(3)]
    assert main(["calibrate", *paths, "--rootdir", str(scene.path), "--write"]) == 0
    assert shares(golden) == ["0.0625"]
