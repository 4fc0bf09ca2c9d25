"""What a motion can do in a part follows from what it does elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.background import everywhere
from pytest_editmetrics.background.drift import measure_drift
from pytest_editmetrics.background.motion import Motion, warped
from pytest_editmetrics.background.reach import fits_elsewhere, reach
from pytest_editmetrics.background.suggest import suggest_region
from pytest_editmetrics.errors import EditMetricsError

HEIGHT, WIDTH = 160, 200
PART = np.zeros((HEIGHT, WIDTH), bool)
PART[50:100, 60:130] = True
AWAY = np.zeros_like(PART)
AWAY[8:-8, 8:-8] = True
AWAY[38:112, 48:142] = False
MOTIONS = {
    "shift": Motion(0.4, -0.3),
    "turned": Motion.similar(0.2, 0, 1.0, 0.3),
    "zoomed": Motion.similar(0, 0, 1.004, 0),
    "stretched": Motion(xx=1.005),
    "tilted": Motion(tilt_x=2e-5),
}


def soft(seed, rough=1.0):
    """Return grain, smoothed as the images are that motions are told from."""
    noise = np.random.default_rng(seed).normal(0, 1, (3, HEIGHT, WIDTH))
    made = gaussian_filter(noise, (0, 3, 3))
    return (128 + 30 * rough * made / made.std()).astype(np.float32)


def moved_more(image, motion, gain=1.0, offset=0.0):
    """Return how many times as much as elsewhere a motion with a tone changed the part."""
    made, seen = warped(image, motion)
    squares = ((gain * made + offset - image) ** 2).sum(axis=0)
    return np.sqrt(squares[PART & seen].mean() / squares[AWAY & seen].mean())


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (1.02, -3.0)])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_motion_reaches_farther(motion, gain, offset, seed):
    image = soft(seed)
    image[:, PART] = soft(seed + 10, 3.0)[:, PART]
    assert moved_more(image, MOTIONS[motion], gain, offset) <= 1.05 * reach(image, PART, AWAY)


def test_along_stripes_a_motion_is_not_held():
    """A shift along them changes none."""
    image = np.broadcast_to(soft(0)[:, :1], (3, HEIGHT, WIDTH)).copy()
    image[:, PART] = soft(1)[:, PART]
    assert reach(image, PART, AWAY) > moved_more(image, Motion(0.05, 1)) > 10


def test_a_tone_is_not_held_by_a_channel_that_has_one_level_elsewhere():
    """A gain and an offset undo each other there."""
    image = soft(0)
    assert reach(image, PART, AWAY) < 3
    image[2, ~PART] = 100
    assert reach(image, PART, AWAY) > 300


@pytest.mark.parametrize("away", ["nothing", "a few pixels"])
def test_what_is_hardly_seen_holds_nothing(away):
    seen = np.zeros_like(PART)
    if away == "a few pixels":
        seen[:6, :6] = True
    assert reach(soft(0), PART, seen) == np.inf
    assert reach(soft(0), seen, PART) == np.inf


def patterned(period):
    """Return a wall of stripes, slanted, that fit again after each period."""
    down, across = np.mgrid[:HEIGHT, :WIDTH]
    stripes = np.sin(2 * np.pi * (across + down / 7) / period) + np.sin(down / 9)
    return np.stack([128 + 40 * stripes] * 3).astype(np.float32)


@pytest.mark.parametrize("period", [13, 20, 40])
def test_a_pattern_fits_elsewhere_though_no_small_motion_goes_there(period):
    wall = patterned(period)
    assert reach(wall, PART, AWAY) < 3
    assert fits_elsewhere(wall, wall, AWAY, 8.0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_grain_fits_nowhere_else(seed):
    assert not fits_elsewhere(soft(seed), soft(seed), AWAY, 8.0)
    assert fits_elsewhere(soft(seed), soft(seed), AWAY, 31.0)


def searched(monkeypatch, reference, edited):
    """Return how many times a motion is looked for before a region is proposed."""
    asked = []

    def counted(*images):
        asked.append(images)
        return measure_drift(*images)

    monkeypatch.setattr(everywhere, "measure_drift", counted)
    suggest_region(reference, edited)
    return len(asked)


@pytest.mark.parametrize("changed", ["nothing else", "a tone", "noise"])
def test_no_motion_is_looked_for_where_the_rest_holds_still(monkeypatch, changed):
    reference = np.moveaxis(soft(0), 0, 2)
    edited = np.where(PART[..., None], 255 - np.moveaxis(soft(5, 3.0), 0, 2), reference)
    edited = edited + 12 if changed == "a tone" else edited
    noise = np.random.default_rng(0).normal(0, 2, edited.shape) if changed == "noise" else 0
    made = [image.clip(0, 255).astype(np.uint8) for image in (reference, edited + noise)]
    assert not searched(monkeypatch, *made)


def test_nor_where_most_was_erased(monkeypatch):
    """Of the whole the one colour makes a tone, which is none of the rest."""
    reference = np.moveaxis(soft(0), 0, 2).astype(np.uint8)
    edited = reference.copy()
    edited[24:-24, 24:-24] = (230, 240, 250)
    assert not searched(monkeypatch, reference, edited)


@pytest.mark.long
def test_one_is_looked_for_where_a_wall_is_the_rest(monkeypatch):
    reference = np.full((HEIGHT, WIDTH, 3), 205, np.uint8)
    edited = reference.copy()
    reference[50:100, 60:130] = (150, 60, 50)
    edited[20:40, 60:130] = (60, 70, 120)
    assert searched(monkeypatch, reference, edited) == 1


def test_what_moved_with_a_background_that_is_smooth_is_not_proposed():
    hills = np.random.default_rng(0).normal(0, 1, (3, HEIGHT, WIDTH))
    hills = gaussian_filter(hills, (0, 40, 40), mode="wrap")
    reference = np.moveaxis(128 + 30 * hills / hills.std(), 0, 2).astype(np.uint8)
    reference[50:100, 60:130] = (150, 40, 200)
    with pytest.raises(EditMetricsError, match=r"background moved 3\.0\d px right"):
        suggest_region(reference, np.roll(reference, 3, axis=1))


def test_what_moved_by_a_period_of_its_background_is_not_proposed():
    reference = np.moveaxis(patterned(20), 0, 2).astype(np.uint8)
    reference[50:100, 60:130] = np.moveaxis(soft(1, 2.0), 0, 2)[50:100, 60:130]
    with pytest.raises(EditMetricsError, match=r"background moved 20\.0\d px right"):
        suggest_region(reference, np.roll(reference, 20, axis=1))
