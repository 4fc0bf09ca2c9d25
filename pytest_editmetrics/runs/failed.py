"""What failed in a run for another reason than a gate: of any suite, so nothing is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True)
class FailedTest:
    """A test that failed for another reason than a gate, or a file that could not be collected.

    ``when`` is the phase, ``collect`` of a file; ``message`` is pytest's line of it. ``asks`` tells
    whether it asks for gates, made or not. ``location`` is as of ``TestGates``, and no run holds
    it.
    """

    __test__ = False

    nodeid: str
    when: str
    message: str
    asks: bool = True
    location: tuple[str, int] | None = None

    def words(self) -> tuple[str, str]:
        """Return what it has in common with tests that fail alike: the phase and the message."""
        return self.when, self.message

    def __str__(self) -> str:
        return self.told(())

    def told(self, others: Sequence[object]) -> str:
        """Return a line of it, and of others that failed in the same words.

        >>> FailedTest("test_a.py::test_a", "call", "out of memory").told(["test_b", "test_c"])
        'test_a.py::test_a and 2 more (call): out of memory'
        """
        return f"{self.nodeid}{and_more(others)} ({self.when}): {self.message}"


def and_more(others: Sequence[object]) -> str:
    """Return how many there are beside the one that is named.

    >>> f"one{and_more([])}", f"one{and_more(['two', 'three'])}"
    ('one', 'one and 2 more')
    """
    return f" and {len(others)} more" if others else ""


def in_the_same_words(items: Iterable[_T], words: Callable[[_T], object]) -> list[list[_T]]:
    """Return together what is told in the same words, where each first stood.

    >>> in_the_same_words(["abc", "d", "efg"], len)
    [['abc', 'efg'], ['d']]
    """
    found: dict[object, list[_T]] = {}
    for item in items:
        found.setdefault(words(item), []).append(item)
    return list(found.values())


def failed_alike(failed: Iterable[FailedTest]) -> list[tuple[str, list[str]]]:
    """Return a line for what failed in the same words, which names the first, and the other tests:
    a model that cannot be loaded fails every test by one message."""
    return [
        (first.told(others), [other.nodeid for other in others])
        for first, *others in in_the_same_words(failed, FailedTest.words)
    ]


def failed_lines(failed: Iterable[FailedTest]) -> list[str]:
    """Return these lines alone, which count the other tests."""
    return [line for line, _ in failed_alike(failed)]
