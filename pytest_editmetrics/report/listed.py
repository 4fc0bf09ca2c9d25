"""A list as the end of a session shows it: its first entries, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence

LISTED = 10


def first_of(entries: Sequence[str], number: int | None = None) -> list[str]:
    """Return the first entries; ``number`` is how many there are, if not all are here."""
    number = len(entries) if number is None else number
    more = [f"  and {number - LISTED} more"] if number > LISTED else []
    return [*(f"  {entry}" for entry in entries[:LISTED]), *more]


def listed(title: str, entries: Sequence[str], number: int | None = None) -> list[str]:
    """Return the first entries below a title that counts them, see ``first_of``; nothing of none.

    >>> listed("crashed", ["test_a", "test_b"])
    ['crashed: 2', '  test_a', '  test_b']
    """
    if not entries:
        return []
    return [f"{title}: {len(entries) if number is None else number}", *first_of(entries, number)]
