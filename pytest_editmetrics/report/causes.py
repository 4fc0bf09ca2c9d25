"""The causes of a failure in words: two of them in a headline, all of them below it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_IN_A_HEADLINE = 2
_ASIDE = re.compile(r"(?<! in) \([^()]*\)$")


def causes_in_short(causes: Sequence[Mapping[str, Any]]) -> str:
    """Return the first causes, each with its share of the difference.

    >>> moved = {"kind": "shift", "share": 0.88, "text": "background moved 1.00 px right"}
    >>> encoded = {"kind": "re-encoding", "share": 0.12, "text": "JPEG (noise 3.9 of 255)"}
    >>> causes_in_short([moved, encoded])
    'background moved 1.00 px right (88 %), JPEG (12 %)'
    >>> causes_in_short([{"kind": "no-edit", "text": "the edit area is the reference's"}])
    "the edit area is the reference's"
    """
    return ", ".join(
        _ASIDE.sub("", cause["text"]) + _share(cause) for cause in causes[:_IN_A_HEADLINE]
    )


def causes_in_full(causes: Sequence[Mapping[str, Any]]) -> str:
    """Return every cause: its kind, its share, what it is.

    >>> causes_in_full([{"kind": "re-encoding", "share": 1.0, "text": "JPEG (noise 3.9 of 255)"}])
    're-encoding (100 %): JPEG (noise 3.9 of 255)'
    """
    return "; ".join(f"{cause['kind']}{_share(cause)}: {cause['text']}" for cause in causes)


def _share(cause: Mapping[str, Any]) -> str:
    return f" ({100 * cause['share']:.0f} %)" if "share" in cause else ""
