"""``edit_lpips`` and ``edit_ratio``: did the edit happen?"""

from __future__ import annotations

import numpy as np
import pytest

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.pipes.pixels import PixelPipe

BOX = [(40, 60, 150, 170)]


@pytest.fixture(scope="module")
def inverted(photo: np.ndarray) -> np.ndarray:
    """The photo with the inside of the box inverted."""
    edited = photo.copy()
    edited[60:170, 40:150] = 255 - edited[60:170, 40:150]
    return edited


def test_it_is_lpips_inside_the_boxes(alex, photo, inverted):
    edit = alex.measure(photo, inverted, BOX, "inner", "edit_lpips")
    inside = alex.measure(photo, inverted, BOX, "inner", "lpips")
    assert edit.value == inside.value > 0.1
    assert (edit.metric, edit.scope) == ("edit_lpips", "edit_area")
    assert edit.details == inside.details


def test_a_no_op_scores_zero_whatever_happens_outside(alex, photo):
    assert alex(photo, photo, BOX, "inner", "edit_lpips") == 0
    spilled = photo.copy()
    spilled[200:, :] = 0
    assert alex(photo, spilled, BOX, "inner", "edit_lpips") == 0


def rewritten(image: np.ndarray, sigma: float = 6) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).round().astype(np.uint8)


def test_the_ratio_is_inside_over_outside(alex, photo, inverted):
    made = rewritten(inverted)
    measured = alex.measure(photo, made, BOX, "inner", "edit_ratio")
    inside = alex(photo, made, BOX, "inner", "lpips")
    outside = alex(photo, made, BOX, "outer", "lpips")
    tones = [PixelPipe()(photo, made, BOX, where, "tone_max") for where in ("inner", "outer")]
    of_tone = tones[0] / max(2, tones[1])
    assert measured.value == pytest.approx(min(10, max(inside / outside, of_tone)))
    assert measured.details["tone"] == pytest.approx(tones, abs=1e-3)
    assert measured.value > 3
    assert measured.details["outside"] == pytest.approx(outside)
    assert (measured.metric, measured.scope) == ("edit_ratio", "edit_area")


def test_a_rewriting_without_an_edit_has_a_ratio_about_one(alex, photo, inverted):
    made = rewritten(photo)
    inside = alex(photo, made, BOX, "inner", "lpips")
    outside = alex(photo, made, BOX, "outer", "lpips")
    assert 0.02 < inside < 2 * outside
    found = alex(photo, made, BOX, "inner", "edit_ratio")
    assert found == pytest.approx(max(1, inside / outside))


def test_a_shade_is_an_edit_that_the_ratio_sees_by_its_tone(alex, photo):
    shaded = photo.copy()
    shaded[60:170, 40:150] = (0.7 * shaded[60:170, 40:150]).astype(np.uint8)
    made = rewritten(shaded, 25)
    inside = alex(photo, made, BOX, "inner", "lpips")
    outside = alex(photo, made, BOX, "outer", "lpips")
    found = alex(photo, made, BOX, "inner", "edit_ratio")
    assert inside < 2 * outside
    assert found > 2


def test_the_ends_of_the_ratio(alex, photo, inverted):
    spilled = photo.copy()
    spilled[200:, :] = 0
    for edited, ratio in ((photo, 1), (spilled, 1), (inverted, 10)):
        assert alex(photo, edited, BOX, "inner", "edit_ratio") == ratio


def test_where_all_is_edit_area_there_is_no_ratio(alex, photo, inverted):
    whole = [(0, 0, photo.shape[1], photo.shape[0])]
    measured = alex.measure(photo, inverted, whole, "inner", "edit_ratio")
    assert measured.value is None
    assert measured.soft_failure.message.startswith("all of the image is edit area")


@pytest.mark.parametrize("metric", ["edit_lpips", "edit_ratio"])
@pytest.mark.parametrize("boxes", [[], None, [(300, 0, 400, 50)]])
def test_nothing_inside_is_a_soft_failure(alex, photo, inverted, boxes, metric):
    measured = alex.measure(photo, inverted, boxes, "inner", metric)
    assert measured.value is None
    assert measured.soft_failure.reason == "empty-region"


@pytest.mark.parametrize("metric", ["edit_lpips", "edit_ratio"])
@pytest.mark.parametrize("mask_mode", ["outer", None])
def test_it_measures_inside_only(alex, photo, inverted, mask_mode, metric):
    with pytest.raises(InputError, match=f"{metric} .*its scope is edit_area"):
        alex(photo, inverted, BOX, mask_mode, metric)
