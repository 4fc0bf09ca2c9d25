"""What a calibration asks and gives: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from pytest_editmetrics.calibration.tolerance import ToleranceBound
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.goldens.recording import Proposal
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.suites.pairs import Bound


@dataclass(frozen=True)
class Demand:
    """What is asked of the bounds; ``margins`` replace the metrics' own smallest distance.

    ``allow_two_groups`` proposes one bound for values that fall in two groups.
    """

    coverage: float = 0.99
    confidence: float = 0.95
    margins: Mapping[str, Bound] = field(default_factory=dict)
    allow_other_devices: bool = False
    allow_two_groups: bool = False


@dataclass(frozen=True)
class Calibrated:
    """One gate in one environment: its values over the runs, and the bound proposed for it.

    ``tolerance`` is the bound that the spread asks for, ``bound`` the one proposed: at least
    ``margin`` from the median. ``left`` says why it is not written, and ``bound`` is ``None`` where
    none could be computed.
    """

    nodeid: str
    gate: Gate
    env: str | None
    devices: tuple[str, ...]
    values: tuple[float, ...]
    present: Threshold | None = None
    tolerance: ToleranceBound | None = None
    margin: float = 0.0
    bound: float | None = None
    proposal: Proposal | None = None
    left: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def typical(self) -> float:
        """The median of the values."""
        return median(self.values)

    @property
    def by_margin(self) -> bool:
        """Whether the smallest margin, and not the spread, decides the bound."""
        if self.tolerance is None:
            return False
        sign = 1.0 if self.gate.better == "lower" else -1.0
        return sign * (self.tolerance.value - self.typical) <= self.margin


@dataclass(frozen=True)
class Calibration:
    """What the runs give: gates with values, and what has none, by test and label."""

    demand: Demand
    gates: tuple[Calibrated, ...]
    without_value: tuple[tuple[str, str], ...]

    @property
    def proposals(self) -> list[Proposal]:
        """The bounds to write."""
        return [gate.proposal for gate in self.gates if gate.proposal is not None]
