"""A background that moved so far that little with texture is left in sight."""

from __future__ import annotations

import numpy as np
import pytest
from altered import PHOTOS, Picture, as_jpeg, blurred, each_photo, eight_bit, square_photo
from PIL import Image, ImageDraw

from pytest_editmetrics.background.drift import measure_drift
from pytest_editmetrics.background.motion import Motion
from pytest_editmetrics.config.expect import EXPECTATIONS
from pytest_editmetrics.measurement import Measurement
from pytest_editmetrics.pipes.drift import DriftPipe

Box = tuple[int, int, int, int]
BOX: Box = (51, 147, 151, 220)


def far(image: Picture, dx: int, dy: int) -> Picture:
    """Return an image whose content moved; what enters is drawn out from the border."""
    height, width = image.shape[:2]
    rows = np.clip(np.arange(height) - dy, 0, height - 1)
    columns = np.clip(np.arange(width) - dx, 0, width - 1)
    return image[rows][:, columns]


def rocket() -> Picture:
    picture = Image.open(PHOTOS / "rocket.png").convert("RGB")
    return np.asarray(picture.resize((384, 256), Image.Resampling.BICUBIC))


def before_a_wall() -> Picture:
    """Put a part of a photo before a plain wall."""
    shade = np.repeat((150 + np.arange(256) * 40 / 256)[None, :, None], 256, axis=0)
    grain = np.random.default_rng(1).normal(0, 1, (256, 256, 3))
    wall = eight_bit(shade + grain)
    wall[160:256, 80:176] = square_photo("cat", 256)[60:156, 80:176]
    return wall


def studio() -> Picture:
    """Draw three plain things before a wall that shades off."""
    y, x = np.mgrid[:256, :256] - 128
    wall = 200 - 25 * (x**2 + y**2) / 128**2 / 2
    picture = Image.fromarray(eight_bit(np.repeat(wall[..., None], 3, axis=2)))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((40, 60, 113, 173), fill=(150, 60, 50))
    draw.rectangle((20, 167, 80, 233), fill=(60, 70, 120))
    draw.ellipse((167, 153, 233, 227), fill=(40, 110, 70))
    grain = np.random.default_rng(0).normal(0, 0.6, (256, 256, 3))
    return eight_bit(blurred(np.asarray(picture), 0.7) + grain)


def measured(image: Picture, edited: Picture, box: Box = BOX) -> Measurement:
    return DriftPipe().measure(image, edited, [box], "outer", metric="drift_px")


@pytest.mark.slow
@pytest.mark.parametrize("shift", [(104, 78), (120, 90), (136, 102), (-104, 78), (0, 110)])
def test_a_slim_object_before_the_sky_is_found_however_far_it_went(shift: tuple[int, int]) -> None:
    """What enters is plain, so the whole looks softer: no reason to blur what the tiles show."""
    image, (x1, y1, x2, y2) = rocket(), BOX
    edited = image.copy()
    edited[y1:y2, x1:x2] = edited[y1:y2, x1:x2].mean((0, 1))
    found = measured(image, as_jpeg(far(edited, *shift), 90))
    assert found.soft_failure is None
    assert (found.details["dx"], found.details["dy"]) == pytest.approx(shift, abs=0.1)


@pytest.mark.long
@pytest.mark.parametrize("by", [110, 125])
def test_what_moved_out_of_sight_before_a_plain_wall_is_not_excused(by: int) -> None:
    image = before_a_wall()
    gone = far(image, 0, by)
    assert measure_drift(image, gone, np.ones((256, 256), bool)).lost == "gone"
    soft = measured(image, gone, (10, 10, 60, 60)).soft_failure
    assert soft is not None
    for expect in ("reencoded", "generative"):
        assert soft.reason in EXPECTATIONS[expect].fatal_of("drift_px")
    assert "out of sight" in soft.message


@pytest.mark.long
@pytest.mark.parametrize("shift", [(0, 0), (20, -10), (10, 25)])
def test_a_shift_that_few_tiles_show_gives_way_to_a_mirror_that_more_do(
    shift: tuple[int, int],
) -> None:
    image = studio()
    drift = measure_drift(image, far(image[:, ::-1], *shift), np.ones((256, 256), bool))
    assert drift.motion is not None
    assert drift.motion.mirrored
    assert (drift.motion.dx, drift.motion.dy) == pytest.approx(shift, abs=0.5)


def test_a_wall_that_lost_its_grain_is_still_too_plain_to_tell() -> None:
    wall = eight_bit(150 + np.random.default_rng(0).normal(0, 1, (256, 256, 3)))
    soft = measured(wall, np.full_like(wall, 150)).soft_failure
    assert soft is not None
    assert soft.reason == "no-texture"


def edited_before_a_wall(height: int, width: int, grain: float) -> tuple[Picture, Picture, Box]:
    """Put a photo before a wall, of which a rim is left, and another photo in its place."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    noise = np.random.default_rng(0).normal(0, grain, (height, width, 3))
    wall = eight_bit((140 + 60 * x - 30 * y)[..., None] + noise)
    box = (width // 12, height // 12, width - width // 12, height - height // 12)
    x1, y1, x2, y2 = box
    pictures = []
    for name in ("cat", "astronaut"):
        photo = Image.fromarray(square_photo(name, 256)).resize((x2 - x1, y2 - y1))
        wall[y1:y2, x1:x2] = np.asarray(photo)
        pictures.append(wall.copy())
    return pictures[0], pictures[1], box


def test_a_background_of_which_no_pixel_changed_stood_still() -> None:
    image, edited, (x1, y1, x2, y2) = edited_before_a_wall(1000, 1500, 1.5)
    background = np.ones((1000, 1500), bool)
    background[y1:y2, x1:x2] = False
    assert measure_drift(image, edited, background).motion == Motion()


def test_what_is_blurred_to_be_as_sharp_takes_in_nothing_of_the_edit() -> None:
    image, edited, (x1, y1, x2, y2) = edited_before_a_wall(300, 240, 0.6)
    background = np.ones((300, 240), bool)
    background[y1:y2, x1:x2] = False
    grain = 1.5 * np.random.default_rng(3).normal(0, 1, edited.shape)
    softer = eight_bit(blurred(edited, 1.2) + grain)
    assert measure_drift(image, softer, background).lost == "flat"


def test_a_panorama_that_was_mirrored_is_found() -> None:
    names = sorted(path.stem for path in PHOTOS.glob("*.png"))[:6]
    panorama = np.concatenate([square_photo(name, 192) for name in names], axis=1)
    drift = measure_drift(panorama, panorama[:, ::-1].copy(), np.ones(panorama.shape[:2], bool))
    assert drift.motion is not None
    assert drift.motion.mirrored
    assert (drift.motion.dx, drift.motion.dy) == pytest.approx((0, 0), abs=0.5)


@pytest.mark.quick(1)
@pytest.mark.parametrize("turned", [np.s_[:, ::-1], np.s_[::-1]], ids=["mirrored", "upside down"])
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "rocket"]))
def test_few_tiles_of_a_mirrored_picture_are_given_no_motion_that_they_contradict(
    name: str, turned: tuple[slice, ...]
) -> None:
    image = square_photo(name, 128)
    background = np.ones((128, 128), bool)
    background[42:64, 42:64] = False
    drift = measure_drift(image, image[turned].copy(), background)
    assert drift.motion is not None
    assert drift.motion.mirrored
    assert (drift.motion.dx, drift.motion.dy) == pytest.approx((0, 0), abs=0.1)
