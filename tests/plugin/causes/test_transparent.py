"""White that shows through a transparent image is no exposure: that it is transparent is told."""

from __future__ import annotations

import pytest

TEST = """
import numpy as np
from PIL import Image

RANDOM = np.random.default_rng(5).integers(20, 180, (12, 12, 3), dtype=np.uint8)
PICTURE = np.asarray(Image.fromarray(RANDOM).resize((96, 96), 3))
BOX = (20, 20, 40, 40)
OPAQUE = np.full((96, 96), 255, np.uint8)

def with_alpha(alpha, picture=PICTURE):
    levels = np.broadcast_to(np.asarray(alpha), (96, 96)).astype(np.uint8)
    return Image.fromarray(np.dstack([picture, levels]))

EDITED = np.array(PICTURE)
EDITED[20:40, 20:40] = (255, 0, 0)
HOLE, CORNER, SLOPE = OPAQUE.copy(), OPAQUE.copy(), np.linspace(128, 255, 96)
HOLE[20:40, 20:40] = 0
CORNER[:, 80:] = 0
"""
CHECK = TEST + "\ndef test_it(edit_gate):\n    edit_gate.check({}, [BOX], expect='composited')\n"
LAID = "*GateFailure: unedit_max_diff *: {} is transparent{} and was laid on white (100 %)*"


def run(suite, pair, *options):
    suite.makepyfile(test_x=CHECK.format(pair))
    return suite.runpytest("-m", "not model", *options)


@pytest.mark.parametrize(
    ("pair", "who", "how"),
    [
        ("PICTURE, with_alpha(SLOPE, EDITED)", "the edited image", " in places (alpha from 128)"),
        ("PICTURE, with_alpha(128, EDITED)", "the edited image", " (alpha 128)"),
        ("PICTURE, with_alpha(CORNER, EDITED)", "the edited image", " in places (alpha from 0)"),
    ],
)
def test_it_is_the_first_cause(suite, pair, who, how):
    result = run(suite, pair)
    result.stdout.fnmatch_lines(["E  " + LAID.format(who, how)])
    result.stdout.fnmatch_lines(["E*cause*transparent (100 %): *"])
    result.stdout.fnmatch_lines(["*gate* failed: * transparent"])
    result.stdout.no_fnmatch_line("*exposure*")


ALPHAS = """
SPOT = CORNER.copy()
SPOT[60:80, 84:92] = 8
EDGE = np.clip(np.linspace(-100, 600, 96), 0, 255).round().astype(np.uint8)
FLAT = np.full_like(PICTURE, 90)
"""


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("pair", "cause"),
    [
        ("with_alpha(CORNER), with_alpha(CORNER * 0.98)", "alpha 2 % lower in (0, 0, 80, 96)"),
        ("with_alpha(CORNER), with_alpha(SPOT)", "alpha 3 % higher in (84, 60, 92, 80)"),
        ("with_alpha(SPOT), with_alpha(CORNER)", "alpha 3 % lower in (84, 60, 92, 80)"),
        ("with_alpha(EDGE), with_alpha((EDGE > 127) * 255)", "alpha changed by up to 50 % in (*)"),
        ("with_alpha(CORNER), with_alpha(CORNER // 255 * EDGE)", "alpha up to 100 % lower in (*)"),
        ("with_alpha(200), with_alpha(CORNER)", "alpha changed by up to 78 % in (0, 0, 96, 96)"),
    ],
    ids=["faint", "spot", "spot lost", "hard edge", "soft edge", "both"],
)
def test_an_alpha_that_changed_is_told_with_how_much_and_where(suite, pair, cause):
    suite.makepyfile(test_x=CHECK.format(pair).replace("\ndef test", ALPHAS + "\ndef test"))
    result = suite.runpytest("-m", "not model")
    result.stdout.fnmatch_lines([f"E*cause*transparent (100 %): {cause}"])


MOVED = """
from PIL import ImageFilter

ROUND = np.hypot(*np.ogrid[-48:48, -48:48]) < 40

def cutout(picture):
    return with_alpha(ROUND * 255, picture)

FLAT = np.full_like(PICTURE, 90)
"""


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("pair", "cause"),
    [
        ("cutout(PICTURE), ImageChops.offset(cutout(EDITED), 1, 0)", "moved 1.00 px right"),
        ("cutout(FLAT), ImageChops.offset(cutout(FLAT), 4, 0)", "moved 4.00 px right"),
        ("cutout(PICTURE), cutout(EDITED).filter(ImageFilter.GaussianBlur(2))", "blurred"),
        ("cutout(FLAT), cutout(FLAT).filter(ImageFilter.GaussianBlur(2))", "blurred"),
    ],
    ids=["moved", "flat and moved", "blurred", "flat and blurred"],
)
def test_what_happens_to_a_cut_out_as_a_whole_is_no_change_of_its_alpha(suite, pair, cause):
    setup = MOVED.replace("import Im", "import ImageChops, Im")
    suite.makepyfile(test_x=CHECK.format(pair).replace("\ndef test", setup + "\ndef test"))
    result = suite.runpytest("-m", "not model")
    result.stdout.fnmatch_lines([f"E*cause*: *{cause}*"])
    result.stdout.no_fnmatch_line("*transparent*")


LOST = "the edited image lost the alpha channel of the reference ({})"
LAYERS = """
def laid(*colour, alpha=CORNER):
    weight = alpha[..., None] / 255
    return (weight * EDITED + (1 - weight) * colour).round().astype(np.uint8)

DRAWN = np.where(CORNER[..., None] > 0, EDITED, np.rot90(EDITED, 2))
"""


@pytest.mark.parametrize(
    ("pair", "behind"),
    [
        ("with_alpha(CORNER), EDITED", "the colours beneath it are seen"),
        ("with_alpha(CORNER), with_alpha(255, EDITED)", "the colours beneath it are seen"),
        ("with_alpha(128), EDITED", "the colours beneath it are seen"),
        ("with_alpha(CORNER), laid(0, 0, 0)", "what was transparent is black"),
        ("with_alpha(128), laid(0, 0, 0, alpha=OPAQUE // 2 + 1)", "what was transparent is black"),
        (
            "with_alpha(CORNER), laid(0, 90, 200)",
            "what was transparent is one colour, (0, 90, 200)",
        ),
        ("with_alpha(CORNER), DRAWN", "something else was drawn behind it"),
    ],
)
def test_an_alpha_channel_that_was_lost_is_told_with_what_lies_behind(suite, pair, behind):
    suite.makepyfile(test_x=CHECK.format(pair).replace("\ndef test", LAYERS + "\ndef test"))
    result = suite.runpytest("-m", "not model")
    said = LOST.format(behind)
    result.stdout.fnmatch_lines(
        [
            f"E*GateFailure: unedit_max_diff *: {said} (100 %)*",
            f"E*cause*transparent (100 %): {said}",
        ]
    )


@pytest.mark.parametrize(
    "made",
    ["laid(255, 255, 255) // 2", "np.roll(laid(255, 255, 255), 3, 1)", "laid(0, 0, 0) * 0"],
)
def test_no_alpha_was_lost_where_it_lies_on_white_or_nothing_is_left(suite, made):
    pair = f"with_alpha(CORNER), {made}"
    suite.makepyfile(test_x=CHECK.format(pair).replace("\ndef test", LAYERS + "\ndef test"))
    result = suite.runpytest("-m", "not model")
    result.stdout.fnmatch_lines(["E*GateFailure: unedit_max_diff *"])
    result.stdout.no_fnmatch_line("*the alpha channel*")


def test_what_else_changed_is_told_beneath_it(suite):
    result = run(suite, "PICTURE, with_alpha(220, np.roll(EDITED, 2, 1))")
    result.stdout.fnmatch_lines(["*transparent (*; shift (*): background moved 2.00 px right*"])


@pytest.mark.parametrize(
    "pair",
    [
        "PICTURE, EDITED // 2",
        "PICTURE, with_alpha(255, EDITED // 2)",
        "PICTURE, with_alpha(HOLE, EDITED // 2)",  # where the edit was to be
        "with_alpha(CORNER), with_alpha(CORNER, EDITED // 2)",  # both are cut out alike
    ],
)
def test_what_was_not_laid_on_white_is_not_called_so(suite, pair):
    result = run(suite, pair)
    result.stdout.fnmatch_lines(["E*GateFailure: unedit_max_diff *"])
    result.stdout.no_fnmatch_line("*transparent*")


def test_a_pair_that_passes_needs_no_word(suite):
    result = run(suite, "PICTURE, with_alpha(HOLE, EDITED)")
    result.stdout.no_fnmatch_line("*transparent*")


def test_a_golden_image_with_another_alpha(suite):
    test = TEST + "\ndef test_it(golden_image):\n    golden_image.check({}, comparator='psnr')\n"
    suite.makepyfile(test_x=test.format("with_alpha(CORNER)"))
    suite.runpytest("--editmetrics-update=missing")
    suite.makepyfile(test_x=test.format("with_alpha(128)"))
    result = suite.runpytest()
    result.stdout.fnmatch_lines(
        ["*cause*transparent (*): alpha changed by 50 % in (0, 0, 96, 96)*"]
    )
    suite.makepyfile(test_x=test.format("with_alpha(255)"))
    said = "the image lost the alpha channel of the golden (the colours beneath it are seen)"
    suite.runpytest().stdout.fnmatch_lines([f"*cause*transparent (100 %): {said}"])
