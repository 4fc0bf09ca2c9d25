"""Goldens that hold a mended model no more: far looser than what it does today."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.report.listed import listed
from pytest_editmetrics.report.numbers import format_numbers

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.report.tally import Tally
    from pytest_editmetrics.session.state import EditSession

_LOOSER = 10  # times the room that a golden of today's value would leave


def loose_notes(session: EditSession, tally: Tally) -> list[str]:
    """Return which goldens are that much looser than what was measured, and how to tighten them.

    The bound that a golden states has to be, and the one that its own measured value gives: one
    that a person widened is meant.
    """
    if session.options["update"] == "all" or not tally.improved:
        return []
    found = []
    for nodeid, gate in tally.improved:
        assert gate.bound is not None
        assert gate.value is not None
        if _is_loose(session, gate):
            bound, value = format_numbers(gate.bound, gate.value)
            found.append(f"{nodeid}: {gate.label} {gate.bound_kind} {bound}, measured {value}")
    return listed(
        f"goldens more than {_LOOSER} times looser than what was measured now; to tighten them, run"
        " these tests with --editmetrics-update=all",
        found,
    )


def _is_loose(session: EditSession, gate: Gate) -> bool:
    from pytest_editmetrics.goldens.recording import recorded_bound

    metric = session.registry.metric(gate.metric)
    best = metric.low if metric.better == "lower" else metric.high
    margin = session.settings.metric_configs[gate.metric].margin
    if metric.asks == "change" or not math.isfinite(best):
        return False
    assert gate.bound is not None
    assert gate.value is not None
    assert gate.approved is not None
    try:
        now, then = (recorded_bound(v, metric, margin) for v in (gate.value, gate.approved))
    except InputError:  # no golden would be written of it
        return False
    room = _LOOSER * abs(now - best)
    return min(abs(gate.bound - best), abs(then - best)) > room
