"""Images whose files lie as bytes in a row of a table, as data sets on Hugging Face have them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

from pytest_editmetrics.errors import counted


@dataclass(frozen=True)
class Encoded:
    """The bytes of an image's file, and what the row calls it (``""`` if it does not).

    >>> Encoded(b"...", "cat.png").text[:36]
    'cat.png (sha256 ab5df625bc76dbd4e163'
    """

    data: bytes = field(repr=False)
    name: str = ""

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def text(self) -> str:
        """How messages and results call it."""
        name = self.name if self.name.isprintable() else repr(self.name)
        return f"{name or counted(len(self.data), 'byte')} (sha256 {self.digest})"
