"""Where a part is equal bit for bit, what changed is a place, however large, and no tone."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, as_jpeg, blurred, each_photo, eight_bit, square_photo
from parameters import first_of
from skimage import data

from pytest_editmetrics.background.diagnosis import diagnose

PHOTOS = ["astronaut", "cat", "coffee", "rocket"]
WHOLE = np.ones((288, 288), bool)


def photo(name: str) -> Picture:
    return square_photo(name, 288)


def grey(picture: Picture) -> Picture:
    return np.repeat(eight_bit(picture.mean(axis=2, keepdims=True)), 3, axis=2)


CHANGES = {
    "another": lambda picture: np.where(photo("cat") == picture, photo("coffee"), photo("cat")),
    "inverted": lambda picture: 255 - picture,
    "exchanged": lambda picture: picture[..., [1, 2, 0]],
    "grey": grey,
    "darker": lambda picture: eight_bit(picture * 0.6),
}


@pytest.mark.long
@pytest.mark.parametrize("share", first_of(1, [0.56, 0.75]))
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_large_box_that_changed_is_the_only_cause(name, change, share):
    picture = photo(name)
    side = round(288 * share**0.5)
    at = slice((288 - side) // 2, (288 + side) // 2)
    edited = picture.copy()
    edited[at, at] = CHANGES[change](picture)[at, at]
    (cause,) = diagnose(picture, edited, WHOLE).causes
    assert cause.kind == "spill"
    assert cause.facts["boxes"][0] == pytest.approx([at.start, at.start, at.stop, at.stop], abs=9)


def framed(picture: Picture, *colour: int) -> Picture:
    made = picture.copy()
    made[:72] = made[:, :60] = made[:, -60:] = colour
    return made


def vignette(picture: Picture) -> Picture:
    rows, columns = np.mgrid[:288, :288] / 288 - 0.5
    away = np.clip(np.hypot(rows, columns) - 0.25, 0, 1)[..., None]
    return eight_bit(picture * (1 - 0.5 * away))


def half_grey(picture: Picture) -> Picture:
    made = picture.copy()
    made[:144] = grey(picture)[:144]
    return made


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_what_some_colours_or_places_are_spared_by_is_no_place(name):
    plain = photo(name)
    pairs = [
        (picture, made)
        for picture in (
            plain,
            framed(plain, 255, 255, 255),
            framed(plain, 0, 0, 0),
            framed(plain, 90, 140, 200),
            half_grey(plain),
        )
        for made in (
            picture[..., ::-1],
            grey(picture),
            eight_bit(picture * 0.5 + grey(picture) * 0.5),
            eight_bit(picture * 1.2),
            eight_bit(picture * 0.8),
            eight_bit(255 * (picture / 255) ** 0.8),
            vignette(picture),
            blurred(picture, 2),
            as_jpeg(picture, 80),
            np.roll(picture, 3, axis=1),
        )
    ]
    for picture, made in pairs:
        first = diagnose(picture, np.ascontiguousarray(made), WHOLE).causes[0]
        assert first.kind != "spill" or first.share < 0.99


ROWS, COLUMNS = np.mgrid[:288, :288] - 143.5
DISC = np.hypot(ROWS, COLUMNS) < 86


@pytest.mark.long
@pytest.mark.parametrize("colour", first_of(1, [0, 40, 200]))
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee"]))
def test_an_object_that_became_one_colour_before_its_backdrop_is_the_only_cause(name, colour):
    picture = np.where(DISC[..., None], photo(name), 250).astype(np.uint8)
    edited = np.where(DISC[..., None], colour, picture).astype(np.uint8)
    (cause,) = diagnose(picture, edited, WHOLE).causes
    assert cause.kind == "spill"
    assert cause.facts["boxes"][0] == pytest.approx([58, 58, 230, 230], abs=9)


@pytest.mark.long
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee"]))
def test_an_object_that_became_black_and_was_encoded_did_not_lose_its_colours(name):
    picture = np.where(DISC[..., None], photo(name), 250).astype(np.uint8)
    edited = np.where(DISC[..., None], 0, picture).astype(np.uint8)
    causes = diagnose(picture, as_jpeg(edited, 90), WHOLE).causes
    assert causes[0].kind == "spill"
    assert "greyscale" not in {cause.kind for cause in causes}
    shares = [cause.share for cause in causes]
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("size", [1, 3, 8])
def test_so_is_a_pixel_of_a_flat_picture(level, size):
    picture = np.full((128, 128, 3), level, np.uint8)
    edited = picture.copy()
    edited[50 : 50 + size, 60 : 60 + size] = abs(level - 60)
    (cause,) = diagnose(picture, edited, np.ones((128, 128), bool)).causes
    assert (cause.kind, cause.facts["boxes"]) == ("spill", [[60, 50, 60 + size, 50 + size]])


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_blacks_that_are_crushed_beside_equal_pixels_are_no_one_place(name):
    picture = photo(name)
    for edited in (
        np.where(picture.max(axis=2, keepdims=True) < 60, 0, picture),
        np.where(picture.min(axis=2, keepdims=True) > 150, 255, picture),
    ):
        causes = diagnose(picture, edited.astype(np.uint8), WHOLE).causes
        assert "one colour" not in {cause.kind for cause in causes}


RECOLOURED = {
    "exchanged": lambda part: part[..., ::-1],
    "grey": lambda part: part.mean(axis=2, keepdims=True).repeat(3, 2).astype(np.uint8),
    "redder": lambda part: (part * [1.3, 0.7, 0.7]).clip(0, 255).astype(np.uint8),
}


@pytest.mark.quick(2)
@pytest.mark.parametrize("box", [(150, 40, 300, 240), (112, 75, 394, 262)])
@pytest.mark.parametrize(
    "pair", [("exchanged", "grey"), ("redder", "exchanged"), ("grey", "redder")]
)
def test_another_edit_of_a_box_is_a_local_change_whatever_colours_lie_in_it(pair, box):
    """The cat's colours are nowhere beside it, so that a mix of channels explains all."""
    x1, y1, x2, y2 = box
    one, other = (data.chelsea().copy() for _ in pair)
    for made, name in zip((one, other), pair, strict=True):
        made[y1:y2, x1:x2] = RECOLOURED[name](made[y1:y2, x1:x2])
    (cause,) = diagnose(one, other, np.ones(one.shape[:2], bool)).causes
    assert cause.kind == "spill"
    assert cause.facts["boxes"][0] == list(box)


@pytest.mark.quick(2)
@pytest.mark.parametrize("frame", [0, 255, 128])
def test_a_tone_of_a_framed_picture_is_no_local_change(frame):
    """A frame of one colour, which the tone leaves: all of the picture in it changed."""
    framed = np.full((300, 451, 3), frame, np.uint8)
    framed[40:260, 60:390] = data.chelsea()[40:260, 60:390]
    contrast = (1.2 * (framed - 128.0) + 128).clip(0, 255).round().astype(np.uint8)
    kinds = [cause.kind for cause in diagnose(framed, contrast, np.ones((300, 451), bool)).causes]
    assert kinds[0] in ("contrast", "exposure")
