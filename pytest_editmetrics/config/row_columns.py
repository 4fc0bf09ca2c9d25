"""Which columns of a table are keys of a row, under other names too, and which are kept beside."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_editmetrics.config.node import Node, Source
from pytest_editmetrics.config.row_files import RawRow, json_value
from pytest_editmetrics.errors import ConfigError, InputError, counted, did_you_mean, synonym
from pytest_editmetrics.images.data_url import is_data_url, short

_MISSPELT = 0.86  # how alike a column's name is to a key's that was meant
_LONGEST, _DEEPEST = 10_000, 20
NO_COLUMN = "none"
"""What a key is named of which no column is read, whatever it is called."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# how a text starts or ends that is JSON, a file's name or a `data:` URL; or it holds four numbers
_HELD = re.compile(r"^\s*[\[{]|\.\w{2,5}\s*$|^data:|\d[^\w.]+[\d.]+[^\w.]+[\d.]+[^\w.]+\d")
# what a cell of text holds as JSON; other keys are texts themselves
_OF_JSON = ("coords", "ref_boxes", "edited_boxes", "thresholds", "metrics")


def named_columns(text: str, keys: Iterable[str]) -> dict[str, str]:
    """Return columns by the keys that they stand for, of ``KEY=COLUMN,KEY=COLUMN``.

    Raises:
        InputError: no such key, or one that is named twice.

    >>> named_columns("reference=source_img, edited=target_img", ["reference", "edited"])
    {'reference': 'source_img', 'edited': 'target_img'}
    """
    known = list(keys)
    found: dict[str, str] = {}
    for part in text.split(","):
        key, equals, column = (word.strip() for word in part.partition("="))
        if not (key and equals and column):
            raise InputError(f"--columns {part.strip()!r}: write KEY=COLUMN, as reference=source")
        if key not in known:
            raise InputError(f"--columns: a row has no {key!r}{did_you_mean(key, known)}")
        if key in found:
            raise InputError(f"--columns names {key} twice: {found[key]!r} and {column!r}")
        found[key] = column
    return found


def is_called(column: str, key: str) -> bool:
    """Tell whether a word of a column's name says that it holds what a key does.

    >>> [is_called(name, "coords") for name in ("mask_path", "editBox", "unmasked", "prompt")]
    [True, True, False, False]
    """
    words = map(str.casefold, _WORD.findall(column))
    return any(word == key or synonym(word, [key]) is not None for word in words)


def holds_image(value: Any) -> bool:
    """Tell whether a cell may hold an image or an edit area, and no number, word or sentence.

    >>> [holds_image(value) for value in ("m/1.png", "[[0, 0, 8, 8]]", "0 0 8 8", "a red hat", 0.3)]
    [True, True, True, False, False]
    """
    if isinstance(value, str):
        return _HELD.search(value) is not None
    return isinstance(value, (bytes, Mapping, list, tuple)) and len(value) > 0


class Columns:
    """Tells the keys of a row from what else is in it.

    Args:
        keys: of a row.
        named: the column of a key that is called otherwise.
        source: the file.
        texts: whether cells are texts, so that boxes stand in them as JSON.
    """

    def __init__(
        self, keys: Iterable[str], named: Mapping[str, str], source: Source, *, texts: bool
    ):
        self._keys = tuple(keys)
        self._named = named
        self._source = source
        self._texts = texts
        self._known: set[str] = set()
        self._read: set[str] = set(named)
        self.kept: dict[str, None] = {}
        """The columns that are no keys, in the order in which they were met."""

    @property
    def told(self) -> list[str]:
        """What is said of the columns that are no keys: each, with the key that it may be."""
        unread = [key for key in self._keys if key not in self._read]
        meant = {column: [k for k in unread if is_called(column, k)] for column in self.kept}
        return [
            f"{column} (if it is the {keys[0]}: --columns {keys[0]}={column})" if keys else column
            for column, keys in meant.items()
        ]

    def split(self, row: RawRow) -> tuple[Node, dict[str, Any]]:
        """Return the keys of a row, and what is kept of its other columns, JSON-ready.

        Raises:
            ConfigError: a column that is named is not there, one is nearly called as a key is, or
                one looks like the edit area of a row that has no column of it.
        """
        fields: dict[str, Any] = {}
        for key, column in self._named.items():
            if column == NO_COLUMN:
                continue
            if column not in row.values:
                raise ConfigError(
                    f"a row without {column!r}, which --columns names for {key}"
                    f"{did_you_mean(column, row.values)}",
                    self._source.shown,
                    row.line,
                )
            fields[key] = row.values[column]
        taken, more = set(self._named.values()), {}
        for column, value in row.values.items():
            if column in self._keys and column not in self._named:
                fields[column] = value
            elif column not in taken and value is not None:
                self._check(column, row.line)
                more[column] = kept(value)
        self._read |= fields.keys()
        if "coords" not in fields and "coords" not in self._named:
            self._check_area({column: row.values[column] for column in more}, row.line)
        if self._texts:
            fields = {key: self._value(key, value, row.line) for key, value in fields.items()}
        try:
            return Node.of(fields, self._source, row.line), more
        except RecursionError:
            raise ConfigError("nested too deep", self._source.shown, row.line) from None

    def _check(self, column: str, line: int) -> None:
        if column in self._known:
            return
        alike = difflib.get_close_matches(column.casefold(), self._keys, 1, _MISSPELT)
        if alike and alike[0] not in self._named:
            raise ConfigError(
                f"unknown key {column!r} in a row (did you mean {alike[0]!r}?); if it is, give"
                f" --columns {alike[0]}={column}; other columns may have any other name",
                self._source.shown,
                line,
            )
        self._known.add(column)
        self.kept[column] = None

    def _check_area(self, others: Mapping[str, Any], line: int) -> None:
        for column, value in others.items():
            if is_called(column, "coords") and holds_image(value):
                raise ConfigError(
                    f"a row without 'coords', whose {column!r} looks like the edit area: the whole"
                    f" image would be measured; give --columns coords={column}, or --columns"
                    f" coords={NO_COLUMN} if that is meant",
                    self._source.shown,
                    line,
                )

    def _value(self, key: str, value: Any, line: int) -> Any:
        if key not in _OF_JSON or not isinstance(value, str):
            return value
        text = value.strip()
        if text.startswith(("[", "{")):
            return json_value(text, self._source.shown, line, f"{key} in a cell is JSON")
        return text.replace(",", " ").split() if key == "metrics" else value


def kept(value: Any) -> Any:
    """Return what results hold of a column that is no key: its value, JSON-ready.

    Of bytes, a ``data:`` URL and whatever takes more than 10,000 characters the SHA-256.

    >>> kept({"prompt": "make it red", "seed": 7})
    {'prompt': 'make it red', 'seed': 7}
    >>> kept(b"abc")
    '3 bytes (sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad)'
    """
    found = _plain(value, 0)
    if len(text := json.dumps(found, ensure_ascii=False)) > _LONGEST:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{text[:100]}...(sha256 {digest})"
    return found


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{counted(len(value), 'byte')} (sha256 {hashlib.sha256(value).hexdigest()})"
    if isinstance(value, str):
        return short(value) if is_data_url(value) else value
    if depth == _DEEPEST:
        return "..."
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    return str(value)
