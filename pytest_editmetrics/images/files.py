"""Image files: which are one, who decodes them, and what is wrong with the others."""

from __future__ import annotations

import importlib
import re
import stat
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from pytest_editmetrics.errors import CONFLICT, IN_CONFLICT, LFS_POINTER, NO_FILE, ImageError
from pytest_editmetrics.images.png import SIGNATURE, without_texts
from pytest_editmetrics.images.replaced import check_bytes, check_read

if TYPE_CHECKING:
    from types import ModuleType

MOST_BYTES = 1 << 30
# those that a decoder of Pillow reads by itself: EPS, for one, would be run by Ghostscript
FORMATS = (
    *("PNG", "JPEG", "MPO", "WEBP", "TIFF", "GIF", "BMP", "DIB", "PPM", "TGA", "QOI", "JPEG2000"),
    *("AVIF", "HEIF", "JXL"),
)
_CONFLICT = re.compile(CONFLICT.encode(), re.MULTILINE)
_LFS = LFS_POINTER.encode()
_POINTERS = 1000  # bytes that hold two of them, and the marks around them
_LINE_ENDS = (b"\x89PNG\n", b"\x89PNG\r\r\n")
_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_AVIF = (b"avif", b"avis")


def read_file(path: Path, what: str) -> bytes:
    """Return the bytes of a file.

    Raises:
        ImageError: there is none that could be an image, the message starts with ``what``; or a
            function that reads files is mocked.
    """
    check_bytes()
    try:
        if check_regular(path, what) > MOST_BYTES:
            raise ImageError(f"{what}: is larger than {MOST_BYTES >> 30} GiB, so it is no image")
        return path.read_bytes()
    except FileNotFoundError as error:
        where = "" if path.is_absolute() else f" (relative to {_here()})"
        raise ImageError(f"{what}: {NO_FILE}{where}") from error
    except ImageError:
        raise
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ImageError(f"{what}: cannot be read: {why}") from error


def _here() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return "the current folder, which was removed"


def check_regular(path: Path, what: str) -> int:
    """Refuse what is no file with an end: a folder, a device, a pipe that nobody may ever fill.

    Returns:
        How many bytes the file has.

    Raises:
        ImageError: it is one of these.
        OSError, ValueError: there is nothing that can be looked at.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise ImageError(f"{what}: is a directory; give the image file")
    if not stat.S_ISREG(found.st_mode):
        raise ImageError(f"{what}: is no regular file (a device, a pipe?); give the image file")
    return found.st_size


def is_lfs_pointer(data: bytes) -> bool:
    """Tell whether a file only stands for one that Git LFS keeps."""
    return data.startswith(_LFS) and _conflict(data) is None


def _conflict(data: bytes) -> str | None:
    """Return a mark of a merge conflict, in what is no image any more, or between two pointers."""
    pointers = data[:_POINTERS] if data.startswith(_LFS) else b""
    found = _CONFLICT.match(data) or _CONFLICT.search(pointers)
    return found and found.group().decode().strip()


def opened(data: bytes, what: str) -> tuple[Image.Image, bytes]:
    """Open the bytes of a file; its pixels are not decoded yet.

    Returns:
        The image, and the bytes that it is decoded from: a PNG's are without its texts.

    Raises:
        ImageError: it is no image of a known format, or claims more pixels than Pillow's limit; or
            Pillow's functions are mocked.
    """
    check_read()
    if not data:
        raise ImageError(f"{what}: the file is empty (0 bytes)")
    if is_lfs_pointer(data):
        raise ImageError(
            f"{what}: is a Git LFS pointer, not the image itself; run `git lfs pull` (in CI: check "
            "out with lfs enabled)"
        )
    if mark := _conflict(data):
        said = IN_CONFLICT.format(mark)
        raise ImageError(f"{what}: {said}; of a Git LFS pointer, `git lfs pull` comes next")
    if data.startswith(_LINE_ENDS):
        raise ImageError(
            f"{what}: is a PNG whose line ends git or a transfer converted; write `*.png binary`"
            " into .gitattributes, and check it out or commit it again"
        )
    if data.startswith(SIGNATURE):
        data = without_texts(data)
    missing = _find_decoder(data)
    try:
        image = _open(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _bomb(what, error) from error
    except MemoryError:
        raise
    except Exception as error:
        why = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        hint = missing or _foreign_tiff(data) or f"known are {', '.join(FORMATS)}"
        raise ImageError(f"{what}: is no image that Pillow can read{why}; {hint}") from error
    # between its limit and twice that Pillow only warns, and filters of warnings are the
    # process's, not a thread's
    pixels, limit = image.width * image.height, Image.MAX_IMAGE_PIXELS
    if limit is not None and pixels > limit:
        image.close()
        raise _bomb(what, f"{pixels} pixels, over {limit}, could be a decompression bomb.")
    return image, data


def _open(data: bytes) -> Image.Image:
    """Open an image of a known format, mostly with the decoders that Pillow imports first."""
    Image.preinit()
    try:
        return Image.open(BytesIO(data), formats=[name for name in FORMATS if name in Image.OPEN])
    except UnidentifiedImageError:
        Image.init()
        return Image.open(BytesIO(data), formats=[name for name in FORMATS if name in Image.OPEN])


def _foreign_tiff(data: bytes) -> str | None:
    """Say what Pillow reads of TIFF, for a file of another kind of it."""
    if data[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return None
    return (
        "it is a TIFF of another kind than it reads: 8 or 16 bits in grey or colour, or grey of"
        " 32-bit floats; save it so, or as a PNG"
    )


def _bomb(what: str, why: object) -> ImageError:
    return ImageError(f"{what}: {why} If you trust the file, raise PIL.Image.MAX_IMAGE_PIXELS")


def _find_decoder(data: bytes) -> str | None:
    """Register what else decodes the format of a file, if it is installed; else say what would."""
    if data[:2] == b"\xff\x0a" or data[:12] == b"\0\0\0\x0cJXL \r\n\x87\n":
        name, plugin, package = "JPEG XL", "pillow_jxl", "pillow-jxl-plugin"
        if "JXL" in Image.OPEN or _imported(plugin):
            return None
    elif data[4:8] == b"ftyp" and data[8:12] in _AVIF:
        name, plugin, package = "AVIF", "pillow_avif", "pillow-avif-plugin"
        Image.init()
        if "AVIF" in Image.OPEN or _imported(plugin):
            return None
    elif data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        name, plugin, package = "HEIC", "pillow_heif", "pillow-heif"
        if "HEIF" in Image.OPEN:
            return None
        if module := _imported(plugin):
            module.register_heif_opener()
            return None
    else:
        return None
    return f"it is {name}, which Pillow reads with a plugin: pip install {package}"


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
