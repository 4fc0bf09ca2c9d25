"""What of a run may become a golden: which bound or image, and where it lies in this project."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.config.expect import check_expect
from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.measurement import (
    GOLDEN_IMAGE,
    REMEDY_OF_NO_NUMBER,
    WRITTEN_BY_HAND,
    least_size,
)
from pytest_editmetrics.report.text import written_at
from pytest_editmetrics.saved_runs.golden_places import GoldenPlaces, Stated
from pytest_editmetrics.saved_runs.judged_by import check_bound, check_image
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.goldens.recording import Proposal
    from pytest_editmetrics.runs.folder import GateRecord, Run


@dataclass(frozen=True)
class NewBound:
    """A golden threshold to write."""

    record: GateRecord
    proposal: Proposal


@dataclass(frozen=True)
class NewGolden:
    """A golden image to write; its suffix is that of the format when it is written."""

    record: GateRecord
    target: Path
    source: Path
    provenance: Mapping[str, Any]


def to_accept(gate: Gate) -> bool:
    """Tell whether there is something to accept: the gate fails for its golden, or for want of one.

    Whether a golden can hold it is another matter, see ``accepted``.
    """
    return gate.verdict in ("fail", "missing-golden") or gate.of_other_golden


def accepted(places: GoldenPlaces, run: Run, record: GateRecord) -> NewBound | NewGolden | str:
    """Return what accepting a gate writes; why nothing, where no golden can hold it.

    Raises:
        EditMetricsError: the run names a golden, or a test, that is not this project's; or the
            golden is not the one that the gate was judged by.
    """
    gate = record.gate
    if gate.metric.startswith(GOLDEN_IMAGE):
        image = _image(places, run, record)
        check_image(places, record, image.target, _names_of(run, gate))
        return image
    bound = _recorded(places.session, gate)
    if isinstance(bound, str):
        return bound
    new = _bound(places, run, record, bound)
    check_bound(places, record, new.proposal.address, _bounds_of(places.session, run, gate))
    return new


def _names_of(run: Run, gate: Gate) -> Iterator[str]:
    """Yield the names of the images that accepting a gate of the same golden image writes."""
    file = dict(gate.snapshot or {}).get("file")
    for one in chain([gate], (record.gate for record in run.gates)):
        if one.snapshot is not None and one.snapshot.get("file") == file:
            yield PurePath(str(one.images.get("edited"))).name


def _bounds_of(session: EditSession, run: Run, gate: Gate) -> Iterator[Stated]:
    """Yield what accepting a gate of the same golden writes: repetitions share one."""
    from pytest_editmetrics.goldens.recording import recorded_measured

    metric = session.registry.metric(gate.metric)
    for one in chain([gate], (record.gate for record in run.gates if record.final)):
        if one.golden == gate.golden and one.env == gate.env and one.value is not None:
            bound = _recorded(session, one)
            if not isinstance(bound, str):
                yield bound, recorded_measured(one.value, metric)


def bound_elsewhere(gate: Gate) -> str | None:
    """Return why no golden can hold the gate's bound, and what to edit; ``None`` if one can."""
    if gate.origin in WRITTEN_BY_HAND:
        return f"its bound is the {gate.origin}'s; edit {written_at(gate)}"
    if "manifest" in gate.details:
        pair = gate.details["manifest"]
        row = pair.get("row", "its row") if isinstance(pair, Mapping) else "its row"
        return f"a manifest has no goldens; give {row} a threshold"
    return None


def beyond_default(session: EditSession, gate: Gate, bound: float) -> str | None:
    """Return how a bound for the gate lets more through than what holds without a golden, if so."""
    metric = session.registry.metric(gate.metric)
    default = session.settings.default(metric, check_expect(gate.details.get("expect")))
    if default is None or default.distance(bound) <= 0:
        return None
    return f"looser than {default.kind} {default.bound:g} of {default.source}"


def _recorded(session: EditSession, gate: Gate) -> float | str:
    """Return the bound to record for the gate's value, or why none can be."""
    from pytest_editmetrics.goldens.recording import recorded_bound

    if (why := bound_elsewhere(gate)) is not None:
        return why
    if gate.value is None or not math.isfinite(gate.value):
        if gate.value is None:
            return f"no value was measured ({gate.reason}), so there is nothing to record"
        return f"{gate.value} is no number and cannot be a golden: {REMEDY_OF_NO_NUMBER}"
    metric = session.registry.metric(gate.metric)
    margin = session.settings.metric_configs[gate.metric].margin
    try:
        return recorded_bound(gate.value, metric, margin)
    except InputError as error:
        return str(error)


def _bound(places: GoldenPlaces, run: Run, record: GateRecord, bound: float) -> NewBound:
    from pytest_editmetrics.gates.other_golden import share_of, size_of
    from pytest_editmetrics.gates.written import proposal_of

    gate = record.gate
    assert gate.value is not None
    address = places.threshold(record)
    proposal = proposal_of(gate, address, bound, gate.value, gate.env)
    repeated = gate.golden_key(record.nodeid) != record.nodeid.partition("::")[2]
    if repeated:  # those that passed are held to the golden too
        gates = (one.gate for one in run.gates if one.final and one.gate.value is not None)
        held = [one for one in gates if one.golden == gate.golden and one.env == gate.env]
        share = proposal.share
        if share is not None:
            share = min(map(share_of, held), default=share)
        size = least_size((proposal.size, *map(size_of, held)))
        proposal = replace(proposal, share=share, size=size)
    return NewBound(record, proposal)


def _image(places: GoldenPlaces, run: Run, record: GateRecord) -> NewGolden:
    from pytest_editmetrics.goldens.environment import wrong_name
    from pytest_editmetrics.goldens.images import (
        SUFFIXES,
        golden_stem,
        variant_of,
    )
    from pytest_editmetrics.goldens.provenance import KEYS, REASON, checked_facts

    gate = record.gate
    target, address = places.image(record)
    said = dict(gate.snapshot or {}).get("file")
    variant = variant_of(target.name)
    named = variant is None or not wrong_name(variant[1])
    if target.parent != address.folder or golden_stem(target.name) != address.stem or not named:
        raise EditMetricsError(
            f"nothing was written: the run keeps the golden image of {record.nodeid} in {said},"
            f" this project as {address.folder / address.stem}; run the tests here, or leave it out"
            " with -k"
        )
    for suffix in SUFFIXES:  # the format of today decides, whatever the run says
        places.check_inside(target.with_suffix(suffix), said, record)
    proposed = dict(gate.snapshot or {}).get("proposed")
    facts = proposed if isinstance(proposed, Mapping) else {}
    told = [key for key in KEYS if key in facts and key != REASON]
    provenance = checked_facts({key: facts[key] for key in told})
    if "comparator" in provenance:
        _check_comparators(provenance["comparator"], record)
    source = run.image_path(str(gate.images.get("edited")))
    return NewGolden(record, target, source, provenance)


def _check_comparators(names: object, record: GateRecord) -> None:
    from pytest_editmetrics.config.golden_images import joined

    try:
        if not isinstance(names, list):
            raise InputError(f"{names!r:.80} is no list of names")
        joined(names)
    except InputError as error:
        raise EditMetricsError(
            f"nothing was written: the comparators of {record.nodeid} in the run: {error}"
        ) from None
