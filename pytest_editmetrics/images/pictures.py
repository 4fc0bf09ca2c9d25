"""A PIL image, or the file behind one, as 8-bit pixels: upright, with the alpha that it has."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps
from PIL._util import DeferredError

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images import jpeg, jpeg_2000, png, tiff
from pytest_editmetrics.images.colour import Colours, Decoded
from pytest_editmetrics.images.colour_words import Colour
from pytest_editmetrics.images.files import opened
from pytest_editmetrics.images.leniency import whole_files
from pytest_editmetrics.images.levels import SIXTEEN_BIT, Notes, of_floats, of_integers, unrounded
from pytest_editmetrics.images.orientation import ORIENTATION, UPRIGHT, orientation_of
from pytest_editmetrics.images.replaced import check_pixels
from pytest_editmetrics.images.scale import check_deep, check_floats
from pytest_editmetrics.images.unread import core_of, is_unread

_DEEP = ("I;16", "I;16L", "I;16B", "I;16N")
_GREY = ("1", "L", "La")
_OF_PREVIEWS = ("MPO",)  # the further frames of a phone's photo are smaller copies of it
_LAZY = Lock()
KindT = TypeVar("KindT", bound=np.generic)


def of_encoded(data: bytes, what: str, notes: Notes, colour: Colour = "seen") -> Decoded:
    """Return the pixels of a file.

    Raises:
        ImageError: it is no image, cannot be decoded to its end, or could be read in two ways.
    """
    with whole_files():
        image, decoded = opened(data, what)
        with image:
            return _pixels(image, decoded, Colours(image, data, what, notes, colour), what, notes)


def of_picture(image: Image.Image, what: str, notes: Notes, colour: Colour = "seen") -> Decoded:
    """Return the pixels of a PIL image, as ``of_encoded``; one opened and not yet read stays so."""
    check_pixels()
    if 0 in image.size:
        raise ImageError(f"{what}: has no pixels ({image.width}x{image.height})")
    if _is_closed(image):
        raise ImageError(
            f"{what}: was closed, or verified, before its pixels were read; pass its path, or call"
            " its load() before that"
        )
    with whole_files():
        with _LAZY:  # its file has one place from which threads would read on
            own, data = _behind(image)
            if data is None:
                _loaded(image, what)
        colours = Colours(own, data, what, notes, colour, held=True)
        if data is not None and own.format == "PNG":
            data = png.without_texts(data)
        return _pixels(own, data, colours, what, notes)


def of_mask(data: bytes, what: str) -> tuple[NDArray[Any], dict[Any, Any]]:
    """Return the levels of a mask's file as they are, and what else stands in it, by name.

    They are numbers, whatever the file's colour profile.

    Raises:
        ImageError: as ``of_encoded``.
    """
    with whole_files():
        image, decoded = opened(data, what)
        with image:
            numbers = Colours(image, data, what, {}, "numbers")
            return _pixels(image, decoded, numbers, what, {}).pixels, image.info


def _behind(image: Image.Image) -> tuple[Image.Image, bytes | None]:
    """Open again what an image that was not read yet lies in; else return it as it is."""
    file = getattr(image, "fp", None)
    if not isinstance(image, ImageFile.ImageFile) or file is None or not is_unread(image):
        return image, None
    try:
        at = file.tell()
        file.seek(0)
        data = file.read()
        file.seek(at)
        own = type(image)(BytesIO(png.without_texts(data) if image.format == "PNG" else data))
        own.format = image.format
        if frame := image.tell():
            own.seek(frame)
    except Exception:  # whatever it is, Pillow's own way says so
        return image, None
    if (own.size, own.mode) != (image.size, image.mode):  # a draft, say
        return image, None
    # in place: a decoder adds what stands after the pixels
    had_profile = bool(own.info.get("icc_profile"))
    for key in own.info.keys() - image.info.keys():
        del own.info[key]
    own.info.update(image.info)
    if had_profile and not image.info.get("icc_profile"):  # it was taken away
        own.info.pop("icc_profile", None)
    return own, data


def _is_closed(image: Any) -> bool:
    """Tell whether a PIL image has no pixels, and no open file from which they could be read."""
    if isinstance(core_of(image), DeferredError):
        return True
    if not isinstance(image, ImageFile.ImageFile) or not is_unread(image):
        return False
    file: Any = image.fp
    return file is None or bool(getattr(file, "closed", False))


def _pixels(
    image: Image.Image, data: bytes | None, colours: Colours, what: str, notes: Notes
) -> Decoded:
    _check_frames(image, what)
    kind = image.format
    deep = None
    if data is not None and (why := _refused(image, data)) is not None:
        raise ImageError(f"{what}: {why}")
    _loaded(image, what)
    if (orientation := _guarded(lambda: orientation_of(image), what)) != UPRIGHT:
        notes[ORIENTATION] = orientation
    if data is not None:
        _check_end(image, data, what)
        deep = _guarded(lambda: _deep_values(kind, data, type(image)), what)
    if deep is not None:
        values, top = deep
        return _of_deep(values, top, colours, what, notes)
    upright: Image.Image = _guarded(lambda: ImageOps.exif_transpose(image), what)
    if upright.mode == "F":
        return _of_deep(np.asarray(upright), None, colours, what, notes)
    if upright.mode in _DEEP or upright.mode == "I":
        return _of_deep(_sixteen_bit(upright, what), SIXTEEN_BIT, colours, what, notes)
    if (picture := colours.picture(upright)) is not None:
        return picture
    try:
        if upright.has_transparency_data:
            return colours.shown(np.ascontiguousarray(upright.convert("RGBA")))
        rgb = np.ascontiguousarray(upright.convert("RGB"))
    except ValueError as error:
        raise ImageError(
            f"{what}: Pillow cannot turn mode {upright.mode!r} into RGB ({error}); convert it first"
        ) from error
    grey = upright.mode in _GREY
    return colours.shown(np.ascontiguousarray(rgb[..., 0]) if grey else rgb)


def _refused(image: Image.Image, data: bytes) -> str | None:
    """Say why a file, opened and not yet loaded, would be read wrongly; ``None`` if it is not."""
    if image.format == "TIFF":
        return tiff.refused(image)
    return jpeg_2000.refused(data) if image.format == "JPEG2000" else None


def _of_deep(
    values: NDArray[Any], top: int | None, colours: Colours, what: str, notes: Notes
) -> Decoded:
    if top is None:
        levels = of_floats(values, what, notes)
        check_floats(values, what)
    else:
        check_deep(values, top, what)
        levels = of_integers(values, top)
    return colours.shown(_shaped(levels), lambda: _shaped(unrounded(values, top)))


def _deep_values(
    kind: str | None, data: bytes, plugin: Callable[[BytesIO], Image.Image]
) -> tuple[NDArray[Any], int | None] | None:
    def again() -> Image.Image:
        return plugin(BytesIO(data))

    if kind == "PNG":
        return png.deep_values(data, again)
    return tiff.deep_values(again) if kind == "TIFF" else None


def _shaped(levels: NDArray[KindT]) -> NDArray[KindT]:
    grey = levels.ndim == 3 and levels.shape[2] == 1
    return np.ascontiguousarray(levels[..., 0] if grey else levels)


def _check_frames(image: Image.Image, what: str) -> None:
    if image.format in _OF_PREVIEWS:
        return
    frames = _guarded(lambda: getattr(image, "n_frames", 1), what)
    if frames > 1:
        raise ImageError(f"{what}: has {frames} frames; save the one that is meant as a file")


def _check_end(image: Image.Image, data: bytes, what: str) -> None:
    def decoded(other: bytes) -> Image.Image:
        again = plugin(BytesIO(other))
        again.load()
        return again

    plugin: Callable[[BytesIO], Image.Image] = type(image)

    early = False
    if image.format == "PNG":
        early = _guarded(lambda: png.missing_rows(data, image), what)
    elif image.format in ("JPEG", "MPO"):
        early = _guarded(lambda: jpeg.missing_pixels(data, image, decoded), what)
    if early:
        raise ImageError(f"{what}: is truncated or damaged (its data end before its last pixels)")


def _loaded(image: Image.Image, what: str) -> None:
    _guarded(image.load, what)


def _guarded(step: Callable[[], Any], what: str) -> Any:
    """Decoders raise almost anything on a damaged file, from SyntaxError to struct.error."""
    try:
        return step()
    except MemoryError:
        raise
    except Exception as error:
        raise ImageError(f"{what}: is truncated or damaged ({error})") from error


def _sixteen_bit(image: Image.Image, what: str) -> NDArray[np.int64]:
    values = np.asarray(image).astype(np.int64)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > SIXTEEN_BIT:
        raise ImageError(
            f"{what}: mode {image.mode!r} with values from {low} to {high}, which is neither 8 nor "
            "16 bit; scale it to [0, 255] and convert it to mode 'L'"
        )
    return values
