"""Which value of a gate decided, and its own bound: the gate's, or a golden image's worst tile."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_editmetrics.errors import EditMetricsError, GateFailure
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.measurement import bound_kind_of

WORST_TILE = "worst tile"


@dataclass(frozen=True)
class Decided:
    """A value and the bound that it was held to; ``what`` is empty for the gate's own value."""

    value: float
    bound: float
    kind: str
    what: str = ""

    @property
    def distance(self) -> float:
        """How far the value lies beyond its bound: positive fails."""
        return self.value - self.bound if self.kind == "max" else self.bound - self.value

    @property
    def holds(self) -> bool:
        """Whether the value is a number inside its bound."""
        return math.isfinite(self.value) and self.distance <= 0

    @property
    def share(self) -> float:
        """The distance relative to the bound: the worst is the largest, also what is no number."""
        share = self.distance / (abs(self.bound) or 1e-12)
        return math.inf if math.isnan(share) else share


def decided(gate: Gate) -> Decided | None:
    """Return what decided a gate; ``None`` for one without a value or a bound.

    That is its own value, unless the worst tile of a golden image lies farther beyond its own
    bound, or nearer to it, relative to it.

    >>> tile = {"box": [0, 0, 64, 64], "value": 0.8, "bound": 0.2}
    >>> gate = Gate("golden_lpips", "fail", value=0.03, bound=0.12, snapshot={"tile": tile})
    >>> decided(gate).what, decided(gate).value, round(decided(gate).share, 6)
    ('worst tile', 0.8, 3.0)
    """
    own, tile = whole(gate), worst_tile(gate)
    return tile if own and tile and tile.share > own.share else own


def whole(gate: Gate) -> Decided | None:
    """Return a gate's own value and bound; ``None`` for one without."""
    if gate.value is None or gate.bound is None:
        return None
    return Decided(gate.value, gate.bound, _kind(gate))


def worst_tile(gate: Gate) -> Decided | None:
    """Return the worst tile of a golden image's gate and its bound; ``None`` for one without."""
    tile = (gate.snapshot or {}).get("tile")
    if not isinstance(tile, Mapping):
        return None
    try:
        # JSON has no NaN, so a file holds it as text
        value, bound = float(tile["value"]), float(tile["bound"])
    except (KeyError, TypeError, ValueError):
        return None
    return Decided(value, bound, _kind(gate), WORST_TILE)


def _kind(gate: Gate) -> str:
    return gate.bound_kind or bound_kind_of(gate.better)


def tile_failed(gate: Gate) -> bool:
    """Tell whether it was the worst tile that a golden image's gate fails by, and not the whole."""
    found = decided(gate)
    return gate.verdict == "fail" and found is not None and found.what == WORST_TILE


def compared_nothing(gate: Gate) -> bool:
    """Tell whether no xfail mark hides how a gate ended, as nothing says that it is what is known.

    It is an error, or its golden image is of another size, mode or profile.
    """
    unlike = gate.verdict == "fail" and gate.snapshot is not None and gate.value is None
    return unlike or gate.verdict == "error"


def never_expected(gates: Iterable[Gate]) -> tuple[type[Exception], ...]:
    """Return what is raised by gates that compared nothing; empty without such gates."""
    found = {gate.verdict for gate in gates if compared_nothing(gate)}
    errors = (EditMetricsError,)
    return errors if "error" in found else (*errors, GateFailure) if found else ()
