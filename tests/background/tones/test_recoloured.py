"""A part at the edit that has other colours stands out; a restyle, a light and a far part do not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from altered import Picture, as_jpeg, blurred, each_photo, eight_bit, square_photo
from PIL import Image, ImageOps

from pytest_editmetrics.background import recoloured
from pytest_editmetrics.background.recoloured import Recoloured, find_recoloured
from pytest_editmetrics.pipes.drift import DriftPipe

BOX = (90, 80, 190, 170)
SIZE = 288


def photo(name: str) -> Picture:
    return square_photo(name, SIZE)


def outside(box: tuple[int, int, int, int] = BOX) -> np.ndarray:
    mask = np.ones((SIZE, SIZE), bool)
    x1, y1, x2, y2 = box
    mask[y1:y2, x1:x2] = False
    return mask


def found_in(image: Picture, made: Picture) -> Recoloured | None:
    return find_recoloured(image, made, outside(), ~outside())


def tinted(image: Picture) -> Picture:
    return eight_bit(image[..., [2, 0, 1]] * 0.7 + np.array([40, 0, 20]))


def spilled(image: Picture, by: int) -> Picture:
    made = image.copy()
    x1, y1, x2, y2 = BOX
    around = np.s_[max(0, y1 - by) : y2 + by, max(0, x1 - by) : x2 + by]
    made[around] = tinted(image)[around]
    return made


@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee"]))
def test_a_spill_of_colours_is_found_however_wide(name: str) -> None:
    image = photo(name)
    found = [found_in(image, spilled(image, by)) for by in (24, 32, 48, 64)]
    assert None not in found
    assert found[-1].share > 2 * found[0].share
    box = found[1].box
    assert box[0] >= BOX[0] - 40
    assert box[2] <= BOX[2] + 40


def test_it_is_said_and_fails_where_a_part_must_not_change() -> None:
    image = photo("cat")
    measured = DriftPipe().measure(image, spilled(image, 32), [BOX], "outer", metric="altered")
    assert measured.value > 1
    assert measured.details["became"] == "recoloured"
    whole = DriftPipe().measure(image, spilled(image, 32), metric="altered")
    assert whole.value is not None
    assert whole.value < 0.1  # of structure: without an edit area nothing lies at it


STYLES: dict[str, Callable[[Picture], Picture]] = {
    "inverted": lambda image: 255 - image,
    "another season": lambda image: image[..., [1, 0, 2]],
    "posterised": lambda image: np.asarray(ImageOps.posterize(Image.fromarray(image), 2)),
    "equalised": lambda image: np.asarray(ImageOps.equalize(Image.fromarray(image))),
    "night": lambda image: eight_bit(110 * (image / 255.0) ** 2.2),
    "tinted": tinted,
    "blurred": lambda image: blurred(image, 3),
}


@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee", "rocket"]))
@pytest.mark.parametrize("style", STYLES)
def test_a_style_of_the_whole_recolours_no_part(style: str, name: str) -> None:
    assert found_in(photo(name), STYLES[style](photo(name))) is None


@pytest.mark.quick(1)
@pytest.mark.parametrize("box", [(129, 73, 257, 183), (186, 232, 283, 332)], ids=["mid", "low"])
def test_steps_of_a_posterised_backdrop_that_read_as_a_motion_are_no_part(
    box: tuple[int, int, int, int],
) -> None:
    y, x = np.mgrid[:384, :384] - 192
    wall = np.repeat((200 - 25 * (x**2 + y**2) / (384**2 / 2))[..., None], 3, axis=2)
    wall[(x + 77) ** 2 / 3000 + (y + 17) ** 2 / 7000 < 1] = (150, 60, 50)
    wall[58:158, 238:338] = (40, 110, 70)
    image = blurred(eight_bit(wall + np.random.default_rng(0).normal(0, 2, wall.shape)), 1)
    edited = image.copy()
    edited[box[1] : box[3], box[0] : box[2]] = (200, 60, 50)
    made = STYLES["posterised"](edited)
    measured = DriftPipe().measure(image, made, [box], "outer", metric="altered")
    assert measured.value is not None
    assert measured.value < 0.1, measured.details


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee", "rocket"]))
@pytest.mark.parametrize("rows", [200, 230, 260])
@pytest.mark.parametrize("quality", [None, 90])
def test_what_stayed_as_it_was_is_no_such_part(name: str, rows: int, quality: int | None) -> None:
    image = photo(name)
    x1, y1, x2, y2 = box = (100, 20, 180, 60)
    mask = outside(box)
    for part in (image[rows:, :, ::-1], image[rows:] * 0.5 + np.array([127, 45, 80]), 0):
        made = image.copy()
        made[rows:] = part
        made[y1:y2, x1:x2] = (200, 30, 60)
        made = made if quality is None else as_jpeg(made, quality)
        found = find_recoloured(image, made, mask, ~mask)
        assert found is None, found


@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee"]))
def test_a_spill_is_found_though_a_far_part_has_other_colours_too(name: str) -> None:
    image = photo(name)
    made = spilled(image, 32)
    made[260:] = image[260:, :, ::-1]
    found = found_in(image, made)
    assert found is not None
    assert found.box[3] < 230


def test_a_light_that_fades_out_is_no_part() -> None:
    image = photo("astronaut")
    y, x = np.mgrid[:SIZE, :SIZE]
    away = np.hypot(x - 140, y - 125)[..., None]
    assert found_in(image, eight_bit(image + 90 * np.exp(-((away / 70) ** 2)))) is None
    assert found_in(image, eight_bit(image * (1 - 0.6 * (away / 200) ** 2))) is None


def test_a_background_drawn_anew_has_no_such_part() -> None:
    image = photo("cat")
    random = np.random.default_rng(0)
    assert found_in(image, random.permutation(image.reshape(-1, 3)).reshape(image.shape)) is None
    assert found_in(image, photo("coffee")) is None


@pytest.mark.parametrize("name", each_photo(["astronaut", "cat"]))
def test_a_background_that_is_equal_has_none_whether_it_is_looked_for_or_not(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = photo(name)
    assert found_in(image, spilled(image, 0)) is None
    monkeypatch.setattr(recoloured, "equal_within", lambda *_: False)
    assert found_in(image, spilled(image, 0)) is None
    assert found_in(image, spilled(image, 24)) is not None


def test_too_little_or_no_edit_tells_nothing() -> None:
    image = photo("cat")
    everywhere = np.ones((SIZE, SIZE), bool)
    assert find_recoloured(image, spilled(image, 32), everywhere, ~everywhere) is None
    tiny = np.zeros_like(everywhere)
    tiny[:12, :12] = True
    assert find_recoloured(image, tinted(image), tiny, ~tiny) is None
