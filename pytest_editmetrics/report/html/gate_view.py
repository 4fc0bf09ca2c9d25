"""One gate as the HTML report shows it: in words, and its value and bound as a bar."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.gates import FAILING, Gate
from pytest_editmetrics.report.text import explanation_rows, format_numbers, headline, subject
from pytest_editmetrics.rundir import GateRecord


@dataclass(frozen=True)
class Bar:
    """A value and its bound on one scale; positions are per cent of the bar's width."""

    value: float
    bound: float
    low: str
    high: str
    better: str
    text: str


@dataclass(frozen=True)
class GateView:
    """One gate, in words and as a bar; ``accept`` is the command or advice that would accept it."""

    label: str
    metric: str
    subject: str
    verdict: str
    status: str
    smoke: bool
    headline: str
    value: str | None
    threshold: str | None
    bar: Bar | None
    message: str | None
    rows: tuple[tuple[str, str], ...]
    accept: str | None


def gate_view(record: GateRecord) -> GateView:
    """Return what the report shows of a gate.

    Raises:
        EditMetricsError: the gate lacks what belongs to its verdict.
    """
    gate = record.gate
    rows = dict(_rows(record))
    accept = rows.pop("to accept", None)
    rows.pop("look at", None)
    if gate.source is not None:
        rows["threshold"] = f"{gate.origin} {gate.source}" + (f", {gate.env}" if gate.env else "")
    if gate.approved is not None:
        rows["approved"] = f"{format_numbers(gate.approved)[0]} was measured"
    rows.update(_snapshot_rows(gate))
    return GateView(
        label=gate.label,
        metric=gate.metric,
        subject=subject(gate),
        verdict=gate.verdict,
        status=_status(gate),
        smoke=gate.smoke,
        headline=words(record),
        value=None if gate.value is None else format_numbers(*_pair(gate))[0],
        threshold=_threshold(gate),
        bar=bar(gate),
        message=_message(gate),
        rows=tuple(rows.items()),
        accept=accept,
    )


def _message(gate: Gate) -> str | None:
    if gate.reason is None:
        return gate.message
    text = f"{gate.reason}: {gate.message}"
    if gate.regressed and gate.approved is not None:
        text += f"; was {format_numbers(gate.approved)[0]} when approved"
    return text


def _status(gate: Gate) -> str:
    if gate.verdict in FAILING:
        return "failed"
    return "passed" if gate.verdict == "pass" else gate.verdict


def words(record: GateRecord) -> str:
    """Return the gate's headline.

    Raises:
        EditMetricsError: the gate lacks what belongs to its verdict.
    """
    try:
        return headline(record.gate)
    except (AssertionError, KeyError, TypeError, ValueError):
        raise _senseless(record) from None


def _rows(record: GateRecord) -> list[tuple[str, str]]:
    try:
        return explanation_rows(record.gate, record.nodeid)
    except (AssertionError, KeyError, TypeError, ValueError):
        raise _senseless(record) from None


def _senseless(record: GateRecord) -> EditMetricsError:
    return EditMetricsError(
        f"{record.nodeid}: {record.gate.label}: the results hold a gate with verdict"
        f" {record.gate.verdict!r} and without what belongs to it; was the file edited?"
    )


def _snapshot_rows(gate: Gate) -> dict[str, str]:
    snapshot = gate.snapshot or {}
    rows: dict[str, str] = {}
    if snapshot.get("file"):
        variant = f", variant {snapshot['variant']}" if snapshot.get("variant") else ""
        rows["golden image"] = f"{snapshot['file']}{variant}"
    tile = snapshot.get("tile")
    if isinstance(tile, Mapping) and isinstance(tile.get("value"), (int, float)):
        rows["worst tile"] = f"{format_numbers(tile['value'])[0]} in {tile.get('box')}"
    provenance = snapshot.get("provenance")
    if isinstance(provenance, Mapping) and provenance:
        rows["made with"] = ", ".join(f"{key} {value}" for key, value in provenance.items())
    return rows


def _bound(gate: Gate) -> tuple[str, float] | None:
    if gate.verdict == "recorded" and gate.proposal is not None:
        return "max" if gate.better == "lower" else "min", gate.proposal
    if gate.bound is None or gate.bound_kind is None:
        return None
    return gate.bound_kind, gate.bound


def _pair(gate: Gate) -> list[float]:
    bound = _bound(gate)
    numbers = [] if gate.value is None else [gate.value]
    return numbers + ([] if bound is None else [bound[1]])


def _threshold(gate: Gate) -> str | None:
    bound = _bound(gate)
    return None if bound is None else f"{bound[0]} {format_numbers(*_pair(gate))[-1]}"


def distance_text(gate: Gate) -> str | None:
    """Return how far the value lies from its bound: ``0.014 beyond max 0.005``."""
    bound = _bound(gate)
    if bound is None or gate.value is None or not math.isfinite(gate.value):
        return None
    kind, limit = bound
    distance = gate.value - limit if kind == "max" else limit - gate.value
    if distance == 0:
        return f"exactly at {_threshold(gate)}"
    side = "beyond" if distance > 0 else "inside"
    return f"{format_numbers(abs(distance))[0]} {side} {_threshold(gate)}"


def bar(gate: Gate) -> Bar | None:
    """Return value and bound on one scale; ``None`` without two finite numbers.

    Lower-is-better starts at zero. Higher-is-better ends at 1 (or above the larger number) and
    starts a little below the smaller one, so that two near similarities can be told apart.
    """
    bound = _bound(gate)
    text = distance_text(gate)
    if bound is None or text is None or gate.value is None or not math.isfinite(bound[1]):
        return None
    value, limit = gate.value, bound[1]
    least, most = min(value, limit), max(value, limit)
    if bound[0] == "max":
        low, high = min(0.0, least), most * 1.25 if most > 0 else 1.0
    else:
        high = 1.0 if most <= 1 else most * 1.05
        low = least - max(high - least, 1e-6) * 0.5
        low = max(0.0, low) if least >= 0 else low

    def place(number: float) -> float:
        return round(100 * (number - low) / (high - low), 2)

    return Bar(place(value), place(limit), f"{low:.3g}", f"{high:.3g}", gate.better, text)


def approvable(gate: Gate) -> bool:
    """Tell whether ``editmetrics approve`` would accept what this failing gate measured."""
    if gate.verdict == "missing-golden":
        return True
    by_golden = gate.verdict == "fail" and gate.origin in ("golden", "default")
    return by_golden and gate.value is not None and math.isfinite(gate.value)
