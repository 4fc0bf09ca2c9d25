"""The gates of golden images in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_editmetrics.gates.decided import Decided, decided, tile_failed, whole, worst_tile
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.numbers import format_numbers

_IMAGE_FILE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
_NAME_ALONE = (
    "is the name of this check, and not read as a file: golden images are found by themselves, so"
    " the second argument may be left out"
)


def not_compared(gate: Gate) -> bool:
    """Tell whether a golden image's gate fails because there was nothing to compare."""
    return gate.snapshot is not None and gate.value is None and gate.verdict != "error"


def image_headline(gate: Gate) -> str:
    """Return the one line that says what the comparison with a golden image came to."""
    snapshot = gate.snapshot or {}
    file = snapshot.get("file", "")
    if gate.verdict == "missing-golden":
        lost = (
            ", though provenance.yaml has its entry: was it not committed (is it in .gitignore)?"
            if snapshot.get("lost")
            else ""
        )
        if left := snapshot.get("left"):
            lost = f"; {left} lies there, and its test file is gone: move it first, if it is this"
        return f"{gate.label} has no golden image {file}{lost}"
    if gate.verdict == "recorded":
        return f"{gate.label} recorded{_before(gate)}, golden image {file}"
    if gate.value is None:
        return f"{gate.label}: {gate.message}"
    found = decided(gate)
    if found is None:
        return f"{gate.label} {format_numbers(gate.value)[0]}, held to no bound"
    return f"{gate.label} {held_text(found)}{_place(snapshot) if found.what else ''}"


def _before(gate: Gate) -> str:
    """Say what was not as approved before the golden was recorded."""
    if gate.value is None or gate.bound is None:
        return f" ({gate.message})" if gate.message else ""
    found = decided(gate)
    return "" if found is None else f" (was {held_text(found)})"


def held_text(held: Decided) -> str:
    """Return a value and its bound in words.

    >>> held_text(Decided(0.8, 0.2, "max", "worst tile")), held_text(Decided(31.0, 30.0, "min"))
    ('worst tile 0.800 > max 0.200', '31.00 >= min 30.00')
    """
    value, bound = format_numbers(held.value, held.bound)
    what = f"{held.what} " if held.what else ""
    if not math.isfinite(held.value):
        return f"{what}{value} is not a number ({held.kind} {bound})"
    sign = {("max", True): "<=", ("max", False): ">", ("min", True): ">=", ("min", False): "<"}
    return f"{what}{value} {sign[held.kind, held.holds]} {held.kind} {bound}"


def image_rows(gate: Gate) -> list[tuple[str, str]]:
    """Return what explains a comparison with a golden image; nothing for any other gate."""
    if gate.snapshot is None:
        return []
    snapshot = gate.snapshot
    rows = []
    if file := snapshot.get("file"):
        rows.append(("golden", file))
    if gate.verdict == "missing-golden" and (gate.name or "").lower().endswith(_IMAGE_FILE):
        rows.append(("note", f"{gate.name!r} {_NAME_ALONE}"))
    own, tile = whole(gate), worst_tile(gate)
    if own is not None and tile_failed(gate):
        rows.append(("image", f"{held_text(own)} (as a whole)"))
    if tile is not None:
        rows.append(("tile", held_text(replace(tile, what="worst")) + _place(snapshot)))
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


def _place(snapshot: Mapping[str, Any]) -> str:
    """Say where the worst tile lies; a run that was changed by hand may not tell."""
    box = snapshot["tile"].get("box")
    if not isinstance(box, (list, tuple)) or not all(isinstance(n, (int, float)) for n in box):
        return ""
    return f" at ({', '.join(f'{number:g}' for number in box)})"
