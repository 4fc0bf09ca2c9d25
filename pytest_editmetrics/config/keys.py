"""How a key of a YAML file is declared: once, with what it may be and a sentence for a reader.

From a declaration come reading and its messages, the JSON Schema and the reference pages. The keys
themselves stand in the files that make something of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite
from typing import Any

from pytest_editmetrics.config.mistakes import Mistakes
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.errors import did_you_mean
from pytest_editmetrics.measurement import BoundKind, Metric
from pytest_editmetrics.pipes.registry import PipeRegistry

Schema = dict[str, Any]
# parts of patterns, for validators of any language: Python's `$` holds before a last line break
PRINTED, END = r"[^\x00-\x1f\x7f]", r"$(?!\n)"


@dataclass(frozen=True)
class Kind:
    """What a value may be: in words, how it is read, and as JSON Schema.

    ``read(node, what, registry)`` returns the value, or fails at the node; ``what`` is how messages
    call it. ``block`` declares the keys below, where it is a mapping of declared ones.
    """

    words: str
    read: Callable[[Node, str, PipeRegistry], Any]
    schema: Callable[[PipeRegistry], Schema]
    block: Block | None = None


@dataclass(frozen=True)
class Key:
    """One key: what it may be, what it does, an example of its value, and what holds without it.

    A key that is left empty (``key:``) counts as not written, unless ``empty`` says that it is an
    error. ``needs`` is a key that must stand beside it. ``call`` is what messages call it, where
    that is not ``NAME of BLOCK``. With a ``pattern`` it stands for every key that matches.
    """

    name: str
    kind: Kind
    text: str
    example: str
    default: str = ""
    required: bool = False
    empty: bool = True
    needs: str = ""
    call: str = ""
    pattern: str = ""


@dataclass(frozen=True)
class Block:
    """A mapping of declared keys, and how messages call it."""

    call: str
    text: str
    keys: tuple[Key, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the keys."""
        return tuple(key.name for key in self.keys)

    @cached_property
    def _plain(self) -> Mapping[str, Key]:
        return {key.name: key for key in self.keys if not key.pattern}

    @cached_property
    def _patterns(self) -> tuple[Key, ...]:
        return tuple(key for key in self.keys if key.pattern)

    @cached_property
    def _needed(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.keys if key.required)

    @cached_property
    def _like(self) -> str:
        first = [key for key in self.keys if key.required] or self.keys[:1]
        return "{" + ", ".join(f"{key.name}: {key.example}" for key in first) + "}"

    def key(self, name: str) -> Key | None:
        """Return the declaration of a key that is written as ``name``, if there is one."""
        if name in self._plain or not self._patterns:
            return self._plain.get(name)
        return next((key for key in self._patterns if re.fullmatch(key.pattern, name)), None)

    def nodes(self, node: Node, call: str | None = None, *more: str) -> dict[str, Node]:
        """Return what is written and not left empty, by key; ``more`` keys are taken too.

        Raises:
            ConfigError: unknown keys, with the nearest names, or a required one that is missing.
        """
        called = self.call if call is None else call
        entries = node.mapping(called, like=self._like)
        self._check(node, entries, called, more)
        return self._written(entries)

    def _check(
        self, node: Node, entries: Mapping[str, Node], called: str, more: Sequence[str] = ()
    ) -> None:
        mistakes, above = Mistakes(), ""
        for name, child in entries.items():
            if name in self._plain or name in more or self.key(name) is not None:
                above = indent_hint(name, child)
            else:
                hint = did_you_mean(name, self.names)
                stands = (f"; {k.name!r} is {k.text.partition(';')[0]}" for k in self._patterns)
                with mistakes.noted():
                    child.fail(f"unknown key {name!r} in {called}{hint}{''.join(stands)}{above}")
        if mistakes:  # a key that is missing may be the one that is misspelt
            mistakes.tell()
        for name in self._needed:
            if name not in entries or entries[name].value is None:
                needed = " and ".join(f"`{name}`" for name in self._needed)
                all_of = f"; it needs {needed}" if len(self._needed) > 1 else ""
                entries.get(name, node).fail(f"{called} without {name!r}{all_of}")

    def _written(self, entries: Mapping[str, Node]) -> dict[str, Node]:
        return {
            name: child
            for name, child in entries.items()
            if child.value is not None or self._empty_counts(name)
        }

    def _empty_counts(self, name: str) -> bool:
        key = self.key(name)
        return key is not None and not key.empty

    def read(self, node: Node, registry: PipeRegistry, call: str | None = None) -> dict[str, Any]:
        """Return the value of each key that is written.

        Raises:
            ConfigError: all that is wrong with the keys and their values.
        """
        called = self.call if call is None else call
        found, mistakes = {}, Mistakes()
        entries = node.mapping(called, like=self._like)
        with mistakes.noted():
            self._check(node, entries, called)
        for name, child in self._written(entries).items():
            key = self.key(name)
            with mistakes.noted():
                if key is not None:
                    found[name] = key.kind.read(child, key.call or f"{name} of {called}", registry)
        mistakes.tell()
        return found

    def schema(self, registry: PipeRegistry) -> Schema:
        """Return the JSON Schema of the mapping, with a description of each key."""
        plain = {k.name: self._property(k, registry) for k in self.keys if not k.pattern}
        more = {f"^{k.pattern}$": self._property(k, registry) for k in self.keys if k.pattern}
        beside = {k.name: _beside(k) for k in self.keys if k.needs}
        extra = {"patternProperties": more, "dependentSchemas": beside}
        return mapping(plain, required=self._needed, **{k: v for k, v in extra.items() if v})

    @staticmethod
    def _property(key: Key, registry: PipeRegistry) -> Schema:
        schema = key.kind.schema(registry)
        if key.empty and not key.required:
            schema = or_empty(schema)
        return {"description": key.text, **schema}

    def kind(self, words: str = "") -> Kind:
        """Return the block as the kind of a key: its value is read as a mapping."""
        return Kind(
            words or "a mapping",
            lambda node, what, registry: self.read(node, registry, what),
            self.schema,
            self,
        )


def indent_hint(name: str, node: Node) -> str:
    """Return what is said of an unknown key below a known one: nothing where that has a value."""
    return "" if node.value is not None else f"; if it is of {name!r} above, indent it"


def _beside(key: Key) -> Schema:
    """Return the schema of a mapping that states a key which needs another."""
    needed: Schema = {"required": [key.needs]}
    nothing: Schema = {"properties": {key.name: {"enum": [None, []]}}}
    return {"anyOf": [nothing, needed]} if key.empty else needed


def mapping(
    properties: Mapping[str, Schema], *, required: Iterable[str] = (), **more: Any
) -> Schema:
    """Return the schema of a mapping of these keys and no others."""
    schema: Schema = {"type": "object", "properties": dict(properties), **more}
    needed = list(required)
    return {**schema, "additionalProperties": False, **({"required": needed} if needed else {})}


def or_empty(schema: Schema) -> Schema:
    """Return a schema that takes what ``schema`` takes, and nothing (``key:``).

    >>> or_empty({"type": "string"}), or_empty({"enum": ["a"]})
    ({'type': ['string', 'null']}, {'enum': ['a', None]})
    """
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if isinstance(schema.get("type"), str) and "anyOf" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return schema if not schema else {"anyOf": [schema, {"type": "null"}]}


def between(low: float, high: float, of: str = "number") -> Schema:
    """Return the schema of a number; an end that is not finite is left out."""
    ends = {"minimum": low, "maximum": high}
    return {"type": of, **{key: end for key, end in ends.items() if isfinite(end)}}


def held(kind: BoundKind, low: float, high: float) -> Schema:
    """Return the schema of a bound on what lies in [low, high]: one that always holds is none."""
    within = between(low, high)
    end = "maximum" if kind == "max" else "minimum"
    if end in within:
        within[f"exclusive{end.capitalize()}"] = within.pop(end)
    return within


def unread(
    words: str, schema: Callable[[PipeRegistry], Schema], block: Block | None = None
) -> Kind:
    """Return the kind of a value that is kept as its node, for what uses it to read."""
    return Kind(words, lambda node, what, _: node, schema, block)


def choice(*names: str) -> Kind:
    """Return the kind of one of these texts."""
    return Kind(
        " or ".join(f"`{name}`" for name in names),
        lambda node, what, _: node.one_of(what, names),
        lambda _: {"enum": list(names)},
    )


def number(low: float = -inf, high: float = inf, note: str = "") -> Kind:
    """Return the kind of a finite number from ``low`` to ``high``; ``note`` ends the message."""

    def read(node: Node, what: str, registry: PipeRegistry) -> float:
        value = node.number(what)
        if value < low and low == 0 and high == inf:
            node.fail(f"{what} must not be negative: {node.shown}")
        if not low <= value <= high:
            node.fail(f"{what} is {value:g}, outside [{low:g}, {high:g}]{note}")
        return value

    return Kind(_numbers("a number", low, high), read, lambda _: between(low, high))


def whole(low: int, high: float = inf) -> Kind:
    """Return the kind of a whole number from ``low`` to ``high``."""

    def read(node: Node, what: str, registry: PipeRegistry) -> int:
        value = node.number(what)
        if not value.is_integer() or not low <= value <= high:
            node.fail(f"{what} must be {_numbers('a whole number', low, high)}, not {node.shown}")
        return int(value)

    words = _numbers("a whole number", low, high)
    return Kind(words, read, lambda _: between(low, high, "integer"))


def _numbers(what: str, low: float, high: float) -> str:
    if isfinite(low) and isfinite(high):
        return f"{what} from {low:g} to {high:g}"
    return f"{what} from {low:g}" if isfinite(low) else what


def of_metrics(words: str, kind: Callable[[Metric, PipeRegistry], Kind]) -> Kind:
    """Return the kind of a mapping whose keys are metrics, each by any of its names."""
    from pytest_editmetrics.config.metric_keys import by_metric

    def read(node: Node, what: str, registry: PipeRegistry) -> dict[str, Any]:
        found, mistakes = {}, Mistakes()
        for name, child in by_metric(node, what, registry, mistakes).items():
            metric = registry.metric(name)
            with mistakes.noted():
                found[name] = kind(metric, registry).read(child, f"{what} of {name}", registry)
        mistakes.tell()
        return found

    def schema(registry: PipeRegistry) -> Schema:
        named = {name: registry.metric(name) for name in registry.names}
        return mapping({n: kind(metric, registry).schema(registry) for n, metric in named.items()})

    return Kind(words, read, schema)


TEXT = Kind(
    "a text",
    lambda node, what, _: node.text(what),
    lambda _: {"type": "string", "pattern": rf"^(?=.*\S){PRINTED}*{END}"},
)
