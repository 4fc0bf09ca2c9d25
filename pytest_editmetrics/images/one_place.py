"""Whether two images are one: an editor that works in place leaves nothing to compare with."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.arrays import is_tensor
from pytest_editmetrics.images.data_url import is_data_url
from pytest_editmetrics.images.remote import is_url
from pytest_editmetrics.images.unread import core_of, is_unread

_Place = tuple[Any, ...]
_LOCAL = "file://"
_MEANT = "also where an image is to be compared with itself"


def check_two_places(reference: Any, edited: Any) -> None:
    """Raise ``ImageError`` if both images of a check are kept in one place, whatever they hold.

    That is one object, one memory (views of an array, a tensor and its array, images of PIL that
    share their pixels), or one file, by path, by URL or opened and not read yet. Views that lie
    next to or beside each other in one memory are two.

    >>> one = np.zeros((4, 8, 3), np.uint8)
    >>> check_two_places(one[:, :4], one[:, 4:])
    >>> try:
    ...     check_two_places(one, one[:])
    ... except ImageError as error:
    ...     print(str(error)[:54])
    reference and edited image are one and the same memory
    """
    reference, edited = _only(reference), _only(edited)
    file = _file(reference)
    if file is not None and file == _file(edited):
        raise ImageError(
            f"reference and edited image are one and the same file ({_name(edited)}), so nothing"
            " can have changed between them: let the editor write to another path, or read the"
            f" reference with Image.open(...).copy() before the edit, {_MEANT}"
        )
    no_memory = reference is None or isinstance(reference, (str, os.PathLike, bytes, float, int))
    memory = _memory(reference)
    if (reference is edited and not no_memory) or (
        memory is not None and memory == _memory(edited)
    ):
        raise ImageError(
            "reference and edited image are one and the same memory, so nothing can have changed"
            " between them: an editor that works in place takes a copy of the reference (.copy(),"
            f" of a tensor .clone()), {_MEANT}"
        )


def place_of(source: Any) -> tuple[Any, ...] | None:
    """Return what is the same for images that are kept in one place; ``None`` where none is known.

    >>> one = np.zeros((4, 8, 3), np.uint8)
    >>> place_of(one) == place_of(one[:]), place_of(one) == place_of(one.copy())
    (True, False)
    """
    source = _only(source)
    return _file(source) or _memory(source)


def _only(source: Any) -> Any:
    return source[0] if isinstance(source, (list, tuple)) and len(source) == 1 else source


def _name(source: Any) -> str:
    text = str(getattr(source, "filename", source))
    return text if text.isprintable() else repr(text)


def _file(source: Any) -> _Place | None:
    """Return the file that an image is still to be read from; ``None`` if it is in memory."""
    with suppress(OSError, ValueError):
        if isinstance(source, (str, os.PathLike)):
            if isinstance(source, str) and is_data_url(source):
                return None
            if isinstance(source, str) and is_url(source):
                if not source.startswith(_LOCAL):
                    return ("url", source)
                source = source.removeprefix(_LOCAL)
            found = os.stat(source)
        elif is_unread(source):
            found = os.fstat(source.fp.fileno())
        else:
            return None
        return (found.st_dev, found.st_ino) if found.st_ino else None
    return None


def _memory(source: Any) -> _Place | None:
    """Return where the pixels of an image lie: the first of them, the sides, and the steps."""
    if isinstance(source, np.ndarray):
        sides, steps = source.shape, source.strides
        return _laid("cpu", source.ctypes.data, sides, steps)
    if is_tensor(source):
        with suppress(RuntimeError, NotImplementedError):  # a tensor that has no memory
            sides = tuple(source.shape)
            steps = tuple(step * source.element_size() for step in source.stride())
            if len(sides) > 2:  # (C, H, W), as arrays have it
                sides, steps = ((*one[:-3], *one[-2:], one[-3]) for one in (sides, steps))
            return _laid(str(source.device), source.data_ptr(), sides, steps)
    if isinstance(source, Image.Image) and not is_unread(source):
        return ("pillow", id(core_of(source)))
    return None


def _laid(where: str, first: int, sides: tuple[int, ...], steps: tuple[int, ...]) -> _Place | None:
    """Return the place of (..., H, W, C) or (H, W), whatever channels it has."""
    at = slice(-3, -1) if len(sides) > 2 else slice(None)
    return (where, first, sides[at], steps[at]) if first and 0 not in sides else None
