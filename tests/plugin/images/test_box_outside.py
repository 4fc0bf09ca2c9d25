"""A box that holds no pixel of the reference is an error: its edit would count as background."""

from __future__ import annotations

import pytest

TEST = """
from scene import *
from pytest_editmetrics import Region

def test_it(edit_gate):
    edit_gate.check(scene(), edited(), {coords}, metrics=["{metric}"])
"""
SAID = "*could not be judged: the box {} holds no pixel of the 128x128 image: boxes are (x1, y1, x2, y2)*"


@pytest.fixture
def bounded(scene):
    (scene.path / "editmetrics.yaml").write_text(
        "thresholds: {unedit_max_diff: 254, l_channel_ssim: -0.99}\n"
    )
    return scene


@pytest.mark.parametrize("metric", ["unedit_max_diff", "l_channel_ssim"])
@pytest.mark.parametrize(
    ("coords", "box"),
    [
        ("[(500, 300, 700, 600)]", "(500, 300, 700, 600)"),
        ("[(9, 9, 40, 40), (128, 0, 140, 40)]", "(128, 0, 140, 40)"),
        ("Region(boxes=[(-40, -9, 0, 40)])", "(-40, -9, 0, 40)"),
        (
            "Region(boxes=[(9, 9, 40, 40)]) | Region(boxes=[(9, 140, 40, 150)], dilate=12)",
            "(9, 140, 40, 150)",
        ),
    ],
)
@pytest.mark.parametrize("mode", [(), ("--editmetrics-update=missing",)])
def test_it_is_an_error_that_names_it(bounded, metric, coords, box, mode):
    bounded.makepyfile(test_x=TEST.format(coords=coords, metric=metric))
    result = bounded.runpytest(*mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([SAID.format(box)])
    assert not (bounded.path / "goldens").exists()


def test_the_order_that_fits_is_asked_for(bounded):
    bounded.makepyfile(test_x=TEST.format(coords="[(9, 130, 40, 140)]", metric="unedit_max_diff"))
    bounded.runpytest().stdout.fnmatch_lines(["*; was it resized since?*"])
    wide = "np.hstack([scene()] * 2), np.hstack([edited()] * 2)"
    bounded.makepyfile(
        test_x=TEST.replace("scene(), edited()", wide).format(
            coords="[(9, 130, 40, 140)]", metric="unedit_max_diff"
        )
    )
    bounded.runpytest().stdout.fnmatch_lines(["*; is (130, 9, 140, 40) meant?*"])


@pytest.mark.parametrize(
    "coords",
    [
        "[(100, 100, 700, 600)]",
        "[(-9, -9, 40, 40)]",
        "Region(boxes=[(9, 140, 40, 150)], dilate=13)",
        "[]",
    ],
)
def test_one_that_holds_some_is_clipped(bounded, coords):
    bounded.makepyfile(test_x=TEST.format(coords=coords, metric="unedit_max_diff"))
    bounded.runpytest().assert_outcomes(passed=1)
