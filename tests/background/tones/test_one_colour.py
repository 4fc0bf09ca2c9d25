"""A background that is of one colour, as of a model that drew nothing, is said to be that."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, as_jpeg, each_photo, eight_bit, square_photo
from parameters import first_of
from PIL import Image

from pytest_editmetrics.background.diagnosis import Cause, diagnose
from pytest_editmetrics.background.one_colour import one_colour_cause

PHOTOS = ["astronaut", "cat", "coffee", "rocket"]
WHOLE = np.ones((288, 288), bool)
OUTSIDE = WHOLE.copy()
OUTSIDE[80:170, 90:190] = False


def photo(name: str) -> Picture:
    return square_photo(name, 288)


def causes(before: Picture, after: Picture, mask=OUTSIDE) -> tuple[Cause, ...]:
    return diagnose(before, after, mask).causes


def filled(*colour: int) -> Picture:
    return np.full((288, 288, 3), colour, np.uint8)


@pytest.mark.parametrize("name", each_photo(PHOTOS))
@pytest.mark.parametrize(
    ("colour", "said"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "one colour, (128, 128, 128)"),
        ((200, 30, 90), "one colour, (200, 30, 90)"),
    ],
)
def test_one_colour_is_the_only_cause_and_named(name, colour, said):
    (cause,) = causes(photo(name), filled(*colour))
    assert (cause.kind, cause.share, cause.text) == (
        "one colour",
        1,
        f"the whole picture is {said}",
    )
    assert ("safety checker" in cause.in_full) == (said == "black")
    edited = np.where(OUTSIDE[..., None], filled(*colour), photo(name))
    (cause,) = causes(photo(name), edited)
    assert cause.text == f"the background is {said}"
    assert "safety checker" not in cause.in_full
    (cause,) = causes(photo(name), filled(*colour), WHOLE)
    assert cause.text == f"the background is {said}"


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_what_an_encoder_makes_of_one_colour_is_nearly_one(name):
    noise = np.random.default_rng(0).normal(0, 2, (288, 288, 3))
    for colour, said in (((3, 2, 4), "black"), ((140, 120, 90), "one colour, ")):
        (cause,) = causes(photo(name), eight_bit(filled(*colour) + noise))
        assert cause.text.startswith(f"the whole picture is nearly {said}")


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", each_photo(PHOTOS))
@pytest.mark.parametrize("rows", [slice(144, None), slice(0, 120), slice(30, 200)])
def test_a_large_part_of_one_colour_is_named_with_its_box(name, rows):
    edited = as_jpeg(photo(name), 60).copy()
    edited[rows] = 0
    top, bottom, _ = rows.indices(288)
    first, *others = causes(photo(name), edited)
    assert first.text == f"the background is black in (0, {top}, 288, {bottom})"
    assert "safety checker" not in first.in_full
    assert {cause.kind for cause in others} <= {"jpeg", "re-encoding", "blur"}
    assert 0.8 < first.share <= first.share + sum(cause.share for cause in others) <= 1.0001


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(["astronaut", "coffee"]))
@pytest.mark.parametrize(("colour", "percent"), [("black", 50), ("white", 70)])
def test_a_frame_of_one_colour_is_none_and_what_is_in_it_is_told(name, colour, percent):
    made = Image.new("RGB", (288, 288), colour)
    inner, at = 288 * percent // 100, 288 * (100 - percent) // 200
    made.paste(Image.fromarray(photo(name)).resize((inner, inner)), (at, at))
    assert causes(photo(name), np.asarray(made))[0].kind == "zoom"
    made.paste(Image.fromarray(photo(name)).crop((at, at, at + inner, at + inner)), (at, at))
    assert "one colour" not in {cause.kind for cause in causes(photo(name), np.asarray(made))}


def barred(picture: Picture, width: int, axis: int, colour: int) -> Picture:
    made = np.moveaxis(picture.copy(), axis, 0)
    made[:width] = made[-width:] = colour
    return np.ascontiguousarray(np.moveaxis(made, 0, axis))


@pytest.mark.long
@pytest.mark.parametrize("colour", first_of(1, [0, 255, 90]))
@pytest.mark.parametrize("axis", [0, 1], ids=["top and bottom", "sides"])
@pytest.mark.parametrize("name", each_photo(["coffee", "cat", "rocket"]))
def test_bars_of_one_colour_are_named_with_their_boxes(name, axis, colour):
    for width in (48, 64, 100):
        (cause,) = causes(photo(name), barred(photo(name), width, axis, colour), WHOLE)
        assert cause.kind in {"one colour", "spill"}
        first, second = ([0, 0, 288, width], [0, 288 - width, 288, 288])
        if axis:
            first, second = ([y1, x1, y2, x2] for x1, y1, x2, y2 in (first, second))
        for box, wanted in zip(sorted(cause.facts["boxes"][:2]), (first, second), strict=True):
            assert box == pytest.approx(wanted, abs=9)


@pytest.mark.parametrize("name", each_photo(["coffee", "cat", "rocket"]))
def test_bars_that_were_encoded_are_named_first(name):
    edited = as_jpeg(barred(photo(name), 64, 0, 0), 90)
    assert causes(photo(name), edited, WHOLE)[0].kind == "one colour"


@pytest.mark.long
def test_what_lies_between_bars_is_told_too():
    made = np.zeros((288, 288, 3), np.uint8)
    made[48:-48] = np.asarray(Image.fromarray(photo("coffee")).resize((288, 192)))
    assert {cause.kind for cause in causes(photo("coffee"), made, WHOLE)} >= {
        "one colour",
        "stretch",
    }


def on_a_backdrop(name: str, side: int, *colour: int) -> Picture:
    made, at = filled(*colour), (288 - side) // 2
    small = np.asarray(Image.fromarray(photo(name)).resize((side, side)))
    made[at : at + side, at : at + side] = small
    return made


@pytest.mark.parametrize("side", [40, 60, 190])
@pytest.mark.parametrize("mask", [WHOLE, OUTSIDE], ids=["whole", "outside"])
def test_what_stood_on_one_colour_is_gone_too(side, mask):
    where = "background" if mask is WHOLE else "whole picture"
    for colour in ((255, 255, 255), (90, 120, 160)):
        was = on_a_backdrop("coffee", side, *colour)
        (cause,) = causes(was, filled(0, 0, 0), mask)
        assert cause.text == f"the {where} is black"
        (cause,) = causes(was, filled(128, 128, 128), mask)
        assert cause.text == f"the {where} is one colour, (128, 128, 128)"


def test_a_backdrop_that_became_black_is_named_and_one_of_another_tone_is_not():
    was = on_a_backdrop("coffee", 80, 255, 255, 255)
    edited = np.where(OUTSIDE[..., None], 0, was).astype(np.uint8)
    assert causes(was, edited)[0].text == "the background is black"
    black = was.copy()
    black[:160] = 0
    assert causes(was, black, OUTSIDE)[0].text == "the background is black in (0, 0, 288, 160)"
    dark = on_a_backdrop("coffee", 80, 12, 12, 14)
    for before, after in ((was, was - was // 16), (was, was // 2), (dark, dark - 12 * (dark < 15))):
        assert one_colour_cause(before, after.astype(np.uint8), OUTSIDE) is None
    for colour in ((90, 120, 160), (255, 255, 255)):
        wall = eight_bit(filled(*colour) - 1.0 * (photo("coffee") // 64))
        assert one_colour_cause(wall, filled(0, 0, 0), WHOLE) is not None
        assert one_colour_cause(wall, filled(200, 210, 220), WHOLE) is None


def test_other_changes_are_not_called_so():
    for name in PHOTOS:
        picture = photo(name)
        wall = eight_bit(np.where(WHOLE[..., None], filled(90, 120, 160), 0) + picture // 64)
        spill = picture.copy()
        spill[200:240, 20:200] = (200, 30, 30)
        for before, after in (
            (picture, 255 - picture),
            (picture, eight_bit(picture * 0.2)),
            (picture, eight_bit(picture + 90.0)),  # much of it white
            (picture, np.where(picture > 128, 255, 0).astype(np.uint8)),
            (picture, picture // 64 * 64),
            (picture, spill),
            (picture, photo(PHOTOS[PHOTOS.index(name) - 1])),
            (wall, filled(110, 140, 180)),
        ):
            assert one_colour_cause(before, after, OUTSIDE) is None
