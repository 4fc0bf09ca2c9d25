"""Whether a gate is clearly better than when its golden was approved: that may hold it no more."""

from __future__ import annotations

from pytest_editmetrics.gates.verdict import Gate

_CLEARLY = 5  # times as large, of a value that is to be small


def improved(gate: Gate) -> bool:
    """Tell whether a golden holds a gate that was approved at a clearly worse value."""
    if gate.verdict != "pass" or gate.origin != "golden" or gate.xfail:
        return False
    if gate.value is None or gate.approved is None or gate.bound is None:
        return False
    if gate.better == "lower":
        return gate.approved > _CLEARLY * gate.value
    return gate.approved < gate.value
