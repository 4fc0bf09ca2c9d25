"""What a failing gate names as its cause, of faults that look like others."""

from __future__ import annotations

import pytest
from altered import each_photo, square_photo
from PIL import Image, features

TEST = """
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

RANDOM = np.random.default_rng(0)
BEFORE = np.asarray(Image.open("photo.png"))
X1, Y1, X2, Y2 = BOX = (120, 100, 180, 170)


def eight_bit(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def through(image, kind, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return np.asarray(Image.open(file).convert("RGB"))


def test_it(edit_gate):
    edited = BEFORE.copy()
    edited[Y1:Y2, X1:X2] = 255 - BEFORE[Y1:Y2, X1:X2]
    {made}
    edit_gate.check(BEFORE, edited, [BOX])
"""


def told(suite: pytest.Pytester, made: str, name: str = "astronaut", gate: str = "{}") -> list[str]:
    """Return what the message of a failing gate names."""
    Image.fromarray(square_photo(name, 256)).save(suite.path / "photo.png")
    mark = f"@pytest.mark.editmetrics({gate})\ndef test_it"
    suite.makepyfile(test_x=TEST.replace("{made}", made).replace("def test_it", mark))
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    (line,) = [line for line in result.outlines if line.startswith("E           cause ")]
    return line.partition(" cause ")[2].strip().split("; ")


DIFFERS = 'metrics=["unedit_max_diff"], thresholds={"unedit_max_diff": 0}'
LATENT = (
    "edited = eight_bit(edited"
    " + np.kron(RANDOM.normal(0, 3, (32, 32)), np.ones((8, 8)))[..., None])"
)
AVIF = "edited = through(edited, 'AVIF', quality=70)"


@pytest.mark.parametrize(
    "made",
    [
        LATENT,
        pytest.param(
            AVIF,
            marks=pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF"),
        ),
    ],
    ids=["latent", "avif"],
)
def test_blocks_of_8_px_are_no_jpeg_where_nothing_lies_on_its_levels(suite, made):
    causes = told(suite, made, gate=DIFFERS)
    assert not any("JPEG" in one for one in causes)
    if made == LATENT:
        assert " %): re-encoded (" in causes[0]
        assert "8 px blocks" in causes[0]


def test_a_jpeg_has_its_quality(suite):
    (cause,) = told(suite, "edited = through(edited, 'JPEG', quality=75)", gate=DIFFERS)
    assert "encoded as JPEG (quality about 75," in cause


MOVED = "edited = np.roll(edited, 1, axis=1)"
SOFT = "from scipy.ndimage import gaussian_filter as soft; edited = soft(edited, ({0}, {0}, 0))"
AS_GIF = "edited = through(edited, 'GIF')"
PALETTE = "edited = np.asarray(Image.fromarray(edited).quantize(128, dither=1).convert('RGB'))"


@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee"]))
@pytest.mark.parametrize("saved", [AS_GIF, PALETTE], ids=["gif", "128"])
def test_a_motion_is_told_beside_a_palette(suite, saved, name):
    causes = told(suite, f"{MOVED}; {saved}", name, DIFFERS)
    assert len(causes) == 2
    assert any("background moved 1.0" in one or "background moved 0.9" in one for one in causes)
    assert any("colours: saved through a palette (GIF?)" in one for one in causes)


def test_so_is_a_blur(suite):
    causes = told(suite, f"{SOFT.format(1.5)}; {AS_GIF}", "astronaut", DIFFERS)
    assert len(causes) == 2
    assert any("blur (" in one for one in causes)
    assert any("few colours (" in one for one in causes)


CAST = "edited = eight_bit(edited * (1.05, 1, 0.95))"
ABOVE = 'metrics=["tone"], thresholds={"tone": 1}'
REDRAWN = """
    from scipy.ndimage import gaussian_filter, map_coordinates
    from numpy import indices
    off = [gaussian_filter(RANDOM.normal(0, 1, (256, 256)), 6) for _ in range(2)]
    where = indices((256, 256)) + [3 * one / one.std() for one in off]
    edited = np.stack([map_coordinates(edited[..., c], where, order=1) for c in range(3)], axis=2)
    edited = eight_bit(edited + gaussian_filter(RANDOM.normal(0, 20, edited.shape), (2, 2, 0)))
"""


@pytest.mark.parametrize(
    "made", ["edited = np.roll(edited, 5, axis=1)", REDRAWN.strip()], ids=["moved", "redrawn"]
)
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee"]))
def test_a_cast_by_which_a_gate_of_tone_fails_is_told_whatever_its_share(suite, made, name):
    causes = told(suite, f"{CAST}\n    {made}", name, ABOVE)
    assert any("colours shifted (red +" in one for one in causes)


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        ("edited = eight_bit(edited * 0.75)", "exposure"),
        ("edited = np.repeat(edited.mean(axis=2, keepdims=True).astype(np.uint8), 3, 2)", "grey"),
    ],
)
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee"]))
def test_so_is_a_blur_that_takes_half_of_the_fine_detail(suite, made, kind, name):
    causes = told(suite, f"{made}; {SOFT.format(1.5)}", name, DIFFERS)
    assert kind in causes[0]
    assert "blur (" in causes[1]
