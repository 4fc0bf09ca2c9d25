"""What a failing gate names as its cause, of faults that look like others."""

from __future__ import annotations

import pytest
from altered import square_photo
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
    return [line for line in result.outlines if " cause  " in line]


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
    assert not any("JPEG" in line for line in causes)
    if made == LATENT:
        assert " %): re-encoded (" in causes[0]
        assert "8 px blocks" in causes[0]


def test_a_jpeg_has_its_quality(suite):
    (cause,) = told(suite, "edited = through(edited, 'JPEG', quality=75)", gate=DIFFERS)
    assert "encoded as JPEG (quality about 75," in cause
