"""A background whose channels were exchanged, or that lost its colours, is said to be that."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, as_jpeg, each_photo, eight_bit, smoothed_and_grained, square_photo
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
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_exchanged_channels_are_the_first_cause(name, order, said):
    (cause,) = causes(photo(name), photo(name)[..., order])
    assert (cause.kind, cause.text, cause.share) == ("channels", said, 1)


@pytest.mark.parametrize("name", each_photo(["astronaut", "coffee"]))
def test_what_else_changed_comes_after_them(name):
    first, *others = causes(photo(name), as_jpeg(photo(name)[..., ::-1], 30))
    assert first.text == "red and blue are swapped (BGR?)"
    assert 0.9 < first.share + sum(cause.share for cause in others) <= 1


@pytest.mark.quick(1)
@pytest.mark.parametrize("grain", [1, 3, 5])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_colours_are_lost_under_an_encoders_noise_too(name, grain):
    first = causes(photo(name), smoothed_and_grained(grey(photo(name)), 0.5, grain))[0]
    assert first.kind == "greyscale"
    for paler in (
        photo(name) * 0.1 + grey(photo(name)) * 0.9,
        grey(photo(name)) + np.array([9.0, 0, -9]),
    ):
        first = causes(photo(name), smoothed_and_grained(eight_bit(paler), 0.5, grain))[0]
        assert first.kind == "colours mixed"


@pytest.mark.parametrize("name", each_photo(PHOTOS))
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


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_grey_picture_lost_no_colours_and_a_cast_is_none(name):
    before = grey(photo(name))
    assert causes(before, eight_bit(before * 0.9))[0].kind == "exposure"
    assert causes(before, eight_bit(before * [1.05, 1, 0.95]))[0].kind == "colour"
    assert causes(photo(name), eight_bit(photo(name) * [0.9, 1, 1.1]))[0].kind == "colour"


def lost(image: Picture, channel: int, level: int) -> Picture:
    made = image.copy()
    made[..., channel] = level
    return made


@pytest.mark.long
@pytest.mark.parametrize(("channel", "colour"), list(enumerate(("red", "green", "blue"))))
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_channel_of_one_level_is_lost(name, channel, colour):
    for level in (0, 128, 255):
        (cause,) = causes(photo(name), lost(photo(name), channel, level))
        assert (cause.kind, cause.text) == ("channels", f"{colour} is {level} everywhere")
    first = causes(photo(name), as_jpeg(lost(photo(name), channel, 0), 75))[0]
    assert first.text == f"{colour} is nearly 0 everywhere"
    moved = np.roll(lost(photo(name), channel, 0), 3, axis=1)
    assert {cause.kind for cause in causes(photo(name), moved)} >= {"channels", "shift"}


def test_two_lost_channels_are_said_together():
    made = photo("coffee") * np.array([0, 1, 0], np.uint8)
    assert causes(photo("coffee"), made)[0].text == "red and blue are 0 everywhere"


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_copy_of_another_channel_is_said_to_be_one(name):
    for order, said in (
        ([0, 1, 1], "blue is a copy of green"),
        ([1, 1, 2], "red is a copy of green"),
        ([0, 1, 0], "blue is a copy of red"),
    ):
        (cause,) = causes(photo(name), photo(name)[..., order])
        assert (cause.kind, cause.text) == ("channels", said)


@pytest.mark.parametrize("name", each_photo(PHOTOS))
@pytest.mark.parametrize(("channel", "colour"), list(enumerate(("red", "green", "blue"))))
def test_so_is_a_picture_of_one_channel(name, channel, colour):
    (cause,) = causes(photo(name), photo(name)[..., [channel] * 3])
    assert (cause.kind, cause.text) == ("channels", f"all channels are the {colour} one")


@pytest.mark.quick(2)
@pytest.mark.parametrize("gain", [0.95, 0.85, 0.7])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_exchanged_channels_and_lost_colours_are_told_beside_an_exposure(name, gain):
    for made, kind in ((photo(name)[..., ::-1], "channels"), (grey(photo(name)), "greyscale")):
        found = {cause.kind: cause for cause in causes(photo(name), eight_bit(made * gain))}
        assert kind in found
        assert {"exposure"} >= found.keys() - {kind}
        if "exposure" in found:
            assert found["exposure"].facts["gain"] == pytest.approx([gain] * 3, abs=0.02)


@pytest.mark.parametrize("pixels", [1, 3, 9])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_they_are_told_beside_a_shift(name, pixels):
    for made, kind in ((photo(name)[..., ::-1], "channels"), (grey(photo(name)), "greyscale")):
        found = {cause.kind: cause for cause in causes(photo(name), np.roll(made, pixels, 1))}
        assert found[kind].share > 0.15
        assert found["shift"].facts["dx"] == pytest.approx(pixels, abs=0.1)
        assert sum(cause.share for cause in found.values()) <= 1 + 1e-9


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_strong_tone_of_one_channel_lost_none(name):
    for gain in ([1, 1, 0.3], [0.5, 1, 1.2], [0.4, 0.4, 0.4]):
        made = eight_bit(photo(name) * np.array(gain) + 40)
        assert not {"channels", "greyscale"} & {cause.kind for cause in causes(photo(name), made)}
    other = photo(PHOTOS[PHOTOS.index(name) - 1])
    assert causes(photo(name), other)[0].kind == "redrawn"


@pytest.mark.parametrize(("name", "share"), [("astronaut", 0.12), ("coffee", 0.05)])
def test_a_pale_picture_that_lost_its_colours_lost_them(name, share):
    """A photo of snow or fog has few colours; its greyscale was "colours mixed"."""
    image = photo(name).astype(float)
    pale = eight_bit(share * image + (1 - share) * grey(photo(name)))
    assert 2 < np.ptp(pale.astype(int), axis=2).mean() < 8
    (cause, *_) = causes(pale, grey(pale))
    assert (cause.kind, cause.text) == ("greyscale", "lost its colours (greyscale)")
