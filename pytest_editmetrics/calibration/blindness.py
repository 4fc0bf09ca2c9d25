"""Whether the bounds that a calibration proposes would still notice a fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytest_editmetrics.calibration.values import Calibrated, Calibration
from pytest_editmetrics.checks.selftest import try_faults
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.progress import track
from pytest_editmetrics.runs.folder import IMAGES, GateRecord, Run
from pytest_editmetrics.saved_runs.score import job_of
from pytest_editmetrics.session.state import EditSession


def tell_blind(
    session: EditSession, runs: Mapping[str, Run], found: Calibration
) -> tuple[Calibration, Counter[str]]:
    """Return the calibration with a warning at each proposal that notices no fault at all.

    Faults are put into the images that the runs keep (``selftest``). The second value counts the
    proposals that could not be tested, by the reason.
    """
    gates = []
    untested: Counter[str] = Counter()
    for one in track(list(found.gates), "selftest"):
        tested = _tested(session, runs, one) if one.bound is not None else one
        if isinstance(tested, str):
            untested[tested] += 1
            tested = one
        gates.append(tested)
    return replace(found, gates=tuple(gates)), untested


def _tested(session: EditSession, runs: Mapping[str, Run], one: Calibrated) -> Calibrated | str:
    """Return a proposal, warned if it is blind, or why it cannot be tested."""
    kind = "max" if one.gate.better == "lower" else "min"
    assert one.bound is not None
    proposal = Threshold(kind, one.bound, "golden", "the proposal")  # type: ignore[arg-type]
    why = "the runs keep no images of them; give run directories"
    for run in runs.values():
        if not (run.path / IMAGES).is_dir():
            continue
        for record in run.gates:
            if not (record.final and _is(record, one) and record.gate.images):
                continue
            try:
                job = job_of(session, run, record, configured=False)
            except EditMetricsError as error:  # another run may have what this one lacks
                why = str(error)
                continue
            noticed = try_faults(session, [replace(job, explicit=proposal)])
            if noticed.why is None:
                return _warned(one, noticed.let_through) if noticed.blind else one
            why = noticed.why
    return why


def _is(record: GateRecord, one: Calibrated) -> bool:
    gate = record.gate
    return (record.nodeid, gate.metric, gate.name) == (
        one.nodeid,
        one.gate.metric,
        one.gate.name,
    )


def _warned(one: Calibrated, let_through: Sequence[str]) -> Calibrated:
    warning = (
        f"blind: a gate with this bound notices none of {len(let_through)} faults"
        f" ({', '.join(let_through)}); see docs/selftest.md"
    )
    return replace(one, warnings=(*one.warnings, warning))
