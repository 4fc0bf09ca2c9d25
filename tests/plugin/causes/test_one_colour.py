"""An output that was not drawn is called black; a local change is a spill beside an edit alone."""

from __future__ import annotations

import pytest

TEST = """
import numpy as np
import pytest

BEFORE = np.random.default_rng(5).integers(40, 200, (16, 20, 3), dtype=np.uint8)
BEFORE = BEFORE.repeat(8, 0).repeat(8, 1)
AFTER = BEFORE.copy()

@pytest.mark.editmetrics(metrics=["unedit_psnr"], thresholds={{"unedit_psnr": 60}})
def test_it(edit_gate):
    {}
    edit_gate.check(BEFORE, AFTER, {})
"""
BOX = "[(20, 64, 52, 120)]"


@pytest.mark.parametrize("area", [BOX, "None"])
def test_a_black_output_is_the_first_cause_with_what_gives_it(suite, area):
    suite.makepyfile(test_x=TEST.format("AFTER[:] = 0", area))
    what = "whole picture" if area == BOX else "background"
    said = f"the {what} is black"
    result = suite.runpytest()
    result.stdout.fnmatch_lines(
        [
            f"E*GateFailure: unedit_psnr *: {said} (100 %)",
            f"E*cause*one colour (100 %): {said}, as after a safety checker, or NaN of a VAE in float16",
            "*1 gate failed: 1 one colour",
        ]
    )


def test_so_is_one_of_a_product_photographed_on_white(suite):
    before = TEST.replace("AFTER =", "BEFORE[:40], BEFORE[88:] = 255, 255\nAFTER =")
    suite.makepyfile(test_x=before.format("AFTER[:] = 0", "None"))
    suite.runpytest().stdout.fnmatch_lines(["E*cause*one colour (100 %): the background is black*"])


def test_a_local_change_is_a_spill_where_there_is_an_edit_area(suite):
    for area, kind in ((BOX, "spill"), ("None", "local")):
        suite.makepyfile(test_x=TEST.format("AFTER[8:40, 96:128] = 255", area))
        said = [f"E*cause*{kind} (100 %): a local change in (96, 8, 128, 40)*"]
        result = suite.runpytest()
        result.stdout.fnmatch_lines([*said, f"*1 gate failed: 1 {kind}"])


def test_the_bars_of_a_letterbox_are_named_with_their_boxes(suite):
    suite.makepyfile(test_x=TEST.format("AFTER[:24], AFTER[-24:] = 0, 0", "None"))
    said = "the background is black in (0, 0, 160, 24) and 1 more"
    suite.runpytest().stdout.fnmatch_lines([f"E*cause*one colour (100 %): {said}*"])


def test_an_object_that_became_black_before_its_backdrop_is_a_local_change(suite):
    before = TEST.replace(
        "AFTER =", "OBJECT = BEFORE[32:96, 40:120].copy()\nBEFORE[:] = 235\n"
        "BEFORE[32:96, 40:120] = OBJECT\nAFTER ="
    )  # fmt: skip
    suite.makepyfile(test_x=before.format("AFTER[32:96, 40:120] = 0", "None"))
    said = "a local change in (40, 32, 120, 96)"
    suite.runpytest().stdout.fnmatch_lines([f"E*cause*local (100 %): {said}*"])
