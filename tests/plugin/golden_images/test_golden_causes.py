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
    if how == "black":
        return Image.new("RGB", image.size)
    if how in ("local", "missing"):
        image.paste((200, 30, 30), (5, 5, 30, 30) if how == "local" else (60, 60, 90, 90))
    return Image.fromarray(np.roll(np.asarray(image), 3, axis=1)) if how == "shift" else image

def test_it(golden_image):
    golden_image.check(made(os.environ.get("HOW")), **eval(os.environ["AREA"]))
"""
BOX = "coords=[(40, 40, 160, 140)]"


@pytest.mark.quick(1)
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


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("area", "how", "said", "kind"),
    [
        ("dict()", "local", "a local change in (5, 5, 30, 30)", "local"),
        (f"dict({BOX}, scope='edit_area')", "missing", "a local change in (60, 60, 9*", "local"),
        (f"dict({BOX})", "local", "a local change in (5, 5, 30, 30)", "spill"),
        ("dict()", "black", "the picture is black", "one colour"),
        (f"dict({BOX}, scope='edit_area')", "black", "the whole picture is black", "one colour"),
    ],
)
def test_nothing_spills_where_no_edit_was_left_out(pytester, monkeypatch, area, how, said, kind):
    monkeypatch.setenv("AREA", area)
    pytester.makepyfile(TEST)
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    monkeypatch.setenv("HOW", how)
    result = pytester.runpytest()
    result.stdout.fnmatch_lines([f"E*GateFailure: golden_*: {said}*", f"E*cause*{kind} (*"])
    assert any(line.endswith(f" {kind}") and " failed: " in line for line in result.outlines)
