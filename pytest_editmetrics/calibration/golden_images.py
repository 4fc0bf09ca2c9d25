"""What repeated runs tell of a golden image, whose tolerance no calibration writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.numbers import significant


def image_text(gates: Iterable[Gate]) -> str:
    """Return how far the gates of one golden image, each of a run, came: whole and worst tile."""
    left = "a golden image; golden_images sets its tolerance"
    measured = [gate for gate in gates if gate.value is not None and gate.bound is not None]
    if not measured:
        return left
    whole = [(gate.value, gate.bound) for gate in measured]
    tiles = [gate.snapshot["tile"] for gate in measured if gate.snapshot and gate.snapshot["tile"]]
    parts = [f"as a whole {_spread(whole, measured[-1])}"]
    if tiles:
        of_tiles = [(tile["value"], tile["bound"]) for tile in tiles]
        parts.append(f"its worst tile {_spread(of_tiles, measured[-1])}")
    return f"{left}; {', '.join(parts)}"


def _spread(scores: Sequence[tuple[Any, Any]], gate: Gate) -> str:
    """Return ``0.31 to 0.33 (max 0.9)`` of values and their bounds."""
    values, bound = [value for value, _ in scores], scores[-1][1]
    beyond = sum(v > b if gate.better == "lower" else v < b for v, b in scores)
    of = f", {beyond} of {len(scores)} beyond" if beyond else ""
    low, high = significant(min(values)), significant(max(values))
    return f"{low} to {high} ({gate.bound_kind} {bound:g}{of})"
