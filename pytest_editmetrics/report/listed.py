"""A list as the end of a session shows it: its first entries, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_editmetrics.runs.failed import FailedTest, failed_lines, in_the_same_words

LISTED = 10


class Headed(str):
    """A line that fails a session, and the ``entries`` that stand below it, each a line."""

    entries: Sequence[str]

    def __new__(cls, head: str, entries: Sequence[str]) -> Headed:
        """Keep the entries beside the text."""
        made = super().__new__(cls, head)
        made.entries = tuple(entries)
        return made


def below(line: str) -> Sequence[str]:
    """Return the entries that stand below a line.

    >>> below("alone"), below(Headed("crashed: 1", ["  test_a"]))
    ((), ('  test_a',))
    """
    return line.entries if isinstance(line, Headed) else ()


def with_entries(line: str) -> str:
    r"""Return a line with its entries, each on a line of its own: what ``headed`` reads.

    >>> with_entries(Headed("crashed: 1", ["  test_a"]))
    'crashed: 1\n  test_a'
    """
    return "\n".join([line, *below(line)])


def headed(text: str) -> Headed:
    """Return a line whose entries are the lines below it."""
    head, *entries = text.split("\n")
    return Headed(head, entries)


def first_of(
    entries: Sequence[str], number: int | None = None, shown: int | None = None
) -> list[str]:
    """Return the first entries; ``number`` is how many there are, if not all are here.

    ``shown`` is how many the first stand for, where one stands for several.
    """
    number = len(entries) if number is None else number
    left = number - (min(len(entries), LISTED) if shown is None else shown)
    more = [f"  and {left} more"] if left > 0 else []
    return [*(f"  {entry}" for entry in entries[:LISTED]), *more]


def listed(
    title: str, entries: Sequence[str], number: int | None = None, shown: int | None = None
) -> list[str]:
    """Return the first entries below a title that counts them, see ``first_of``; nothing of none.

    >>> listed("crashed", ["test_a", "test_b"])
    ['crashed: 2', '  test_a', '  test_b']
    """
    if not entries:
        return []
    return [
        f"{title}: {len(entries) if number is None else number}",
        *first_of(entries, number, shown),
    ]


def listed_failures(title: str, failed: Sequence[FailedTest]) -> list[str]:
    """Return the first tests that failed without a gate, those of the same words in one line."""
    shown = sum(map(len, in_the_same_words(failed, FailedTest.words)[:LISTED]))
    return listed(title, failed_lines(failed), len(failed), shown)
