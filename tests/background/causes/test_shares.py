"""Shares of a local change beside a tone or a motion: they add up, and nothing is unexplained."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, each_photo, eight_bit, square_photo

from pytest_editmetrics.background.diagnosis import diagnose
from pytest_editmetrics.images.load import Array

PHOTOS = ("astronaut", "cat", "coffee", "rocket")
CORNER = (slice(0, 60), slice(0, 120))


def shares(before: Array, after: Array) -> dict[str, float]:
    causes = diagnose(before, after, np.ones(before.shape[:2], bool)).causes
    return {cause.kind: cause.share for cause in causes}


def of_corner(before: Picture, after: Picture) -> float:
    squares = (before.astype(float) - after) ** 2
    return float(squares[CORNER].sum() / squares.sum())


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", each_photo(PHOTOS))
@pytest.mark.parametrize(("gain", "offset", "level"), [(0.7, 60, 255), (0.85, 0, 0), (0.7, 0, 0)])
def test_what_was_covered_is_of_the_cover_alone(name, gain, offset, level):
    before = square_photo(name, 288)
    after = eight_bit(before * gain + offset)
    after[CORNER] = level
    found = shares(before, after)
    assert sum(found.values()) == pytest.approx(1, abs=0.06)
    assert found["spill"] == pytest.approx(of_corner(before, after), abs=0.06)
    assert "unexplained" not in found


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_what_shines_through_has_the_tone_too(name):
    before = square_photo(name, 288)
    stained = before.astype(float)
    stained[CORNER] += (50, -50, 50)
    found = shares(before, eight_bit(stained * 0.7))
    assert sum(found.values()) == pytest.approx(1, abs=0.01)
    assert found["spill"] < 0.16
    assert found["exposure"] > 0.8


def test_what_shines_through_has_the_motion_too():
    before = square_photo("astronaut", 288)
    stained = before.astype(float)
    stained[CORNER] += 40
    found = shares(before, np.roll(eight_bit(stained), 3, axis=1))
    assert found["shift"] > 0.6
    assert sum(found.values()) == pytest.approx(1, abs=0.06)
