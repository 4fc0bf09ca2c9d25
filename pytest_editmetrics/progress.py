"""Progress of long work: a bar on a terminal, a few lines elsewhere. It goes to standard error."""

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
        stream: where it is shown (default: standard error): a bar if it is a terminal, else at most
            ten lines, or one at each power of ten if the total is unknown.

    >>> list(track("ab", "merging", stream=sys.stdout))
    merging: 1 of 2
    merging: 2 of 2
    ['a', 'b']
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    out = sys.stderr if stream is None else stream
    if not show:
        yield from items
    elif out.isatty():
        from tqdm import tqdm

        with tqdm(items, desc=what, total=total, file=out) as bar:
            yield from bar
    else:
        for done, item in enumerate(items, 1):
            yield item
            if _is_told(done, total):
                of = "" if total is None else f" of {total}"
                print(f"{what}: {done}{of}", file=out, flush=True)


def _is_told(done: int, total: int | None) -> bool:
    if not total:
        return str(done).strip("0") == "1"
    return 10 * done // total > 10 * (done - 1) // total and done <= total
