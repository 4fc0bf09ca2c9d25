"""What repeated runs tell of a golden image, whose tolerance no calibration writes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pytest_editmetrics.gates.decided import Decided, whole, worst_tile
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.numbers import significant


def image_text(gates: Iterable[Gate]) -> str:
    """Return how far the gates of one golden image, each of a run, came: whole and worst tile."""
    left = "a golden image; golden_images sets its tolerance"
    gates = list(gates)
    own = [found for gate in gates if (found := whole(gate)) is not None]
    if not own:
        return left
    parts = [f"as a whole {_spread(own)}"]
    if tiles := [tile for gate in gates if (tile := worst_tile(gate)) is not None]:
        parts.append(f"its worst tile {_spread(tiles)}")
    return f"{left}; {', '.join(parts)}"


def _spread(held: Sequence[Decided]) -> str:
    """Return the values and the last bound, and how many lie beyond their own.

    >>> _spread([Decided(0.31, 0.32, "max"), Decided(0.33, 0.32, "max")])
    '0.31 to 0.33 (max 0.32, 1 of 2 beyond)'
    >>> _spread([Decided(0.31, 0.32, "max"), Decided(math.nan, 0.32, "max")])
    '0.31 to 0.31 (max 0.32, 1 of 2 no number)'
    """
    values = [one.value for one in held if math.isfinite(one.value)]
    beyond = sum(not one.holds for one in held if math.isfinite(one.value))
    lost = len(held) - len(values)
    said = [f"{held[-1].kind} {held[-1].bound:g}"]
    said += [f"{beyond} of {len(held)} beyond"] if beyond else []
    said += [f"{lost} of {len(held)} no number"] if lost else []
    spread = f"{significant(min(values))} to {significant(max(values))} " if values else ""
    return f"{spread}({', '.join(said)})"
