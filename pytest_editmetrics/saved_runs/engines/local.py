"""Measure rows in this process: images are decoded in a thread while the model runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pytest_editmetrics.config.manifest import Row
    from pytest_editmetrics.saved_runs.rows import Outcome, RowScorer

Item = TypeVar("Item")
Done = TypeVar("Done")

TOGETHER = 16
"""How many pairs are measured together, while as many are decoded: 6 MB each at 1024 pixels."""


def score_rows(scorer: RowScorer, rows: Iterable[Row]) -> Iterator[Outcome]:
    """Give the outcome of each row, in their order; what is not needed any more is not held."""
    decoded = look_ahead(rows, scorer.decode, TOGETHER)
    while some := list(islice(decoded, TOGETHER)):
        yield from scorer.score(some)


def look_ahead(
    items: Iterable[Item], work: Callable[[Item], Done], ahead: int
) -> Iterator[tuple[Item, Done]]:
    """Give each item and what ``work`` made of it in a thread, in the items' order.

    At most ``ahead`` items are worked on before they are asked for. What ``items`` or ``work``
    raises is raised here, in its place. When the caller stops early, so does the thread.

    >>> list(look_ahead([1, 2, 3], str, ahead=2))
    [(1, '1'), (2, '2'), (3, '3')]
    """
    waiting: deque[tuple[Item, Future[Done]]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="editmetrics-decode") as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) > ahead:
                    item, future = waiting.popleft()
                    yield item, future.result()
            while waiting:
                item, future = waiting.popleft()
                yield item, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
