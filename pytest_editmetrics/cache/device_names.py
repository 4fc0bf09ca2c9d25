"""The names of devices, told from wrong ones without torch: whether one is here, only it knows."""

from __future__ import annotations

import re

from pytest_editmetrics.errors import nearest

DEVICES = ("auto", "cpu", "cuda", "mps")
PATTERN = r"(auto|cpu|mps|cuda(:[0-9]+)?)"
"""What a pipe of this package takes."""
_OF_OTHERS = re.compile(r"(xpu|hpu|npu|mtia|xla)(:[0-9]+)?")
"""On these only a pipe of one's own can compute."""
_OURS = re.compile(PATTERN)


def wrong_device(name: str, *, others: bool = False) -> str | None:
    """Return what is said of a name that can be no device's, else ``None``.

    ``others`` tells that a pipe of one's own may compute on it, so that more kinds are taken.

    >>> wrong_device("cuda:1"), wrong_device("xpu:0", others=True)
    (None, None)
    >>> wrong_device("cudaa")
    "cannot be 'cudaa' (did you mean 'cuda'?); write auto, cpu, cuda, cuda:1 or mps"
    """
    if _OURS.fullmatch(name) or (others and _OF_OTHERS.fullmatch(name)):
        return None
    kind, _, number = name.partition(":")
    near = nearest(kind, DEVICES)
    meant = f"{near}:{number}" if near == "cuda" and number.isdecimal() else near
    return (
        f"cannot be {name!r}{f' (did you mean {meant!r}?)' if meant else ''}; write auto, cpu,"
        " cuda, cuda:1 or mps"
    )
