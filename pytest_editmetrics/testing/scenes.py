"""The pairs that a pipe is asked about: a made picture, regions of each kind, and changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_editmetrics.images.shapes import Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pytest_editmetrics.images.load import Array
    from pytest_editmetrics.measurement import Scope

Change = Callable[["Array"], "Array"]


def made_picture(height: int = 90, width: int = 131) -> Array:
    """Return a picture with slow colours, edges and texture: uint8, (height, width, 3).

    >>> made_picture(6, 9).shape
    (6, 9, 3)
    """
    rows, columns = np.mgrid[0:height, 0:width]
    slow = np.stack([90 + 60 * np.sin((rows * i + columns) / 23) for i in (1, 2, 3)], axis=2)
    disc = (rows - height * 0.6) ** 2 + (columns - width * 0.3) ** 2 < (height / 4) ** 2
    slow[disc] = slow[disc][:, ::-1] * 0.5 + 90
    texture = np.random.default_rng(0).normal(0, 14, (height, width, 1))
    return _levels(slow + texture)


def regions(height: int, width: int) -> Mapping[str, Any]:
    """Return edit areas of each kind, as a pipe is given them, by what they are in words."""
    box = (width // 4, height // 5, width * 3 // 4, height * 3 // 5)
    beyond = [(-9, -9, width // 3, height // 2), (width // 2, height // 2, width + 9, height)]
    corner = [(0, height), (0, height // 3), (width // 2, height)]
    disk = np.zeros((height, width), np.bool_)
    disk[height // 3 : height // 2, width // 2 : width - 5] = True
    shape = Region(polygons=[corner]) | Region(mask=disk, dilate=3)  # type: ignore[arg-type]
    return {
        "one box": [box],
        "two boxes that reach outside the image": beyond,
        "a Region of a polygon and a mask": shape,
    }


def empty_regions(height: int, width: int) -> list[tuple[str, Scope, Any]]:
    """Return regions that hold no pixel: what they are in words, the scope, the coords."""
    return [
        ("no edit area, measured inside (coords=None)", "edit_area", None),
        ("no edit area, measured inside (coords=[])", "edit_area", []),
        (
            "a box outside the image, measured inside",
            "edit_area",
            [(width + 5, height + 5, width + 9, height + 9)],
        ),
        ("a box over all of the image, measured outside", "unedit_area", [(0, 0, width, height)]),
    ]


def changes() -> Mapping[str, Change]:
    """Return what may happen to pixels, by what it is in words; none is seen by every metric."""
    return {
        "inverted": lambda image: 255 - image,
        "noisy": _noisy,
        "moved": lambda image: np.roll(image, (7, 11), axis=(0, 1)),
        "without colour": lambda image: np.repeat(image[..., 1:2], 3, axis=2),
        "plain grey": lambda image: np.full_like(image, 128),
    }


def slightly(image: Array) -> Array:
    """Return a picture with a little noise, as an edit that is neither perfect nor broken."""
    return _levels(image + np.random.default_rng(1).normal(0, 3, image.shape))


def put(image: Array, mask: NDArray[np.bool_], change: Change) -> Array:
    """Return a copy in which the pixels of ``mask`` are changed, and no other."""
    made: Array = image.copy()
    made[mask] = change(image)[mask]
    return made


def _noisy(image: Array) -> Array:
    return _levels(image + np.random.default_rng(2).normal(0, 45, image.shape))


def _levels(image: NDArray[Any]) -> Array:
    levels: Array = image.clip(0, 255).round().astype(np.uint8)
    return levels
