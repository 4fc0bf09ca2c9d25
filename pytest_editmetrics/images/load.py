"""Turn whatever a test holds as an image into one form: RGB, uint8, (H, W, 3).

Nothing is guessed: what could mean two different pictures is an error that says how to be clear.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.arrays import READABLE, is_tensor, of_array, of_tensor
from pytest_editmetrics.images.best_fit import brought_together
from pytest_editmetrics.images.colour import Decoded, warn_of_ignored
from pytest_editmetrics.images.colour_words import Colour, check_colour
from pytest_editmetrics.images.data_url import is_data_url, read_data_url, short
from pytest_editmetrics.images.files import read_file
from pytest_editmetrics.images.levels import Array, Notes, on_white
from pytest_editmetrics.images.orientation import ORIENTATION, UPRIGHT
from pytest_editmetrics.images.pictures import of_encoded, of_picture
from pytest_editmetrics.images.replaced import PICTURE
from pytest_editmetrics.images.resize_modes import Aspect, Resize
from pytest_editmetrics.images.scale import checked

if TYPE_CHECKING:
    import torch

__all__ = [
    "Array",
    "ImageLike",
    "Loaded",
    "load_image",
    "load_pair",
    "numbers_of",
    "read_encoded",
    "read_encoded_pixels",
    "read_image",
    "read_image_file",
    "read_pixels",
]

Uncovered: TypeAlias = tuple[tuple[Array, Array], tuple[Array, Array]]
"""The colours of two images, whatever their alpha, and the alpha of each, (H, W)."""
ImageLike: TypeAlias = "Image.Image | str | os.PathLike[str] | NDArray[Any] | torch.Tensor | Loaded"

_LONGEST_PATH = 4096
_OPAQUE = 255


@dataclass(frozen=True, eq=False)
class Loaded:
    """An image that was loaded: whoever takes images takes it as it is.

    ``pixels`` are RGB, uint8, (H, W, 3), C-contiguous. ``notes`` say what had to be done to read
    them: ``clipped`` is the range of floats that lay outside [0, 1] by less than 0.001, ``colour``
    what became of the colour profile. ``numbers`` are the pixels that the bare numbers would give,
    where a profile made them others; ``what`` names the image. ``orientation`` is the EXIF
    orientation that was applied, 1 if none was; ``alpha``, uint8 (H, W), tells where it is
    transparent, ``bare`` the colours there, where it was laid on white.
    """

    pixels: Array
    notes: Notes = field(default_factory=dict)
    numbers: Array | None = None
    what: str = "image"
    orientation: int = UPRIGHT
    bare: Array | None = None
    alpha: Array | None = None

    def warn(self) -> None:
        """Warn where the image has a profile that was not applied."""
        warn_of_ignored(self.what, self.notes, stacklevel=3)


def numbers_of(before: Loaded, after: Loaded) -> tuple[Array, Array] | None:
    """Return two images by their bare numbers; ``None`` where no profile makes them others."""
    if before.numbers is None and after.numbers is None:
        return None
    one, other = (
        image.pixels if image.numbers is None else image.numbers for image in (before, after)
    )
    return one, other


def beneath(before: Loaded, after: Loaded) -> Uncovered | None:
    """Return the colours of two images without their alpha, and it; ``None`` where all is opaque.

    >>> black = read_image(Image.new("RGBA", (1, 1), (0, 0, 0, 128)))
    >>> white = read_image(Image.new("RGB", (1, 1), (255, 255, 255)))
    >>> [part[0, 0].tolist() for parts in beneath(black, white) for part in parts]
    [[0, 0, 0], [255, 255, 255], 128, 255]
    """
    if before.alpha is None and after.alpha is None:
        return None
    bare, other = (one.pixels if one.bare is None else one.bare for one in (before, after))
    alpha, its = (
        np.full(one.pixels.shape[:2], _OPAQUE, np.uint8) if one.alpha is None else one.alpha
        for one in (before, after)
    )
    return (bare, other), (alpha, its)


def load_image(source: ImageLike, what: str = "image", colour: Colour = "seen") -> Array:
    """Load one image.

    Args:
        source: a path or a ``data:`` URL; a PIL image of any mode; an array (H, W, C) or (H, W),
            uint8, uint16 or float in [0, 1]; a tensor (C, H, W) or (H, W) of the same types. A
            batch or a list of one counts as its only image. C is 1 (grey), 3 (RGB) or 4 (RGBA).
            Floats outside [0, 1] by less than 0.001 are clipped.
        what: what to call it in an error, such as ``reference image``.
        colour: ``"seen"`` applies the colour profile of a file or PIL image; ``"numbers"`` takes
            the numbers for sRGB, whatever profile they have.

    Returns:
        RGB, uint8 in [0, 255], (H, W, 3), C-contiguous. EXIF orientation is applied, transparency
        composited on white, 16-bit values scaled to 8 (``round(v / 257)``), float values too
        (``round(v * 255)``), colours with a profile converted to sRGB (relative colorimetric). A
        profile that is not applied, damaged or of another kind of image, is warned of.

    Raises:
        ImageError: not an image, unreadable, or it could be read in two ways. The message starts
            with ``what`` and the path, if there is one.
        InputError: another value of ``colour``.

    >>> load_image(np.ones((2, 3))).shape
    (2, 3, 3)
    >>> load_image(Image.new("RGBA", (1, 1), (0, 0, 0, 0)))[0, 0].tolist()
    [255, 255, 255]
    """
    loaded = read_image(source, what, colour)
    loaded.warn()
    return loaded.pixels


def read_image(source: ImageLike, what: str = "image", colour: Colour = "seen") -> Loaded:
    """Load one image, and say what had to be done; takes and raises what ``load_image`` does."""
    if isinstance(source, Loaded):
        return source
    check_colour(colour)
    return _loaded(*_read(source, what, colour))


def read_encoded(data: bytes, what: str, colour: Colour = "seen") -> Loaded:
    """Load one image from the bytes of its file; returns and raises as ``read_image``.

    >>> import io
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (3, 2)).save(file, "PNG")
    >>> read_encoded(file.getvalue(), "image").pixels.shape
    (2, 3, 3)
    """
    notes: Notes = {}
    return _loaded(checked(of_encoded(data, what, notes, colour), what), notes, what)


def read_pixels(source: ImageLike, what: str = "image", colour: Colour = "seen") -> Decoded:
    """Load one image as it is, grey and alpha kept, and say what had to be done.

    Args:
        source: as ``load_image`` takes it.
        what: what to call it in an error.
        colour: as ``load_image`` takes it.

    Returns:
        Its pixels, uint8 in [0, 255]: (H, W) for a grey image, (H, W, 4) RGBA for one with alpha,
        (H, W, 3) RGB for any other. A palette is resolved, 16 bit and float are scaled to 8 bit,
        EXIF orientation is applied; grey with alpha becomes RGBA. A profile that is not applied is
        warned of.

    Raises:
        ImageError: see ``load_image``.

    >>> read_pixels(Image.new("RGBA", (3, 2))).pixels.shape
    (2, 3, 4)
    """
    check_colour(colour)
    decoded, notes, named = _read(source, what, colour)
    warn_of_ignored(named, notes)
    notes.pop(ORIENTATION, None)
    return replace(decoded, notes=notes)


def read_encoded_pixels(data: bytes, what: str, colour: Colour = "seen") -> Decoded:
    """Load one image from the bytes of its file, as ``read_pixels``; nothing is warned of."""
    notes: Notes = {}
    decoded = checked(of_encoded(data, what, notes, colour), what)
    notes.pop(ORIENTATION, None)
    return replace(decoded, notes=notes)


def _loaded(decoded: Decoded, notes: Notes, what: str) -> Loaded:
    numbers = None if decoded.numbers is None else on_white(decoded.numbers)
    orientation = notes.pop(ORIENTATION, UPRIGHT)
    loaded = Loaded(on_white(decoded.pixels), notes, numbers, what, orientation)
    if decoded.pixels.shape[2:] != (4,) or (decoded.pixels[..., 3] == _OPAQUE).all():
        return loaded
    bare, alpha = (np.array(decoded.pixels[..., part]) for part in (slice(3), 3))
    return replace(loaded, bare=bare, alpha=alpha)


def read_image_file(source: str | os.PathLike[str], what: str) -> tuple[bytes, str]:
    """Return the bytes of a file, and what to call it: ``what`` and the path.

    Raises:
        ImageError: there is no such file, it cannot be read, or it is an address.
    """
    text = os.fspath(source)
    if len(text) > _LONGEST_PATH:
        start = text[:20] if text[:20].isprintable() else repr(text[:20])
        raise ImageError(
            f"{what}: {start}... ({len(text)} characters) is too long for a path; if it is base64,"
            " pass 'data:image/png;base64,' and it"
        )
    named = f"{what} {text if text.isprintable() else repr(text)}"
    if "://" in text:
        raise ImageError(f"{named}: is an address, which no check reads; download it before")
    return read_file(Path(source), named), named


def _read(source: Any, what: str, colour: Colour) -> tuple[Decoded, Notes, str]:
    """Return an image, what was done to read it, and what to call it."""
    notes: Notes = {}
    decoded, named = _decoded(source, what, colour, notes)
    return checked(decoded, named), notes, named


def _decoded(source: Any, what: str, colour: Colour, notes: Notes) -> tuple[Decoded, str]:
    if isinstance(source, (list, tuple)):
        if len(source) != 1:
            raise ImageError(f"{what}: a list of {len(source)} images; pass one of them")
        source = source[0]
    if isinstance(source, str) and is_data_url(source):
        named = f"{what} {short(source)}"
        return of_encoded(read_data_url(source, named), named, notes, colour), named
    if isinstance(source, (str, os.PathLike)):
        data, named = read_image_file(source, what)
        return of_encoded(data, named, notes, colour), named
    if isinstance(source, PICTURE):
        name = getattr(source, "filename", "")
        named = f"{what} {name}" if name else what
        return of_picture(source, named, notes, colour), named
    if isinstance(source, np.ndarray):
        return Decoded(of_array(source, what, notes)), what
    if is_tensor(source):
        return Decoded(of_tensor(source, what, notes)), what
    hint = "; pass its .images[0]" if hasattr(source, "images") else ""
    if isinstance(source, (bytes, bytearray, memoryview)):
        hint = "; pass PIL.Image.open(io.BytesIO(...)) of a file's bytes"
    elif hasattr(source, "read"):
        hint = "; pass PIL.Image.open(...) of an open file"
    raise ImageError(f"{what}: {type(source).__name__} is not an image{hint}; give {READABLE}")


def load_pair(
    reference: ImageLike,
    edited: ImageLike,
    resize: Resize | None = None,
    aspect: Aspect | None = None,
    colour: Colour = "seen",
) -> tuple[Array, Array]:
    """Load the image before and after the edit, at one size.

    Args:
        reference: as in ``load_image``.
        edited: as in ``load_image``.
        resize: how images of unlike sizes are brought together, see ``resize_modes.RESIZES``;
            ``None`` makes unlike sizes an error.
        aspect: ``any`` lets a mode stretch by more than rounding a side does.
        colour: as in ``load_image``.

    Returns:
        Two arrays (H, W, 3), RGB, uint8, of one size.

    Raises:
        ImageError: as ``load_image``, or the sizes or aspects differ.
        InputError: an unknown ``resize`` or ``aspect``.

    >>> a, b = load_pair(np.zeros((4, 6)), np.ones((2, 3)), resize="edited")
    >>> a.shape == b.shape == (2, 3, 3)
    True
    """
    one = read_image(reference, "reference image", colour)
    other = read_image(edited, "edited image", colour)
    for image in (one, other):
        image.warn()
    before, after = one.pixels, other.pixels
    fit = brought_together(
        before,
        after,
        resize,
        aspect,
        numbers=numbers_of(one, other),
        stated=(one.orientation, other.orientation),
    )
    return (before, after) if fit is None else fit.pictures(before, after)
