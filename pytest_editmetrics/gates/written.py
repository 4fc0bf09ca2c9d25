"""What of a test's gates is written once it has ended: only that is called ``recorded``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pytest_editmetrics.gates.other_golden import Seen
from pytest_editmetrics.gates.verdict import Gate, Verdict
from pytest_editmetrics.goldens.approved import GoldenAddress
from pytest_editmetrics.goldens.recording import Proposal
from pytest_editmetrics.measurement import WRITTEN_BY_HAND


def recordable(gate: Gate) -> bool:
    """Tell whether a golden can hold what failed: a number, whose bound is not written by hand.

    >>> recordable(Gate("lpips", "fail", value=0.2)), recordable(Gate("lpips", "fail", value=None))
    (True, False)
    """
    if gate.no_number or gate.details.keys() & {"no_golden", "advice"}:
        return False
    return gate.snapshot is not None or (
        gate.value is not None and gate.origin not in WRITTEN_BY_HAND
    )


def proposal_of(
    gate: Gate,
    address: GoldenAddress,
    bound: float,
    measured: float,
    env: str | None,
    seen: Seen | None = None,
) -> Proposal:
    """Return a bound to write at an address, and how the gate was measured.

    ``seen`` is what all gates of that golden saw, if there are others.
    """
    seen = seen or Seen.of(gate)
    return Proposal(
        address,
        gate.metric,
        bound,
        measured,
        env,
        gate.weights_text,
        gate.resize,
        gate.dtype,
        None if gate.scope == "edit_area" else seen.share,
        seen.size,
        None if gate.scope == "edit_area" else seen.edit,
    )


def unrecordable(gates: Iterable[Gate]) -> bool:
    """Tell whether a gate fails that recording does not mend: its test fails all the same."""
    failed = (gate for gate in gates if gate.verdict in ("fail", "missing-golden"))
    return not all(map(recordable, failed))


def as_written(gates: Iterable[Gate], *, lost: bool) -> tuple[Gate, ...]:
    """Return the gates of one attempt with the verdicts that they end with.

    Args:
        gates: as they were judged, with ``recorded`` for what was to be written.
        lost: whether nothing of the attempt is written: it failed, in whatever phase, or ran again.

    Returns:
        Where nothing is written, a gate that was to be recorded has the verdict that it would have
        had; its ``proposal`` stays. Where a failing gate is recorded, the gates beside it that have
        no golden yet, and a proposal, are too: else a later run would hold them to defaults only.

    >>> new = Gate("lpips", "recorded", value=0.2, proposal=0.3)
    >>> beside = Gate("emd", "pass", value=1.0, bound=9.0, proposal=2.0)
    >>> [gate.verdict for gate in as_written([new, beside], lost=False)]
    ['recorded', 'recorded']
    >>> [gate.verdict for gate in as_written([new, beside], lost=True)]
    ['missing-golden', 'pass']
    """
    gates = tuple(gates)
    recorded = any(gate.verdict == "recorded" for gate in gates)
    return tuple(_ended(gate, recorded=recorded, lost=lost) for gate in gates)


def _ended(gate: Gate, *, recorded: bool, lost: bool) -> Gate:
    if gate.verdict == "recorded":
        return replace(gate, verdict=_unwritten(gate)) if lost else gate
    if gate.proposal is None:
        return gate
    if recorded and not lost:
        return replace(gate, verdict="recorded")
    return replace(gate, proposal=None)


def _unwritten(gate: Gate) -> Verdict:
    if gate.snapshot is not None and gate.value is None:  # a golden image of another size, or none
        return "missing-golden" if gate.snapshot.get("provenance") is None else "fail"
    if gate.bound is None:
        return "missing-golden"
    return "fail" if gate.distance is None or gate.distance > 0 else "pass"
