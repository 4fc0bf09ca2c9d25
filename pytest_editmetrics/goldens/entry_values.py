"""What the values of a golden threshold are: hashes, a precision, a size, a share, an edit."""

from __future__ import annotations

import re
from typing import get_args

from pytest_editmetrics.config.node import Node
from pytest_editmetrics.measurement import NO_WEIGHTS, SIZE, Edit

DIGEST = re.compile("[0-9a-f]{12}")
WEIGHTS = re.compile(NO_WEIGHTS + "|[0-9a-f]{8,64}( [0-9a-f]{8,64})*")

_DTYPES = "(float32|bfloat16|float16)"
DTYPE = re.compile(f"{_DTYPES}(, sam {_DTYPES})?")

_TEXTS = {
    "weights": (
        WEIGHTS,
        f"{NO_WEIGHTS!r} or, in quotes, the first digits of a sha256 (of several, a space between"
        " them)",
    ),
    "digest": (DIGEST, "12 digits of a sha256, in quotes"),
    "dtype": (
        DTYPE,
        "float32, bfloat16 or float16, or two of them as 'float32, sam bfloat16'",
    ),
    "size": (SIZE, "width and height in px, such as 512x512"),
}
"""What the texts of a golden match, and what they must be; a hash may be of any length."""

EDITS = get_args(Edit)


def checked_text(key: str, what: str, node: Node) -> str:
    """Return the text of a key of ``_TEXTS``; raise ``ConfigError`` where it is none."""
    pattern, meant = _TEXTS[key]
    if isinstance(node.value, str) and pattern.fullmatch(node.value):
        return node.value
    node.fail(f"{key} of {what} must be {meant}, not {node.shown}")


def checked_share(what: str, node: Node) -> float:
    """Return the share of a picture, in [0, 1]; raise ``ConfigError`` where it is none."""
    share = node.number(f"share of {what}")
    if not 0 <= share <= 1:
        node.fail(f"share of {what} must be a number from 0 to 1, not {node.shown}")
    return share


def checked_edit(what: str, node: Node) -> Edit:
    """Return whether there was an edit; raise ``ConfigError`` for another word."""
    return "none" if node.one_of(f"edit of {what}", EDITS) == "none" else "made"
