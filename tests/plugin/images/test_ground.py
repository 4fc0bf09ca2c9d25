"""What white hides of transparent images is seen on black"""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.images.ground import ground_of, on_black
from pytest_editmetrics.images.load import read_image

SUITE = """
import numpy as np
import pytest
from PIL import Image, ImageDraw

BOX = [(8, 8, 40, 40)]
METRICS = ["lpips", "unedit_max_diff", "unedit_psnr", "unedit_ssim", "tone"]
pytestmark = pytest.mark.editmetrics(
    thresholds={"lpips": 0.05, "unedit_max_diff": 6, "unedit_psnr": 30, "unedit_ssim": 0.9, "tone": 1}
)

def logo(ground=(0, 0, 0, 0), shape=(255, 255, 255, 255), spot=(10, 20, 200, 255)):
    image = Image.new("RGBA", (128, 96), ground)
    draw = ImageDraw.Draw(image)
    if shape:
        draw.rectangle((60, 50, 110, 90), fill=shape)
    draw.ellipse((12, 12, 36, 36), fill=spot)
    return image

def opaque(image, colour):
    ground = Image.new("RGBA", image.size, colour)
    ground.alpha_composite(image)
    return ground

RED = dict(spot=(200, 20, 10, 255))

def test_it(edit_gate):
    edit_gate.check(*PAIR, metrics=METRICS)
"""


def run(pytester, pair: str, *args: str):
    pytester.makepyfile(SUITE.replace("PAIR", pair))
    return pytester.runpytest("--editmetrics-run-dir=run", *args)


def gates(pytester) -> dict[str, dict]:
    lines = (pytester.path / "run/results.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return {one["metric"]: one for one in found if "metric" in one}


@pytest.mark.parametrize(
    ("pair", "which"),
    [
        ("(logo(), logo(shape=None, **RED), BOX)", "edited image"),
        ("(logo(shape=None), logo(**RED), BOX)", "reference"),
        ("(opaque(logo(), 'white'), logo(shape=(255, 255, 255, 90), **RED), BOX)", "edited image"),
        ("(logo(), logo(shape=None, **RED).resize((64, 48)), BOX)", "edited image"),
    ],
    ids=["erased", "drawn", "hole", "sizes"],
)
def test_a_white_object_that_is_gone_fails(pytester, pair, which):
    mode = ["-o", "editmetrics_config=e.yaml"]
    (pytester.path / "e.yaml").write_text("resize: reference\n")
    result = run(pytester, pair, *mode)
    result.assert_outcomes(failed=1)
    found = gates(pytester)
    assert {one["verdict"] for one in found.values()} == {"fail"}
    assert {one["details"]["ground"] for one in found.values()} == {"black"}
    result.stdout.fnmatch_lines(
        [f"*cause*: the {which} is transparent*laid on black, which shows what white hides*"]
    )


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
