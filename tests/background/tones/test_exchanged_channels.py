"""A background whose channels were exchanged, or that lost its colours, is said to be that."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, as_jpeg, eight_bit, square_photo
from PIL import Image

from pytest_editmetrics.background.diagnosis import Cause, diagnose

PHOTOS = ["astronaut", "cat", "coffee", "rocket"]
WHOLE = np.ones((288, 288), bool)


def photo(name: str) -> Picture:
    return square_photo(name, 288)


def causes(before: Picture, after: Picture) -> tuple[Cause, ...]:
    return diagnose(before, after, WHOLE).causes


def grey(image: Picture) -> Picture:
    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ((2, 1, 0), "red and blue are swapped (BGR?)"),
        ((1, 0, 2), "red and green are swapped (GRB?)"),
        ((0, 2, 1), "green and blue are swapped (RBG?)"),
        ((1, 2, 0), "the channels are in another order (GBR?)"),
        ((2, 0, 1), "the channels are in another order (BRG?)"),
    ],
)
@pytest.mark.parametrize("name", PHOTOS)
def test_exchanged_channels_are_the_first_cause(name, order, said):
    (cause,) = causes(photo(name), photo(name)[..., order])
    assert (cause.kind, cause.text, cause.share) == ("channels", said, 1)


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_what_else_changed_comes_after_them(name):
    first, *others = causes(photo(name), as_jpeg(photo(name)[..., ::-1], 30))
    assert first.text == "red and blue are swapped (BGR?)"
    assert 0.9 < first.share + sum(cause.share for cause in others) <= 1


@pytest.mark.parametrize("name", PHOTOS)
def test_so_are_lost_colours(name):
    for made in (
        grey(photo(name)),
        eight_bit(photo(name).mean(axis=2, keepdims=True).repeat(3, 2)),
        as_jpeg(grey(photo(name)), 90),
    ):
        first = causes(photo(name), made)[0]
        assert (first.kind, first.text) == ("greyscale", "lost its colours (greyscale)")


def test_a_tone_that_explains_one_colour_as_well_is_a_tone():
    wall = np.full((288, 288, 3), (90, 120, 160), np.uint8)
    assert causes(wall, wall[..., ::-1])[0].kind == "colour"


@pytest.mark.parametrize("name", PHOTOS)
def test_a_grey_picture_lost_no_colours_and_a_cast_is_none(name):
    before = grey(photo(name))
    assert causes(before, eight_bit(before * 0.9))[0].kind == "exposure"
    assert causes(before, eight_bit(before * [1.05, 1, 0.95]))[0].kind == "colour"
    assert causes(photo(name), eight_bit(photo(name) * [0.9, 1, 1.1]))[0].kind == "colour"
