"""The causes of a failure in words: two of them in a headline, all of them below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_IN_A_HEADLINE = 2


def causes_in_short(causes: Sequence[Mapping[str, Any]]) -> str:
    """Return the first causes, each with its share of the difference.

    >>> moved = {"kind": "shift", "share": 0.88, "text": "background moved 1.00 px right"}
    >>> encoded = {"kind": "re-encoding", "share": 0.12, "text": "JPEG"}
    >>> causes_in_short([moved, encoded])
    'background moved 1.00 px right (88 %), JPEG (12 %)'
    >>> causes_in_short([{"kind": "no-edit", "text": "the edit area is the reference's"}])
    "the edit area is the reference's"
    """
    return ", ".join(cause["text"] + _share(cause) for cause in causes[:_IN_A_HEADLINE])


def causes_in_full(causes: Sequence[Mapping[str, Any]]) -> str:
    """Return every cause: its kind, its share, what it is at length.

    >>> causes_in_full([{"kind": "jpeg", "share": 1.0, "text": "JPEG", "long": "JPEG (noise 3.9)"}])
    'jpeg (100 %): JPEG (noise 3.9)'
    """
    return "; ".join(
        f"{cause['kind']}{_share(cause)}: {cause.get('long', cause['text'])}" for cause in causes
    )


def _share(cause: Mapping[str, Any]) -> str:
    return f" ({100 * cause['share']:.0f} %)" if "share" in cause else ""
