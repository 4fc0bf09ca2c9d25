"""One gate as the HTML report shows it: in words, and its value and bound as a bar."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.gates.decided import decided, worst_tile
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.gates.written import recordable
from pytest_editmetrics.measurement import bound_kind_of
from pytest_editmetrics.report.image_text import held_text
from pytest_editmetrics.report.numbers import format_numbers, significant
from pytest_editmetrics.report.tally import beyond
from pytest_editmetrics.report.text import (
    bound_stands,
    explanation_rows,
    headline,
    subject,
    was_approved,
)
from pytest_editmetrics.runs.folder import GateRecord


@dataclass(frozen=True)
class Bar:
    """A value and its bound on one scale; positions are per cent of the bar's width.

    ``what`` is empty for the gate's own value, and names what else is held to a bound. ``review``
    is where the band begins that ends at the bound, ``None`` if there is none; ``in_review`` tells
    whether the value lies in it.
    """

    what: str
    value: float
    bound: float
    beyond: bool
    low: str
    high: str
    kind: str
    text: str
    review: float | None = None
    in_review: bool = False


@dataclass(frozen=True)
class GateView:
    """One gate in words and bars; ``accept`` is what would accept its value: command or advice.

    ``value`` and ``threshold`` are those that decided, ``what`` names them where they are not the
    gate's own. ``margin_text`` says how far they are apart, relative to the bound; empty where
    there is no such number.
    """

    label: str
    metric: str
    subject: str
    verdict: str
    status: str
    smoke: bool
    headline: str
    what: str
    value: str | None
    threshold: str | None
    margin_text: str
    bars: tuple[Bar, ...]
    messages: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    accept: str | None


def gate_view(record: GateRecord, mode: str) -> GateView:
    """Return what the report shows of a gate; ``mode`` is how its test is recorded.

    Raises:
        EditMetricsError: the gate lacks what belongs to its verdict.
    """
    gate = record.gate
    rows = dict(_rows(record, mode))
    accept = rows.pop("to accept", None) or rows.pop("to record", None)
    for shown_otherwise in ("look at", "tolerance", "tile"):
        rows.pop(shown_otherwise, None)
    change = rows.pop("change", None)
    if gate.source is not None:
        rows.setdefault("bound", bound_stands(gate) or f"{gate.origin} {gate.source}")
    if gate.environment:
        rows["edited on"] = ", ".join(gate.environment)
    if gate.approved is not None:
        rows["approved"] = f"{format_numbers(gate.approved)[0]} was measured"
    if kept_not := gate.details.get("not_kept"):
        rows["not kept"] = str(kept_not)
    if file := (gate.snapshot or {}).get("file"):
        rows["golden image"] = str(file)
    what, value, threshold = _figures(gate)
    return GateView(
        label=gate.label,
        metric=gate.metric,
        subject=subject(gate),
        verdict=gate.verdict,
        status=_status(record),
        smoke=gate.smoke,
        headline=words(record),
        what=what,
        value=value,
        threshold=threshold,
        margin_text=margin_text(_margin(gate)),
        bars=tuple(bars(gate)),
        messages=tuple(text for text in (_message(gate), change) if text),
        rows=tuple(rows.items()),
        accept=accept,
    )


def _message(gate: Gate) -> str | None:
    if gate.verdict == "missing-golden":
        kind = "threshold and no golden" if gate.snapshot is None else "golden image"
        return f"There is no {kind}."
    if gate.reason is None:
        return gate.message
    text = f"{gate.reason}: {gate.message}"
    return f"{text}; {was_approved(gate)}" if gate.regressed else text


def _status(record: GateRecord) -> str:
    gate = record.gate
    if gate.verdict == "error":
        return "error"
    if gate.failing:
        return "expected" if record.expected else "failed"
    return "passed" if gate.verdict == "pass" else gate.verdict


def words(record: GateRecord) -> str:
    """Return the gate's headline.

    Raises:
        EditMetricsError: the gate lacks what belongs to its verdict.
    """
    try:
        return headline(record.gate)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError):
        raise _senseless(record) from None


def _rows(record: GateRecord, mode: str) -> list[tuple[str, str]]:
    try:
        return explanation_rows(record.gate, record.nodeid, mode)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError):
        raise _senseless(record) from None


def _senseless(record: GateRecord) -> EditMetricsError:
    return EditMetricsError(
        f"{record.nodeid}: {record.gate.label}: the results hold a gate with verdict"
        f" {record.gate.verdict!r} and without what belongs to it; was the file edited?"
    )


def _figures(gate: Gate) -> tuple[str, str | None, str | None]:
    """Return what is held to a bound, its value, and the bound, as the row of a gate shows them."""
    bound = _bound(gate)
    if bound is None:
        return "", None if gate.value is None else format_numbers(gate.value)[0], None
    kind, limit = bound
    found = decided(gate)
    if gate.verdict == "recorded" or found is None:
        *own, text = format_numbers(*([] if gate.value is None else [gate.value]), limit)
        return "", next(iter(own), None), f"{kind} {text}"
    if gate.review is None or found.what:
        value, text = format_numbers(found.value, found.bound)
        return found.what, value, f"{kind} {text}"
    value, text, review = format_numbers(found.value, found.bound, gate.review)
    return "", value, f"{kind} {text}, review {review}"


def _bound(gate: Gate) -> tuple[str, float] | None:
    if gate.verdict == "recorded" and gate.proposal is not None:
        return bound_kind_of(gate.better), gate.proposal
    if gate.bound is None or gate.bound_kind is None:
        return None
    return gate.bound_kind, gate.bound


def _margin(gate: Gate) -> float | None:
    if gate.verdict == "recorded" or gate.distance is None or not gate.bound:
        return None
    margin = beyond(gate)
    return margin if math.isfinite(margin) else None


def margin_text(margin: float | None) -> str:
    """Return a margin in words.

    >>> margin_text(8.87), margin_text(-0.5), margin_text(4e-5), margin_text(420.0)
    ('887 % beyond', '50 % inside', '0.004 % beyond', '420 times beyond')
    """
    if margin is None:
        return ""
    side = "beyond" if margin > 0 else "inside"
    share = abs(margin)
    if share >= 100:
        return f"{share:.0f} times {side}"
    text = f"{100 * share:.0f}" if share >= 0.01 else significant(100 * share, 2)
    return f"{text} % {side}"


def distance_text(gate: Gate) -> str | None:
    """Return the value that decided, its bound and how far they are apart, in words."""
    found = decided(gate)
    if found is None:
        return None
    margin = margin_text(_margin(gate))
    return held_text(found) + (f", {margin}" if margin else "")


def bars(gate: Gate) -> Iterator[Bar]:
    """Give the gate's value against its bound, and a golden image's worst tile against its own.

    Nothing is given where one of the two is not a finite number.
    """
    bound = _bound(gate)
    if bound is not None and gate.value is not None:
        review = gate.review if gate.verdict != "recorded" else None
        yield from bar("", gate.value, bound[1], bound[0], review)
    tile = worst_tile(gate)
    if tile is not None and bound is not None:
        yield from bar(tile.what, tile.value, tile.bound, tile.kind)


def bar(
    what: str, value: object, bound: object, kind: str, review: float | None = None
) -> Iterator[Bar]:
    """Give value and bound on one scale, unless one of them is not a finite number.

    Lower-is-better (``max``) starts at zero. Higher-is-better (``min``) ends at 1, or above the
    larger number, and starts a little below the smaller one, so that two near similarities can be
    told apart.

    >>> one, = bar("", 0.019, 0.005, "max")
    >>> one.text, one.bound, one.value, one.high
    ('0.019, 0.014 beyond max 0.005', 21.05, 80.0, '0.0238')
    """
    numbers = [n for n in (value, bound) if isinstance(n, (int, float)) and math.isfinite(n)]
    if len(numbers) != 2:
        return
    review = review if review is not None and math.isfinite(review) else None
    (value, bound), marks = numbers, numbers + ([] if review is None else [review])
    least, most = min(marks), max(marks)
    if kind == "max":
        low, high = min(0.0, least), most * 1.25 if most > 0 else 1.0
    else:
        high = 1.0 if most <= 1 else most * 1.05
        low = least - max(high - least, 1e-6) * 0.5
        low = max(0.0, low) if least >= 0 else low
    at_value, at_bound, *at_review = (round(100 * (n - low) / (high - low), 2) for n in marks)
    distance = value - bound if kind == "max" else bound - value
    shown, limit = format_numbers(value, bound)
    limit = f"{kind} {limit}"
    side = "beyond" if distance > 0 else "inside"
    apart = f"{format_numbers(abs(distance))[0]} {side}" if distance else "exactly"
    text = f"{shown}, {apart} {limit}"
    in_review = False
    if review is not None and distance <= 0:
        in_review = value > review if kind == "max" else value < review
    if review is not None and in_review:
        text += f", beyond review {format_numbers(value, bound, review)[2]}"
    ends = f"{low:.3g}", f"{high:.3g}"
    band = at_review[0] if at_review else None
    yield Bar(what, at_value, at_bound, distance > 0, *ends, kind, text, band, in_review)


def approvable(gate: Gate) -> bool:
    """Tell whether ``editmetrics approve`` would accept what this failing gate measured."""
    if gate.verdict not in ("fail", "missing-golden") and not gate.of_other_golden:
        return False
    if gate.snapshot is not None:
        return "edited" in gate.images
    return recordable(gate)
