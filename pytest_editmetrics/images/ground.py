"""What transparent images are laid on: white, or black where white hides what changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from pytest_editmetrics.images.levels import Array, laid_on
from pytest_editmetrics.images.load import Loaded, Uncovered
from pytest_editmetrics.images.regions import Mask

Ground: TypeAlias = Literal["white", "black"]

LEVELS: dict[Ground, int] = {"white": 255, "black": 0}
HIDES = 2.0  # times less of a difference: so little of it is seen that it counts as hidden
_OPAQUE = 255


def ground_of(uncovered: Uncovered, where: Mask) -> Ground:
    """Return what a pair is to be laid on: black where white hides most of what changed.

    An opaque edited image was laid on something by its model; it is compared on white. Between
    white and black a difference changes linearly with the ground, so one of these shows it best.

    Args:
        uncovered: colours and alphas of reference and edited image, of one size.
        where: boolean (H, W), true for what is looked at; none is all of it.

    >>> opaque = np.full((2, 2), 255, np.uint8)
    >>> white, nothing = np.full((2, 2, 3), 255, np.uint8), np.zeros((2, 2), np.uint8)
    >>> everywhere = np.ones((2, 2), bool)
    >>> ground_of(((white, white), (opaque, nothing)), everywhere)
    'black'
    >>> ground_of(((255 - white, white), (opaque, nothing)), everywhere)
    'white'
    """
    (before, after), (alpha, its) = uncovered
    changed = (alpha != its) & (where if where.any() else True)
    if not changed.any() or (its == _OPAQUE).all():
        return "white"
    white, black = (
        np.abs(_laid(before, alpha, level).astype(np.int16) - _laid(after, its, level))[
            changed
        ].sum()
        for level in LEVELS.values()
    )
    return "black" if black > HIDES * white else "white"


def alpha_lost(alpha: Array, its: Array, outside: Mask) -> bool:
    """Tell whether an edited image is opaque where its reference, of this alpha, is not.

    >>> nothing = np.zeros((2, 2), np.uint8)
    >>> alpha_lost(nothing, nothing + 255, np.ones((2, 2), bool))
    True
    """
    return bool((its == _OPAQUE).all() and (alpha[outside] < _OPAQUE).any())


def on_black(image: Loaded) -> Loaded:
    """Return an image as it is seen on black; an opaque one, as it is."""
    if image.bare is None or image.alpha is None:
        return image
    laid = _laid(image.bare, image.alpha, 0)
    return replace(image, pixels=laid, numbers=None)


def _laid(bare: Array, alpha: Array, level: int) -> Array:
    return laid_on(np.dstack([bare, alpha]), level)
