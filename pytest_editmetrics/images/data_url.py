"""Images written into a text: ``data:`` URLs, as image servers answer them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from urllib.parse import unquote_to_bytes

from pytest_editmetrics.errors import ImageError

_SHOWN = 40


def is_data_url(text: str) -> bool:
    """Tell whether a text is a ``data:`` URL.

    >>> is_data_url("data:image/png;base64,iVBORw0KGgo="), is_data_url("data/a.png")
    (True, False)
    """
    return text[:5].lower() == "data:"


def short(text: str) -> str:
    """Return what stands for a ``data:`` URL where it would be too long; any other text stays.

    >>> short("data:image/png;base64," + "iVBO" * 500)[:51]
    'data:image/png;base64,iVBOiVBOiVBOiVBOiV...(sha256 '
    """
    if not is_data_url(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    start = text[:_SHOWN] if text[:_SHOWN].isprintable() else repr(text[:_SHOWN])
    return f"{start}...(sha256 {digest})"


def read_data_url(text: str, what: str) -> bytes:
    """Return the bytes that a ``data:`` URL holds.

    Raises:
        ImageError: it holds none; the message starts with ``what``, which names it already.
    """
    head, comma, body = text[5:].partition(",")
    if not comma:
        raise ImageError(f"{what}: a data: URL without a comma; it is data:image/png;base64,...")
    data = unquote_to_bytes(body)
    if head.rpartition(";")[2].strip().lower() != "base64":
        return data
    data = data.translate(bytes.maketrans(b"-_", b"+/"), b" \t\r\n")
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"{what}: its base64 is cut off or damaged ({error})") from None
