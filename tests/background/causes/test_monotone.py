"""A fault that fails at one strength fails at every larger one, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from altered import PHOTOS, Picture, as_jpeg, blurred, eight_bit, smoothed_and_grained
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import map_coordinates

from pytest_editmetrics.background.motion import Motion
from pytest_editmetrics.config.expect import EXPECTATIONS, Expect
from pytest_editmetrics.pipes.registry import PipeRegistry

SIZE = 192
Box = tuple[int, int, int, int]


# of each kind: the motion at a strength in [0, 1], from what nobody sees to as far as is promised
MOTIONS: dict[str, Callable[[float], Motion]] = {
    "shift": lambda s: Motion.similar(0.8 * SIZE * s**3 / 2, -0.6 * SIZE * s**3 / 2),
    "rotation": lambda s: Motion.similar(rotation=180 * s**3),
    "zoom in": lambda s: Motion.similar(zoom=1 + 1.2 * s**3),
    "zoom out": lambda s: Motion.similar(zoom=1 - 0.5 * s**3),
    "stretch": lambda s: Motion(yy=1 + 0.12 * s**2),
    "perspective": lambda s: Motion(tilt_x=2 * 0.2 * s**2 / SIZE),
}


def under(motion: Motion, image: Picture) -> Picture:
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    middle = (SIZE - 1) / 2
    forth = np.array(
        [
            [motion.xx, motion.xy, motion.dx],
            [motion.yx, motion.yy, motion.dy],
            [motion.tilt_x, motion.tilt_y, 1],
        ]
    )
    points = np.stack([x - middle, y - middle, np.ones_like(x)])
    u, v, depth = np.einsum("ij,jhw->ihw", np.linalg.inv(forth), points)
    where = [v / depth + middle, u / depth + middle]
    made = [map_coordinates(image[..., n].astype(float), where, mode="nearest") for n in range(3)]
    return eight_bit(np.stack(made, axis=2))


def redrawn(image: Picture, strength: float) -> Picture:
    """Take each patch of 8 px from somewhere near, the farther the stronger."""
    reach = 24 * strength * np.random.default_rng(0).uniform(-1, 1, (SIZE // 8, SIZE // 8, 2))
    made = image.copy()
    for y in range(0, SIZE, 8):
        for x in range(0, SIZE, 8):
            dy, dx = reach[y // 8, x // 8].round().astype(int)
            top, left = np.clip((y + dy, x + dx), 0, SIZE - 8)
            made[y : y + 8, x : x + 8] = image[top : top + 8, left : left + 8]
    return made


def spilled(image: Picture, box: Box, strength: float) -> Picture:
    """Darken and tint what lies around the edit, the wider the stronger."""
    x1, y1, x2, y2 = box
    far = round(96 * strength)
    made = image.copy()
    around = np.s_[max(0, y1 - far) : y2 + far, max(0, x1 - far) : x2 + far]
    made[around] = made[around] // 2 + np.array([90, 20, 40], np.uint8)
    made[y1:y2, x1:x2] = image[y1:y2, x1:x2]
    return made


def spread(image: Picture, box: Box, by: int, become: Callable[[Picture], Picture]) -> Picture:
    """Let an edit run over its box by some pixels."""
    x1, y1, x2, y2 = box
    made = image.copy()
    around = np.s_[max(0, y1 - by) : y2 + by, max(0, x1 - by) : x2 + by]
    made[around] = become(image[around])
    made[y1:y2, x1:x2] = image[y1:y2, x1:x2]
    return made


def erased(part: Picture) -> Picture:
    noise = np.random.default_rng(0).normal(0, 3, part.shape)
    return eight_bit(part.mean(axis=(0, 1)) + noise)


def recoloured(part: Picture) -> Picture:
    return eight_bit(part[..., [2, 0, 1]] * 0.7 + np.array([40, 0, 20]))


Fault = Callable[[Picture, Box, float], Picture]
KINDS: dict[str, Fault] = {
    **{
        kind: lambda image, box, s, motion=motion: under(motion(s), image)
        for kind, motion in MOTIONS.items()
    },
    "brightness": lambda image, box, s: eight_bit(image * (1 - 0.6 * s)),
    "cast": lambda image, box, s: eight_bit(image * np.array([1, 1 - 0.2 * s, 1 - 0.4 * s])),
    "JPEG": lambda image, box, s: as_jpeg(image, round(97 - 90 * s)),
    "blur": lambda image, box, s: blurred(image, 6 * s),
    "VAE-like": lambda image, box, s: smoothed_and_grained(image, 3 * s, 4 * s),
    "redrawn texture": lambda image, box, s: redrawn(image, s),
    "spill": spilled,
}


@cache
def photo(name: str) -> Picture:
    return np.asarray(Image.open(PHOTOS / f"{name}.png").convert("RGB").resize((SIZE, SIZE)))


@cache
def registry() -> PipeRegistry:
    return PipeRegistry()


@cache
def pipe(key: str):
    return registry().create(key, {})


def failing(expect: Expect, image: Picture, edited: Picture, box: Box) -> str | None:
    """The first gate of an expectation that fails."""
    expectation = EXPECTATIONS[expect]
    for name in expectation.bounds:
        metric = registry().metric(name)
        bound = expectation.default(metric, expect)
        assert bound is not None
        measured = pipe(registry().pipe_of(name).key).measure(
            image,
            edited,
            [box],
            "inner" if metric.scope == "edit_area" else "outer",
            metric=name,
        )
        soft = measured.soft_failure
        if soft.reason in expectation.fatal if soft else not bound.holds(measured.value or 0.0):
            return name
    return None


strengths = st.tuples(st.floats(0.02, 1), st.floats(0.02, 1)).map(sorted)
cases = {
    "name": st.sampled_from(["astronaut", "cat", "coffee", "rocket"]),
    "strengths": strengths,
    "corner": st.tuples(st.integers(0, 120), st.integers(0, 120)),
    "edges": st.tuples(st.integers(16, 70), st.integers(16, 70)),
}


def assert_monotone(
    kind: str,
    expect: Expect,
    name: str,
    strengths: list[float],
    corner: tuple[int, int],
    edges: tuple[int, int],
) -> None:
    image = photo(name)
    (x, y), (w, h) = corner, edges
    box = (x, y, x + w, y + h)
    edited = image.copy()
    edited[y : y + h, x : x + w] = 255 - edited[y : y + h, x : x + w]
    weak, strong = strengths
    if failing(expect, image, KINDS[kind](edited, box, strong), box) is None:
        assert failing(expect, image, KINDS[kind](edited, box, weak), box) is None


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=2, derandomize=True)
@given(expect=st.sampled_from(list(EXPECTATIONS)), **cases)
def test_a_fault_that_fails_fails_at_every_larger_strength(
    kind: str, expect: Expect, **case
) -> None:
    assert_monotone(kind, expect, **case)


@pytest.mark.slow
@pytest.mark.parametrize("become", [erased, recoloured])
@pytest.mark.parametrize("name", ["astronaut", "cat", "coffee"])
@pytest.mark.parametrize("expect", ["reencoded", "generative"])
def test_a_spill_fails_until_hardly_any_of_the_background_is_left(
    expect: Expect, name: str, become: Callable[[Picture], Picture]
) -> None:
    """Beyond that it is a restyle, where it recolours, or has nothing left to be held against."""
    image, box = photo(name), (60, 70, 108, 118)
    edited = image.copy()
    edited[70:118, 60:108] = 255 - edited[70:118, 60:108]
    for by in (16, 24, 40, 64):
        assert failing(expect, image, spread(edited, box, by, become), box) is not None, by


@pytest.mark.slow
@pytest.mark.parametrize("expect", EXPECTATIONS)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=6, derandomize=True)
@given(**cases)
def test_a_fault_of_any_kind_that_fails_fails_at_every_larger_strength(
    kind: str, expect: Expect, **case
) -> None:
    assert_monotone(kind, expect, **case)
