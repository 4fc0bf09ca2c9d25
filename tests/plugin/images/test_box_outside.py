"""A box that holds no pixel of the reference, or reaches beyond it, is an error.

Its edit would count as background, or an area that nobody meant would be left out.
"""

from __future__ import annotations

import pytest

from pytest_editmetrics.cli.main import main

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
        "[(100, 100, 130, 130)]",
        "[(-2, -2, 40, 40)]",
        "[(-1.6, 9, 40, 129.3)]",
        "Region(polygons=[[(-2, -2), (130, 9), (9, 130)]])",
        "Region(boxes=[(9, 100, 40, 128)], dilate=40)",
        "Region(boxes=[(9, 129, 40, 130)], dilate=3)",
        "[]",
    ],
)
def test_one_is_clipped_where_rounding_brought_it_over_the_border(bounded, coords):
    bounded.makepyfile(test_x=TEST.format(coords=coords, metric="unedit_max_diff"))
    bounded.runpytest().assert_outcomes(passed=1)


FAR = " reaches * px beyond the 128x128 image: if it is of a picture of another size, scale it*"


@pytest.mark.parametrize(
    ("coords", "named"),
    [
        ("[(50, 40, 3000, 2400)]", "the box (50, 40, 3000, 2400)"),
        ("[(9, 9, 40, 40), (9, 9, 40, 131)]", "the box (9, 9, 40, 131)"),
        ("[(-3, 9, 40, 40)]", "the box (-3, 9, 40, 40)"),
        ("Region(boxes=[(9, 140, 40, 150)], dilate=13)", "the box (9, 140, 40, 150)"),
        ("Region(boxes=[(9, 9, 300, 40)]) | Region(boxes=[(9, 9, 40, 40)])", "the box (9, 9, 3*"),
        ("[[9, 9, 900, 9, 900, 700.5, 9, 700]]", "a polygon within (9, 9, 900, 701)"),
        ("{'polygons': [[(9, 9), (40, 9), (9, -200)]]}", "a polygon within (9, -200, 40, 9)"),
    ],
)
@pytest.mark.parametrize("golden_image", [False, True])
def test_one_that_reaches_beyond_is_an_error(bounded, coords, named, golden_image):
    text = TEST.format(coords=coords, metric="unedit_max_diff")
    if golden_image:
        text = text.replace("(edit_gate)", "(golden_image)").replace(
            "edit_gate.check(scene(), edited(), ", "golden_image.check(edited(), coords="
        )
        text = text.replace(', metrics=["unedit_max_diff"]', "")
    bounded.makepyfile(test_x=text)
    result = bounded.runpytest("--editmetrics-update=missing")
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"*could not be judged: {named}{FAR}"])
    assert not (bounded.path / "goldens").exists()


def test_the_order_that_fits_is_asked_for_of_a_large_box(bounded):
    wide = "np.hstack([scene()] * 4), np.hstack([edited()] * 4)"
    bounded.makepyfile(
        test_x=TEST.replace("scene(), edited()", wide).format(
            coords="[(9, 130, 40, 400)]", metric="unedit_max_diff"
        )
    )
    bounded.runpytest().stdout.fnmatch_lines(["*; is (130, 9, 400, 40) meant?*"])
    narrow = TEST.replace("scene(), edited()", wide.replace("hstack", "vstack"))
    bounded.makepyfile(test_x=narrow.format(coords="[(99, 9, 400, 40)]", metric="unedit_max_diff"))
    bounded.runpytest().stdout.fnmatch_lines(
        ["*reaches 272 px beyond the 128x512 image: is (9, 99, 40, 400) meant? Else, if it is*"]
    )


@pytest.mark.parametrize(
    ("boxes", "named"),
    [
        ("ref_boxes=[(9, 9, 900, 40)], edited_boxes=[(9, 9, 40, 40)]", "ref_boxes: box 1"),
        ("ref_boxes=[(9, 9, 40, 40)], edited_boxes=[(9, 9, 40, 140)]", "edited_boxes: box 1"),
        ("ref_boxes=[(9, 9, 40, 40)], edited_boxes=[(200, 9, 240, 40)]", "edited_boxes: box 1"),
    ],
)
def test_so_is_an_object(scene, boxes, named):
    (scene.path / "editmetrics.yaml").write_text("thresholds: {mask_iou: 0.1}\n")
    scene.makepyfile(
        test_x=TEST.replace("{coords}", boxes).replace("{metric}", "mask_iou"),
    )
    result = scene.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"*mask_iou could not be judged: {named} (*{FAR}"])


@pytest.mark.parametrize("kind", ["case", "manifest"])
def test_it_is_one_in_files_too(bounded, kind, monkeypatch, capsys):
    bounded.syspathinsert()
    bounded.makepyfile(
        save="from scene import *\n"
        "Image.fromarray(scene()).save('ref.png')\n"
        "Image.fromarray(edited()).save('edited.png')\n"
    )
    assert bounded.runpython("save.py").ret == 0
    row = "{id: a, reference: ref.png, edited: edited.png, coords: [[50, 40, 140, 100]]}"
    said = (
        "the box (50, 40, 140, 100) reaches 12 px beyond the 128x128 image: if it is of a picture"
        " of another size, scale it to the pixels of this; if the part within is meant, write"
        " (50, 40, 128, 100)"
    )
    (bounded.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: 254}\n"
    )
    if kind == "case":
        (bounded.path / "test_a.edit.yaml").write_text(f"cases:\n  - {row}\n")
        result = bounded.runpytest()
        assert result.ret == 1
        assert said in result.stdout.str()
        return
    (bounded.path / "pairs.jsonl").write_text(
        '{"id": "a", "reference": "ref.png", "edited": "edited.png",'
        ' "coords": [[50, 40, 140, 100]]}\n'
    )
    monkeypatch.chdir(bounded.path)
    assert main(["score", "pairs.jsonl", "-o", "out"]) == 1
    captured = capsys.readouterr()
    assert (
        said in captured.out + captured.err + (bounded.path / "out" / "results.jsonl").read_text()
    )


@pytest.mark.parametrize(("right", "passes"), [(1028, True), (1029, False)])
def test_a_large_picture_allows_what_two_pixels_of_512_are(bounded, right, passes):
    big = "*(np.tile(one, (1, 8, 1)) for one in (scene(), edited()))"
    text = TEST.replace("scene(), edited()", big)
    bounded.makepyfile(
        test_x=text.format(coords=f"[(900, 20, {right}, 99)]", metric="unedit_max_diff")
    )
    bounded.runpytest().assert_outcomes(passed=int(passes), failed=int(not passes))
