"""What a test, a case or a row tells of its edit, as the prompt and the seed, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_editmetrics.gates.verdict import Gate

_LONGEST = 2000
_LINE = 160
_FIRST = ("prompt", "instruction")


def facts_of(gate: Gate) -> Iterator[tuple[str, str]]:
    """Give what was told of the edit: facts, a case's ``params``, the columns of a manifest."""
    yield from in_words(gate.details.get("facts"))
    yield from in_words(mapping(gate.details.get("manifest")).get("columns"))
    yield from in_words(mapping(mapping(gate.snapshot).get("proposed")).get("facts"))


def facts_in_a_line(gate: Gate) -> str:
    """Return what was told of the edit as one line, the prompt first, cut where it is long.

    >>> facts = {"seed": 7, "prompt": "make the cup\\n  blue"}
    >>> facts_in_a_line(Gate("lpips", "fail", details={"facts": facts}))
    'prompt: make the cup blue; seed: 7'
    """
    told = dict(facts_of(gate))
    order = sorted(told, key=lambda name: not any(word in name.lower() for word in _FIRST))
    line = "; ".join(f"{name}: {' '.join(told[name].split())}" for name in order)
    return line if len(line) <= _LINE else f"{line[: _LINE - 3]}..."


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def in_words(facts: Any) -> Iterator[tuple[str, str]]:
    """Give each fact of a mapping that says something: its name, and the value as text."""
    for name, value in mapping(facts).items():
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
