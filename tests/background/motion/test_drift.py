from __future__ import annotations

import math
import re

import numpy as np
import pytest
from altered import PHOTOS, as_jpeg, blurred, each_photo, eight_bit, square_photo
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from parameters import first_of
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, map_coordinates, shift

from pytest_editmetrics.background.drift import measure_drift
from pytest_editmetrics.background.motion import Motion, warped
from pytest_editmetrics.pipes.drift.pipe import DriftPipe


def photo(name: str, size: int = 256) -> NDArray[np.uint8]:
    return square_photo(name, size)


def moved(image: NDArray[np.uint8], dx: float, dy: float, zoom: float = 1.0) -> NDArray[np.float64]:
    """Resample an image so that its content moves right by dx and down by dy, about the centre."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(float)
    u, v = x - (width - 1) / 2, y - (height - 1) / 2
    where = [(v - dy) / zoom + (height - 1) / 2, (u - dx) / zoom + (width - 1) / 2]
    return np.stack(
        [
            map_coordinates(image[..., c].astype(float), where, order=3, mode="nearest")
            for c in range(3)
        ],
        axis=2,
    )


def everywhere(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.ones(image.shape[:2], bool)


def noisy(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return eight_bit(values + np.random.default_rng(0).normal(0, 3, values.shape))


CHANGES = {
    "clean": eight_bit,
    "sensor noise": noisy,
    "JPEG 85": lambda values: as_jpeg(eight_bit(values), 85),
    "other colours": lambda values: eight_bit(values * [0.85, 1.0, 0.9] + [12, -6, 3]),
}


@pytest.mark.quick(7)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("length", [0.25, 0.5, 1.0, 2.4, 8.0])
def test_a_known_shift_is_found_to_a_tenth_of_a_pixel(length: float, change: str) -> None:
    reference = photo("astronaut")
    dx, dy = length * math.cos(length), length * math.sin(length)
    edited = CHANGES[change](moved(reference, dx, dy))
    drift = measure_drift(reference, edited, everywhere(reference))
    assert drift.motion is not None
    assert drift.median == pytest.approx((dx, dy), abs=0.1)
    assert (drift.motion.dx, drift.motion.dy) == pytest.approx((dx, dy), abs=0.1)
    assert drift.motion.zoom == pytest.approx(1, abs=0.001)


@pytest.mark.long
@settings(max_examples=15)
@given(st.floats(-8, 8), st.floats(-8, 8), st.integers(0, 999))
def test_any_shift_is_found_beside_an_edit(dx: float, dy: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    reference = photo("cat", 192)
    edited = noisy(moved(reference, dx, dy))
    x, y = random.integers(10, 90, 2)
    edited[y : y + 80, x : x + 90] = random.integers(0, 256, (80, 90, 3))
    mask = everywhere(reference)
    mask[y : y + 80, x : x + 90] = False
    drift = measure_drift(reference, edited, mask)
    assert drift.motion is not None
    assert drift.median == pytest.approx((dx, dy), abs=0.1)


@pytest.mark.parametrize("zoom", [0.98, 0.995, 1.01])
def test_a_zoom_is_told_from_a_shift(zoom: float) -> None:
    reference = photo("astronaut")
    drift = measure_drift(reference, noisy(moved(reference, 0.7, 0, zoom)), everywhere(reference))
    assert drift.motion is not None
    assert drift.motion.zoom == pytest.approx(zoom, abs=0.0005)
    assert (drift.motion.dx, drift.motion.dy) == pytest.approx((0.7, 0), abs=0.1)


def test_equal_images_moved_by_exactly_nothing() -> None:
    reference = photo("rocket")
    drift = measure_drift(reference, reference.copy(), everywhere(reference))
    assert drift.motion == Motion()
    assert {(tile.dx, tile.dy) for tile in drift.measured} == {(0.0, 0.0)}
    assert any(tile.status == "flat" for tile in drift.tiles)


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_a_flat_area_is_not_measured(noise: float) -> None:
    random = np.random.default_rng(0)
    reference = np.full((160, 160, 3), 120, np.uint8)
    edited = eight_bit(120 + random.normal(0, noise, (160, 160, 3))) if noise else reference
    drift = measure_drift(reference, edited, everywhere(reference))
    assert drift.motion is None
    assert {tile.status for tile in drift.tiles} == {"flat"}


def stripes(by: float) -> NDArray[np.uint8]:
    x = np.arange(192) - by
    bump = 128 + 100 * np.exp(-((x - 96) ** 2) / 300) + 20 * np.sin(x / 3)
    return eight_bit(np.broadcast_to(bump[None, :, None], (192, 192, 3)))


def test_stripes_tell_a_shift_across_themselves() -> None:
    still = measure_drift(stripes(0), stripes(0), everywhere(stripes(0)))
    assert (still.median, still.components) == ((0.0, 0.0), 1)
    drift = measure_drift(stripes(0), stripes(3), everywhere(stripes(0)))
    assert drift.median == pytest.approx((3, 0), abs=0.05)
    assert drift.components == 1


def test_texture_that_repeats_tells_the_smallest_shift_and_says_so() -> None:
    y, x = np.mgrid[:192, :192] // 16
    board = np.repeat((((x + y) % 2) * 200 + 20).astype(np.uint8)[..., None], 3, axis=2)
    drift = measure_drift(board, np.roll(board, 3, axis=1), everywhere(board))
    assert drift.ambiguous
    assert drift.median == pytest.approx((3, 0), abs=0.1)
    assert not measure_drift(photo("cat"), photo("cat"), everywhere(photo("cat"))).ambiguous


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "motion",
    first_of(
        6,
        [
            Motion.similar(60, 45),
            Motion.similar(5, -8, rotation=110, zoom=0.9),
            Motion.similar(zoom=0.5),
            Motion(xx=-1.0),
            Motion(yy=0.99),
            Motion(xx=0.85),
            Motion.similar(rotation=10),
            Motion.similar(rotation=2),
            Motion.similar(zoom=1.4),
            Motion(yy=-1.0),
            Motion(xx=1.05),
            Motion(yy=1.25),
        ],
    ),
)
@pytest.mark.parametrize("name", each_photo(["astronaut", "coffee"]))
def test_a_motion_of_any_size_is_found(name: str, motion: Motion) -> None:
    reference = photo(name)
    drift = measure_drift(reference, under(motion, reference), everywhere(reference))
    assert drift.motion is not None
    for x, y in ((0, 0), (255, 0), (0, 255), (255, 255), (128, 128)):
        assert drift.motion.at(x, y, 256, 256) == pytest.approx(motion.at(x, y, 256, 256), abs=1)
    longest = motion.farthest(256, 256)
    assert drift.warp_px == pytest.approx(longest, rel=0.35, abs=0.1)


def under(motion: Motion, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(float)
    u, v = x - (width - 1) / 2 - motion.dx, y - (height - 1) / 2 - motion.dy
    back = np.linalg.inv([[motion.xx, motion.xy], [motion.yx, motion.yy]])
    where = [
        back[1, 0] * u + back[1, 1] * v + (height - 1) / 2,
        back[0, 0] * u + back[0, 1] * v + (width - 1) / 2,
    ]
    soft = gaussian_filter(image.astype(float), (0.5 / motion.zoom, 0.5 / motion.zoom, 0))
    source = soft if motion.zoom < 0.8 else image.astype(float)
    return eight_bit(
        np.stack([map_coordinates(source[..., c], where, mode="nearest") for c in range(3)], axis=2)
    )


@pytest.mark.parametrize("nearer", [0.02, 0.1, 0.25])
@pytest.mark.parametrize("name", each_photo(["astronaut", "coffee"]))
def test_a_perspective_is_found_by_where_its_corners_went(name: str, nearer: float) -> None:
    reference = photo(name)
    motion = Motion(tilt_x=2 * nearer / 256, tilt_y=0.6 * nearer / 256)
    drift = measure_drift(reference, tilted(motion, reference), everywhere(reference))
    assert drift.motion is not None
    assert drift.motion.tilted
    found, made = drift.motion.corners(256, 256), motion.corners(256, 256)
    assert np.array(found) == pytest.approx(np.array(made), abs=1)
    assert drift.warp_px > 0.4 * motion.farthest(256, 256)


def tilted(motion: Motion, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Let Pillow show an image in another perspective: another implementation of the same."""
    there = [(x, y) for x in (0, 255) for y in (0, 255)]
    rows, wanted = [], []
    for x, y in there:
        dx, dy = motion.at(x, y, 256, 256)
        u, v = x + dx + 0.5, y + dy + 0.5
        rows += [
            [u, v, 1, 0, 0, 0, -u * (x + 0.5), -v * (x + 0.5)],
            [0, 0, 0, u, v, 1, -u * (y + 0.5), -v * (y + 0.5)],
        ]
        wanted += [x + 0.5, y + 0.5]
    back = np.linalg.solve(np.array(rows), np.array(wanted))
    perspective, bicubic = Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image).transform((256, 256), perspective, back, bicubic))


def test_motions_follow_each_other() -> None:
    one = Motion.similar(3, -2, 1.1, 8)
    other = Motion(1, 2, 1.02, 0.01, -0.02, 0.97, 4e-4, -2e-4)
    dx, dy = one.at(40, 70, 256, 256)
    more = other.at(40 + dx, 70 + dy, 256, 256)
    both = other.after(one).at(40, 70, 256, 256)
    assert both == pytest.approx((dx + more[0], dy + more[1]))
    assert other.scaled(2).at(80.5, 140.5, 512, 512) == pytest.approx(
        tuple(2 * d for d in other.at(40, 70, 256, 256))
    )


@pytest.mark.parametrize("by", [(2.3, -1.2), (0.5, 0.5), (3.0, 0.25), (-4.0, 2.0)])
def test_warped_undoes_a_shift(by: tuple[float, float]) -> None:
    made = np.moveaxis(photo("coffee"), 2, 0).astype(np.float32)
    back, inside = warped(made, Motion(*by))
    assert inside.mean() > 0.95
    for one, plane in zip(back, made, strict=True):
        other = shift(plane.astype(float), (-by[1], -by[0]), order=3, mode="mirror")
        assert np.abs(one - other)[8:-8, 8:-8].max() < 0.1


@pytest.mark.parametrize("sigma", [1, 2, 4])
@pytest.mark.parametrize("name", each_photo(["astronaut", "coffee", "cat"]))
def test_a_blur_does_not_stop_a_match(name: str, sigma: float) -> None:
    reference = photo(name)
    edited = gaussian_filter(moved(reference, 1.3, -0.6), (sigma, sigma, 0))
    drift = measure_drift(reference, eight_bit(edited), everywhere(reference))
    assert drift.motion is not None
    assert drift.median == pytest.approx((1.3, -0.6), abs=0.1)


def test_flatness_is_judged_on_both_images() -> None:
    flat = np.full((256, 256, 3), 120, np.uint8)
    assert measure_drift(flat, flat + 3, everywhere(flat)).lost == "flat"
    assert measure_drift(flat, photo("cat"), everywhere(flat)).lost == "unmatched"
    assert measure_drift(photo("cat"), flat, everywhere(flat)).lost == "unmatched"


def test_flat_tiles_do_not_hide_the_others() -> None:
    reference = photo("astronaut").copy()
    reference[:, :128] = 90
    edited = eight_bit(moved(reference, 3, 0))
    edited[:, :124] = 90
    drift = measure_drift(reference, edited, everywhere(reference))
    assert drift.median[0] == pytest.approx(3, abs=0.1)
    left = [tile for tile in drift.tiles if tile.box[2] <= 124]
    assert left
    assert {tile.status for tile in left} == {"flat"}


@pytest.mark.long
def test_another_picture_does_not_match() -> None:
    drift = measure_drift(photo("astronaut"), photo("coffee"), everywhere(photo("coffee")))
    assert drift.motion is None
    assert "unmatched" in {tile.status for tile in drift.tiles}


def test_tiles_under_the_edit_are_hidden() -> None:
    reference = photo("astronaut")
    mask = everywhere(reference)
    mask[:, :128] = False
    drift = measure_drift(reference, reference, mask)
    assert all(tile.status == "hidden" for tile in drift.tiles if tile.box[2] <= 128)
    assert len(drift.measured) > 3


def test_one_moved_part_is_seen_in_its_tiles() -> None:
    reference = photo("coffee", 384)
    edited = reference.copy()
    edited[192:, 192:] = np.roll(reference, 2, axis=1)[192:, 192:]
    drift = measure_drift(reference, edited, everywhere(reference))
    inside = [tile for tile in drift.measured if tile.box[0] >= 192 and tile.box[1] >= 192]
    assert inside
    assert np.median([tile.dx for tile in inside]) == pytest.approx(2, abs=0.1)
    assert drift.median == pytest.approx((0, 0), abs=0.05)
    assert set(drift.apart) <= set(inside)
    assert drift.moved_share == pytest.approx(0.25, abs=0.1)
    assert drift.warp_px == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("corner", [(0, 0), (30, 10), (0, 60), (80, 40)])
def test_few_tiles_with_texture_tell_the_shift_of_all(corner: tuple[int, int]) -> None:
    picture = np.asarray(Image.open(PHOTOS / "rocket.png").convert("RGB"))
    x, y = corner
    crop = picture[y : y + 180, x : x + 160]
    drift = measure_drift(crop[:-20], crop[20:], everywhere(crop[20:]))
    assert drift.median == pytest.approx((0, -20), abs=0.05)


def test_a_part_that_moved_far_is_found_where_it_went() -> None:
    reference = photo("coffee", 384)
    edited = reference.copy()
    edited[192:, 192:] = np.roll(reference, 20, axis=1)[192:, 192:]
    drift = measure_drift(reference, edited, everywhere(reference))
    assert drift.moved_share > 0.1
    assert {round(tile.dx) for tile in drift.apart} == {20}


def test_a_tiny_image_is_no_error() -> None:
    tiny = np.zeros((3, 2, 3), np.uint8)
    assert measure_drift(tiny, tiny + 1, np.ones((3, 2), bool)).motion is None


def test_an_image_larger_than_what_is_looked_at_whole_is_measured() -> None:
    small = gaussian_filter(np.random.default_rng(0).normal(128, 300, (1000, 1000)), 3)
    reference = np.repeat(eight_bit(small)[..., None], 3, axis=2)
    drift = measure_drift(reference, np.roll(reference, (2, 5), (0, 1)), everywhere(reference))
    assert drift.median == pytest.approx((5, 2), abs=0.05)


def line_drawing(size: int = 256) -> NDArray[np.uint8]:
    picture = Image.new("RGB", (size, size), "white")
    draw, random = ImageDraw.Draw(picture), np.random.default_rng(3)
    for _ in range(16):
        x, y, w, h = (int(part) for part in random.integers(20, size * 5 // 8, 4))
        draw.ellipse((x, y, x + w // 2, y + h // 2), outline="black", width=3)
    return np.asarray(picture)


def patches_from_near(image: NDArray[np.uint8], reach: int, seed: int) -> NDArray[np.uint8]:
    random, last = np.random.default_rng(seed), image.shape[0] - 8
    made = image.copy()
    for y in range(0, last + 1, 8):
        for x in range(0, last + 1, 8):
            top, left = np.clip(np.add((y, x), random.integers(-reach, reach + 1, 2)), 0, last)
            made[y : y + 8, x : x + 8] = image[top : top + 8, left : left + 8]
    return made


@pytest.mark.quick(2)
@pytest.mark.parametrize("seed", [0, 2, 6])
def test_lines_that_were_drawn_anew_follow_no_motion(seed: int) -> None:
    """Lines lie near wherever they are looked for: the fit's start finds itself again."""
    reference = line_drawing()
    drift = measure_drift(reference, patches_from_near(reference, 6, seed), everywhere(reference))
    assert drift.motion is not None
    assert drift.warp_px < 3.5


@pytest.mark.quick(2)
@pytest.mark.parametrize("motion", [Motion.similar(zoom=1.06), Motion.similar(rotation=4)])
@pytest.mark.parametrize("reach", [0, 2, 4])
def test_lines_that_were_drawn_anew_after_a_motion_tell_it(motion: Motion, reach: int) -> None:
    reference = line_drawing()
    edited = patches_from_near(under(motion, reference), reach, 1)
    drift = measure_drift(reference, edited, everywhere(reference))
    assert drift.motion is not None
    assert drift.warp_px == pytest.approx(motion.farthest(256, 256), rel=0.3)


def test_warped_undoes_a_motion() -> None:
    reference = photo("cat")
    motion = Motion.similar(2.3, -1.2, zoom=1.01)
    made = np.moveaxis(eight_bit(moved(reference, 2.3, -1.2, 1.01)), 2, 0).astype(np.float32)
    back, inside = warped(made, motion)
    assert inside.mean() > 0.95
    assert np.abs(np.moveaxis(back, 0, 2) - reference)[20:-20, 20:-20].mean() < 2.5


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee", "rocket"]))
@pytest.mark.parametrize("percent", [50, 20])
@pytest.mark.parametrize(("fill", "quality"), [("black", None), ("white", 92), ("another", None)])
def test_what_stayed_did_not_move_whatever_became_of_the_rest(name, percent, fill, quality):
    reference = photo(name, 288)
    edited = reference.copy()
    top = 288 * (100 - percent) // 100
    other = photo("cat" if name != "cat" else "coffee", 288)
    edited[top:] = {"black": 0, "white": 255, "another": other[top:]}[fill]
    edited = edited if quality is None else as_jpeg(edited, quality)
    drift = measure_drift(reference, edited, everywhere(reference))
    assert drift.motion is not None
    assert math.hypot(*drift.median) < 0.05


@pytest.mark.parametrize("name", each_photo(["astronaut", "coffee"]))
def test_a_strip_that_stayed_holds_no_background_that_moved(name):
    reference = photo(name, 288)
    edited = eight_bit(moved(reference, 12, 0))
    edited[:90] = reference[:90]
    drift = measure_drift(reference, edited, everywhere(reference))
    assert drift.median[0] == pytest.approx(12, abs=0.1)
    edited = eight_bit(moved(reference, 12, 0))
    edited[230:] = 0
    drift = measure_drift(reference, edited, everywhere(reference))
    assert drift.median[0] == pytest.approx(12, abs=0.1)


@pytest.mark.long
def test_where_much_stayed_and_nothing_is_found_again_no_motion_is_told():
    image = square_photo("rocket", 384)
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[:384, :384]
    down, right = (
        np.kron(random.integers(-5, 6, (24, 24)), np.ones((16, 16), int)) for _ in range(2)
    )
    edited = blurred(image[(rows + down).clip(0, 383), (columns + right).clip(0, 383)], 5)
    mask = np.ones((384, 384), bool)
    mask[130:270, 160:290] = False
    assert measure_drift(image, edited, mask).motion is None


@pytest.mark.quick(1)
@pytest.mark.parametrize("steepness", [1, 4])
def test_a_smooth_gradient_that_moved_is_not_said_to_be_redrawn(steepness):
    sky = np.tile((np.arange(256) // steepness).astype(np.uint8)[:, None, None], (1, 256, 3))
    found = DriftPipe().measure(sky, np.roll(sky, 1, 0), [], "outer", metric="drift_px")
    assert found.soft_failure is not None
    assert re.search(
        r"\(1\.00\): it was redrawn, or is too smooth to be found", str(found.soft_failure)
    )
