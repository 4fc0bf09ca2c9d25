"""Everything that is wrong with a file is told at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pytest_editmetrics.errors import ConfigError

MOST = 20
"""Mistakes that are told at once; after so many nothing more is read."""


class Mistakes:
    """Gathers errors of parts that can be read apart from each other.

    >>> mistakes = Mistakes()
    >>> for line in (3, 2):
    ...     with mistakes.noted():
    ...         raise ConfigError("no number", "a.yaml", line)
    >>> mistakes.tell()
    Traceback (most recent call last):
    ConfigError: a.yaml:2: no number
    a.yaml:3: no number
    """

    def __init__(self) -> None:
        self._found: list[ConfigError] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Keep the error of a block, and go on after it, unless there are very many.

        Raises:
            ConfigError: see ``tell``.
        """
        try:
            yield
        except ConfigError as error:
            self._found += error.each or (error,)
            if len(self._found) >= MOST:
                self.tell()

    def tell(self) -> None:
        """Raise what was found, if anything was.

        Raises:
            ConfigError: its message has a line for each mistake, in the order of the file.
        """
        found = {str(error): error for error in self._found}
        errors = sorted(found.values(), key=lambda error: (str(error.path), error.line or 0))
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ConfigError.of(errors)
