"""Masks: which pixels of an image are meant, read from what users have and packed for results."""

from __future__ import annotations

import base64
import binascii
import numbers
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import ImageError, RegionError, did_you_mean
from pytest_editmetrics.images.boxes import Box
from pytest_editmetrics.images.data_url import is_data_url, read_data_url, short
from pytest_editmetrics.images.encoded import Encoded
from pytest_editmetrics.images.levels import SIXTEEN_BIT, of_floats, of_integers
from pytest_editmetrics.images.plain import no_plain_array
from pytest_editmetrics.images.runs import MOST_PIXELS, Mask, of_counts, of_runs
from pytest_editmetrics.images.scale import check_deep

__all__ = [
    "FILES",
    "Cut",
    "Mask",
    "as_mask",
    "bounds",
    "equal_within",
    "file_text",
    "is_mask",
    "of_fields",
    "packed",
    "read_mask",
    "without_rim",
]

SUGGESTED = "editmetrics"
"""The text chunk of a PNG in which ``suggest-region`` says that a mask is its own."""
FILES = (str, os.PathLike, Encoded)
"""What a mask is read from when it is needed."""
KEYS = ("path", "size", "counts", "runs", "threshold", "invert")
"""What a mask that is written as a mapping may hold."""
_LEFT = 0.25  # share of a mask that has to be left without its rim, or all of it counts
_WIDEST_BOX = 8  # columns of what somebody may have meant as boxes
_ADVICE = (
    "a mask is boolean, or of 0 and 255, or of 0 and 1: say from which level on a pixel belongs"
    " to it, Region(mask=..., threshold=128), in YAML {mask: {path: ..., threshold: 128}}"
)


@dataclass(frozen=True)
class Cut:
    """How grey levels become a mask.

    Args:
        threshold: of levels from 0 to 255, the first that belongs to the mask; ``None`` takes none
            but black and white.
        invert: whether the other pixels are meant: black is where to edit.

    Raises:
        RegionError: a threshold that is no whole number from 1 to 255, or an invert that is no
            boolean.
    """

    threshold: int | None = None
    invert: bool = False

    def __post_init__(self) -> None:
        level = self.threshold
        whole = isinstance(level, numbers.Integral) and not isinstance(level, (bool, np.bool_))
        if level is not None and not (whole and 1 <= level <= 255):
            raise RegionError(
                f"threshold is {level!r:.40}; give a whole number from 1 to 255: the first of the"
                " levels, 0 to 255, that belongs to the mask"
            )
        if not isinstance(self.invert, (bool, np.bool_)):
            raise RegionError(f"invert is {self.invert!r:.40}; give true or false")

    def __bool__(self) -> bool:
        return self.threshold is not None or self.invert

    @property
    def text(self) -> str:
        """How it is told beside a mask's name."""
        level = "" if self.threshold is None else f"from level {self.threshold}"
        return ", ".join(filter(None, (level, "inverted" if self.invert else "")))

    def of(self, mask: Mask) -> Mask:
        """Return what is meant of a mask that is boolean already."""
        return ~mask if self.invert else mask


def without_rim(mask: Mask, rim: int) -> Mask:
    """Return a mask less ``rim`` pixels beside what it leaves out.

    Of half of them, and so on, where less than a quarter would be left, as of strips and of what
    lies between specks.

    >>> [int(without_rim(mask, 2).sum()) for mask in (np.arange(10)[None] > 0, np.eye(9) > 0)]
    [7, 9]
    """
    from scipy.ndimage import binary_erosion

    while rim:
        inner: Mask = binary_erosion(mask, np.ones((3, 3)), iterations=rim, border_value=1)
        if inner.sum() >= _LEFT * mask.sum():
            return inner
        rim //= 2
    return mask


def equal_within(one: NDArray[Any], other: NDArray[Any], mask: Mask | None) -> bool:
    """Tell whether two images (H, W, C) are equal where a mask is true; ``None`` for everywhere.

    >>> equal_within(np.zeros((1, 2, 3)), np.eye(2, 3)[None], np.array([[True, False]]))
    False
    """
    for rows in (slice(None, None, 16), slice(None)):  # a few rows tell it as a rule
        unequal = (one[rows] != other[rows]).any(axis=2)
        if (unequal if mask is None else unequal & mask[rows]).any():
            return False
    return True


def bounds(mask: Mask) -> Box | None:
    """Return the box around the true pixels of a mask (H, W); ``None`` if there is none.

    >>> bounds(np.eye(4, 6, 1, dtype=bool))
    (1, 0, 5, 4)
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def is_mask(coords: Any) -> bool:
    """Tell a mask, or a picture given for one, from an array of boxes: those have four columns."""
    shape = tuple(getattr(coords, "shape", ()))
    boolean = str(getattr(coords, "dtype", "")).rpartition(".")[2] == "bool"
    eight_bit = str(getattr(coords, "dtype", "")).rpartition(".")[2] == "uint8"
    wide = len(shape) >= 2 and shape[-1] > _WIDEST_BOX
    picture = len(shape) >= 3 and min(shape[:2]) > _WIDEST_BOX
    return len(shape) >= 2 and (boolean or wide or picture or (eight_bit and shape[-1] != 4))


def as_mask(source: Any, what: str, cut: Cut = Cut()) -> Mask:
    """Return an array, tensor or PIL image as boolean (H, W).

    Args:
        source: boolean; grey, or three channels alike. Without a threshold numbers of two levels,
            0 and 255 or 0 and 1; with one uint8, 16-bit values and floats in [0, 1], brought to 8
            bits as those of images are.
        what: what to call it in an error.
        cut: which levels are meant.

    Raises:
        RegionError: colours, transparency, or levels that the cut does not tell apart; a masked
            array.

    >>> as_mask(np.array([[0.2, 0.5, 0.9]]), "mask", Cut(128, invert=True)).tolist()
    [[True, False, False]]
    """
    if hasattr(source, "getbands"):
        read = _picture(lambda pictures: pictures.of_picture(source, what, {}, "numbers"))
        source = _grey(read.pixels, what, "image")
    if hasattr(source, "detach"):
        source = source.detach().cpu()
        source = (source.float() if source.is_floating_point() else source).numpy()
    if why := no_plain_array(source):
        raise RegionError(f"{what}: {why}")
    try:
        array = np.asarray(source)
    except (TypeError, ValueError) as error:
        raise RegionError(f"{what}: is no array of numbers (H, W): {error}") from error
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim == 3 and (array.shape[2] == 3 or (array.shape[2] == 4 and array.dtype == "u1")):
        array = _grey(array, what, "")
    if array.ndim != 2 or array.size == 0:
        raise RegionError(f"{what}: a mask has two dimensions (H, W), not the shape {array.shape}")
    try:
        return _cut_levels(array, what, cut)
    except RegionError as error:
        raise _sized(error, array) from None


def _sized(error: RegionError, array: NDArray[Any]) -> RegionError:
    error.size = (array.shape[0], array.shape[1])
    return error


def _cut_levels(array: NDArray[Any], what: str, cut: Cut) -> Mask:
    if array.dtype == np.bool_:
        if cut.threshold is not None:
            raise RegionError(f"{what}: is boolean: a threshold needs levels; omit it")
        return cut.of(array.copy())
    if cut.threshold is not None:
        levels = _levels(array, what)
        if levels.max() == 1 < cut.threshold:
            raise RegionError(
                f"{what}: holds 0 and 1, so a threshold of {cut.threshold} takes nothing; omit it"
            )
        return cut.of(levels >= cut.threshold)
    if array.dtype.kind not in "uif":
        raise RegionError(f"{what}: {array.dtype} is no type of levels; {_ADVICE}")
    values = np.unique(array)
    if not set(values.tolist()) <= {0, 1, 255} or {1, 255} <= set(values.tolist()):
        shown = ", ".join(f"{value:g}" for value in values[:5].tolist())
        raise RegionError(
            f"{what}: {array.dtype} with the values {shown}{', ...' if len(values) > 5 else ''};"
            f" {_ADVICE}"
        )
    return cut.of(array > 0)


def _levels(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    """Return levels from 0 to 255."""
    kind = array.dtype.kind
    if kind == "f":
        try:
            return of_floats(array, what, {})
        except ImageError as error:
            raise RegionError(str(error)) from None
    low, high = (int(array.min()), int(array.max())) if kind in "ui" else (-1, 0)
    if low < 0 or high > SIXTEEN_BIT:
        raise RegionError(
            f"{what}: {array.dtype} with values from {low} to {high}; levels are uint8, uint16, or"
            " float in [0, 1]"
            if kind in "ui"
            else f"{what}: {array.dtype} is no type of levels: uint8, uint16, or float in [0, 1]"
        )
    if array.dtype == np.uint8:
        return array
    try:
        check_deep(array, SIXTEEN_BIT, what, "mask")
    except ImageError as error:
        raise RegionError(str(error)) from None
    return of_integers(array)


def _grey(array: NDArray[Any], what: str, image: str) -> NDArray[Any]:
    """Return the one channel of a mask; ``image`` is the code of its PIL image, if it is one."""
    if array.ndim == 2:
        return array
    colour = bool((array[..., :3] != array[..., :1]).any())
    if array.shape[2] == 4 and (array[..., 3] != 255).any():
        text = f"{what}: {_of_alpha(image, colour=colour)}"
        raise _sized(RegionError(text), array)
    if colour:
        text = f"{what}: a mask in colour; give one channel of 0 and 255"
        raise _sized(RegionError(text), array)
    grey: NDArray[Any] = array[..., 0]
    return grey


def _of_alpha(image: str, *, colour: bool) -> str:
    """Say how what counts of a mask with an alpha channel is passed."""
    alpha = 'image.convert("RGBA").getchannel("A")' if image else "mask[..., 3]"
    grey = 'image.convert("L")' if image else "mask[..., 0]"
    opened = f", of image = {image}" if image not in ("", "image") else ""
    grey = "" if colour else f", Region(mask={grey}) its grey levels"
    saved = (
        f'; in YAML save it, {alpha}.save("alpha.png"), and write {{mask: {{path: alpha.png}}}},'
        " with invert: true likewise"
    )
    said = "is in colour and is" if colour else "is"
    return (
        f"{said} transparent in places; pass what counts{opened}:"
        f" Region(mask={alpha}) is its alpha, with invert=True if what is transparent is the edit"
        f" area{grey}{saved if image else ''}"
    )


def file_text(source: Any) -> str:
    """Return how messages call what is read when it is needed."""
    return source.text if isinstance(source, Encoded) else short(os.fspath(source))


def read_mask(source: str | os.PathLike[str] | Encoded, cut: Cut = Cut()) -> tuple[Mask, bool]:
    """Return the mask in a file or behind a URL, and whether it says that it was suggested.

    Raises:
        RegionError: it cannot be read, or is no mask.
    """
    from pytest_editmetrics.images.files import read_file
    from pytest_editmetrics.images.remote import is_url, read_url

    what = f"mask {file_text(source)}"
    if isinstance(source, Encoded):
        return _decoded(source.data, what, "image", cut)
    text, image = os.fspath(source), "image"
    try:
        if is_data_url(text):
            data = read_data_url(text, what)
        elif is_url(text):
            data = read_url(text, "mask")
        else:
            data, image = read_file(Path(source), what), f"Image.open({text!r})"
    except ImageError as error:
        raise RegionError(str(error)) from None
    return _decoded(data, what, image, cut)


def _decoded(data: bytes, what: str, image: str, cut: Cut) -> tuple[Mask, bool]:
    levels, info = _picture(lambda pictures: pictures.of_mask(data, what))
    return as_mask(_grey(levels, what, image), what, cut), info.get(SUGGESTED) == "suggested"


def _picture(read: Callable[[Any], Any]) -> Any:
    """Return what the reader of pictures makes of one; what is wrong with it is the region's."""
    from pytest_editmetrics.images import pictures

    try:
        return read(pictures)
    except ImageError as error:
        raise RegionError(str(error).partition("; known are")[0]) from None


def of_fields(fields: Mapping[Any, Any]) -> tuple[Any, Cut]:
    """Return a mask that is written as a mapping, or its path, and how it is cut.

    Args:
        fields: ``path``, with ``threshold`` and ``invert``; COCO's ``size`` and ``counts``;
            PIE-Bench's ``runs`` with their ``size``; or what ``packed`` wrote.

    Raises:
        RegionError: a key that is none of these, or runs that make no mask.

    >>> of_fields({"size": [1, 3], "counts": [1, 2], "invert": True})[0].tolist()
    [[False, True, True]]
    """
    if "packed" in fields:
        return unpacked(fields), Cut()
    for key in fields:
        if key not in KEYS:
            raise RegionError(f"a mask has no {key!r:.40}{did_you_mean(key, KEYS)}")
    given = {key: value for key, value in fields.items() if value is not None}
    sources = [key for key in ("path", "counts", "runs") if key in given]
    if len(sources) != 1:
        raise RegionError(
            f"mask: {' and '.join(sources) or 'neither path nor counts nor runs'}; a mask is one of"
            " {path: ...}, {size: ..., counts: ...} and {size: ..., runs: ...}"
        )
    cut = Cut(given.get("threshold"), given.get("invert", False))
    if "path" in given:
        if "size" in given:
            raise RegionError("mask: a size beside a path; an image has its own")
        return given["path"], cut
    if cut.threshold is not None:
        raise RegionError(f"mask: a threshold beside {sources[0]}, which have no levels; omit it")
    make = of_counts if "counts" in given else of_runs
    return make(given.get("size"), given[sources[0]], "mask"), cut


def packed(mask: Mask) -> dict[str, Any]:
    """Return a mask as JSON-ready values."""
    bits = zlib.compress(np.packbits(mask).tobytes(), 9)
    size = [mask.shape[1], mask.shape[0]]
    return {"size": size, "packed": base64.b64encode(bits).decode("ascii")}


def unpacked(fields: Mapping[Any, Any]) -> Mask:
    """Return a mask that ``packed`` wrote.

    Raises:
        RegionError: it is none.
    """
    try:
        width, height = fields["size"]
        count = width * height
        if not 0 < count <= MOST_PIXELS:
            raise ValueError
        length = -(-count // 8)
        data = base64.b64decode(fields["packed"], validate=True)
        bits = zlib.decompressobj().decompress(data, length + 1)
        if len(bits) != length:
            raise ValueError
        flat = np.unpackbits(np.frombuffer(bits, np.uint8), count=count)
    except (KeyError, TypeError, ValueError, binascii.Error, zlib.error):
        raise RegionError("mask: damaged, it is none that a run wrote") from None
    return flat.reshape(height, width).astype(np.bool_)
