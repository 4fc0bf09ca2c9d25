"""Whether the data of a JPEG end before its last pixels, which its decoder then makes up."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from PIL import Image

_SCAN, _END = b"\xff\xda", b"\xff\xd9"
# what is neither a byte of data, a restart nor a filler
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# bits of all kinds, none of which a decoder takes for a marker; a whole scan never reads them
_MORE = bytes(range(1, 255)) * 16


def missing_pixels(
    data: bytes, image: Image.Image, decoded: Callable[[bytes], Image.Image]
) -> bool:
    """Tell whether more data at the end of the last scan would change the pixels.

    A scan that is whole takes no notice of them. A last block of pixels none of whose components
    is all one level, as a decoder fills it in, is whole, and is not decoded again.

    Args:
        data: the file.
        image: the same as Pillow decoded it, not yet turned upright.
        decoded: decodes other data in the same way.
    """
    if not image.info.get("progressive") and image.mode in ("L", "RGB"):
        width, height = image.size
        last = image.crop(((width - 1) // 8 * 8, (height - 1) // 8 * 8, width, height))
        values = np.asarray(last if image.mode == "L" else last.convert("YCbCr")).astype(int)
        if np.ptp(values.reshape(last.width * last.height, -1), axis=0).min() > 2:
            return False
    end = _end_of_last_scan(data)
    if end is None:
        return False
    more = decoded(data[:end].rstrip(b"\xff") + _MORE + data[end:])
    return not np.array_equal(np.asarray(more), np.asarray(image))


def _end_of_last_scan(data: bytes) -> int | None:
    """Return where the first picture's last scan ends; ``None`` if it has no end."""
    at, scan = 2, None
    while at + 4 <= len(data):
        marker, length = data[at : at + 2], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _END:
            return scan
        if marker[0] != 0xFF:
            return None
        if marker[1] == 0xFF:
            at += 1
            continue
        at += 2 + length
        if marker == _SCAN:
            found = _MARKER.search(data, at)
            if found is None:
                return None
            at = scan = found.start()
    return scan if data[at : at + 2] == _END else None
