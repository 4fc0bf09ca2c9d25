from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_editmetrics.background.faults import EXCHANGED, FAULTS, exchanged

WHOLE = [name for name in FAULTS["background"] if name not in ("spill", "gone")]
STRENGTHS = [
    pytest.param(place, name, id=f"{place}-{name}")
    for place, faults in FAULTS.items()
    for name in faults
]


def scene(seed: int = 0, height: int = 96, width: int = 120):
    random = np.random.default_rng(seed)
    reference = random.integers(40, 200, (height, width, 3), dtype=np.uint8)
    inside = np.zeros((height, width), bool)
    inside[10:40, 20:60] = True
    edited = np.where(inside[..., None], 255 - reference, reference)
    return reference, edited, inside


@pytest.mark.parametrize("name", WHOLE)
def test_a_fault_of_the_background_spares_the_edit(name):
    reference, edited, inside = scene()
    fault = FAULTS["background"][name]
    made = fault.put(edited, reference, ~inside, fault.strengths[0])
    assert made.dtype == np.uint8
    assert (made[inside] == edited[inside]).all()
    assert (made[~inside] != edited[~inside]).any()


@pytest.mark.parametrize(("place", "name"), STRENGTHS)
def test_a_stronger_fault_changes_more(place, name):
    """Every fault differs from the image, and each strength by more than the one before."""
    other = np.random.default_rng(1).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    fault = exchanged(other) if name == EXCHANGED else FAULTS[place][name]
    y, x = np.mgrid[:128, :160]
    reference = np.stack([40 + x, 60 + y, 200 - x], axis=2).astype(np.uint8)
    reference[::6] -= 30
    reference[40:, 80:] = 255 - reference[40:, 80:]
    where = np.zeros((128, 160), bool)
    where[20:100, 30:130] = True
    edited = np.where(where[..., None], np.roll(reference, 9, axis=0), reference)
    by = []
    for strength in fault.strengths:
        made = fault.put(edited, reference, where, strength)
        assert made is not None
        assert made.shape == edited.shape
        assert made.dtype == np.uint8
        by.append(np.abs(made.astype(float) - edited).sum())
    assert by == sorted(by)
    assert len(set(by)) == len(by)


def test_faults_of_one_name_are_the_same():
    named = {}
    for faults in FAULTS.values():
        for name, fault in faults.items():
            assert named.setdefault(name, fault) is fault


def test_an_exchanged_edit_lies_in_the_edit_area_alone():
    reference, edited, inside = scene()
    other = np.full((7, 9, 3), (1, 2, 3), np.uint8)
    made = exchanged(other).put(edited, reference, inside, 1)
    assert (made[inside] == (1, 2, 3)).all()
    assert (made[~inside] == edited[~inside]).all()
    assert FAULTS["wrong"][EXCHANGED].put(edited, reference, inside, 1) is None


def test_an_undone_edit_is_the_reference():
    reference, edited, inside = scene()
    assert (FAULTS["edit"]["edit-undone"].put(edited, reference, inside, 1) == reference).all()


# of 120 columns at least 32 stay free on one side of the hole
@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 57), st.integers(1, 60))
@example(31, 5, 57, 60)
def test_a_spill_is_a_square_outside_the_edit(x, y, width, height):
    reference, edited, _ = scene()
    inside = np.zeros(reference.shape[:2], bool)
    inside[y : y + height, x : x + width] = True
    made = FAULTS["background"]["spill"].put(edited, reference, ~inside, 32)
    assert made is not None
    changed = (made != edited).any(axis=2)
    assert changed.sum() == 32**2
    assert not (changed & inside).any()
    rows, columns = np.nonzero(changed)
    assert np.ptp(rows) == np.ptp(columns) == 31
    assert (np.abs(made.astype(int) - edited)[changed] == 64).all()


@pytest.mark.parametrize(("x", "third"), [(0, 1), (40, 0), (80, 0)])
def test_a_part_that_moved_is_a_third_of_the_background(x, third):
    """The largest of three; of the same size the first."""
    reference, edited, _ = scene()
    inside = np.zeros(reference.shape[:2], bool)
    inside[10:80, x : x + 40] = True
    made = FAULTS["background"]["part-moved"].put(edited, reference, ~inside, 2)
    part = np.s_[:, third * 40 : third * 40 + 40]
    moved = np.concatenate([edited[:1], edited[:1], edited[:-2]])
    assert (made[part] == moved[part]).all()
    assert (made == edited).all(axis=2).sum() >= 2 * 40 * 96


def test_the_square_of_a_whole_image_lies_in_its_middle():
    reference, edited, inside = scene()
    made = FAULTS["image"]["square"].put(edited, reference, np.ones_like(inside), 32)
    rows, columns = np.nonzero((made != edited).any(axis=2))
    assert 31 <= rows.min() <= rows.max() <= 64
    assert 31 <= columns.min() <= columns.max() <= 120 - 32


@pytest.mark.parametrize(("height", "width"), [(31, 90), (90, 31), (48, 48)])
def test_a_spill_that_finds_no_room_is_none(height, width):
    reference = np.zeros((height, width, 3), np.uint8)
    inside = np.zeros((height, width), bool)
    inside[16:32, 16:32] = True
    assert FAULTS["background"]["spill"].put(reference, reference, ~inside, 32) is None


def test_there_is_no_fault_where_nothing_is():
    reference, edited, inside = scene()
    for faults in FAULTS.values():
        for fault in faults.values():
            nowhere = np.zeros_like(inside)
            assert fault.put(edited, reference, nowhere, fault.strengths[-1]) is None


@pytest.mark.parametrize("name", FAULTS["objects"])
def test_a_fault_of_an_object_stays_about_its_box(name):
    reference, edited, inside = scene()
    fault = FAULTS["objects"][name]
    made = fault.put(edited, reference, inside, fault.strengths[-1])
    changed = (made != edited).any(axis=2)
    assert changed[inside].any()
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 10
    assert rows.max() < 40
    assert columns.min() >= 20
    assert columns.max() < (80 if name == "object-moved" else 60)


def test_a_removed_object_leaves_what_is_around_it():
    picture = np.full((90, 90, 3), (50, 90, 120), np.uint8)
    where = np.zeros((90, 90), bool)
    where[30:60, 30:60] = True
    edited = np.where(where[..., None], 255, picture).astype(np.uint8)
    assert (FAULTS["objects"]["object-removed"].put(edited, picture, where, 1) == picture).all()


def test_objects_that_fill_the_image_are_not_removed_or_moved():
    reference, edited, inside = scene()
    everywhere = np.ones_like(inside)
    faults = FAULTS["objects"]
    assert faults["object-removed"].put(edited, reference, everywhere, 1) is None
    assert faults["object-moved"].put(edited, reference, everywhere, 50) is None
    assert faults["object-replaced"].put(edited, reference, everywhere, 1) is not None
    assert faults["object-recoloured"].put(edited, reference, everywhere, 100) is not None
