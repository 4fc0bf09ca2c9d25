"""Turn whatever a test holds as an image into one form: RGB, uint8, (H, W, 3).

Nothing is guessed: what could mean two different pictures is an error that says how to be clear.
"""

from __future__ import annotations

import os
import stat
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from pytest_editmetrics.errors import ImageError, InputError

if TYPE_CHECKING:
    import torch

ImageLike: TypeAlias = "Image.Image | str | os.PathLike[str] | NDArray[Any] | torch.Tensor"
Array: TypeAlias = NDArray[np.uint8]

_CHANNELS = (1, 3, 4)
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_STATES_DEPTH = ("PNG", "PPM")
_OF_PREVIEWS = ("MPO",)  # the further frames of a phone's photo are smaller copies of it
# those that a decoder of Pillow reads by itself: EPS, for one, would be run by Ghostscript
_FORMATS = (
    *("PNG", "JPEG", "MPO", "WEBP", "TIFF", "GIF", "BMP", "DIB", "PPM", "TGA", "QOI", "JPEG2000"),
    *("AVIF", "HEIF"),
)
_LFS = b"version https://git-lfs.github.com/spec/"
_READABLE = "a path, a PIL image, an array (H, W, C) or a tensor (C, H, W)"


def load_image(source: ImageLike, what: str = "image") -> Array:
    """Load one image.

    Args:
        source: a path; a PIL image of any mode; an array (H, W, C) or (H, W), uint8, uint16 or
            float in [0, 1]; a tensor (C, H, W) or (H, W) of the same types. A batch or a list of
            one counts as its only image. C is 1 (grey), 3 (RGB) or 4 (RGBA).
        what: what to call it in an error, such as ``reference image``.

    Returns:
        RGB, uint8 in [0, 255], (H, W, 3), C-contiguous. EXIF orientation is applied, transparency
        composited on white, 16-bit values scaled to 8 (``round(v / 257)``), float values too
        (``round(v * 255)``).

    Raises:
        ImageError: not an image, unreadable, or it could be read in two ways. The message starts
            with ``what`` and the path, if there is one.

    >>> load_image(np.ones((2, 3))).shape
    (2, 3, 3)
    >>> load_image(Image.new("RGBA", (1, 1), (0, 0, 0, 0)))[0, 0].tolist()
    [255, 255, 255]
    """
    if isinstance(source, (list, tuple)):
        if len(source) != 1:
            raise ImageError(f"{what}: a list of {len(source)} images; pass one of them")
        source = source[0]
    if isinstance(source, (str, os.PathLike)):
        return load_encoded(*read_image_file(source, what))
    if isinstance(source, Image.Image):
        name = getattr(source, "filename", "")
        return _from_pil(source, f"{what} {name}" if name else what)
    if isinstance(source, np.ma.MaskedArray):
        raise ImageError(f"{what}: a masked array; pass .filled(...), which says what is behind it")
    if isinstance(source, np.ndarray):
        return _from_array(source, what)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(source, torch.Tensor):
        return _from_tensor(source, what)
    hint = "; pass its .images[0]" if hasattr(source, "images") else ""
    raise ImageError(f"{what}: {type(source).__name__} is not an image{hint}; give {_READABLE}")


def load_pair(
    reference: ImageLike, edited: ImageLike, resize: Literal["reference"] | None = None
) -> tuple[Array, Array]:
    """Load the image before and after the edit, at one size.

    Args:
        reference: as in ``load_image``.
        edited: as in ``load_image``.
        resize: ``"reference"`` resizes an edited image of another size (bicubic, antialiased);
            ``None`` makes another size an error.

    Returns:
        Two arrays (H, W, 3), RGB, uint8, of the reference's size.

    Raises:
        ImageError: as ``load_image``, or the sizes differ.
        InputError: another value of ``resize``.

    >>> a, b = load_pair(np.zeros((4, 6)), np.ones((2, 3)), resize="reference")
    >>> a.shape == b.shape
    True
    """
    if resize not in (None, "reference"):
        raise InputError(f"resize must be 'reference' or left out, not {resize!r}")
    before = load_image(reference, "reference image")
    after = load_image(edited, "edited image")
    if before.shape != after.shape:
        if resize is None:
            raise ImageError(
                f"the edited image is {_size(after)} pixels, the reference {_size(before)}: they "
                "cannot be compared. Make the model return the reference's size, or say "
                "resize='reference' (in YAML `resize: reference`) to have the edited one resized"
            )
        height, width = before.shape[:2]
        resized = Image.fromarray(after).resize((width, height), Image.Resampling.BICUBIC)
        after = np.ascontiguousarray(resized)
    return before, after


def _size(image: Array) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"


def read_image_file(source: str | os.PathLike[str], what: str) -> tuple[bytes, str]:
    """Return the bytes of a file, and what to call it: ``what`` and the path.

    Raises:
        ImageError: there is no such file, or it cannot be read.
    """
    path, text = Path(source), os.fspath(source)
    what = f"{what} {text if text.isprintable() else repr(text)}"
    try:
        check_regular(path, what)
        return path.read_bytes(), what
    except FileNotFoundError as error:
        where = "" if path.is_absolute() else f" (relative to {Path.cwd()})"
        raise ImageError(f"{what}: there is no such file{where}") from error
    except ImageError:
        raise
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ImageError(f"{what}: cannot be read: {why}") from error


def check_regular(path: Path, what: str) -> None:
    """Refuse what is no file with an end: a folder, a device, a pipe that nobody may ever fill.

    Raises:
        ImageError: it is one of these.
        OSError, ValueError: there is nothing that can be looked at.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ImageError(f"{what}: is a directory; give the image file")
    if not stat.S_ISREG(mode):
        raise ImageError(f"{what}: is no regular file (a device, a pipe?); give the image file")


def load_encoded(data: bytes, what: str) -> Array:
    """Load one image from the bytes of its file; returns and raises as ``load_image``.

    >>> import io
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (3, 2)).save(file, "PNG")
    >>> load_encoded(file.getvalue(), "image").shape
    (2, 3, 3)
    """
    return _from_file(BytesIO(data), what)


def _from_file(file: BinaryIO, what: str) -> Array:
    try:
        head = file.read(len(_LFS))
        file.seek(0)
    except OSError as error:
        raise ImageError(f"{what}: cannot be read: {error.strerror or error}") from error
    if not head:
        raise ImageError(f"{what}: the file is empty (0 bytes)")
    if head == _LFS:
        raise ImageError(
            f"{what}: is a Git LFS pointer, not the image itself; run `git lfs pull` (in CI: check "
            "out with lfs enabled)"
        )
    try:
        image = _opened(file)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _bomb(what, error) from error
    except MemoryError:
        raise
    except Exception as error:
        # Pillow's text for what it does not know names the object in memory, another each time
        why = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        raise ImageError(
            f"{what}: is no image that Pillow can read{why}; known are {', '.join(_FORMATS)}"
        ) from error
    with image:
        # between its limit and twice that Pillow only warns, and filters of warnings are the
        # process's, not a thread's
        pixels, limit = image.width * image.height, Image.MAX_IMAGE_PIXELS
        if limit is not None and pixels > limit:
            raise _bomb(what, f"{pixels} pixels, over {limit}, could be a decompression bomb.")
        return _from_pil(image, what)


def _opened(file: BinaryIO) -> Image.Image:
    """Open an image of a known format, mostly with the decoders that Pillow imports first."""
    Image.preinit()
    try:
        return Image.open(file, formats=[name for name in _FORMATS if name in Image.OPEN])
    except UnidentifiedImageError:
        Image.init()
        file.seek(0)
        return Image.open(file, formats=[name for name in _FORMATS if name in Image.OPEN])


def _bomb(what: str, why: object) -> ImageError:
    return ImageError(f"{what}: {why} If you trust the file, raise PIL.Image.MAX_IMAGE_PIXELS")


def _from_pil(image: Image.Image, what: str) -> Array:
    if 0 in image.size:
        raise ImageError(f"{what}: has no pixels ({image.width}x{image.height})")
    states_depth = image.format in _STATES_DEPTH
    # Decoders raise almost anything on a damaged file, from SyntaxError to struct.error.
    try:
        frames = 1 if image.format in _OF_PREVIEWS else getattr(image, "n_frames", 1)
        image.load()
        image = ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception as error:
        raise ImageError(f"{what}: is truncated or damaged ({error})") from error
    if frames > 1:
        raise ImageError(f"{what}: has {frames} frames; save the one that is meant as a file")
    if image.mode == "F":
        return _from_pixels(np.asarray(image), image.size, what)
    if image.mode in _SIXTEEN_BIT or image.mode == "I":
        return _from_pixels(_sixteen_bit(image, states_depth, what), image.size, what)
    try:
        if image.has_transparency_data:
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, (255, 255, 255, 255))
            image = Image.alpha_composite(white, image)
        return np.ascontiguousarray(image.convert("RGB"))
    except ValueError as error:
        raise ImageError(
            f"{what}: Pillow cannot turn mode {image.mode!r} into RGB ({error}); convert it first"
        ) from error


def _sixteen_bit(image: Image.Image, states_depth: bool, what: str) -> Array:
    values = np.asarray(image).astype(np.int64)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise ImageError(
            f"{what}: mode {image.mode!r} with values from {low} to {high}, which is neither 8 nor "
            "16 bit; scale it to [0, 255] and convert it to mode 'L'"
        )
    if image.mode == "I" and not states_depth and 0 < high <= 255:
        raise ImageError(
            f"{what}: mode 'I' with values up to {high} may be 8 or 16 bit; convert it to mode 'L' "
            "or 'I;16'"
        )
    return _eight_bit(values)


def _from_array(array: NDArray[Any], what: str) -> Array:
    original = array.shape
    if array.ndim == 4:
        array = _only_one(array, original, what)
    elif array.ndim == 3 and array.shape[0] == 1 and array.shape[2] not in _CHANNELS:
        array = array[0]
    if array.ndim == 3 and array.shape[2] in _CHANNELS and array.shape[0] in _CHANNELS:
        raise ImageError(
            f"{what}: an array of shape {original} may be (H, W, C) or (C, H, W); "
            "an image this small cannot be measured"
        )
    if array.ndim == 3 and array.shape[2] not in _CHANNELS:
        hint = (
            "it looks like (C, H, W): pass array.transpose(1, 2, 0)"
            if array.shape[0] in _CHANNELS
            else "C must be 1 (grey), 3 (RGB) or 4 (RGBA)"
        )
        raise ImageError(f"{what}: an array of shape {original} is not (H, W, C); {hint}")
    return _from_pixels(array, original, what)


def _from_tensor(tensor: torch.Tensor, what: str) -> Array:
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
    return _from_pixels(array, original, what)


def _only_one(array: NDArray[Any], original: tuple[int, ...], what: str) -> NDArray[Any]:
    if array.shape[0] != 1:
        raise ImageError(f"{what}: a batch of {array.shape[0]} images {original}; pass one of them")
    only: NDArray[Any] = array[0]
    return only


def _from_pixels(array: NDArray[Any], original: tuple[int, ...], what: str) -> Array:
    if array.ndim not in (2, 3):
        raise ImageError(f"{what}: shape {original} is not that of one image; give {_READABLE}")
    if array.size == 0:
        raise ImageError(f"{what}: has no pixels (shape {original})")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    pixels = _to_uint8(array, what)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    elif pixels.shape[2] == 4:
        return _from_pil(Image.fromarray(np.ascontiguousarray(pixels)), what)
    return np.ascontiguousarray(pixels)


def _to_uint8(array: NDArray[Any], what: str) -> Array:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        if 0 < array.max() <= 255:
            raise ImageError(
                f"{what}: uint16 values up to {array.max()} may be 8 or 16 bit; for 8 bit pass "
                "array.astype('uint8')"
            )
        return _eight_bit(array)
    if array.dtype.kind != "f":
        why = "is a mask, not an image" if array.dtype == np.bool_ else "has no agreed range"
        raise ImageError(
            f"{what}: values of type {array.dtype} ({why}); give uint8, uint16 or float in [0, 1]"
        )
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError(f"{what}: float values with NaN or infinity: the model's output is broken")
    if low < 0 or high > 1:
        hint = (
            "if it lies in [-1, 1], pass (x + 1) / 2"
            if low >= -1 and high <= 1
            else "if it lies in [0, 255], pass x / 255"
            if low >= 0 and high <= 255
            else "clip it first"
        )
        raise ImageError(f"{what}: float values from {low:g} to {high:g}, not in [0, 1]; {hint}")
    return np.rint(array.astype(np.float64) * 255).astype(np.uint8)


def _eight_bit(values: NDArray[Any]) -> Array:
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
