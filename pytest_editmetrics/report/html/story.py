"""The story of a case: what was asked of the model, and what made the images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_editmetrics.gates.verdict import Gate

_LONGEST = 2000


def story_of(gates: Sequence[Gate]) -> tuple[tuple[str, str], ...]:
    """Return prompt, seed, parameters and provenance of a case, each fact once.

    They are what the gates tell of them: what the test told of the edit or of its image, a case's
    ``params``, the columns of a manifest, and what made the golden image.
    """
    rows: dict[str, str] = {}
    for gate in gates:
        for label, text in _facts(gate):
            rows.setdefault(label, text)
    return tuple(rows.items())


def _facts(gate: Gate) -> Iterator[tuple[str, str]]:
    yield from _rows(gate.details.get("facts"))
    manifest = _mapping(gate.details.get("manifest"))
    yield from _rows(manifest.get("columns"))
    snapshot = _mapping(gate.snapshot)
    yield from _rows(_mapping(snapshot.get("proposed")).get("facts"))
    made = _mapping(snapshot.get("provenance"))
    for label, text in (*_rows(_mapping(made.get("facts"))), *_rows(_made(made))):
        yield f"golden: {label}", text


def _made(entry: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: entry.get(key) for key in ("date", "device", "versions")}
    return {key: value for key, value in shown.items() if value}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _rows(facts: Any) -> Iterator[tuple[str, str]]:
    for name, value in _mapping(facts).items():
        if value is not None and (text := _text(value)):
            yield str(name), text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _text(value: Any) -> str:
    """Return a fact in words.

    >>> _text({"torch": "2.15.0", "pot": None}), _text([1, "two"]), _text(True), _text(0.5)
    ('torch 2.15.0', '1, two', 'yes', '0.5')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value)
    return str(value)
