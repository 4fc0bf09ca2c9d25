"""A gate in one line, as a user property of its test: what JUnit files and other plugins show."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate


def property_of(gate: Gate) -> str:
    """Return verdict, value and bounds, as ``pass value=0.014 max=0.08``."""
    value = "" if gate.value is None else f" value={gate.value:.6g}"
    bound = "" if gate.bound is None else f" {gate.bound_kind}={gate.bound:.6g}"
    review = "" if gate.review is None else f" review={gate.review:.6g}"
    reason = "" if gate.reason is None else f" reason={gate.reason}"
    smoke = " smoke" if gate.smoke else ""
    return f"{gate.verdict}{value}{bound}{_tile(gate)}{review}{reason}{smoke}"


def _tile(gate: Gate) -> str:
    """Return the worst tile of a golden image's gate, which has a bound of its own."""
    from pytest_editmetrics.gates.decided import worst_tile

    if (tile := worst_tile(gate)) is None:
        return ""
    return f" tile={tile.value:.6g} tile_{tile.kind}={tile.bound:.6g}"
