"""A value read from YAML that knows where it was written, so that every error can say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import Any, NoReturn

from pytest_editmetrics.errors import ConfigError, did_you_mean
from pytest_editmetrics.images.data_url import short


@dataclass(frozen=True)
class Source:
    """The file (or argument) a value comes from; ``shown`` is how messages call it."""

    path: Path | None
    shown: str


_COMMA = re.compile(r"[-+]?\d+,\d+")
NO_COMMA = "write a decimal with a point, no comma"
_CONTROL = re.compile("[\x00-\x1f\x7f]")
BUILT_IN = Source(None, "built-in defaults")
DEPTH_LIMIT = 100
SIZE_LIMIT = 1_000_000


@dataclass(eq=False, slots=True)
class Node:
    """One value: ``None``, a bool, number or text, a list of nodes, or a mapping of text to nodes.

    ``line`` (from 1; 0 if unknown) is where the value's key is written, or for a value without
    a key where it starts. ``is_tuple`` marks a list tagged ``!tuple``; ``size`` counts the nodes
    below and including this one, each alias as often as it is used.
    """

    value: Any
    source: Source
    line: int = 0
    is_tuple: bool = False
    size: int = 1
    height: int = 0

    @classmethod
    def holding(
        cls,
        children: dict[str, Node] | list[Node],
        source: Source,
        line: int,
        *,
        is_tuple: bool = False,
    ) -> Node:
        """Return a mapping or list of nodes; too deep or too large a one is an error."""
        nodes = children.values() if isinstance(children, dict) else children
        size = 1 + sum(child.size for child in nodes)
        height = 1 + max((child.height for child in nodes), default=0)
        node = cls(children, source, line, is_tuple, size, height)
        if height > DEPTH_LIMIT:
            node.fail(f"nested deeper than {DEPTH_LIMIT} levels")
        if size > SIZE_LIMIT:
            node.fail(f"more than {SIZE_LIMIT:,} values, each alias counted as often as it is used")
        return node

    @classmethod
    def of(cls, data: Any, source: Source, line: int = 0) -> Node:
        """Return plain Python ``data`` as nodes that all say ``source`` and ``line``."""
        if isinstance(data, Mapping):
            entries = {str(key): cls.of(value, source, line) for key, value in data.items()}
            return cls.holding(entries, source, line)
        if isinstance(data, (list, tuple)):
            items = [cls.of(value, source, line) for value in data]
            return cls.holding(items, source, line, is_tuple=isinstance(data, tuple))
        return cls(data, source, line)

    @property
    def plain(self) -> Any:
        """The value as plain Python: dicts, lists, tuples (``!tuple``) and scalars."""
        if isinstance(self.value, dict):
            return {key: child.plain for key, child in self.value.items()}
        if isinstance(self.value, list):
            items = [child.plain for child in self.value]
            return tuple(items) if self.is_tuple else items
        return self.value

    @property
    def is_mapping(self) -> bool:
        """Whether the value has keys."""
        return isinstance(self.value, dict)

    @property
    def where(self) -> str:
        """``file:line``, as messages and reports show it."""
        return f"{self.source.shown}:{self.line}" if self.line else self.source.shown

    def at(self, line: int) -> Node:
        """Return the same value as if written on ``line``."""
        return Node(self.value, self.source, line, self.is_tuple, self.size, self.height)

    def fail(self, message: str) -> NoReturn:
        """Raise a ``ConfigError`` that starts with this value's file and line."""
        raise ConfigError(message, self.source.shown, self.line or None)

    def get(self, key: str) -> Node | None:
        """Return the value of ``key``; ``None`` if there is none or nothing is written after it."""
        child = self.value.get(key) if self.is_mapping else None
        return None if child is None or child.value is None else child

    # What a value must be, said in one sentence if it is not.

    def mapping(
        self, what: str, valid: Iterable[str] | None = None, *, like: str = ""
    ) -> dict[str, Node]:
        """Return the keys and values of a mapping, none if left empty; each key is in ``valid``.

        ``like`` is an example for the message.
        """
        if self.value is None:
            return {}
        if not self.is_mapping:
            example = f"; write {like}" if like else ""
            self.fail(f"{what} must be a mapping (`key: value`), not {self.shown}{example}")
        entries: dict[str, Node] = self.value
        if valid is not None:
            names = tuple(valid)
            for key, child in entries.items():
                if key not in names:
                    child.fail(f"unknown key {key!r} in {what}{did_you_mean(key, names)}")
        return entries

    def items(self, what: str) -> list[Node]:
        """Return the items of a list."""
        if not isinstance(self.value, list):
            dash = "; begin each with `- `" if self.is_mapping else ""
            self.fail(f"{what} must be a list (`[a, b]`), not {self.shown}{dash}")
        return list(self.value)

    def text(self, what: str) -> str:
        """Return a text that is not empty and has no control characters."""
        if not isinstance(self.value, str):
            self.fail(f"{what} must be text, not {self.shown}")
        if not self.value.strip():
            self.fail(f"{what} is empty")
        if _CONTROL.search(self.value):
            self.fail(f"{what} has a control character in it: {short(self.value)!r}")
        return self.value

    def number(self, what: str) -> float:
        """Return a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, Real):
            comma = isinstance(self.value, str) and _COMMA.fullmatch(self.value.strip())
            point = f"; {NO_COMMA}" if comma else ""
            self.fail(f"{what} must be a number, not {self.shown}{point}")
        try:
            number = float(self.value)
        except OverflowError:
            number = float("inf")
        if not isfinite(number):
            self.fail(f"{what} must be a finite number, not {self.shown}")
        return number

    def one_of(self, what: str, valid: Iterable[str]) -> str:
        """Return a text that is among ``valid``."""
        names = tuple(valid)
        if not isinstance(self.value, str) or self.value not in names:
            shown = self.shown.removeprefix("text ")
            self.fail(f"{what} cannot be {shown}{did_you_mean(self.value, names)}")
        return self.value

    @property
    def shown(self) -> str:
        """The value for a message, cut short."""
        if self.value is None:
            return "empty"
        if self.is_mapping:
            return "a mapping"
        if isinstance(self.value, list):
            return "a list"
        kind = "text " if isinstance(self.value, str) else ""
        try:
            text = repr(self.value)
        except ValueError:
            text = "a number of thousands of digits"
        text = {"True": "true", "False": "false"}.get(text, text)
        return kind + (text if len(text) <= 60 else text[:57] + "...")
