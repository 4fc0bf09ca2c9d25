"""JSON Schemas, for editors that complete and check: what the declarations of keys leave over.

They know the registered pipes and metrics. A key of one's own that only ``${...}`` refers to is
accepted when a file is read, not by the schema; in a file attached by ``_base_`` it is no matter.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from pytest_editmetrics.config.keys import Schema, mapping, or_empty
from pytest_editmetrics.config.settings_keys import NOT_PROVIDED, SETTINGS
from pytest_editmetrics.config.suite import SUITE
from pytest_editmetrics.pipes import autopipeline
from pytest_editmetrics.pipes.registry import PipeRegistry

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PROJECT_URL = "https://github.com/pytest-editmetrics/pytest-editmetrics"
"""As ``[project.urls]`` in ``pyproject.toml`` has it."""
_REFERENCE: Schema = {"type": "string", "pattern": r"\$\{[^${}]*\}"}
_CHILDREN = ("properties", "patternProperties")
_WORTH_A_NAME = 40  # characters of JSON


def settings_schema(registry: PipeRegistry) -> Schema:
    """Return the JSON Schema of ``editmetrics.yaml``: each value may be a ``${...}`` too."""
    paths = {"type": "string", "minLength": 1}
    base: Schema = {
        "description": "files that this one builds on",
        "anyOf": [
            {"type": "null"},
            paths,
            {"type": "array", "items": paths},
            {"type": "object", "additionalProperties": paths},
        ],
    }
    ours = _with_references(SETTINGS.schema(registry))
    ours["properties"] |= {"_base_": base, **dict.fromkeys(autopipeline.KEYS, NOT_PROVIDED)}
    return or_empty(ours)


def suite_schema(registry: PipeRegistry) -> Schema:
    """Return the JSON Schema of a file for ``--suite``: nothing but ``suite:`` of it is read."""
    suite = _with_references(mapping({"suite": or_empty(SUITE.schema(registry))}))
    return {**suite, "additionalProperties": True, "required": ["suite"]}


def address(kind: str) -> str:
    """Return where the schema of a kind of file is published: ``schemas/KIND.json``."""
    return f"{PROJECT_URL}/raw/main/schemas/{kind}.json"


def document(title: str, schema: Schema) -> Schema:
    """Return a schema as a document of its own: what repeats is written once, in ``$defs``."""
    counts = Counter(_text(part) for _, part in _parts(schema, ()))
    names: dict[str, str] = {}
    for path, part in _parts(schema, ()):
        text = _text(part)
        if counts[text] > 1 and len(text) > _WORTH_A_NAME and text not in names:
            names[text] = _free("-".join(path), names)
    definitions = {name: _named(json.loads(text), names) for text, name in names.items()}
    shared = {"$defs": definitions} if definitions else {}
    return {"$schema": DIALECT, "title": title, **_named(schema, names), **shared}


def _free(name: str, names: dict[str, str]) -> str:
    taken = sum(known == name or known.startswith(f"{name}-") for known in names.values())
    return f"{name}-{taken + 1}" if taken else name


def _text(schema: Any) -> str:
    return json.dumps(schema, sort_keys=True)


def _parts(schema: Schema, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Yield every schema below one, with the keys that lead to it, the outer before the inner."""
    for key, child in _below(schema):
        inner = (*path, key) if key else path
        yield inner, child
        yield from _parts(child, inner)


def _below(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for children in _CHILDREN:
        yield from schema.get(children, {}).items()
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield "", schema[key]
    for child in schema.get("anyOf", ()):
        yield "", child


def _named(schema: Schema, names: dict[str, str]) -> Schema:
    """Return a schema whose parts that have a name are references to it."""

    def part(child: Schema) -> Schema:
        name = names.get(_text(child))
        return _named(child, names) if name is None else {"$ref": f"#/$defs/{name}"}

    return _changed(schema, part)


def _changed(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    changed = dict(schema)
    for children in _CHILDREN:
        if children in schema:
            changed[children] = {key: change(child) for key, child in schema[children].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            changed[key] = change(schema[key])
    if "anyOf" in schema:
        changed["anyOf"] = [change(child) for child in schema["anyOf"]]
    return changed


def _with_references(schema: Schema) -> Schema:
    """Return a schema in which every value below may be a ``${...}``."""

    def or_reference(child: Schema) -> Schema:
        inner = _with_references(child)
        if not inner.keys() - {"description"}:
            return inner
        text = inner.pop("description", None)
        told = {} if text is None else {"description": text}
        if set(inner) == {"anyOf"}:
            return {**told, "anyOf": [*inner["anyOf"], _REFERENCE]}
        return {**told, "anyOf": [inner, _REFERENCE]}

    changed = _changed({k: v for k, v in schema.items() if k != "anyOf"}, or_reference)
    if "anyOf" in schema:
        changed["anyOf"] = [_with_references(child) for child in schema["anyOf"]]
    return changed
