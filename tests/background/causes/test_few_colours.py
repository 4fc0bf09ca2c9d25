"""A picture of few colours went through a palette, or lost bits; what else is of few is not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from altered import Picture, each_photo, square_photo
from PIL import Image, ImageEnhance, ImageOps

from pytest_editmetrics.background.diagnosis import Diagnosis, diagnose

PHOTOS = ("astronaut", "cat", "coffee", "rocket")
NONE, FLOYD = Image.Dither.NONE, Image.Dither.FLOYDSTEINBERG


def told(image: Picture, edited: Picture) -> Diagnosis:
    mask = np.ones(image.shape[:2], bool)
    mask[60:90, 70:100] = False
    return diagnose(image, edited, mask)


def as_gif(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "GIF")
    return Image.open(file)


def of_bits(image: Image.Image, *bits: int) -> Image.Image:
    most = [2**n - 1 for n in bits]
    return Image.fromarray(
        np.uint8(np.round(np.round(np.asarray(image) / 255 * most) / most * 255))
    )


PALETTES = {
    "GIF": as_gif,
    "64": lambda image: image.quantize(64),
    "64 dithered": lambda image: image.quantize(64, palette=image.quantize(64), dither=FLOYD),
    "of the web": lambda image: image.convert("P", palette=Image.Palette.WEB, dither=NONE),
    "16": lambda image: image.quantize(16),
}
LEVELS = {
    "8 levels of each channel (3 bits)": lambda image: ImageOps.posterize(image, 3),
    "3 levels of each channel": lambda image: image.point(
        ([0] * 64 + [128] * 128 + [255] * 64) * 3
    ),
    "64 levels of each channel (6 bits)": lambda image: of_bits(image, 6, 6, 6),
    "a few levels of each channel (32 of red, 64 of green, 32 of blue)": lambda image: of_bits(
        image, 5, 6, 5
    ),
}


@pytest.mark.quick(2)
@pytest.mark.parametrize("made", PALETTES)
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_palette_is_named_and_nothing_else(name, made):
    image = square_photo(name, 192)
    (cause,) = told(image, through(image, PALETTES[made])).causes
    assert cause.kind == "few colours"
    assert "colours: saved through a palette (GIF?)" in cause.text or made == "of the web"


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_so_are_levels(name, levels):
    image = square_photo(name, 192)
    (cause,) = told(image, through(image, LEVELS[levels])).causes
    assert cause.text == f"only {levels}"


def test_what_changed_before_it_was_saved_is_told_as_well():
    image = square_photo("astronaut", 192)
    edited = image.copy()
    edited[120:160, 130:170] = edited[120:160, 130:170][::-1] // 2 + 100
    first, *others = told(image, through(edited, as_gif)).causes
    assert first.kind == "spill"
    assert {cause.kind for cause in others} <= {"few colours"}
    assert np.abs(np.subtract(first.facts["boxes"][0], (130, 120, 170, 160))).max() <= 8


TONES = {
    "colour": lambda image: image + np.float64([9, 0, -8]),
    "exposure": lambda image: image * 0.85,
}


@pytest.mark.quick(1)
@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_tone_that_came_before_the_palette_is_told_beside_it(name, tone):
    image = square_photo(name, 192)
    toned = np.uint8(np.clip(np.round(TONES[tone](image.astype(float))), 0, 255))
    causes = told(image, through(toned, lambda one: one.quantize(64))).causes
    assert tone in {cause.kind for cause in causes}
    same = told(toned, through(toned, lambda one: one.quantize(64))).causes
    assert [cause.kind for cause in same] == ["few colours"]


OTHERS = {
    "grey": lambda image: image.convert("L"),
    "sepia": lambda image: ImageOps.colorize(image.convert("L"), "#201000", "#fff0c0"),
    "contrast": lambda image: image.point(lambda level: 5 * level - 500),
    "black": lambda image: Image.new("RGB", image.size),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_what_is_of_few_colours_otherwise_is_not_called_so(name, other):
    image = square_photo(name, 192)
    causes = told(image, through(image, OTHERS[other])).causes
    assert "few colours" not in {cause.kind for cause in causes}


def through(image: Picture, change) -> Picture:
    return np.asarray(change(Image.fromarray(image)).convert("RGB"))


MIXES = {
    "saturation": lambda image: ImageEnhance.Color(image).enhance(0.4),
    "hue": lambda image: turned(image, 30),
}


def turned(image: Image.Image, degrees: int) -> Image.Image:
    hue, *others = image.convert("HSV").split()
    hue = hue.point([(level + round(degrees / 360 * 256)) % 256 for level in range(256)])
    return Image.merge("HSV", (hue, *others)).convert("RGB")


@pytest.mark.quick(2)
@pytest.mark.parametrize("colours", [128, 256])
@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("name", each_photo(("astronaut", "cat", "coffee")))
def test_a_mix_of_channels_that_came_before_the_palette_is_told_beside_it(name, mix, colours):
    """No palette's colours are another mix of what they stand for: they are the means of that."""
    image = square_photo(name, 192)
    mixed = through(image, MIXES[mix])
    causes = told(image, through(mixed, lambda one: one.quantize(colours))).causes
    assert causes[0].kind == "colours mixed"
    assert {cause.kind for cause in causes} <= {"colours mixed", "few colours"}
