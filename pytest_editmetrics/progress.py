"""Progress of long work: a bar on a terminal, nothing in a log. It goes to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TextIO, TypeVar

Item = TypeVar("Item")


def track(
    items: Iterable[Item],
    what: str,
    total: int | None = None,
    *,
    show: bool = True,
    stream: TextIO | None = None,
) -> Iterator[Item]:
    """Give ``items`` on, and show how many of them are done.

    Args:
        items: what is worked on; an item counts as done when the next one is asked for.
        what: the work in a word or two, such as ``scoring``.
        total: how many there are; default: ``len(items)`` if it has one, else unknown.
        show: whether anything is shown at all.
        stream: where it is shown, if it is a terminal (default: standard error).

    >>> list(track("ab", "merging", stream=sys.stdout))
    ['a', 'b']
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    out = sys.stderr if stream is None else stream
    if not show or not out.isatty():
        yield from items
        return
    from tqdm import tqdm

    with tqdm(items, desc=what, total=total, file=out) as bar:
        yield from bar
