"""A JPEG whose blocks begin elsewhere than at the corner: it was padded before, or cropped after."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, as_jpeg, each_photo, eight_bit, square_photo
from parameters import first_of

from pytest_editmetrics.background.diagnosis import diagnose

PHOTOS = ["astronaut", "cat", "coffee", "rocket"]
BOX = np.s_[70:130, 60:140]


def saved_off_grid(picture: Picture, quality: int, across: int, down: int) -> Picture:
    size = len(picture)
    padded = np.pad(picture, ((down, 8), (across, 8), (0, 0)), mode="edge")
    return np.ascontiguousarray(as_jpeg(padded, quality)[down:, across:][:size, :size])


def edited(picture: Picture) -> Picture:
    made = picture.copy()
    made[BOX] = 255 - picture[BOX][::-1]
    return made


def beside_edit(picture: Picture) -> Picture:
    mask = np.ones(picture.shape[:2], bool)
    mask[BOX] = False
    return mask


@pytest.mark.parametrize("saved", first_of(1, [(85, 3, 5), (96, 4, 4), (60, 0, 1), (40, 7, 2)]))
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_it_is_one_with_its_quality_and_where_its_blocks_begin(name, saved):
    quality, across, down = saved
    picture = square_photo(name, 256)
    made = saved_off_grid(edited(picture), quality, across, down)
    (cause,) = diagnose(picture, made, beside_edit(picture)).causes
    assert (cause.kind, cause.facts["quality"]) == ("jpeg", quality)
    assert cause.facts["grid"] == [-across % 8, -down % 8]
    assert f"begin at {-across % 8}, {-down % 8}" in cause.in_full


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_so_is_one_that_was_padded_to_a_square(name):
    picture = square_photo(name, 288)[:220]
    square = np.zeros((288, 288, 3), np.uint8)
    square[34:254] = edited(picture)
    made = np.ascontiguousarray(as_jpeg(square, 80)[34:254])
    cause = diagnose(picture, made, beside_edit(picture)).causes[0]
    assert (cause.kind, cause.facts["quality"], cause.facts["grid"]) == ("jpeg", 80, [0, 6])
    assert cause.share > 0.9


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_what_happened_to_a_reference_that_is_one_is_told(name):
    """Its blocks are no fault of the edit, which only changed what they hold."""
    picture = saved_off_grid(square_photo(name, 256), 75, 3, 5)
    noisy = picture + np.random.default_rng(0).normal(0, 4, picture.shape)
    for made in (eight_bit(noisy), eight_bit(picture * 0.9)):
        kinds = [cause.kind for cause in diagnose(picture, made, beside_edit(picture)).causes]
        assert "jpeg" not in kinds
