"""What white hides of transparent images is seen on black"""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.images.ground import ground_of, on_black
from pytest_editmetrics.images.load import read_image

DRAWN = """
import numpy as np
import pytest
from PIL import Image, ImageDraw

def logo(ground=(0, 0, 0, 0), shape=(255, 255, 255, 255), spot=(10, 20, 200, 255)):
    image = Image.new("RGBA", (128, 96), ground)
    draw = ImageDraw.Draw(image)
    if shape:
        draw.rectangle((60, 50, 110, 90), fill=shape)
    draw.ellipse((12, 12, 36, 36), fill=spot)
    return image
"""
SUITE = """
BOX = [(8, 8, 40, 40)]
METRICS = ["lpips", "unedit_max_diff", "unedit_psnr", "unedit_ssim", "tone"]
pytestmark = pytest.mark.editmetrics(
    thresholds={"lpips": 0.05, "unedit_max_diff": 6, "unedit_psnr": 30, "unedit_ssim": 0.9, "tone": 1}
)

def opaque(image, colour):
    ground = Image.new("RGBA", image.size, colour)
    ground.alpha_composite(image)
    return ground

RED = dict(spot=(200, 20, 10, 255))

def test_it(edit_gate):
    edit_gate.check(*PAIR, metrics=METRICS)
"""
POSTER = """
NONE = (0, 0, 0, 0)
THERE = [(50, 40, 120, 94)]

def poster(shape=(255, 255, 255, 255), star=(20, 20, 20, 255)):
    image = logo(shape=shape)
    ImageDraw.Draw(image).rectangle((0, 60, 48, 95), fill=star)
    return image
"""


def run(pytester, pair: str, *args: str):
    pytester.makepyfile(DRAWN + SUITE.replace("PAIR", pair))
    return pytester.runpytest("--editmetrics-run-dir=run", *args)


def gates(pytester) -> dict[str, dict]:
    lines = (pytester.path / "run/results.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return {one["metric"]: one for one in found if "metric" in one}


@pytest.mark.parametrize(
    ("pair", "cause"),
    [
        ("(logo(), logo(shape=None, **RED), BOX)", "alpha 100 % lower in (60, 50, 111, 91)"),
        ("(logo(shape=None), logo(**RED), BOX)", "alpha 100 % higher in (60, 50, 111, 91)"),
        (
            "(opaque(logo(), 'white'), logo(shape=(255, 255, 255, 90), **RED), BOX)",
            "the edited image is transparent (alpha from 0) and was",
        ),
        (
            "(logo(), logo(shape=None, **RED).resize((64, 48)), BOX)",
            "alpha 100 % lower in (60, 50, 111, 91)",
        ),
    ],
    ids=["erased", "drawn", "hole", "sizes"],
)
def test_a_white_object_that_is_gone_fails(pytester, pair, cause):
    mode = ["-o", "editmetrics_config=e.yaml"]
    (pytester.path / "e.yaml").write_text("resize: reference\n")
    result = run(pytester, pair, *mode)
    result.assert_outcomes(failed=1)
    found = gates(pytester)
    assert {one["verdict"] for one in found.values()} == {"fail"}
    assert {one["details"]["ground"] for one in found.values()} == {"black"}
    result.stdout.fnmatch_lines([f"*cause*: {cause}*laid on black, which shows what white hides*"])


IN_THE_AREA = """
metrics: [tone, lpips, unedit_max_diff]
metric_configs: {tone: {scope: edit_area}, lpips: {scope: edit_area}}
thresholds: {tone: 1, lpips: 0.05, unedit_max_diff: 6}
"""
INSIDE, OUTSIDE = {"tone": "black", "lpips": "black"}, {"unedit_max_diff": None}


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("edited", "failed"),
    [
        ("poster(shape=NONE)", INSIDE),
        ("poster(shape=NONE, star=NONE)", INSIDE | OUTSIDE),
        ("poster(star=(20, 20, 20, 90))", OUTSIDE),
        ("poster(shape=NONE, star=NONE).resize((64, 48))", INSIDE | OUTSIDE),
    ],
    ids=["inside", "on either side", "outside", "sizes"],
)
def test_each_gate_sees_what_changed_where_it_looks(pytester, edited, failed):
    """A white poster is gone from the edit area; outside it, a dark one, which white shows."""
    (pytester.path / "editmetrics.yaml").write_text(IN_THE_AREA + "resize: reference\n")
    test = f"def test_it(edit_gate):\n    edit_gate.check(poster(), {edited}, THERE)\n"
    pytester.makepyfile(DRAWN + POSTER + test)
    result = pytester.runpytest("--editmetrics-run-dir=run")
    result.assert_outcomes(failed=1)
    told = re.search("measured .*laid on black, which shows what white hides", str(result.stdout))
    assert bool(told) == ("tone" in failed)
    found = gates(pytester)
    assert {name for name, one in found.items() if one["verdict"] == "fail"} == failed.keys()
    assert {name: found[name]["details"].get("ground") for name in failed} == failed


OBJECTS = """
from pytest_editmetrics.checks.grounds import seen_by
from pytest_editmetrics.checks.pairs import pair_of

def test_it(edit_gate):
    configs = edit_gate._session.settings.metric_configs
    pair = pair_of(poster(), poster(NONE, NONE), ref_boxes=THERE, edited_boxes=THERE)
    seen = {name: seen_by(pair, configs[name]).ground for name in ("tone", "sam_clip_cls_sim")}
    assert seen == {"tone": "white", "sam_clip_cls_sim": "black"}
    edit_gate.check(poster(), poster())
"""


def test_what_compares_objects_sees_them(pytester):
    """A white object is gone, and beside it a dark one, which white shows."""
    (pytester.path / "editmetrics.yaml").write_text("metrics: [tone]\nthresholds: {tone: 250}\n")
    pytester.makepyfile(DRAWN + POSTER.replace("(0, 60, 48, 95)", "(0, 40, 48, 95)") + OBJECTS)
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_manifest_is_seen_alike(pytester):
    (pytester.path / "editmetrics.yaml").write_text(IN_THE_AREA)
    logo = Image.new("RGBA", (128, 96), (255, 255, 255, 255))
    logo.save("before.png")
    logo.paste((0, 0, 0, 0), (40, 40, 120, 90))
    logo.save("after.png")
    row = {
        "id": "a",
        "reference": "before.png",
        "edited": "after.png",
        "coords": [[30, 30, 125, 94]],
    }
    (pytester.path / "pairs.jsonl").write_text(json.dumps(row) + "\n")
    assert main(["score", "pairs.jsonl", "-o", "run"]) == 1
    verdicts = {name: one["verdict"] for name, one in gates(pytester).items()}
    assert verdicts == {"tone": "fail", "lpips": "fail", "unedit_max_diff": "pass"}


@pytest.mark.parametrize(
    "pair",
    [
        "(logo(), logo(**RED), BOX)",
        "(logo(), opaque(logo(**RED), 'white'), BOX)",
        "(logo(), opaque(logo(**RED), 'white').convert('RGB'), BOX)",
        "(logo(), logo(spot=(0, 0, 0, 0)), BOX)",
        "(logo(ground=(90, 80, 70, 255)), logo(ground=(90, 80, 70, 255), **RED), BOX)",
    ],
    ids=["edited", "opaque", "no alpha", "the spot erased", "all opaque"],
)
def test_what_is_no_change_of_the_background_passes_on_white(pytester, pair):
    result = run(pytester, pair)
    result.assert_outcomes(passed=1)
    told = "its alpha was lost (compared on white)" in result.stdout.str()
    assert told == ("opaque(logo(**RED)" in pair)
    assert not any("ground" in one["details"] for one in gates(pytester).values())


ALPHA_LOST = (
    "the reference is transparent outside the edit area, the edited image opaque: its alpha was"
    " lost (compared on white)"
)


@pytest.mark.parametrize("options", [[], pytest.param(["-n", "2"], marks=pytest.mark.long)])
def test_what_is_worth_a_look_names_the_tests(pytester, options):
    more = """
@pytest.mark.parametrize("number", range(3))
def test_opaque(number, edit_gate):
    edit_gate.check(logo(), opaque(logo(**RED), "white"), BOX, metrics=METRICS)
"""
    pair = "(logo(), logo(**RED), BOX)"
    pytester.makepyfile(DRAWN + SUITE.replace("PAIR", pair) + more)
    result = pytester.runpytest("--editmetrics-summary=out.md", *options)
    result.assert_outcomes(passed=4)
    said = [
        "inside every bound, and worth a look: 3",
        f"  test_what_is_worth_a_look_names_the_tests.py::test_opaque[[]*] and 2 more: {ALPHA_LOST}",
    ]
    result.stdout.fnmatch_lines(said, consecutive=True)
    assert str(result.stdout).count(ALPHA_LOST) == 1
    assert "and 2 more: the reference is transparent" in (pytester.path / "out.md").read_text()


def test_a_run_that_is_scored_again_has_the_same_numbers(pytester):
    run(pytester, "(logo(), logo(shape=None, **RED), BOX)").assert_outcomes(failed=1)
    before = {name: one["value"] for name, one in gates(pytester).items()}
    assert main(["score", "run", "-o", "again"]) == 1
    lines = (pytester.path / "again/results.jsonl").read_text().splitlines()
    after = {one["metric"]: one["value"] for one in map(json.loads, lines) if "metric" in one}
    assert after == before


pictures = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(0, 256, (5, 6, 4), dtype=np.uint8)
)


@given(pictures, pictures)
def test_on_black_is_what_pillow_lays_on_black(picture, other):
    loaded = on_black(read_image(picture))
    image = Image.fromarray(picture)
    black = Image.new("RGBA", image.size, (0, 0, 0, 255))
    laid = np.asarray(Image.alpha_composite(black, image).convert("RGB"))
    np.testing.assert_array_equal(loaded.pixels, laid)
    bare, alpha = picture[..., :3], picture[..., 3]
    its, of_other = other[..., :3], other[..., 3]
    everywhere = np.ones(alpha.shape, bool)
    swapped = ground_of(((its, bare), (of_other, alpha)), everywhere)
    assert ground_of(((bare, its), (alpha, of_other)), everywhere) == swapped
    inverted = ground_of(((255 - bare, 255 - its), (alpha, of_other)), everywhere)
    assert {swapped, inverted} != {"black"}
