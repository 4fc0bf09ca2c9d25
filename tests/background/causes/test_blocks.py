"""JPEG is told by the lines of its grid alone: what was resized has steps there, too."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, as_jpeg, blurred, each_photo, eight_bit, square_photo
from parameters import first_of
from PIL import Image

from pytest_editmetrics.background.diagnosis import diagnose

PHOTOS = ["astronaut", "cat", "coffee"]
WHOLE = np.ones((384, 384), bool)


def photo(name: str) -> Picture:
    return square_photo(name, 384)


def kinds(before: Picture, after: Picture) -> list[str]:
    return [cause.kind for cause in diagnose(before, after, WHOLE).causes]


def resized(
    image: Picture, eighths: float, how: Image.Resampling = Image.Resampling.BICUBIC
) -> Picture:
    edge = round(len(image) * eighths / 8)
    small = Image.fromarray(image).resize((edge, edge), how)
    return np.asarray(small.resize((len(image),) * 2, how))


@pytest.mark.quick(1)
@pytest.mark.parametrize("how", [Image.Resampling.BICUBIC, Image.Resampling.BILINEAR])
@pytest.mark.parametrize("eighths", [2, 4, 5, 6, 7])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_picture_that_was_smaller_in_between_is_blurred_or_resized(name, eighths, how):
    causes = diagnose(photo(name), resized(photo(name), eighths, how), WHOLE).causes
    assert "jpeg" not in {cause.kind for cause in causes}
    if causes[0].kind == "resampled":
        assert causes[0].facts["size"] == [48 * eighths] * 2
    else:
        assert causes[0].kind == "blur" or eighths == 7  # may leave 90 % of the fine detail


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_neither_are_lines_drawn_every_eight_pixels_a_jpeg(name):
    made = photo(name).astype(float)
    made[::8] += 6
    made[:, ::8] += 6
    assert "jpeg" not in kinds(photo(name), eight_bit(made))


@pytest.mark.quick(2)
@pytest.mark.parametrize("by", [4, 8, 16])
@pytest.mark.parametrize("edge", [32, 64, 128])
@pytest.mark.parametrize("name", each_photo([*PHOTOS, "rocket"]))
def test_nor_are_tiles_of_many_pixels_that_are_lighter_or_darker(name, edge, by):
    light = np.random.default_rng(0).uniform(-by, by, (384 // edge, 384 // edge))
    made = photo(name) + np.kron(light, np.ones((edge, edge)))[..., None]
    assert "jpeg" not in kinds(photo(name), eight_bit(made))


@pytest.mark.parametrize("name", each_photo([*PHOTOS, "rocket"]))
def test_a_jpeg_is_one_in_a_corner(name):
    mask = np.zeros((384, 384), bool)
    mask[270:, :150] = True
    causes = diagnose(photo(name), as_jpeg(photo(name), 50), mask).causes
    assert [cause.kind for cause in causes] == ["jpeg"]


@pytest.mark.quick(2)
@pytest.mark.parametrize("quality", [90, 80, 60, 40, 20])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_jpeg_is_one_at_any_quality(name, quality):
    assert "jpeg" in kinds(photo(name), as_jpeg(photo(name), quality))


@pytest.mark.quick(2)
@pytest.mark.parametrize("eighths", [7, 7.2, 12, 16])
@pytest.mark.parametrize("quality", [60, 40, 20])
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_so_is_one_that_was_resized_and_back(name, quality, eighths):
    assert "jpeg" in kinds(photo(name), resized(as_jpeg(photo(name), quality), eighths))


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_so_is_one_of_a_picture_that_was_resized(name):
    before = resized(photo(name), 6)
    assert "jpeg" in kinds(before, as_jpeg(before, 60))


SOFTENINGS = {
    "none": lambda image: image,
    "blur": lambda image: blurred(image, 1.2),
    "half": lambda image: resized(image, 4),
    "darker": lambda image: eight_bit(image * 0.9),
}


@pytest.mark.quick(2)
@pytest.mark.parametrize("softened", SOFTENINGS)
@pytest.mark.parametrize("quality", first_of(2, [90, 40, 75, 20]))
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_its_quality_is_that_of_the_file_whatever_was_done_before(name, quality, softened):
    before = photo(name)
    after = as_jpeg(SOFTENINGS[softened](before), quality)
    causes = {cause.kind: cause for cause in diagnose(before, after, WHOLE).causes}
    if "jpeg" in causes:
        assert causes["jpeg"].facts["quality"] == quality
    if softened == "none":
        assert list(causes) == ["jpeg"]
        assert causes["jpeg"].share > 0.9
    elif quality > 20:
        first = "exposure" if softened == "darker" else "blur"
        assert causes[first].share > 0.3


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_softening_before_it_has_its_own_share(name):
    before = photo(name)
    soft = blurred(before, 1.2)
    after = as_jpeg(soft, 40)
    causes = {cause.kind: cause.share for cause in diagnose(before, after, WHOLE).causes}
    was, now = (((one.astype(float) - soft) ** 2).mean() for one in (before, after))
    assert causes["blur"] / causes["jpeg"] == pytest.approx(was / now, rel=0.35)
    assert sum(causes.values()) == pytest.approx(1, abs=0.06)
