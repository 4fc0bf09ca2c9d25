"""``edit_lpips``: did the edit happen?"""

from __future__ import annotations

import numpy as np
import pytest

from pytest_editmetrics.errors import InputError

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


@pytest.mark.parametrize("boxes", [[], None, [(300, 0, 400, 50)]])
def test_nothing_inside_is_a_soft_failure(alex, photo, inverted, boxes):
    measured = alex.measure(photo, inverted, boxes, "inner", "edit_lpips")
    assert measured.value is None
    assert measured.soft_failure.reason == "empty-region"


@pytest.mark.parametrize("mask_mode", ["outer", None])
def test_it_measures_inside_only(alex, photo, inverted, mask_mode):
    with pytest.raises(InputError, match="its scope is edit_area"):
        alex(photo, inverted, BOX, mask_mode, "edit_lpips")
