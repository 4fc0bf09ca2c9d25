"""Images in a scale in which no fault shows: what is there is 1 of 255, or less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.levels import Array

if TYPE_CHECKING:
    from pytest_editmetrics.images.colour import Decoded

_LITTLE = 3  # of 255: all of it is black to the eye, and to every metric
_NOISE = 1e-5  # of black; the level 1, divided by 255 twice, lies above it
_BITS = (8, 10, 12)  # of sensors, displays and films, in files and arrays of 16
_BLACK = (
    "a picture that is meant to be black holds 0 only; or, if the model drew next to nothing, that"
    " is what is wrong"
)


def checked(decoded: Decoded, what: str) -> Decoded:
    """Return an image as it is.

    Raises:
        ImageError: what is seen of it holds levels of at most 3 alone (one colour is no sign of a
            wrong scale, nor is a silhouette's); it has an alpha of 0 and 1, or one of 0 alone that
            hides colours. ``what`` names the image.
    """
    levels = decoded.pixels if decoded.numbers is None else decoded.numbers
    if levels.ndim == 3 and levels.shape[2] == 4:
        _check_alpha(levels, what)
    elif 0 < (most := int(levels.max())) <= _LITTLE and (levels != levels[0, 0]).any():
        raise _unscaled(most, what)
    return decoded


def check_floats(values: NDArray[Any], what: str) -> None:
    """Refuse floats that are meant to be in [0, 1] and were divided by 255 once more.

    Raises:
        ImageError: they were; ``what`` names the image.

    >>> check_floats(np.array([[0.0, 1e-9]]), "image"), check_floats(np.array([[0.1]]), "image")
    (None, None)
    """
    seen = colours(values)
    if values.ndim == 3 and values.shape[2] == 4 and not values[..., 3].all():
        seen = seen[values[..., 3] > 0]
    high = float(seen.max(initial=0))
    if not _NOISE < high < 1.5 / 255 or seen.min() < -_NOISE:  # of black with noise around it
        return
    if _differ(seen.reshape(-1, 1 if values.ndim == 2 else 3)):
        raise ImageError(
            f"{what}: float values up to {high:.3g}, in which no fault shows; it looks divided by"
            f" 255 twice: pass x * 255 ({_BLACK})"
        )


def check_deep(
    values: NDArray[Any], top: int, what: str, passed: str = "np.asarray(image)"
) -> None:
    """Refuse values of more than 8 bits that may be of fewer than they have room for.

    Those of 8, 10 or 12 bits that fill less than a fifteenth of the range are: of a sensor's 14
    bits they may as well be a dark picture's.

    Args:
        values: (H, W) or (H, W, C), integers in [0, top].
        top: what white is.
        what: names the image.
        passed: how the caller's code has its values as an array.

    Raises:
        ImageError: they may.
    """
    most = int(colours(values).max())
    bits = next((bits for bits in _BITS if most < 1 << bits), None)
    if most == 0 or bits is None or not _is_little(bits, top):
        return
    scaled = passed if bits == 8 else f"({passed} * (255 / {(1 << bits) - 1})).round()"
    room = top.bit_length()
    raise ImageError(
        f"{what}: has {room} bits and values up to {most}, which may be of {bits} bits (of {room} "
        f"it is nearly black); give it with 8 bits: {scaled}.astype('uint8'), or, if it is truly "
        f"dark, ({passed} // {top // 255}).astype('uint8')"
    )


def _is_little(bits: int, top: int) -> bool:
    most = (1 << bits) - 1
    return most < top if bits == 8 else 15 * most <= top


def colours(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values of (H, W) or (H, W, C) that are not alpha."""
    return values if values.ndim == 2 else values[..., :3]


def _check_alpha(levels: Array, what: str) -> None:
    pixels = np.ascontiguousarray(levels).view(np.uint32)  # all four channels at once
    some = np.bitwise_or.reduce(pixels, axis=None, keepdims=True).view(np.uint8).ravel()
    if some[3] == 1:
        raise ImageError(
            f"{what}: its alpha is at most 1 of 255, so no fault shows through; pass its colours"
            " alone, or alpha * 255"
        )
    if some[3] == 0 and (levels != levels[0, 0]).any():
        raise ImageError(
            f"{what}: is transparent everywhere, and its colours differ, of which none is seen;"
            " pass its colours alone, or one colour if it is meant to be empty"
        )
    seen = levels[..., 3:] > 0
    some = np.bitwise_or.reduce(pixels, axis=None, keepdims=True, where=seen).view(np.uint8).ravel()
    most = int(some[:3].max())  # of the bits that any has: 3 for levels of 1 and 2
    if 0 < most <= _LITTLE and _differ(levels[seen[..., 0]][:, :3]):
        raise _unscaled(most, what)


def _differ(pixels: NDArray[Any]) -> bool:
    return bool((pixels != pixels[0]).any())


def _unscaled(most: int, what: str) -> ImageError:
    looks = (
        "values of [0, 1] that were not brought to [0, 255]: pass (x * 255).astype('uint8')"
        if most == 1
        else "values of another scale, or numbers of classes: bring them to [0, 255]"
    )
    return ImageError(
        f"{what}: its largest level is {most} of 255, in which no fault shows; it looks like"
        f" {looks} ({_BLACK})"
    )
