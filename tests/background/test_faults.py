from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_editmetrics.background.faults import FAULTS, SPILL

OUTSIDE = [name for name in FAULTS if name not in ("edit-undone", "spill-32px")]


def scene(seed: int = 0, height: int = 96, width: int = 120):
    random = np.random.default_rng(seed)
    reference = random.integers(40, 200, (height, width, 3), dtype=np.uint8)
    inside = np.zeros((height, width), bool)
    inside[10:40, 20:60] = True
    edited = np.where(inside[..., None], 255 - reference, reference)
    return reference, edited, inside


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_fault_of_the_background_spares_the_edit(name):
    reference, edited, inside = scene()
    made = FAULTS[name].make(reference, edited, inside)
    assert made.dtype == np.uint8
    assert (made[inside] == edited[inside]).all()
    assert (made[~inside] != edited[~inside]).any()


def test_an_undone_edit_is_the_reference():
    reference, edited, inside = scene()
    assert (FAULTS["edit-undone"].make(reference, edited, inside) == reference).all()


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 60), st.integers(1, 60))
def test_a_spill_is_a_square_outside_the_edit(x, y, width, height):
    reference, edited, _ = scene()
    inside = np.zeros(reference.shape[:2], bool)
    inside[y : y + height, x : x + width] = True
    made = FAULTS["spill-32px"].make(reference, edited, inside)
    assert made is not None
    changed = (made != edited).any(axis=2)
    assert changed.sum() == SPILL**2
    assert not (changed & inside).any()
    rows, columns = np.nonzero(changed)
    assert np.ptp(rows) == np.ptp(columns) == SPILL - 1
    assert (np.abs(made.astype(int) - edited)[changed] == 64).all()


@pytest.mark.parametrize(("height", "width"), [(31, 90), (90, 31), (48, 48)])
def test_a_spill_that_finds_no_room_is_none(height, width):
    reference = np.zeros((height, width, 3), np.uint8)
    inside = np.zeros((height, width), bool)
    inside[16:32, 16:32] = True
    assert FAULTS["spill-32px"].make(reference, reference, inside) is None


def test_there_is_no_background_fault_where_all_was_to_be_edited():
    reference, edited, inside = scene()
    for name in OUTSIDE:
        assert FAULTS[name].make(reference, edited, np.ones_like(inside)) is None
    assert FAULTS["edit-undone"].make(reference, edited, np.zeros_like(inside)) is None
