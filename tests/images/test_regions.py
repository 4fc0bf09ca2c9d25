from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_editmetrics.errors import InputError, RegionError
from pytest_editmetrics.images.regions import (
    centre_crop,
    clip_box,
    normalise_boxes,
    patch_coverage,
    region_mask,
)

sides = st.integers(1, 60)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[int, int, int, int]:
    x1, x2 = sorted(draw(st.tuples(st.integers(-30, 90), st.integers(-30, 90))))
    y1, y2 = sorted(draw(st.tuples(st.integers(-30, 90), st.integers(-30, 90))))
    return x1, y1, x2, y2


@given(st.lists(boxes(), max_size=4), sides, sides)
def test_inner_and_outer_are_complements(coords, height, width):
    inner = region_mask(coords, "inner", height, width)
    outer = region_mask(coords, "outer", height, width)
    assert (inner ^ outer).all()
    assert inner.shape == (height, width)


@given(boxes(), sides, sides)
def test_a_mask_holds_exactly_the_pixels_of_its_box(box, height, width):
    x1, y1, x2, y2 = box
    rows, columns = np.mgrid[:height, :width]
    expected = (columns >= x1) & (columns < x2) & (rows >= y1) & (rows < y2)
    np.testing.assert_array_equal(region_mask([box], "inner", height, width), expected)


@given(boxes(), sides, sides)
def test_clipping_is_idempotent_and_stays_inside(box, height, width):
    clipped = clip_box(box, width, height)
    if clipped is not None:
        x1, y1, x2, y2 = clipped
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert clip_box(clipped, width, height) == clipped


@given(boxes(), sides, sides)
def test_a_box_outside_is_empty(box, height, width):
    x1, y1, x2, y2 = box
    moved = (x1 + 200, y1, x2 + 200, y2)
    assert clip_box(moved, width, height) is None
    assert not region_mask([moved], "inner", height, width).any()


@given(st.lists(boxes(), max_size=3), st.integers(1, 60))
def test_stretching_and_cropping_agree_on_square_images(coords, side):
    mask = region_mask(coords, "outer", side, side)
    cropped = patch_coverage(mask, 32, 8, centre_crop(32, 32, 32))
    np.testing.assert_array_equal(patch_coverage(mask, 32, 8), cropped)


@given(boxes(), sides, sides, sides)
def test_a_resized_mask_is_its_box_scaled_and_rounded_down(box, height, width, size):
    clipped = clip_box(box, width, height)
    x1, y1, x2, y2 = clipped or (0, 0, 0, 0)
    mask = region_mask([box], "inner", height, width)
    scaled = [x1 * size // width, y1 * size // height, x2 * size // width, y2 * size // height]
    expected = region_mask([scaled], "inner", size, size).astype(float)
    np.testing.assert_array_equal(patch_coverage(mask, size, 1), expected)


def test_no_boxes_and_no_mode():
    for coords in (None, [], (), np.zeros((0, 4))):
        assert region_mask(coords, "outer", 3, 4).all()
        assert not region_mask(coords, "inner", 3, 4).any()
    assert region_mask([(0, 0, 1, 1)], None, 3, 4).all()


@pytest.mark.parametrize(
    "coords",
    [
        [(1, 2, 3, 4)],
        [[1, 2, 3, 4]],
        np.array([[1, 2, 3, 4]]),
        np.array([[1, 2, 3, 4]], dtype=np.float32),
        torch.tensor([[1, 2, 3, 4]]),
        [torch.tensor([1.0, 2, 3, 4])],
        [[np.int64(1), np.float32(2), torch.tensor(3), 4]],
        iter([(1, 2, 3, 4)]),
        [(1.2, 2.9, 2.1, 3.5)],
    ],
)
def test_boxes_of_every_kind_become_integers(coords):
    normalised = normalise_boxes(coords)
    assert normalised == [(1, 2, 3, 4)]
    assert all(type(value) is int for value in normalised[0])


def test_a_corner_pixel_and_an_empty_box_are_no_fractions():
    assert normalise_boxes([(0, 0, 1, 1), (0.0, 0.0, 0.0, 0.0)]) == [(0, 0, 1, 1), (0, 0, 0, 0)]
    assert normalise_boxes([(0.0, 0.0, 2.0, 1.0), (-0.5, 0, 1, 1)]) == [(0, 0, 2, 1), (-1, 0, 1, 1)]


@pytest.mark.parametrize(
    ("coords", "says"),
    [
        ([(0, 0, 5, 5), (0, 0, 5)], "box 2 .* is not four numbers"),
        ([[(6, 9), (19, 9), (19, 20)]], r"a polygon is a flat list, \[x1, y1, x2, y2, x3, y3"),
        ([(0, 0, 5, float("nan"))], "NaN"),
        ([(0, 0, float("inf"), 5)], "infinity"),
        ([(5, 0, 2, 5)], r"box 1 \(5, 0, 2, 5\) is inverted.*width, height"),
        ([(0, 5, 5, 2)], "inverted"),
        ([(0.1, 0.2, 0.5, 0.9)], "fractions of the image.*pixels"),
        ([(0.0, 0.0, 1.0, 1.0)], "fractions"),
        ([(0.0, 0.0, 1, 0.5)], "fractions"),
        ([("1", 2, 3, 4)], "not four numbers"),
        ([(True, 2, 3, 4)], "not four numbers"),
        ([None], "box 1 None"),
        (["1234"], "box 1 '1234'"),
        ([(1, 2, 3, 4 + 0j)], "not four numbers"),
        ([{1: 2}], "not four numbers"),
        ((1, 2, 3, 4), r"one box; write a list of boxes: \[\[1, 2, 3, 4\]\]"),
        (np.array([1, 2, 3, 4]), "one box"),
        ("1,2,3,4", "not a list"),
        ({"size": [4, 4], "counts": [16]}, "not a list"),
        (5, "not a list"),
    ],
)
def test_what_is_no_box_is_an_error_that_names_it(coords, says):
    with pytest.raises(RegionError, match=rf"^coords: .*{says}"):
        normalise_boxes(coords)


def test_the_error_calls_boxes_what_the_caller_does():
    with pytest.raises(RegionError, match=r"^edited_boxes: box 1"):
        normalise_boxes([(9, 9, 1, 1)], "edited_boxes")


def test_a_misspelt_mask_mode_is_an_error():
    with pytest.raises(InputError, match="did you mean 'inner'"):
        region_mask([], "iner", 2, 2)


def test_coverage_is_the_share_of_each_patch():
    mask = region_mask([(0, 0, 3, 8)], "inner", 8, 8)
    np.testing.assert_allclose(patch_coverage(mask, 8, 4), [[0.75, 0], [0.75, 0]])


def test_a_wide_image_stretched_and_cropped():
    mask = region_mask([(0, 0, 25, 100)], "inner", 100, 200)
    assert patch_coverage(mask, 8, 2)[0].tolist() == [0.5, 0, 0, 0]
    assert not patch_coverage(mask, 8, 2, centre_crop(8, 16, 8)).any()


def test_padding_is_not_measured():
    mask = np.ones((4, 8), bool)
    coverage = patch_coverage(mask, 8, 2, centre_crop(4, 8, 8))
    assert coverage.tolist() == [[0] * 4, [1] * 4, [1] * 4, [0] * 4]
    half = patch_coverage(mask, 8, 4, centre_crop(3, 12, 8))
    assert half.tolist() == [[0.5] * 2, [0.25] * 2]


def test_an_input_that_patches_do_not_fill_loses_its_rest():
    assert patch_coverage(np.ones((5, 5), bool), 10, 4).tolist() == [[1, 1], [1, 1]]


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 64))
def test_the_crop_is_the_middle(height, width, size):
    _, _, top, left = centre_crop(height, width, size)
    for edge, start in ((height, top), (width, left)):
        before, after = start, edge - size - start
        assert (before >= 0) == (edge >= size) or before == 0
        assert abs(before - after) <= 1


def test_the_crop_of_what_is_known():
    assert centre_crop(50, 100, 50) == (50, 100, 0, 25)
    assert centre_crop(75, 50, 50) == (75, 50, 12, 0)
    assert centre_crop(96, 64, 50) == (96, 64, 23, 7)
    assert centre_crop(19, 19, 16) == (19, 19, 1, 1)
    assert centre_crop(13, 40, 16) == (13, 40, -1, 12)
