"""What a check is given in a wrong way: one error at the user's line, under the metric's name."""

from __future__ import annotations

import pytest

HEAD = """
import numpy as np
import torch
from PIL import Image
from pytest_editmetrics import Region, assert_unedit_lpips_below, load_image

A = np.random.default_rng(0).integers(0, 200, (64, 64, 3), dtype=np.uint8)
B = np.minimum(A + 1, 255).astype(np.uint8)
SOFT = np.linspace(0, 255, 64 * 64).astype(np.uint8).reshape(64, 64)
HOLE = np.dstack([A, np.full((64, 64), 255, np.uint8)])
HOLE[:9, :9, 3] = 0
SMALL = np.ones((32, 64), bool)
Image.fromarray(SOFT).save("soft.png")
Image.fromarray(HOLE).save("hole.png")
Image.fromarray(SMALL).save("small.png")
"""
FORMS = {
    "path": "{0}.png",
    "PIL image": "Image.fromarray({1})",
    "array": "{1}",
    "tensor": "torch.from_numpy({1})",
    "region": "Region(mask={1})",
}


def lines_of_ours(result: pytest.RunResult) -> list[str]:
    shown = result.stdout.str().partition("short test summary")[0]
    marks = ("pytest_editmetrics/", "<string>", "direct cause", "During handling")
    return [line for line in shown.splitlines() if any(mark in line for mark in marks)]


@pytest.mark.quick(2)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mask", ["soft", "hole", "small"])
def test_a_wrong_mask_is_one_error_in_whatever_form_it_comes(pytester, form, mask):
    given = f"'{mask}.png'" if form == "path" else FORMS[form].format(mask, mask.upper())
    pytester.makepyfile(
        test_it=f"{HEAD}\ndef test_it(edit_gate): edit_gate.check(A, B, {given})\n"
        f"def test_image(golden_image): golden_image.check(A, coords={given})\n"
        f"def test_helper(): assert_unedit_lpips_below(A, B, {given}, 0.5)\n"
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=3)
    assert not lines_of_ours(result)
    # a region is made in the line of the test, before there is any check of it
    if form != "region" or mask == "small":
        result.stdout.fnmatch_lines(
            ["E   EditMetricsError: lpips could not be judged: *mask*", "lpips * 2 * 2 *"]
        )
        result.stdout.no_fnmatch_line("edit_gate  *")


def test_what_a_test_makes_itself_shows_no_line_of_ours_either(pytester):
    pytester.makepyfile(
        test_it=HEAD
        + """
def test_boxes(): Region(boxes=[(1, 2, 3)])
def test_texts(): Region(mask=[("a", "b")])
def test_ragged(): Region(mask=[[1, 2], [3]])
def test_path(): load_image("missing.png")
"""
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=4)
    assert not lines_of_ours(result)
    result.stdout.fnmatch_lines(
        [
            "E   RegionError: boxes: box 1 (1, 2, 3) is not four numbers (x1, y1, x2, y2)",
            "E   RegionError: mask: <U1 is no type of levels; *",
            "E   RegionError: mask: is no array of numbers (H, W): *",
            "E   ImageError: image missing.png: there is no such file*",
        ]
    )
    whole = pytester.runpytest("--full-trace").stdout.str()
    assert "pytest_editmetrics/" in whole


def test_a_region_of_a_module_shows_the_modules_line_and_none_of_ours(pytester):
    pytester.makepyfile(test_it="from pytest_editmetrics import Region\nR = Region(boxes=[(1, 2)])")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    assert not lines_of_ours(result)
    result.stdout.fnmatch_lines(["test_it.py:2: in <module>", "E   RegionError: boxes: box 1 *"])


def test_what_raises_in_the_users_own_code_is_shown_from_there(pytester):
    pytester.makepyfile(
        test_it=HEAD
        + """
class Mine:
    def __array__(self, *args, **kwargs): raise ValueError("mine is not ready")
def test_it(): Region(mask=Mine())
"""
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E   ValueError: mine is not ready", "E   RegionError: mask: *"])
    assert [line for line in lines_of_ours(result) if "pytest_editmetrics/" in line] == []


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    "given", ["'other.png'", "Image.open('other.png').copy()", "OTHER", "[{'mask': OTHER}]"]
)
@pytest.mark.parametrize("what", ["SOFT[:32]", "HOLE[:32]", "A[:32]"])
def test_of_a_mask_of_another_size_that_is_told_first(pytester, given, what):
    pytester.makepyfile(
        test_it=f"{HEAD}\nOTHER = {what}\nImage.fromarray(OTHER).save('other.png')\n"
        f"def test_it(edit_gate): edit_gate.check(A, B, {given})\n"
        f"def test_image(golden_image): golden_image.check(A, coords={given})\n"
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "E * could not be judged: the mask is 64x32 px, the image 64x64: make the mask of the"
            " image's size. Besides, mask*"
        ]
        * 2
    )


@pytest.mark.parametrize("boxes", ["ref_boxes=[BOX]", "ref_boxes=[BOX], edited_boxes=[BOX, BOX]"])
def test_objects_that_do_not_pair_are_an_error_though_no_metric_compares_them(suite, boxes):
    """Whoever gives them believes that the object is held."""
    suite.makepyfile(
        f"""
        from conftest import *
        BOX = (4, 4, 20, 20)
        def test_it(edit_gate):
            edit_gate.check(image(1), image(2), {boxes}, metrics="unedit_max_diff")
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ref_boxes and edited_boxes are paired in order, and there are*"])
