"""The 8-bit levels of values of another depth: 16 bit, floats, anything up to a top; and alpha."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.replaced import check_made

Array: TypeAlias = NDArray[np.uint8]
Notes: TypeAlias = dict[str, Any]
"""What was done to read an image, as the details of a measurement tell it."""

SLACK = 1e-3
"""How far a float may lie outside [0, 1]; what computes in float32 or less ends there."""
SIXTEEN_BIT = 65535
"""White, in values of 16 bits."""


def of_integers(values: NDArray[Any], top: int = SIXTEEN_BIT) -> Array:
    """Return ``round(v * 255 / top)`` of values in [0, top]; for 16 bit that is ``round(v / 257)``.

    >>> of_integers(np.array([0, 128, 129, 257, 65535])).tolist()
    [0, 0, 1, 1, 255]
    >>> of_integers(np.array([0, 8, 9, 4095]), 4095).tolist()
    [0, 0, 1, 255]
    """
    wide = values.astype(np.uint64 if top > SIXTEEN_BIT else np.uint32)
    return ((wide * 255 + top // 2) // top).astype(np.uint8)


def of_floats(values: NDArray[Any], what: str, notes: Notes) -> Array:
    """Return ``round(v * 255)`` of values in [0, 1]; within ``SLACK`` of it they are clipped.

    Raises:
        ImageError: values that are not finite, or lie further out; ``what`` names them.

    >>> notes = {}
    >>> of_floats(np.array([-1e-8, 0.5, 1.000001]), "image", notes).tolist(), notes["clipped"]
    ([0, 128, 255], [-1e-08, 1.000001])
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError(f"{what}: float values with NaN or infinity: the model's output is broken")
    if low < -SLACK or high > 1 + SLACK:
        raise ImageError(
            f"{what}: float values from {low:g} to {high:g}, not in [0, 1]; {_remedy(low, high)}"
        )
    if low < 0 or high > 1:
        notes["clipped"] = [low, high]
        values = values.clip(0, 1)
    return np.rint(values.astype(np.float64) * 255).astype(np.uint8)


def unrounded(values: NDArray[Any], top: int | None) -> NDArray[np.float32]:
    """Return levels in [0, 255] that are not rounded, of values up to ``top``, or floats in [0, 1].

    >>> unrounded(np.array([0, 65535, 128.5]), 65535).tolist()
    [0.0, 255.0, 0.5]
    """
    share = values.astype(np.float64) / (top or 1)
    return np.asarray(share.clip(0, 1) * 255, np.float32)


def _remedy(low: float, high: float) -> str:
    """Say what values look like by how far they reach; a wrong guess blackens the image."""
    if -1.5 <= low <= -0.5 and high <= 1.5:
        beyond = ", clipped" if low < -1 or high > 1 else ""
        return f"it looks like [-1, 1]: pass (x + 1) / 2{beyond}"
    if low >= -SLACK and 2 < high <= 256:
        beyond = ", clipped" if high > 255 else ""
        return f"it looks like [0, 255]: pass x / 255{beyond}"
    if low >= -0.5 and high <= 2:
        return (
            "it looks like [0, 1] with values beyond it: pass x.clip(0, 1); if it lies in [-1, 1],"
            " pass (x + 1) / 2"
            if low < -SLACK
            else "it looks like [0, 1] with values beyond it: pass x.clip(0, 1)"
        )
    return "neither does it look like [-1, 1] or [0, 255]: scale it to [0, 1], or clip it"


def on_white(pixels: Array) -> Array:
    """Return RGB (H, W, 3) of grey (H, W), RGB, or RGBA, which is laid on white."""
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    elif pixels.shape[2] == 4:
        pixels = laid_on(pixels, 255)
    return np.ascontiguousarray(pixels)


def laid_on(pixels: Array, level: int) -> Array:
    """Return RGB (H, W, 3) of RGBA, laid on the grey of a level.

    >>> laid_on(np.zeros((1, 1, 4), np.uint8), 90).tolist()
    [[[90, 90, 90]]]
    """
    check_made()
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    ground = Image.new("RGBA", picture.size, (level, level, level, 255))
    return np.ascontiguousarray(Image.alpha_composite(ground, picture).convert("RGB"))
