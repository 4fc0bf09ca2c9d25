"""What an image of PIL holds: its pixels, or only the file in which they still are."""

from __future__ import annotations

from typing import Any


def core_of(image: Any) -> Any:
    """Return what an image of PIL keeps its pixels in; ``None`` where it has none yet."""
    return image.__dict__.get("_im", image.__dict__.get("im"))


def is_unread(image: Any) -> bool:
    """Tell of anything whether it was opened by PIL, and its pixels are still in the file.

    What is to be decoded stands in ``tile``, but for WebP and ICNS, which put it there as they are
    read.

    >>> is_unread("a.webp"), is_unread(None)
    (False, False)
    """
    tile = getattr(image, "tile", None)
    # a tensor has a method of that name
    return isinstance(tile, list) and (bool(tile) or core_of(image) is None)
