"""Whether the entry of a golden is the id of a test with a slip of the keyboard in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from unicodedata import normalize

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")
_UNSEEN = re.compile(r"[\s\[\](){}\"'`]+")
# in a shorter word, or beside a digit, one letter may well be the whole difference of two tests
_WORD = re.compile(r"[^\W\d_]{4,}")


class Slips:
    """The ids of tests, found by what they may be misspelt as.

    That is another case, white space, brackets, quotes or Unicode form, or in one word of four
    letters or more a letter that is left out, added, moved or another.

    >>> slips = Slips(["test_it[kitchen-1]"])
    >>> [slips.meant(f"test_it[{own}]") for own in ("Kitchen-1", "kithcen-1", "kitchen-2")]
    ['test_it[kitchen-1]', 'test_it[kitchen-1]', None]
    """

    def __init__(self, tests: Iterable[str]):
        self._plain: dict[str, str] = {}
        self._less: dict[str, str] = {}
        for test in tests:
            self._plain.setdefault(_plain(test), test)
            for less in _less(test):
                self._less.setdefault(less, test)

    def meant(self, key: str) -> str | None:
        """Return the test that a key is a misspelling of, if it is one."""
        plain = _plain(key)
        if plain in self._plain:
            return self._plain[plain]
        return next((self._less[less] for less in _less(key) if less in self._less), None)


def _plain(key: str, between: str = "") -> str:
    """Return a key without what may differ unseen; pytest writes letters of no ASCII escaped."""
    text = _ESCAPE.sub(lambda found: _letter(int(next(filter(None, found.groups())), 16)), key)
    return _UNSEEN.sub(between, normalize("NFKC", text).casefold()).strip()


def _letter(number: int) -> str:
    return chr(number) if number <= 0x10FFFF else ""


def _less(key: str) -> Iterator[str]:
    """Yield a key as it is, and with each letter of its words left out."""
    plain = _plain(key, " ")
    yield plain
    for word in _WORD.finditer(plain):
        for at in range(word.start(), word.end()):
            yield plain[:at] + plain[at + 1 :]
