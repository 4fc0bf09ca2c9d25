"""Changing the text of a golden file: only what is recorded changes, every other byte stays.

The new values are put into the text at the places where the YAML parser found the old ones, so that
comments, order, indentation, quoting, alignment and line breaks need not be reproduced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from pytest_editmetrics.config.reader import scalar

# Tests -> gates -> {"max" or "min", "measured", "weights", "env" -> {...}}: numbers, and one text.
Wanted = Mapping[str, Any]

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_@.-]*")
_SIMPLE_KEY_LIMIT = 1000


class CannotEditError(ValueError):
    """The text is written in a way (aliases) in which one place cannot be changed alone."""


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    text: str


def edited_text(text: str, wanted: Wanted) -> str:
    """Return the text of a golden file with the ``wanted`` values in it.

    Args:
        text: a valid golden file without its byte order mark; may be empty.
        wanted: the values to set; what it does not name stays as it is.

    Raises:
        CannotEditError: a value to change is an alias.

    >>> print(edited_text('"test_a":\\n  lpips: {max: 0.1}  # why\\n', {"test_a": {"lpips": {
    ...     "max": 0.2, "measured": 0.15}, "emd": {"max": 7.9}}, "test_b": {"emd": {"max": 3.0}}}))
    "test_a":
      lpips: {max: 0.2, measured: 0.15}  # why
      emd: {max: 7.9}
    "test_b":
      emd: {max: 3.0}
    <BLANKLINE>
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    root = yaml.compose(text, Loader=loader)
    if not isinstance(root, yaml.MappingNode):
        start = text if not text or text.endswith("\n") else text + newline
        blocks = (_block(test, gates, 0, 2, newline) for test, gates in wanted.items())
        return start + "".join(block + newline for block in blocks)
    editor = _Editor(text, newline, _step(text, root))
    edits = sorted(editor.tests(root, wanted), key=lambda edit: edit.start)
    parts, position = [], 0
    for edit in edits:
        parts += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join(parts) + text[position:]


class _Editor:
    def __init__(self, text: str, newline: str, step: int):
        self._text = text
        self._newline = newline
        self._step = step

    def tests(self, root: yaml.MappingNode, wanted: Wanted) -> Iterator[_Edit]:
        """Yield the edits of the whole file: tests hold gates, which are written in blocks."""
        present = _entries(root)
        new = {test: gates for test, gates in wanted.items() if test not in present}
        for test in wanted.keys() - new.keys():
            key, node = present[test]
            _refuse_alias(test, key, node)
            if isinstance(node, yaml.MappingNode):
                yield from self._values(node, wanted[test])
            elif node.start_mark.index == node.end_mark.index:
                column = _column(self._text, key) + self._step
                yield self._lines(_end(key, node), column, wanted[test])
            else:
                yield _Edit(node.start_mark.index, node.end_mark.index, _flow(wanted[test]))
        if new and root.flow_style:
            yield self._pairs(root, new)
        elif new:
            column = _column(self._text, root.value[0][0])
            blocks = [_block(t, g, column, self._step, self._newline) for t, g in new.items()]
            yield self._after(_end(*root.value[-1]), blocks)

    def _values(self, mapping: yaml.MappingNode, wanted: Wanted) -> Iterator[_Edit]:
        present = _entries(mapping)
        new = {name: value for name, value in wanted.items() if name not in present}
        for name in wanted.keys() - new.keys():
            key, node = present[name]
            _refuse_alias(name, key, node)
            yield from self._value(node, wanted[name])
        if not new:
            return
        if mapping.flow_style:
            yield self._pairs(mapping, new)
        else:
            column = _column(self._text, mapping.value[0][0])
            yield self._lines(_end(*mapping.value[-1]), column, new)

    def _value(self, node: yaml.Node, want: Any) -> Iterator[_Edit]:
        if isinstance(node, yaml.MappingNode) and isinstance(want, Mapping):
            yield from self._values(node, want)
        elif isinstance(want, Mapping) or _held(node) != want:
            start, end = node.start_mark.index, node.end_mark.index
            space = " " if start == end and self._text[start - 1 : start] == ":" else ""
            yield _Edit(start, end, space + _shown(want))

    def _pairs(self, mapping: yaml.MappingNode, new: Wanted) -> _Edit:
        if not mapping.value:
            return _Edit(mapping.start_mark.index, mapping.end_mark.index, _flow(new))
        end = _end(*mapping.value[-1])
        return _Edit(end, end, ", " + _flow(new)[1:-1])

    def _lines(self, after: int, column: int, new: Wanted) -> _Edit:
        pad = " " * column
        return self._after(after, [f"{pad}{_key(k)}: {_shown(v)}" for k, v in new.items()])

    def _after(self, position: int, lines: list[str]) -> _Edit:
        """Return the edit that puts ``lines`` below the line of ``position``."""
        end = self._text.find("\n", position)
        if end < 0:
            end = len(self._text)
        elif self._text[end - 1] == "\r":
            end -= 1
        return _Edit(end, end, "".join(self._newline + line for line in lines))


def _held(node: yaml.Node) -> Any:
    """Return the value of a scalar, which is text if it is quoted."""
    return node.value if getattr(node, "style", None) else scalar(node.value)


def _entries(mapping: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    return {key.value: (key, node) for key, node in mapping.value}


def _refuse_alias(name: str, key: yaml.Node, node: yaml.Node) -> None:
    if node.start_mark.index < key.end_mark.index:
        raise CannotEditError(f"the value of {name!r} is an alias; write it out")


def _end(key: yaml.Node, node: yaml.Node) -> int:
    """Return where the last thing written of an entry ends."""
    if node.start_mark.index < key.end_mark.index:
        return int(key.end_mark.index)
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        return _end(*node.value[-1])
    return int(node.end_mark.index)


def _column(text: str, key: yaml.Node) -> int:
    """Return the column of a key of a block, or of the ``?`` before it."""
    start = key.start_mark.index
    before = text[text.rfind("\n", 0, start) + 1 : start].rstrip(" ")
    return len(before) - 1 if before.endswith("?") else int(key.start_mark.column)


def _step(text: str, root: yaml.MappingNode) -> int:
    """Return by how much the file indents the gates of a test."""
    for key, node in root.value:
        if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
            step = _column(text, node.value[0][0]) - _column(text, key)
            if step > 0:
                return int(step)
    return 2


def _block(test: str, gates: Wanted, column: int, step: int, newline: str) -> str:
    pad, key = " " * column, quoted(test)
    head = f"{pad}{key}:"
    if len(key) > _SIMPLE_KEY_LIMIT:
        head = f"{pad}? {key}{newline}{pad}:"
    inner = " " * (column + step)
    return newline.join([head, *(f"{inner}{_key(k)}: {_flow(v)}" for k, v in gates.items())])


def _flow(wanted: Wanted) -> str:
    return "{" + ", ".join(f"{_key(key)}: {_shown(want)}" for key, want in wanted.items()) + "}"


def _shown(want: Any) -> str:
    if isinstance(want, Mapping):
        return _flow(want)
    return quoted(want) if isinstance(want, str) else format(Decimal(repr(float(want))), "f")


def _key(key: str) -> str:
    plain = _PLAIN_KEY.fullmatch(key) and isinstance(scalar(key), str)
    return key if plain else quoted(key)


def quoted(text: str) -> str:
    """Return a YAML double-quoted text.

    >>> print(quoted('a "b"\\t'))
    "a \\"b\\"\\x09"
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )
