"""What repeated runs tell of a golden image, whose tolerance no calibration writes."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_editmetrics.gates.decided import Decided, whole, worst_tile
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.numbers import significant


def image_text(gates: Iterable[Gate]) -> str:
    """Return how far the gates of one golden image, each of a run, came: whole and worst tile."""
    left = "a golden image; golden_images sets its tolerance"
    measured = [gate for gate in gates if whole(gate) is not None]
    if not measured:
        return left
    parts = [f"as a whole {_spread(map(whole, measured))}"]
    if any(map(worst_tile, measured)):
        parts.append(f"its worst tile {_spread(map(worst_tile, measured))}")
    return f"{left}; {', '.join(parts)}"


def _spread(scores: Iterable[Decided | None]) -> str:
    """Return ``0.31 to 0.33 (max 0.9)`` of values and their bounds, of which the last is shown."""
    held = [score for score in scores if score is not None]
    values = [score.value for score in held]
    beyond = sum(not score.holds for score in held)
    of = f", {beyond} of {len(held)} beyond" if beyond else ""
    low, high = significant(min(values)), significant(max(values))
    return f"{low} to {high} ({held[-1].kind} {held[-1].bound:g}{of})"
