"""A model that takes a photo as it is stored, and not as its EXIF orientation shows it, is told."""

from __future__ import annotations

import pytest
from parameters import first_of

TEST = """
import numpy as np
import pytest
from PIL import Image, ImageOps

RANDOM = np.random.default_rng(5).integers(40, 200, (8, 8, 3), dtype=np.uint8)
STORED = np.asarray(Image.fromarray(RANDOM).resize({size}, 3))

@pytest.fixture
def photo(tmp_path):
    exif = Image.Exif()
    exif[0x112] = {stated}
    Image.fromarray(STORED).save(tmp_path / "photo.png", exif=exif)
    return tmp_path / "photo.png"

def edit(image):
    edited = np.array(image)
    edited[20:40, 20:40] = (255, 0, 0)
    return Image.fromarray(edited)

@pytest.mark.editmetrics(metrics=["unedit_psnr"], thresholds={{"unedit_psnr": 60}})
def test_it(edit_gate, photo, tmp_path):
    with Image.open(photo) as image:
        edited = {edited}
    edit_gate.check(photo, edited, {area}{more})
"""
AREA = "[(20, 20, 40, 40)]"
IGNORED = (
    "the reference states EXIF orientation {}, which was applied, and the model ignored it: call"
    " ImageOps.exif_transpose before the model"
)


def run(suite, stated, *, edited="edit(image)", size=(96, 96), area=AREA, more=""):
    suite.makepyfile(
        test_x=TEST.format(stated=stated, edited=edited, size=size, area=area, more=more)
    )
    return suite.runpytest()


@pytest.mark.quick(1)
@pytest.mark.parametrize("stated", first_of(3, [6, 3, 2, 4, 5, 7, 8]))
def test_every_orientation_that_the_model_ignored_is_the_first_cause(suite, stated):
    said = IGNORED.format(stated)
    result = run(suite, stated)
    result.stdout.fnmatch_lines(
        [f"E*GateFailure: unedit_psnr *: {said}*", f"E*cause*orientation: {said}*"]
    )
    result.stdout.fnmatch_lines(["*1 gate failed: 1 orientation"])


@pytest.mark.parametrize("stated", [5, 6, 7, 8])
def test_it_is_said_in_place_of_a_mode_where_the_sides_are_swapped(suite, stated):
    result = run(suite, stated, size=(120, 80))
    said = "*the edited image is 120x80 pixels (its sides are swapped*, the reference 80x120*"
    result.stdout.fnmatch_lines([said + IGNORED.format(stated) + "*"])
    result.stdout.no_fnmatch_line("*resize=*")


@pytest.mark.parametrize("area", [AREA, "None"])
def test_it_is_the_first_cause_under_a_mode_that_was_given(suite, area):
    result = run(suite, 6, size=(120, 80), area=area, more=", resize='crop-top-left'")
    result.stdout.fnmatch_lines([f"E*GateFailure: *: {IGNORED.format(6)}*"])


def test_an_orientation_that_an_upright_result_still_states_is_told(suite):
    edited = """tmp_path / "edited.png"
        edit(ImageOps.exif_transpose(image)).save(edited, exif=image.getexif())"""
    said = "the edited image states EXIF orientation 6, which was applied, though it was upright*"
    run(suite, 6, edited=edited).stdout.fnmatch_lines([f"E*GateFailure: *: {said}"])


@pytest.mark.parametrize(
    "edited",
    [
        "edit(ImageOps.exif_transpose(image))",
        "Image.eval(edit(ImageOps.exif_transpose(image)), lambda level: 255 - level)",
        "Image.new('RGB', (96, 96))",
        "edit(image).rotate(45)",
    ],
)
def test_other_results_of_such_a_photo_are_not_called_so(suite, edited):
    run(suite, 6, edited=edited).stdout.no_fnmatch_line("*EXIF*")


def test_swapped_sides_alone_propose_no_mode(suite):
    result = run(suite, 1, size=(120, 80), edited="edit(image).rotate(90, expand=True)")
    said = "*(its sides are swapped: was it rotated?)*make the model return the reference's size*"
    result.stdout.fnmatch_lines([said])
    result.stdout.no_fnmatch_line("*resize=*")


def test_what_is_recorded_of_such_a_pair_is_told_beside_it(suite):
    test = TEST.format(stated=6, edited="edit(image)", size=(96, 96), area=AREA, more="")
    suite.makepyfile(test_x=test.replace(', thresholds={"unedit_psnr": 60}', ""))
    result = suite.runpytest("--editmetrics-update=missing")
    said = ["recorded, and worth a look: 1", f"  test_x.py::test_it*: {IGNORED.format(6)}"]
    result.stdout.fnmatch_lines(said, consecutive=True)
    assert str(result.stdout).count("worth a look") == 1
