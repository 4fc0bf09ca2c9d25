"""A part that is drawn as it was, and became darker, lighter or of other colours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from altered import Picture, as_jpeg, each_photo, eight_bit, square_photo
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.background.altered import find_altered
from pytest_editmetrics.background.diagnosis import diagnose
from pytest_editmetrics.background.differences import planes
from pytest_editmetrics.background.part_tone import PartTone, part_tone

EDGE = 288
NAMES = ("coffee", "astronaut", "cat", "rocket")
Floats = NDArray[np.float64]


def disc() -> NDArray[np.bool_]:
    down, across = np.mgrid[:EDGE, :EDGE]
    return np.hypot((down - 180) / 70, (across - 170) / 60) < 1


def outside() -> NDArray[np.bool_]:
    mask = np.ones((EDGE, EDGE), np.bool_)
    mask[:60, :60] = False
    return mask


def changed(image: Picture, change: Callable[[Floats], Floats], rim: float) -> Picture:
    weight = gaussian_filter(disc().astype(float), rim)[..., None] if rim else disc()[..., None]
    plain = image.astype(float)
    made = eight_bit(plain + (change(plain) - plain) * weight)
    made[:60, :60] = 255 - made[:60, :60]
    return made


def told(image: Picture, made: Picture) -> str:
    return next(one.text for one in diagnose(image, made, outside()).causes if one.kind == "spill")


@pytest.mark.quick(2)
@pytest.mark.parametrize("rim", [0, 5])
@pytest.mark.parametrize("gain", [0.6, 0.85, 1.3])
@pytest.mark.parametrize("name", each_photo(NAMES))
def test_an_object_that_became_darker_is_said_to_have(name: str, gain: float, rim: float) -> None:
    image = eight_bit(square_photo(name, EDGE) * 0.75)
    made = changed(image, lambda plain: plain * gain, rim)
    by = round(100 * abs(gain - 1))
    way = "darker" if gain < 1 else "lighter"
    said = [f"became {by + off} % {way}" for off in (-1, 0, 1)]
    assert told(image, made).endswith(tuple(said))
    assert told(image, as_jpeg(made, 90)).endswith(tuple(said))


@pytest.mark.parametrize("name", each_photo(["coffee", "astronaut", "cat"]))
def test_one_of_another_hue_has_other_colours(name: str) -> None:
    image = square_photo(name, EDGE)
    made = changed(image, lambda plain: plain[..., [1, 2, 0]], 0)
    assert told(image, made).endswith(" has other colours")


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", each_photo(["coffee", "astronaut", "cat"]))
@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain[:, ::-1] * 0.7,
        lambda plain: np.roll(plain, 9, 1) * 0.7,
        lambda plain: gaussian_filter(plain, (4, 4, 0)) * 0.7,
        lambda plain: np.full_like(plain, plain[disc()].mean() * 0.7),
        lambda plain: 255 - plain,
        lambda plain: plain + np.random.default_rng(0).normal(0, 20, plain.shape),
    ],
    ids=["flipped", "moved", "blurred", "flat", "inverted", "noisy"],
)
def test_what_is_drawn_otherwise_is_none(name: str, change: Callable[[Floats], Floats]) -> None:
    image = square_photo(name, EDGE)
    made = changed(image, change, 0)
    part = disc() & (np.abs(made.astype(int) - image).max(axis=2) > 3)
    assert part_tone(planes(image), planes(made), part) is None
    assert " became " not in told(image, made)
    found = find_altered(image, made, outside())
    assert found is not None
    assert found.kind not in ("darker", "lighter", "recoloured")


@pytest.mark.parametrize("tone", [1.0, 0.9])
@pytest.mark.parametrize("name", each_photo(["astronaut", "coffee"]))
def test_altered_calls_it_neither_new_nor_replaced(name: str, tone: float) -> None:
    image = square_photo(name, EDGE)
    made = eight_bit(changed(image, lambda plain: plain * 0.6, 0) * tone)
    found = find_altered(image, as_jpeg(made, 90), outside())
    assert found is not None
    assert found.share > 0.001
    assert found.kind == "darker"
    assert found.by == pytest.approx(40, abs=1)
    assert found.box == pytest.approx((110, 110, 230, 250), abs=8)


def test_a_part_without_pixels_is_none() -> None:
    image = planes(square_photo("coffee", EDGE))
    assert part_tone(image, image, np.zeros((EDGE, EDGE), np.bool_)) is None
    assert PartTone("lighter", 7).text == "became 7 % lighter"
