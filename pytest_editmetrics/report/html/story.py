"""The story of a case: what was asked of the model, and what made the images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.facts import facts_of, in_words, mapping


def story_of(gates: Sequence[Gate]) -> tuple[tuple[str, str], ...]:
    """Return prompt, seed, parameters and provenance of a case, each fact once.

    They are what the gates tell of them: what the test told of the edit or of its image, a case's
    ``params``, the columns of a manifest, and what made the golden image.
    """
    rows: dict[str, str] = {}
    for gate in gates:
        for label, text in (*facts_of(gate), *_of_golden(gate)):
            rows.setdefault(label, text)
    return tuple(rows.items())


def _of_golden(gate: Gate) -> Iterator[tuple[str, str]]:
    made = mapping(mapping(gate.snapshot).get("provenance"))
    for label, text in (*in_words(made.get("facts")), *in_words(_made(made))):
        yield f"golden: {label}", text


def _made(entry: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: entry.get(key) for key in ("date", "device", "versions")}
    return {key: value for key, value in shown.items() if value}
