"""Which pixels a polygon holds: those of its centres, each of them in one of two that abut."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from pytest_editmetrics import Region
from pytest_editmetrics.images import polygons
from pytest_editmetrics.images.polygons import add_polygon, polygon_mask

HEIGHT, WIDTH = 12, 16
# halves lie on pixels' centres and edges, thirds and tenths on neither
grid = st.one_of(
    st.integers(-8, 40).map(lambda n: n / 2),
    st.integers(-12, 60).map(lambda n: n / 3),
    st.integers(-40, 200).map(lambda n: n / 10),
    st.floats(-4, 20),
)
points = st.tuples(grid, grid)


def held(polygon) -> np.ndarray:
    return polygon_mask(tuple(polygon), HEIGHT, WIDTH)


def independent(polygon) -> np.ndarray:
    """Each centre for itself, with fractions: edges that a ray to the right crosses."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    exact = [(Fraction(x), Fraction(y)) for x, y in polygon]
    for row in range(HEIGHT):
        for column in range(WIDTH):
            x, y = column + Fraction(1, 2), row + Fraction(1, 2)
            for (x1, y1), (x2, y2) in pairwise([*exact, exact[0]]):
                if (y1 <= y) != (y2 <= y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
                    mask[row, column] ^= True
    return mask


@given(st.lists(points, min_size=3, max_size=7))
def test_it_is_what_a_ray_from_each_centre_says(polygon):
    assert (held(polygon) == independent(polygon)).all()


@given(st.lists(points, min_size=3, max_size=6))
def test_off_the_edges_it_is_what_skimage_says(polygon):
    shifted = [(x + 0.01734, y + 0.02513) for x, y in polygon]
    wanted = polygon2mask((HEIGHT, WIDTH), [(y - 0.5, x - 0.5) for x, y in shifted])
    touched = np.zeros((HEIGHT, WIDTH), bool)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    for (x1, y1), (x2, y2) in pairwise([*shifted, shifted[0]]):
        length = np.hypot(x2 - x1, y2 - y1) or 1
        along = ((columns - x1) * (x2 - x1) + (rows - y1) * (y2 - y1)) / length**2
        away = np.hypot(
            columns - x1 - along.clip(0, 1) * (x2 - x1), rows - y1 - along.clip(0, 1) * (y2 - y1)
        )
        touched |= away < 1e-6
    assert (held(shifted) == wanted)[~touched].all()


@given(points, points, st.lists(points, min_size=1, max_size=3), st.lists(points, min_size=1, max_size=3))  # fmt: skip
def test_a_shared_edge_gives_each_centre_to_one(a, b, left, right):
    """Whatever the two polygons are: together they are the even-odd union of both outlines."""
    one, other = [a, b, *left], [b, a, *right]
    joined = [b, *left, a, *right]
    assert ((held(one) ^ held(other)) == held(joined)).all()


@given(st.lists(points, min_size=2, max_size=6, unique=True))
def test_a_cut_of_a_box_partitions_its_pixels(cut):
    """Two polygons on both sides of a path from the left of the box to its right."""
    inner = sorted(((min(max(x, 0), WIDTH), min(max(y, 0), HEIGHT)) for x, y in cut))
    path = [(0, inner[0][1]), *inner, (WIDTH, inner[-1][1])]
    above = held([(0, 0), *path, (WIDTH, 0)])
    below = held([(0, HEIGHT), *path, (WIDTH, HEIGHT)])
    assert not (above & below).any()
    assert (above | below).all()


@given(points, st.lists(points, min_size=3, max_size=3), st.data())
def test_a_fan_of_triangles_partitions_theirs(middle, corners, data):
    """Triangles that meet in a point, one of them cut by a point on its outer edge."""
    third = data.draw(st.integers(0, 2))
    a, b = corners[third], corners[(third + 1) % 3]
    split = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    ring = [*corners[: third + 1], split, *corners[third + 1 :]]
    parts = [held([middle, p, q]) for p, q in pairwise([*ring, ring[0]])]
    assert (np.bitwise_xor.reduce(parts) == held(ring)).all()


@pytest.mark.parametrize(
    ("cut", "above"),
    [
        ([(0, 2.5), (6, 2.5)], 2),
        ([(0, 0.5), (6, 0.5)], 0),
        ([(0, 3), (6, 3)], 3),
    ],
)
def test_a_level_edge_through_centres_belongs_to_what_lies_below(cut, above):
    upper = polygon_mask(((0, 0), *cut, (6, 0)), 6, 6)
    lower = polygon_mask(((0, 6), *cut, (6, 6)), 6, 6)
    assert upper.sum() == 6 * above
    assert (upper ^ lower).all()


def test_a_diagonal_through_centres_belongs_to_one_side():
    upper = polygon_mask(((0, 0), (6, 0), (6, 6)), 6, 6)
    lower = polygon_mask(((0, 0), (0, 6), (6, 6)), 6, 6)
    assert (upper ^ lower).all()
    assert upper.diagonal().all()


def test_regions_of_abutting_polygons_leave_and_take_no_pixel_twice():
    one = Region(polygons=[[(0, 0), (12.5, 0), (12.5, 24), (0, 24)]]).inside(24, 32)
    other = Region(polygons=[[(12.5, 0), (32, 0), (32, 24), (12.5, 24)]]).inside(24, 32)
    assert (one ^ other).all()


@pytest.mark.parametrize("far", [1e7, 1e12, 1e300])
def test_points_far_away_are_no_trouble(far):
    assert polygon_mask(((-far, -far), (far, -far), (far, far), (-far, far)), 3, 4).all()
    half = polygon_mask(((-far, -far), (far, -far), (far, far)), 6, 6)
    assert (half == (np.arange(6) >= np.arange(6)[:, None])).all()


def test_a_part_of_the_plane_is_what_is_cut_out_of_a_larger_one():
    shape = ((1.5, 0.5), (9.5, 3), (4, 11.5))
    whole = np.zeros((20, 20), bool)
    add_polygon(whole, shape, -4, -4)
    assert (whole[4:, 4:] == polygon_mask(shape, 16, 16)).all()


def test_a_polygon_costs_its_own_extent_and_not_that_of_the_image(monkeypatch):
    sizes, filled = [], polygons._filled
    monkeypatch.setattr(
        polygons, "_filled", lambda *args: sizes.append(args[1] * args[2]) or filled(*args)
    )
    mask = np.zeros((4000, 4000), bool)
    add_polygon(mask, ((100.5, 200), (120, 200), (109, 220.5)))
    add_polygon(mask, ((-30, -30), (-10, -30), (-10, -10)))
    assert len(sizes) == 1
    assert sizes[0] < 1000
    assert (
        mask[150:250, 50:150] == polygon_mask(((50.5, 50), (70, 50), (59, 70.5)), 100, 100)
    ).all()
    assert mask.sum() == mask[150:250, 50:150].sum()
