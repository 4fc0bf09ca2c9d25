"""A motion that fails at one strength fails at every larger one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import map_coordinates

from pytest_editmetrics.background.motion import Motion
from pytest_editmetrics.config.expect import EXPECTATIONS, Expect
from pytest_editmetrics.pipes.drift import DriftPipe
from pytest_editmetrics.pipes.drift.spec import SPEC

PHOTOS = Path(__file__).parents[2] / "fixtures" / "demo" / "images"
SIZE = 192
# of each kind: the motion at a strength in [0, 1], from what nobody sees to as far as is promised
KINDS = {
    "shift": lambda s: Motion.similar(0.8 * SIZE * s**3 / 2, -0.6 * SIZE * s**3 / 2),
    "rotation": lambda s: Motion.similar(rotation=180 * s**3),
    "zoom in": lambda s: Motion.similar(zoom=1 + 1.2 * s**3),
    "zoom out": lambda s: Motion.similar(zoom=1 - 0.5 * s**3),
    "stretch": lambda s: Motion(yy=1 + 0.12 * s**2),
}


def photo(name: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(PHOTOS / f"{name}.png").convert("RGB").resize((SIZE, SIZE)))


def under(motion: Motion, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    middle = (SIZE - 1) / 2
    u, v = x - middle - motion.dx, y - middle - motion.dy
    (a, b), (c, d) = np.linalg.inv([[motion.xx, motion.xy], [motion.yx, motion.yy]])
    where = [c * u + d * v + middle, a * u + b * v + middle]
    made = [map_coordinates(image[..., n].astype(float), where, mode="nearest") for n in range(3)]
    return np.stack(made, axis=2).clip(0, 255).round().astype(np.uint8)


def failing(
    expect: Expect, image: NDArray[np.uint8], edited: NDArray[np.uint8], box: tuple[int, ...]
) -> list[str]:
    pipe, found = DriftPipe(), []
    expectation = EXPECTATIONS[expect]
    for metric in SPEC.metrics:
        bound = expectation.default(metric, expect)
        if bound is None:
            continue
        measured = pipe.measure(image, edited, [box], "outer", metric=metric.name)
        soft = measured.soft_failure
        fails = (
            soft.reason in expectation.fatal
            if soft is not None
            else not bound.holds(measured.value or 0.0)
        )
        if fails:
            found.append(metric.name)
    return found


@pytest.mark.parametrize("expect", ["reencoded", "generative"])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=2, derandomize=True)
@given(
    name=st.sampled_from(["astronaut", "cat", "coffee", "rocket"]),
    strengths=st.tuples(st.floats(0.05, 1), st.floats(0.05, 1)).map(sorted),
    corner=st.tuples(st.integers(0, 120), st.integers(0, 120)),
    edges=st.tuples(st.integers(16, 70), st.integers(16, 70)),
)
def test_a_motion_that_fails_fails_at_every_larger_strength(
    kind: str,
    expect: Expect,
    name: str,
    strengths: list[float],
    corner: tuple[int, int],
    edges: tuple[int, int],
) -> None:
    image = photo(name)
    edited = image.copy()
    (x, y), (w, h) = corner, edges
    edited[y : y + h, x : x + w] = 255 - edited[y : y + h, x : x + w]
    box = (x, y, x + w, y + h)
    weaker, stronger = (
        failing(expect, image, under(KINDS[kind](strength), edited), box) for strength in strengths
    )
    assert stronger or not weaker
