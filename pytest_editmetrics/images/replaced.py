"""What reads files, and Pillow, is not mocked while an image is read or written: that is no number.

A test of an editor may mock ``PIL.Image.open``, and check while it is mocked: its golden, and every
other file, would be read as the one image that the mock gives. A library that puts its own function
in the place of Pillow's, as ``ultralytics`` does to open more kinds of file, is let pass.
"""

from __future__ import annotations

import io
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType, ModuleType
from typing import Any

from PIL import Image, ImageFile, ImageOps

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.replacements import is_of_library, package_of, told


def _refused(name: str, instead: Any) -> ImageError:
    return ImageError(
        f"{name} is replaced by {told(instead)} while the check runs, so images would not be read"
        " or written as they are: end the mock before the check, or, if no golden is read or"
        " written, give the pixels as an array"
    )


# what is imported while a module of Pillow is mocked would keep the mock for good
if not isinstance(Image, ModuleType):
    raise _refused("PIL.Image", Image)
if not isinstance(Image.Image, type):
    raise _refused("PIL.Image.Image", Image.Image)

PICTURE = Image.Image
"""The class of PIL images, whatever a test puts in its place later."""
_Used = tuple[tuple[Any, tuple[str, ...]], ...]
_OF_PICTURES: _Used = (
    (
        PICTURE,
        (
            *("__array_interface__", "convert", "copy", "crop", "getexif", "load", "resize"),
            *("seek", "tell", "tobytes", "transpose"),
        ),
    ),
    (ImageFile.ImageFile, ("load",)),
    (ImageOps, ("exif_transpose",)),
)
_OF_ARRAYS: _Used = ((Image, ("fromarray", "frombuffer", "new", "alpha_composite")),)
_OF_FILES: _Used = ((Image, ("open", "preinit", "init")),)
_OF_BYTES: _Used = ((Path, ("open", "read_bytes", "stat")), (io, ("open",)))
_TO_FILES: _Used = ((PICTURE, ("save",)),)
_OF_C = (BuiltinFunctionType, MethodDescriptorType)


def check_pixels() -> None:
    """Refuse to take pixels from a PIL image by what is no function of Pillow's.

    Raises:
        ImageError: one is mocked, or was replaced by code that is no installed library's; the
            message says by what.
    """
    _check(_OF_PICTURES)


def check_made() -> None:
    """Refuse to make a PIL image of pixels so; raises what ``check_pixels`` does."""
    _check(_OF_ARRAYS)
    _check(_OF_PICTURES)


def check_bytes() -> None:
    """Refuse to read the bytes of a file so; raises what ``check_pixels`` does."""
    _check(_OF_BYTES)


def check_read() -> None:
    """Refuse to open an image so, which needs nothing of what makes or writes one."""
    _check(_OF_FILES)
    _check(_OF_PICTURES)


def check_files() -> None:
    """Refuse to write an image file so that is read again later."""
    _check(_TO_FILES)
    _check(_OF_BYTES)
    _check(_OF_FILES)
    check_made()


def _check(used: _Used) -> None:
    if Image.Image is not PICTURE:
        raise _refused("PIL.Image.Image", Image.Image)
    for owner, names in used:
        for name in names:
            function = getattr(owner, name, None)
            if type(function) is property:
                function = function.fget
            if type(function) is MethodType:
                function = function.__func__
            while is_of_library(function, "PIL"):
                function = getattr(function, "__wrapped__", None)
            if not _is_own(function):
                of = f"{owner.__module__.partition('._')[0]}." if isinstance(owner, type) else ""
                raise _refused(f"{of}{owner.__name__}.{name}", function)


def _is_own(function: Any) -> bool:
    if type(function) is FunctionType:
        return package_of(function) == "PIL"
    compiled = type(function).__name__ == "cython_function_or_method"
    return function is None or compiled or type(function) in _OF_C
