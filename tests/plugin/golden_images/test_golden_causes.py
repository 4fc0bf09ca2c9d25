"""Why a golden image fails, in the words for what it is measured in."""

from __future__ import annotations

import pytest

TEST = """
import os

import numpy as np
from PIL import Image, ImageFilter

def made(how):
    rows, columns = np.mgrid[:160, :200]
    random = np.random.default_rng(0).integers(0, 60, (20, 25, 3)).repeat(8, 0).repeat(8, 1)
    picture = np.stack([rows, columns, rows // 2 + columns // 2], axis=2) // 2 + random
    image = Image.fromarray(picture.astype(np.uint8))
    if how == "blur":
        return image.filter(ImageFilter.GaussianBlur(2))
    return Image.fromarray(np.roll(np.asarray(image), 3, axis=1)) if how == "shift" else image

def test_it(golden_image):
    golden_image.check(made(os.environ.get("HOW")), **eval(os.environ["AREA"]))
"""
BOX = "coords=[(40, 40, 160, 140)]"


@pytest.mark.parametrize(
    ("area", "shifted"),
    [
        ("dict()", "picture moved"),
        (f"dict({BOX})", "background moved"),
        (f"dict({BOX}, scope='edit_area')", "edit area moved"),
    ],
    ids=["picture", "background", "edit area"],
)
def test_it_is_said_wherever_it_is_measured(pytester, monkeypatch, area, shifted):
    monkeypatch.setenv("AREA", area)
    pytester.makepyfile(TEST)
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    for how, said in (("blur", "blurred ("), ("shift", shifted)):
        monkeypatch.setenv("HOW", how)
        result = pytester.runpytest()
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines([f"E*GateFailure: golden_*: {said}*"])
