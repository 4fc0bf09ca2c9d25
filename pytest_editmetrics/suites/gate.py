"""What a suite gate came to: plain values, written into the results and read from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.runs.folder import Run


@dataclass(frozen=True)
class Moved:
    """A gate in both runs; ``worse_by`` is in the metric's units."""

    nodeid: str
    name: str | None
    base: float
    head: float
    worse_by: float


@dataclass(frozen=True)
class Change:
    """How a metric moved over the pairs of a base and a head.

    ``lost`` counts gates that only the base measured, ``only_base`` and ``only_head`` those of
    which the other run has nothing. The intervals hold 95 % of the resampled means and medians; one
    pair has none. ``moved`` are the pairs that became worse by most.
    """

    pairs: int
    worse: int
    improved: int
    lost: int
    only_base: int
    only_head: int
    mean: float | None = None
    mean_interval: tuple[float, float] | None = None
    median: float | None = None
    median_interval: tuple[float, float] | None = None
    moved: tuple[Moved, ...] = ()


@dataclass(frozen=True)
class Worst:
    """One of the worst gates of a metric, by its value."""

    nodeid: str
    name: str | None
    value: float


@dataclass(frozen=True)
class SuiteGate:
    """What one suite gate came to; ``value`` is ``None`` where ``message`` says why it is none.

    ``measured`` of ``gates`` gates of the metric have a value. ``worst`` are the worst of those
    where the gate fails alone, without a base.
    """

    metric: str
    better: str
    statistic: str
    verdict: Literal["pass", "fail"]
    value: float | None
    kind: str
    bound: float
    by: float
    source: str
    gates: int
    measured: int
    message: str | None = None
    change: Change | None = None
    worst: tuple[Worst, ...] = ()

    @property
    def label(self) -> str:
        """The gate's address: ``lpips mean``."""
        return f"{self.metric} {self.statistic}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True)
class SuiteResult:
    """What a session's results tell of its suite; ``why`` it was not judged, if it was not."""

    gates: tuple[SuiteGate, ...]
    base: str | None
    why: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return asdict(self)


def suite_of(run: Run) -> SuiteResult | None:
    """Return what a run that was read tells of its suite, ``None`` if it held none.

    Raises:
        EditMetricsError: what it tells makes no sense.
    """
    data = run.end.get("suite")
    if data is None:
        return None
    try:
        gates = tuple(_read_gate(one) for one in data["gates"])
        base, why = data["base"], data["why"]
        if not all(text is None or isinstance(text, str) for text in (base, why)):
            raise TypeError
    except (AttributeError, KeyError, TypeError, ValueError):
        raise EditMetricsError(
            f"{run.shown}: the end of the results holds a suite that makes no sense; was the file"
            " edited?"
        ) from None
    return SuiteResult(gates, base, why)


_TEXTS = ("metric", "better", "statistic", "kind", "source")


def _read_gate(data: Mapping[str, Any]) -> SuiteGate:
    known = {field.name: data[field.name] for field in fields(SuiteGate)}
    if not all(isinstance(known[name], str) for name in _TEXTS):
        raise TypeError
    if known["verdict"] not in ("pass", "fail") or not isinstance(known["message"], str | None):
        raise ValueError
    for name in ("bound", "by", "gates", "measured"):
        known[name] = float(known[name])
    known["gates"], known["measured"] = int(known["gates"]), int(known["measured"])
    known["value"] = None if known["value"] is None else float(known["value"])
    if known["message"] is None and known["value"] is None:
        raise ValueError
    known["change"] = None if known["change"] is None else _read_change(known["change"])
    known["worst"] = tuple(
        Worst(
            str(one["nodeid"]),
            None if one["name"] is None else str(one["name"]),
            float(one["value"]),
        )
        for one in known["worst"]
    )
    return SuiteGate(**known)


def _read_change(data: Mapping[str, Any]) -> Change:
    known = {field.name: data[field.name] for field in fields(Change)}
    for name in ("pairs", "worse", "improved", "lost", "only_base", "only_head"):
        known[name] = int(known[name])
    for name in ("mean", "median"):
        known[name] = None if known[name] is None else float(known[name])
        interval = known[f"{name}_interval"]
        if interval is not None:
            low, high = interval
            known[f"{name}_interval"] = (float(low), float(high))
    known["moved"] = tuple(
        Moved(
            str(one["nodeid"]),
            None if one["name"] is None else str(one["name"]),
            float(one["base"]),
            float(one["head"]),
            float(one["worse_by"]),
        )
        for one in known["moved"]
    )
    return Change(**known)
