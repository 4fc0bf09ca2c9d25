"""Arrays and tensors as 8-bit pixels; what could be read in two ways is an error that says so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.levels import SIXTEEN_BIT, Array, Notes, of_floats, of_integers
from pytest_editmetrics.images.plain import no_plain_array
from pytest_editmetrics.images.scale import check_deep, check_floats

if TYPE_CHECKING:
    import torch

READABLE = "a path, a PIL image, an array (H, W, C) or a tensor (C, H, W)"
_CHANNELS = (1, 3, 4)


def of_array(array: NDArray[Any], what: str, notes: Notes) -> Array:
    """Return an array (H, W), (H, W, C) or (1, H, W, C) as uint8: grey (H, W), RGB or RGBA.

    It is a copy: what is written into the array afterwards is another image.

    Raises:
        ImageError: it is not clearly one of these; ``what`` names it.
    """
    if why := no_plain_array(array):
        raise ImageError(f"{what}: {why}")
    original = array.shape
    if array.ndim == 4:
        array = _only_one(array, original, what)
    elif array.ndim == 3 and array.shape[0] == 1 and array.shape[2] not in _CHANNELS:
        array = array[0]
    if array.ndim == 3 and array.shape[2] in _CHANNELS and array.shape[0] in _CHANNELS:
        raise ImageError(
            f"{what}: an array of shape {original} may be (H, W, C) or (C, H, W); pass "
            "PIL.Image.fromarray(...) of it as (H, W, C), which leaves no doubt"
        )
    if array.ndim == 3 and array.shape[2] not in _CHANNELS:
        hint = (
            "it looks like (C, H, W): pass array.transpose(1, 2, 0)"
            if array.shape[0] in _CHANNELS
            else "C must be 1 (grey), 3 (RGB) or 4 (RGBA)"
        )
        raise ImageError(f"{what}: an array of shape {original} is not (H, W, C); {hint}")
    return _pixels(array, original, what, notes)


def is_tensor(given: Any) -> TypeGuard[torch.Tensor]:
    """Tell whether it is a tensor of torch: who has one imported it, and a stub has none."""
    kind = getattr(sys.modules.get("torch"), "Tensor", None)
    return isinstance(kind, type) and isinstance(given, kind)


def of_tensor(tensor: torch.Tensor, what: str, notes: Notes) -> Array:
    """Return a tensor (H, W), (C, H, W) or (1, C, H, W) as ``of_array`` returns an array."""
    original = tuple(tensor.shape)
    try:
        tensor = tensor.detach().cpu()
        if tensor.is_floating_point():
            tensor = tensor.float()
        array: NDArray[Any] = tensor.numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise ImageError(
            f"{what}: a tensor ({tensor.layout}, on {tensor.device}) that gives no array; pass a"
            " dense one with data"
        ) from error
    if array.ndim == 4:
        array = _only_one(array, original, what)
    if array.ndim == 3:
        if array.shape[0] not in _CHANNELS or array.shape[2] in _CHANNELS:
            raise ImageError(
                f"{what}: a tensor of shape {original} is not clearly (C, H, W) with C of 1 "
                "(grey), 3 (RGB) or 4 (RGBA); if it is (H, W, C), pass tensor.permute(2, 0, 1)"
            )
        array = array.transpose(1, 2, 0)
    return _pixels(array, original, what, notes)


def _only_one(array: NDArray[Any], original: tuple[int, ...], what: str) -> NDArray[Any]:
    if array.shape[0] != 1:
        raise ImageError(f"{what}: a batch of {array.shape[0]} images {original}; pass one of them")
    only: NDArray[Any] = array[0]
    return only


def _pixels(array: NDArray[Any], original: tuple[int, ...], what: str, notes: Notes) -> Array:
    if array.ndim not in (2, 3):
        raise ImageError(f"{what}: shape {original} is not that of one image; give {READABLE}")
    if array.size == 0:
        raise ImageError(f"{what}: has no pixels (shape {original})")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    return np.ascontiguousarray(_levels(array, what, notes))


def _levels(array: NDArray[Any], what: str, notes: Notes) -> Array:
    if array.dtype == np.uint8:
        return np.array(array, order="C")
    if array.dtype == np.uint16:
        check_deep(array, SIXTEEN_BIT, what, "array")
        return of_integers(array)
    if array.dtype.kind != "f":
        why = "is a mask, not an image" if array.dtype == np.bool_ else "has no agreed range"
        raise ImageError(
            f"{what}: values of type {array.dtype} ({why}); give uint8, uint16 or float in [0, 1]"
        )
    levels = of_floats(array, what, notes)
    check_floats(array, what)
    return levels
