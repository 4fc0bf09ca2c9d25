"""Repetitions: one gate that several calls of its test made, of which the worst one counts."""

from __future__ import annotations

import math
from dataclasses import replace

from pytest_editmetrics.gates.other_golden import least_of
from pytest_editmetrics.gates.verdict import Gate

_REPETITIONS = "repetitions"
_WORSE = ("pass", "recorded", "review", "unmeasured", "missing-golden", "fail", "error")


def worst(first: Gate, second: Gate) -> Gate:
    """Return the worse of two repetitions of a gate, which says how many there were.

    The worse verdict counts, and of two alike the worse value. What a golden states of the picture
    is the least of both, since it holds for each.
    """
    chosen = max(first, second, key=badness)
    number = first.details.get(_REPETITIONS, 1) + second.details.get(_REPETITIONS, 1)
    details = {**chosen.details, **least_of(first, second), _REPETITIONS: number}
    return replace(chosen, details=details)


def badness(gate: Gate) -> tuple[int, float]:
    """Return what is larger for the worse of two gates: verdict, then value."""
    value = -math.inf if gate.value is None else gate.value
    if math.isnan(value):
        value = math.inf
    elif gate.value is not None and gate.better == "higher":
        value = -value
    return _WORSE.index(gate.verdict), value
