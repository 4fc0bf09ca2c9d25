"""The gates of golden images in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_editmetrics.gates.image_verdict import tile_failed
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.numbers import format_numbers


def not_compared(gate: Gate) -> bool:
    """Tell whether a golden image's gate fails because there was nothing to compare."""
    return gate.snapshot is not None and gate.value is None and gate.verdict != "error"


def image_headline(gate: Gate) -> str:
    """Return the one line that says what the comparison with a golden image came to."""
    snapshot = gate.snapshot or {}
    file = snapshot.get("file", "")
    if gate.verdict == "missing-golden":
        return f"{gate.label} has no golden image {file}"
    if gate.verdict == "recorded":
        return f"{gate.label} recorded{_before(gate)}, golden image {file}"
    if gate.value is None:
        return f"{gate.label}: {gate.message}"
    if tile_failed(gate):
        tile = snapshot["tile"]
        where = f" at {_box(tile['box'])}"
        return f"{gate.label} worst tile {_held(gate, tile)}{where}"
    whole = {"value": gate.value, "bound": gate.bound}
    return f"{gate.label} {_held(gate, whole)}"


def _before(gate: Gate) -> str:
    """Say what was not as approved before the golden was recorded."""
    if gate.value is None or gate.bound is None:
        return f" ({gate.message})" if gate.message else ""
    return f" (was {_held(gate, {'value': gate.value, 'bound': gate.bound})})"


def _held(gate: Gate, score: Mapping[str, Any]) -> str:
    """Return ``0.142 > max 0.020`` of a value and its bound."""
    value, bound = format_numbers(score["value"], score["bound"])
    kind = gate.bound_kind or "max"
    if not math.isfinite(score["value"]):
        return f"{value} is not a number ({kind} {bound})"
    difference = score["value"] - score["bound"]
    inside = difference <= 0 if kind == "max" else difference >= 0
    sign = {("max", True): "<=", ("max", False): ">", ("min", True): ">=", ("min", False): "<"}
    return f"{value} {sign[kind, inside]} {kind} {bound}"


def image_rows(gate: Gate) -> list[tuple[str, str]]:
    """Return what explains a comparison with a golden image; nothing for any other gate."""
    if gate.snapshot is None:
        return []
    snapshot = gate.snapshot
    rows = []
    if file := snapshot.get("file"):
        rows.append(("golden", file))
    if tile_failed(gate) and gate.value is not None and gate.bound is not None:
        whole = _held(gate, {"value": gate.value, "bound": gate.bound})
        rows.append(("image", f"{whole} (as a whole)"))
    if tile := snapshot.get("tile"):
        rows.append(("tile", f"worst {_held(gate, tile)} at {_box(tile['box'])}"))
    if profile := snapshot.get("profile"):
        rows.append(("profile", profile))
    if across := snapshot.get("across"):
        rows.append(("devices", f"{across}: differences may come from the device"))
    if entry := snapshot.get("provenance"):
        rows.append(("golden of", _made(entry)))
    return rows


def _made(entry: Mapping[str, Any]) -> str:
    versions = entry.get("versions")
    listed = [f"{k} {v}" for k, v in versions.items() if v] if isinstance(versions, Mapping) else []
    facts = entry.get("facts")
    added = [f"{k} {v}" for k, v in facts.items()] if isinstance(facts, Mapping) else []
    parts = [entry.get("date"), entry.get("device"), *listed, *added]
    return ", ".join(str(part) for part in parts if part)


def _box(box: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"
