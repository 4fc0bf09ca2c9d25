"""A background that moved so far that little with texture is left in sight."""

from __future__ import annotations

import numpy as np
import pytest
from altered import PHOTOS, Picture, eight_bit, square_photo
from PIL import Image

from pytest_editmetrics.background.drift import measure_drift
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


def measured(image: Picture, edited: Picture, box: Box = BOX) -> Measurement:
    return DriftPipe().measure(image, edited, [box], "outer", metric="drift_px")


@pytest.mark.parametrize("shift", [(104, 78), (120, 90), (136, 102), (-120, 90), (0, 120)])
def test_a_slim_object_before_the_sky_is_found_however_far_it_went(shift: tuple[int, int]) -> None:
    """Of most tiles a sliver of sky is left in sight, which tells nothing against a motion."""
    image, (x1, y1, x2, y2) = rocket(), BOX
    edited = image.copy()
    edited[y1:y2, x1:x2] = edited[y1:y2, x1:x2].mean((0, 1))
    found = measured(image, far(edited, *shift))
    assert found.soft_failure is None
    assert found.value == pytest.approx(np.hypot(*shift), abs=1.5)


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


def test_a_wall_that_lost_its_grain_is_still_too_plain_to_tell() -> None:
    wall = eight_bit(150 + np.random.default_rng(0).normal(0, 1, (256, 256, 3)))
    soft = measured(wall, np.full_like(wall, 150)).soft_failure
    assert soft is not None
    assert soft.reason == "no-texture"
