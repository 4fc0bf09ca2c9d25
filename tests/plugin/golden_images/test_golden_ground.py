"""A golden image of transparent pictures is explained and drawn on the ground that shows it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

from pytest_editmetrics.cli.main import main

TEST = """
import numpy as np
from PIL import Image

RANDOM = np.random.default_rng(5).integers(20, 180, (12, 12, 3), dtype=np.uint8)
PICTURE = np.asarray(Image.fromarray(RANDOM).resize((96, 96), 3))
ALPHA = np.full((96, 96), 255, np.uint8)
ALPHA[:, 60:] = 0

def of(picture=PICTURE, alpha=ALPHA):
    return np.dstack([picture, alpha])

def spot(image, level, alpha, at):
    image = image.copy()
    image[at:at + 20, 70:90] = (level, level, level, alpha)
    return image

def laid(level):
    image = of()
    image[:, 60:] = (level, level, level, 255)
    return image

HIDDEN = of()
HIDDEN[:, 60:, :3] = 9

def test_it(golden_image):
    golden_image.check(EDITED, comparator=COMPARATOR)
"""
ON_BLACK = "laid on black, which shows what white hides"
TONE = ["tone", "structure"]
LOST = "the image lost the alpha channel of the golden (what was transparent is {})"


def recorded(pytester, edited: str, comparator, *args: str):
    test = TEST.replace("COMPARATOR", repr(comparator))
    pytester.makepyfile(test_x=test.replace("EDITED", "of()"))
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    pytester.makepyfile(test_x=test.replace("EDITED", edited))
    result = pytester.runpytest("--editmetrics-run-dir=run", *args)
    result.assert_outcomes(failed=1)
    return result


def gates(pytester) -> dict[str, dict]:
    lines = (pytester.path / "run/results.jsonl").read_text().splitlines()
    return {one["metric"]: one for one in map(json.loads, lines) if "metric" in one}


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("edited", "cause", "comparator"),
    [
        ("laid(255)", LOST.format("white"), TONE),
        ("spot(of(), 255, 60, 40)", f"alpha 24 % higher in (70, 40, 90, 60), {ON_BLACK}", TONE),
        ("laid(255)", LOST.format("white"), "psnr"),
        ("laid(255)", LOST.format("white"), "ssim"),
        ("laid(255)", LOST.format("white"), "pixel"),
        ("laid(255)", LOST.format("white"), "exact"),
    ],
)
def test_what_white_hides_is_explained_and_drawn_on_black(pytester, edited, cause, comparator):
    result = recorded(pytester, edited, comparator)
    result.stdout.fnmatch_lines(
        [
            f"E*GateFailure: *{cause} (100 %)*",
            f"E*look at*golden | image | difference, {ON_BLACK})",
            f"E*cause*transparent (100 %): {cause}",
            "E*change*% of the measured pixels differ, by at most *",
            f"E*measured*{ON_BLACK}*",
        ]
    )
    found = gates(pytester)
    assert {one["details"]["ground"] for one in found.values()} == {"black"}
    (gate, *_) = found.values()
    golden, image = (
        np.asarray(Image.open(pytester.path / "run" / gate["images"]["compared"][which]))
        for which in ("golden", "edited")
    )
    assert golden.shape == image.shape == (96, 96, 3)
    assert not golden[:, 60:].any()
    assert image[50, 80].all()
    drawn = np.asarray(Image.open(gate["picture"].partition(" (")[0]).convert("RGB"))
    np.testing.assert_array_equal(drawn[:, :96][:, 60:], golden[:, 60:])
    np.testing.assert_array_equal(drawn[:, 104:200], image)


def test_the_report_and_the_summary_show_what_was_measured(pytester):
    page, where = pytester.path / "out.md", "https://ci.example/report"
    options = f"--editmetrics-summary={page}", f"--editmetrics-report-url={where}"
    recorded(pytester, "laid(255)", TONE, *options)
    assert main(["report", "run", "-o", "report"]) == 0
    (gate, *_) = gates(pytester).values()
    there = {path.name for path in (pytester.path / "report/images").iterdir()}
    compared = {path.rpartition("/")[2] for path in gate["images"]["compared"].values()}
    assert compared <= there
    linked = set(re.findall(f'src="{where}/images/([^"]+)"', page.read_text()))
    assert linked == compared


@pytest.mark.parametrize(
    ("edited", "cause"),
    [
        ("laid(0)", LOST.format("black")),
        ("spot(of(), 0, 60, 40)", "alpha 24 % higher in (70, 40, 90, 60)"),
        ("of(PICTURE // 2)", "*tones changed by a curve*"),
    ],
)
def test_what_white_shows_is_explained_on_white(pytester, edited, cause):
    result = recorded(pytester, edited, TONE)
    result.stdout.fnmatch_lines(["E*golden | image | difference)", f"E*cause*: {cause}"])
    result.stdout.no_fnmatch_line("*laid on black*")
    assert not any("ground" in one["details"] for one in gates(pytester).values())


def test_gates_that_see_it_on_different_grounds_are_each_explained_on_their_own(pytester):
    """A faint white spot, and a fainter black one of the same size: each ground shows its own."""
    edited = "spot(spot(of(), 255, 90, 5), 0, 20, 60)"
    result = recorded(pytester, edited, {"tone": 0.5, "pixel": 0.0})
    result.stdout.fnmatch_lines(
        [
            f"E*look at*golden_tone: *, {ON_BLACK})",
            "E*look at*golden_pixel: *golden | image | difference)",
            "E*change*golden_tone: * by at most 90 of 255; most in (64, 0, 96, 32)",
            "E*change*golden_pixel: * by at most 20 of 255; most in (64, 64, 96, 96)",
            f"E*measured*golden_tone: {ON_BLACK}*",
        ]
    )


def test_colours_that_nobody_sees_are_said_to_be_such(pytester):
    result = recorded(pytester, "HIDDEN", "exact")
    result.stdout.fnmatch_lines(
        ["E*change*nothing that is seen: only colours beneath an alpha that hides them"]
    )
