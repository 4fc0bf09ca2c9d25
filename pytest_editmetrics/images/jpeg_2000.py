"""What Pillow takes for other levels in a JPEG 2000: depths that it shifts to 8 bits."""

from __future__ import annotations

import struct

_SIZE = b"\xff\x4f\xff\x51"  # a codestream begins so, with its header of sizes
_COUNT, _FIRST, _EACH = 40, 42, 3


def refused(data: bytes) -> str | None:
    """Say why a file would be read wrongly; ``None`` if it is not.

    Pillow 13 rounds deep samples of several channels up to 256, which it stores as 0: white would
    be black. Shallow ones it shifts: white would be grey. One channel of more than 8 bits it keeps.
    """
    at = data.find(_SIZE)
    if at < 0 or len(data) < at + _FIRST:
        return None
    (count,) = struct.unpack_from(">H", data, at + _COUNT)
    stated = data[at + _FIRST : at + _FIRST + count * _EACH : _EACH]
    depths = sorted({(depth & 0x7F) + 1 for depth in stated})
    if not depths or depths == [8] or (count == 1 and depths[0] > 8):
        return None
    text = " and ".join(map(str, depths))
    return (
        f"is a JPEG 2000 of {text} bits with {count} channels, which Pillow reads with other levels"
        " (white may be black); save it with 8 bits, or as a PNG of 16"
    )
