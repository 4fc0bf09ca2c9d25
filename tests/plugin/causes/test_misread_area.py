"""An edit area that was meant otherwise is the first cause of what fails, in words one can act on."""

from __future__ import annotations

import pytest

TEST = """
import numpy as np
import pytest
from pytest_editmetrics import Region

WHERE = (20, 64, 52, 120)
RANDOM = np.random.default_rng(5)
BEFORE = RANDOM.integers(40, 200, (128, 160, 3), dtype=np.uint8)
AFTER = np.clip(BEFORE + RANDOM.normal(0, {noise}, BEFORE.shape).round(), 0, 255).astype(np.uint8)
x1, y1, x2, y2 = WHERE
MASK = np.zeros((128, 160), bool)
MASK[y1:y2, x1:x2] = True
AFTER[MASK] = 255 - AFTER[MASK]

@pytest.mark.editmetrics(metrics={metrics}, thresholds={{"lpips": 1e-6, "unedit_psnr": 60, "tone": 0.01}})
def test_it(edit_gate):
    edit_gate.check(BEFORE, AFTER, {area})
"""


def run(suite, area: str, noise: float = 1, metrics: str = '["unedit_psnr", "lpips"]'):
    suite.makepyfile(test_x=TEST.format(area=area, noise=noise, metrics=metrics))
    return suite.runpytest()


@pytest.mark.parametrize("noise", [0, 2])
@pytest.mark.parametrize(
    ("area", "words"),
    [
        ("[(64, 20, 120, 52)]", "the box read as (y1, x1, y2, x2)"),
        ("[(20, 64, 32, 56)]", None),
        ("[(64, 20, 120, 52), (0, 100, 9, 112)]", "the boxes read as (y1, x1, y2, x2)"),
    ],
)
def test_boxes_in_another_order_are_named_first(suite, area, words, noise):
    result = run(suite, area, noise)
    if words is None:  # no box at all: an error of its own
        result.stdout.fnmatch_lines(["*box 1 (20, 64, 32, 56) is inverted*"])
        return
    where = "(20, 64, 52, 120)" + (", (100, 0, 112, 9)" if "boxes" in words else "")
    first = f"*GateFailure: unedit lpips * > max 1e-06: in {where}, {words} (*"
    full = f"*cause     edit area (* %): in {where}, {words}; boxes are (x1, y1, x2, y2) in pixels*"
    result.stdout.fnmatch_lines([first, full])
    assert any(line.endswith("failed: 2 edit area") for line in result.outlines)


@pytest.mark.parametrize(
    ("where", "area"),
    [
        ((40, 30, 110, 80), (40, 30, 70, 50)),
        ((20, 24, 150, 120), (20, 24, 130, 96)),
        ((40, 30, 160, 128), (40, 30, 130, 110)),  # to the edge, where a model cannot draw on
    ],
)
def test_width_and_height_that_make_a_box_are_named(suite, where, area):
    suite.makepyfile(
        test_x=TEST.replace("(20, 64, 52, 120)", str(where)).format(
            area=[area], noise=1, metrics='["unedit_psnr"]'
        )
    )
    said = f"*unedit_psnr *: in {where}, the box read as (x, y, width, height)*"
    suite.runpytest().stdout.fnmatch_lines([said])


SPILL = """
import numpy as np
import pytest

X1, Y1, X2, Y2 = BOX = {box}
BEFORE = np.random.default_rng(5).integers(40, 200, (300, 400, 3), dtype=np.uint8)

@pytest.mark.editmetrics(metrics=["unedit_psnr"], thresholds={{"unedit_psnr": 60}})
@pytest.mark.parametrize("spill", {spills})
def test_it(edit_gate, spill):
    after = BEFORE.copy()
    for x1, y1, x2, y2 in [*spill, {edit}]:
        after[y1:y2, x1:x2] = 255 - BEFORE[y1:y2, x1:x2]
    edit_gate.check(BEFORE, after, [BOX])
"""
AROUND = [
    [(200, 100, 201, 180)],  # a rim
    [(200, 100, 230, 180)],  # a strip
    [(100, 180, 200, 210)],
    [(200, 120, 230, 210), (120, 180, 230, 210)],  # a shadow
    [(240, 120, 280, 160)],  # a blot
    [(250, 200, 290, 240)],
    [(250, 110, 295, 150), (110, 230, 150, 275)],
    [(200, 100, 300, 180)],  # as wide as such a box
]


@pytest.mark.long
def test_a_spill_to_the_right_or_below_is_no_box_of_width_and_height(suite):
    suite.makepyfile(test_x=SPILL.format(box=(100, 100, 200, 180), edit="BOX", spills=AROUND))
    result = suite.runpytest()
    result.assert_outcomes(failed=len(AROUND))
    result.stdout.no_fnmatch_line("*read as*")
    result.stdout.fnmatch_lines([f"*{len(AROUND)} gates failed: *spill*"])


SHADOW = """
import numpy as np
from scipy.ndimage import gaussian_filter

X1, Y1, X2, Y2 = BOX = {box}
BEFORE = np.random.default_rng(5).integers(40, 200, (173, 256, 3), dtype=np.uint8)

def test_it(edit_gate):
    inside = np.zeros(BEFORE.shape[:2], bool)
    inside[Y1:Y2, X1:X2] = True
    dark = gaussian_filter(np.roll(inside.astype(float), ({by}, {by}), (0, 1)), 8)
    after = (BEFORE * (1 - 0.5 * dark[..., None])).astype(np.uint8)
    after[inside] = 255 - BEFORE[inside]
    edit_gate.check(BEFORE, after, [BOX], expect="composited")
"""


@pytest.mark.parametrize(
    ("box", "by"), [((49, 64, 127, 117), 20), ((100, 37, 229, 129), 20), ((110, 80, 220, 160), 12)]
)
def test_neither_is_a_shadow_of_the_edit(suite, box, by):
    suite.makepyfile(test_x=SHADOW.format(box=box, by=by))
    result = suite.runpytest()
    result.stdout.no_fnmatch_line("*read as*")
    result.stdout.fnmatch_lines(["*GateFailure: unedit_max_diff *: a local change in *"])


def test_an_edit_that_its_box_holds_but_for_a_pixel_is_no_other_box(suite):
    edit = "(X1, Y1, X2 + 1, Y2 + 1)"
    suite.makepyfile(test_x=SPILL.format(box=(100, 100, 199, 179), edit=edit, spills=[[]]))
    suite.runpytest().stdout.no_fnmatch_line("*read as*")


def test_boxes_in_another_order_are_named_where_half_of_both_is_one_area(suite):
    edit = "(Y1, X1, Y2, X2)"
    suite.makepyfile(test_x=SPILL.format(box=(100, 100, 180, 200), edit=edit, spills=[[]]))
    said = "*: in (100, 100, 200, 180), the box read as (y1, x1, y2, x2)*"
    suite.runpytest().stdout.fnmatch_lines([said])


@pytest.mark.parametrize(
    "area",
    [
        "~MASK",
        "Region(mask=~MASK)",
        *(f"Region(mask=MASK, invert=True, dilate={by})" for by in (1, 8, 14)),
        "Region(mask=MASK, invert=True, dilate=8) | Region(boxes=[(0, 0, 9, 9)], dilate=2)",
    ],
)
def test_a_mask_that_is_the_wrong_way_round_is_asked_for(suite, area):
    said = "*: only what lies outside of the mask changed: is it inverted? White is where to edit*"
    run(suite, area).stdout.fnmatch_lines([said])


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("area", "noise"),
    [
        ("[WHERE]", 3),
        ("MASK", 3),
        ("Region(mask=MASK, dilate=8)", 3),
        ("Region(boxes=[(0, 0, 160, 60)], dilate=40)", 0),  # grown over most of the picture
        ("Region(polygons=[[(60, 0), (160, 0), (160, 120), (60, 120)]])", 0),
        ("[(20, 64, 50, 120)]", 0),  # a border that spills
        ("[(100, 9, 150, 40)]", 0),  # an edit elsewhere, in no box that could be meant
        ("None", 0),
    ],
)
def test_other_faults_are_not_called_so(suite, area, noise):
    result = run(suite, area, noise)
    assert result.ret == 1
    result.stdout.no_fnmatch_line("*edit area (*,*")
    result.stdout.no_fnmatch_line("*is it inverted[?]*")
    result.stdout.no_fnmatch_line("*read as*")


RESIZED = """
import numpy as np
import pytest
from PIL import Image
from pytest_editmetrics import Region

BEFORE = np.random.default_rng(5).integers(40, 200, (15, 20, 3), dtype=np.uint8)
BEFORE = np.asarray(Image.fromarray(BEFORE).resize((320, 240), 3))
AFTER = BEFORE.copy()
AFTER[64:120, 20:52] = 255 - AFTER[64:120, 20:52]
MASK = np.zeros((240, 320), bool)
MASK[64:120, 20:52] = True
AFTER = {after}

@pytest.mark.editmetrics(metrics=["unedit_psnr"], thresholds={{"unedit_psnr": 60}})
def test_it(edit_gate):
    edit_gate.check(BEFORE, AFTER, {area}, resize={resize!r})
"""


@pytest.mark.parametrize(
    ("after", "resize"),
    [
        ("Image.fromarray(AFTER).resize((160, 120))", "edited"),
        ("Image.fromarray(AFTER).crop((10, 0, 310, 240))", "crop-center"),
    ],
)
def test_an_area_of_images_of_unlike_sizes_is_read_in_the_pixels_of_the_reference(
    suite, after, resize
):
    said = {
        "[(64, 20, 120, 52)]": "in (20, 64, 52, 120), the box read as (y1, x1, y2, x2)",
        "Region(mask=~MASK, dilate=8)": "only what lies outside of the mask changed: is it*",
    }
    for area, words in said.items():
        suite.makepyfile(test_x=RESIZED.format(after=after, area=area, resize=resize))
        suite.runpytest().stdout.fnmatch_lines([f"*unedit_psnr *: {words}*"])


RECORDED = TEST.replace(', thresholds={{"lpips": 1e-6, "unedit_psnr": 60, "tone": 0.01}}', "")


@pytest.mark.parametrize("mode", ["missing", "failed", "all"])
def test_what_is_recorded_of_another_area_is_told_beside_it(suite, mode):
    update = f"--editmetrics-update={mode}"
    suite.makepyfile(
        test_x=RECORDED.format(area="[(64, 20, 120, 52)]", noise=1, metrics='["unedit_psnr"]')
    )
    said = (
        "  test_x.py::test_it: * % of what changed outside the edit area lies in (20, 64, 52,"
        " 120), the box read as (y1, x1, y2, x2); boxes are (x1, y1, x2, y2) in pixels"
    )
    head = "recorded, and worth a look: 1"
    suite.runpytest(update).stdout.fnmatch_lines([head, said], consecutive=True)
    assert (suite.path / "goldens").exists()
    suite.runpytest().stdout.no_fnmatch_line("*worth a look*")
    suite.makepyfile(test_y=RECORDED.format(area="[WHERE]", noise=1, metrics='["unedit_psnr"]'))
    suite.runpytest("test_y.py", update).stdout.no_fnmatch_line("*worth a look*")


def test_where_another_gate_fails_nothing_is_said_to_be_recorded(suite):
    suite.makepyfile(
        test_x=RECORDED.format(
            area="[(64, 20, 120, 52)]",
            noise=1,
            metrics='["unedit_psnr", "lpips"], thresholds={"lpips": 1e-6}',
        )
    )
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*recorded, and worth a look*")


def test_of_equal_images_no_mask_is_called_inverted(suite):
    test = RECORDED.format(area="~MASK", noise=0, metrics='["unedit_psnr"]')
    suite.makepyfile(test_x=test.replace("BEFORE, AFTER,", "BEFORE, BEFORE.copy(),"))
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*is it inverted[?]*")
