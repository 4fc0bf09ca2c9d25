"""The curve of sRGB (IEC 61966-2-1): its values as light, and light as its values."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

FloatT = TypeVar("FloatT", np.float32, np.float64)


def light_of(values: NDArray[FloatT]) -> NDArray[FloatT]:
    """Return sRGB values in [0, 1] as linear light, in [0, 1] and of their type.

    >>> light_of(np.array([0.0, 0.5, 1.0])).round(3).tolist()
    [0.0, 0.214, 1.0]
    """
    light: NDArray[FloatT] = np.where(
        values > 0.04045, ((values + 0.055) / 1.055) ** 2.4, values / 12.92
    )
    return light


def values_of(light: NDArray[FloatT]) -> NDArray[FloatT]:
    """Return linear light as sRGB values in [0, 1], of its type; what lies beyond is cut off.

    >>> values_of(np.array([0.0, 0.214, 2.0])).round(2).tolist()
    [0.0, 0.5, 1.0]
    """
    light = light.clip(0, 1)
    values: NDArray[FloatT] = np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055
    )
    return values
