"""What the session says at its end: lines, and lists of tests of which it says the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_editmetrics.report.listed import LISTED, listed
from pytest_editmetrics.runs.failed import and_more


class Notes(list[str]):
    """Lines, each once, in the order in which they came; ``settled`` puts the lists before them."""

    def __init__(self) -> None:
        super().__init__()
        self._of_tests: dict[str, dict[str, dict[str, None]]] = {}

    def take(self, notes: Iterable[str | Sequence[str]]) -> None:
        """Take what a test says: lines, and of tests a title, the words and the node id."""
        for note in notes:
            if not isinstance(note, str):
                title, words, nodeid = note
                self._of_tests.setdefault(title, {}).setdefault(words, {})[nodeid] = None
            elif note not in self:
                self.append(note)

    def settled(self) -> Notes:
        """Return this with its lists, each of which names the first of the tests that are alike.

        >>> notes = Notes()
        >>> notes.take(["late", *(("worth a look", "odd", test) for test in ("test_a", "test_b"))])
        >>> notes.settled()
        ['worth a look: 2', '  test_a and 1 more: odd', 'late']
        """
        lines: list[str] = []
        for title, found in self._of_tests.items():
            entries = [
                f"{first}{and_more(others)}: {words}" for words, (first, *others) in found.items()
            ]
            numbers = [len(tests) for tests in found.values()]
            lines += listed(title, entries, sum(numbers), sum(numbers[:LISTED]))
        self[:0] = lines
        self._of_tests = {}
        return self
