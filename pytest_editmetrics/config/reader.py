"""Reading one YAML file: no tag constructs anything, and every value keeps its line.

The parser's events are turned into ``Node`` objects here; PyYAML's composer and constructors, which
would build objects and resolve YAML 1.1's surprises (``yes``, ``1e-3``), are never used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import yaml

from pytest_editmetrics.config.node import DEPTH_LIMIT, NO_COMMA, Node, Source
from pytest_editmetrics.errors import CONFLICT, IN_CONFLICT, LFS_POINTER, ConfigError
from pytest_editmetrics.whole_file import read_whole

_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = {None, "!", _CORE + "str", _CORE + "map", _CORE + "seq"}
_NOT_TEXT = frozenset("0123456789+-.~nNtTfF")
_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NOT_PRINTABLE = re.compile(
    "[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_DIGITS_LIMIT = 400

_HINTS = (
    ("cannot start any token", "a tab or a special character; indent with spaces, quote the text"),
    (
        "mapping values are not allowed",
        "a ': ' where none can be; quote the text or fix the indent",
    ),
    (
        "expected <block end>",
        "the indentation does not fit the lines above, or a bracket is too many",
    ),
    (
        "did not find expected key",
        "the indentation does not fit the lines above, or a bracket is too many",
    ),
    ("could not find expected ':'", "a key without a ':' after it"),
    ("unexpected end of stream", "a quote or bracket that is never closed"),
    ("or '}'", "a ',' or a closing '}' is missing"),
    ("or ']'", "a ',' or a closing ']' is missing"),
)


@dataclass(frozen=True)
class Document:
    """A YAML file that was read: its values, and the line of each.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.yaml"
    >>> _ = path.write_text("thresholds:\\n  lpips: {max: 1e-3}\\n")
    >>> document = read_yaml(path)
    >>> document.data
    {'thresholds': {'lpips': {'max': 0.001}}}
    """

    root: Node
    path: Path

    @cached_property
    def data(self) -> Any:
        """The values as plain Python."""
        return self.root.plain


def shown_path(path: Path, rootdir: Path | None) -> str:
    """Return ``path`` as messages show it: relative to ``rootdir`` if it lies there, with ``/``."""
    if rootdir is not None and path.is_relative_to(rootdir):
        return path.relative_to(rootdir).as_posix()
    return path.as_posix()


def read_yaml(path: Path, rootdir: Path | None = None) -> Document:
    """Read one YAML file: UTF-8, one document, mappings of text, ``!tuple`` the only tag.

    Numbers, booleans and nulls are those of YAML 1.2: ``1e-3`` is a number, ``yes`` and ``on`` are
    text, ``2024-01-01`` is text. An empty file has the value ``None``.

    Args:
        path: the file.
        rootdir: messages show the path relative to it.

    Raises:
        ConfigError: with file and line; the file cannot be read or is no valid YAML, a key is
            written twice, a tag is used, nesting passes 100 levels, or aliases expand to more than
            a million values.
    """
    source = Source(path, shown_path(path, rootdir))
    return Document(_Builder(source).build(_read_text(path, source)), path)


def _read_text(path: Path, source: Source) -> str:
    try:
        raw = read_whole(path)
    except FileNotFoundError:
        raise ConfigError("no such file", source.shown) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", source.shown) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            "not UTF-8 text; save the file with the encoding UTF-8", source.shown, line
        ) from None
    if text.startswith(LFS_POINTER):
        raise ConfigError(
            "is a Git LFS pointer, not the file itself; run `git lfs pull`, and keep YAML files out"
            " of LFS (.gitattributes)",
            source.shown,
            1,
        )
    conflict = re.search(CONFLICT, text, re.MULTILINE)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        raise ConfigError(IN_CONFLICT.format(conflict.group().strip()), source.shown, line)
    odd = _NOT_PRINTABLE.search(text)
    if odd:
        line = text.count("\n", 0, odd.start()) + 1
        raise ConfigError(f"the character {odd.group()!r} cannot stand in YAML", source.shown, line)
    return text


def scalar(text: str) -> Any:
    """Return what a plain (unquoted) YAML 1.2 scalar means.

    >>> [scalar(text) for text in ("1e-3", "yes", "true", "~", "010", "1_000", "2024-01-01")]
    [0.001, 'yes', True, None, 10, '1_000', '2024-01-01']

    Raises:
        ValueError: an integer of more than 400 digits.
    """
    if text and text[0] not in _NOT_TEXT:
        return text
    if _FLOAT.fullmatch(text) and not _INT.fullmatch(text):
        return float(text)
    if _NULL.fullmatch(text):
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text) or _HEX.fullmatch(text):
        if len(text) > _DIGITS_LIMIT:
            raise ValueError("a number of more than 400 digits")
        return int(text) if _INT.fullmatch(text) else int(text, 0)
    if _INFINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


class _Builder:
    """Turns the events of one file into nodes."""

    def __init__(self, source: Source):
        self._source = source
        self._anchors: dict[str, Node] = {}
        self._open: list[str] = []

    def build(self, text: str) -> Node:
        """Return the file's one document."""
        loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
        events: Iterator[Any] = yaml.parse(text, Loader=loader)
        try:
            return self._document(events)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            if mark and error.context_mark and mark.line > text.rstrip().count("\n"):
                mark = error.context_mark  # at the end of the file: where what is open began
            self._fail(_explained(error), None if mark is None else mark.line + 1)

    def _fail(self, message: str, line: int | None) -> NoReturn:
        raise ConfigError(message, self._source.shown, line) from None

    def _document(self, events: Iterator[Any]) -> Node:
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self._fail("a second document (`---`); one file is one document", _line(event))
                root = self._node(next(events), events, 0)
        return root or Node(None, self._source, 1)

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        is_tuple = event.tag == "!tuple" and isinstance(event, yaml.SequenceStartEvent)
        if event.tag not in _PLAIN_TAGS and not is_tuple:
            tag = event.tag.replace(_CORE, "!!")
            self._fail(f"the tag {tag!r} is refused: write a plain value (or `!tuple [..]`)", line)
        if event.anchor is not None:
            self._open.append(event.anchor)
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, line)
        elif depth >= DEPTH_LIMIT:
            self._fail(f"nested deeper than {DEPTH_LIMIT} levels", line)
        elif isinstance(event, yaml.SequenceStartEvent):
            items = self._items(events, depth + 1)
            node = Node.holding(items, self._source, line, is_tuple=is_tuple)
        else:
            node = Node.holding(self._entries(events, depth + 1), self._source, line)
        if event.anchor is not None:
            self._open.pop()
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any, line: int) -> Node:
        if event.anchor in self._open:
            self._fail(f"*{event.anchor} stands inside &{event.anchor}: it contains itself", line)
        if event.anchor not in self._anchors:
            self._fail(f"*{event.anchor} has no &{event.anchor} above it", line)
        return self._anchors[event.anchor].at(line)

    def _scalar(self, event: Any, line: int) -> Node:
        if event.tag is not None or not event.implicit[0]:
            return Node(event.value, self._source, line)
        try:
            return Node(scalar(event.value), self._source, line)
        except ValueError as error:
            self._fail(str(error), line)

    def _items(self, events: Iterator[Any], depth: int) -> list[Node]:
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, depth))
        return items

    def _entries(self, events: Iterator[Any], depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._node(event, events, depth)
            name = self._key(key)
            value = self._node(next(events), events, depth).at(key.line)
            if name in entries:
                first = entries[name].line
                self._fail(f"the key {name!r} is written twice, first on line {first}", key.line)
            entries[name] = value
        merge = entries.pop("<<", None)
        return entries if merge is None else {**_merged(merge), **entries}

    def _key(self, key: Node) -> str:
        if not isinstance(key.value, str):
            number = isinstance(key.value, (int, float)) and not isinstance(key.value, bool)
            point = f", or {NO_COMMA}" if number else ""
            self._fail(f"a key must be text, not {key.shown}; put it in quotes{point}", key.line)
        return key.value


def _merged(merge: Node) -> dict[str, Node]:
    """Return what the merge key ``<<`` brings in: of several mappings the first one wins."""
    merged: dict[str, Node] = {}
    for part in merge.value if isinstance(merge.value, list) else [merge]:
        if not part.is_mapping:
            merge.fail("'<<' merges mappings only")
        merged = {**part.value, **merged}
    return merged


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _explained(error: yaml.MarkedYAMLError) -> str:
    problem = " ".join(filter(None, (error.problem, error.context)))
    if "maximum nesting depth" in problem:  # libyaml stops by itself, before it hands anything on
        return f"nested deeper than {DEPTH_LIMIT} levels"
    hint = next((hint for sign, hint in _HINTS if sign in problem), None)
    return f"not valid YAML: {hint}" if hint else f"not valid YAML: {problem}"
