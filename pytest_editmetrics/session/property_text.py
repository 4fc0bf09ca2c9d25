"""A gate in one line, as a user property of its test: what JUnit files and other plugins show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate

PROPERTY_PREFIX = "editmetrics:"


def is_ours(key: Any) -> bool:
    """Tell whether a user property was written by a gate."""
    return isinstance(key, str) and key.startswith(PROPERTY_PREFIX)


def property_of(gate: Gate) -> str:
    """Return verdict, value and bounds, as ``pass value=0.014 max=0.08``."""
    numbers = _told(value=gate.value, **{gate.bound_kind or "max": gate.bound}, review=gate.review)
    reason = "" if gate.reason is None else f" reason={gate.reason}"
    smoke = " smoke" if gate.smoke else ""
    return f"{gate.verdict}{numbers}{_tile(gate)}{reason}{smoke}"


def _tile(gate: Gate) -> str:
    """Return the worst tile of a golden image's gate, which has a bound of its own."""
    from pytest_editmetrics.gates.decided import worst_tile

    if (tile := worst_tile(gate)) is None:
        return ""
    return _told(tile=tile.value, **{f"tile_{tile.kind}": tile.bound})


def _told(**numbers: float | None) -> str:
    from pytest_editmetrics.report.numbers import with_digits

    given = {name: number for name, number in numbers.items() if number is not None}
    shown = with_digits(*given.values(), digits=6)
    return "".join(f" {name}={text}" for name, text in zip(given, shown, strict=True))
