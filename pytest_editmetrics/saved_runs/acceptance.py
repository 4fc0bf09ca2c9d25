"""What of a run may become a golden: which bound or image, and where it lies in this project."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.config.expect import check_expect
from pytest_editmetrics.errors import ConfigError, EditMetricsError, InputError
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.measurement import (
    GOLDEN_IMAGE,
    REMEDY_OF_NO_NUMBER,
    WRITTEN_BY_HAND,
)
from pytest_editmetrics.report.text import written_at
from pytest_editmetrics.saved_runs.golden_places import GoldenPlaces, Stated
from pytest_editmetrics.saved_runs.judged_by import check_bound, check_image
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.gates.other_golden import Seen
    from pytest_editmetrics.goldens.approved import GoldenAddress
    from pytest_editmetrics.goldens.recording import Proposal
    from pytest_editmetrics.runs.folder import GateRecord, Run


@dataclass(frozen=True)
class NewBound:
    """A golden threshold to write; ``before`` is the bound that a golden held the gate to."""

    record: GateRecord
    proposal: Proposal
    before: float | None


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


class SharedGoldens:
    """Which gates of a run share a golden, as the repetitions of a test do.

    The run is looked through once, and only where it has to be.
    """

    def __init__(self, session: EditSession, run: Run):
        self.run = run
        self._session = session
        self._bounds: dict[str, frozenset[Stated]] = {}
        self._least: dict[str, Seen] = {}

    @cached_property
    def _of_threshold(self) -> Mapping[str, Sequence[Gate]]:
        found = defaultdict(list)
        for gate in (record.gate for record in self.run.gates if record.final):
            if gate.value is not None:
                found[_golden_of(gate)].append(gate)
        return found

    @cached_property
    def _of_image(self) -> Mapping[str, set[str]]:
        found = defaultdict(set)
        for gate in (record.gate for record in self.run.gates):
            if gate.snapshot is not None:
                edited = PurePath(str(gate.images.get("edited"))).name
                found[str(gate.snapshot.get("file"))].add(edited)
        return found

    def least(self, gate: Gate) -> Seen:
        """Return the least that the gates of the same golden threshold saw of their pictures."""
        from pytest_editmetrics.gates.other_golden import Seen

        golden = _golden_of(gate)
        if golden not in self._least:
            self._least[golden] = Seen.of(*self._of_threshold[golden])
        return self._least[golden]

    def bounds(self, gate: Gate) -> Set[Stated]:
        """Return what accepting a gate, or one of the same golden threshold, writes."""
        golden = _golden_of(gate)
        if golden not in self._bounds:
            self._bounds[golden] = frozenset(self._written(self._of_threshold[golden]))
        return self._bounds[golden]

    def _written(self, gates: Iterable[Gate]) -> Iterator[Stated]:
        from pytest_editmetrics.goldens.recording import recorded_measured

        for gate in gates:
            bound = recorded(self._session, gate)
            if not isinstance(bound, str):
                assert gate.value is not None
                metric = self._session.registry.metric(gate.metric)
                yield bound, recorded_measured(gate.value, metric)

    def images(self, gate: Gate) -> Set[str]:
        """Return the names of the images that accepting a gate of the same golden image writes."""
        return self._of_image[str(dict(gate.snapshot or {}).get("file"))]


def _golden_of(gate: Gate) -> str:
    """Return what stands for a gate's golden threshold, and the variant that it writes."""
    return json.dumps([gate.metric, gate.golden, gate.env], sort_keys=True)


def accepted(
    places: GoldenPlaces, shared: SharedGoldens, record: GateRecord
) -> NewBound | NewGolden | str:
    """Return what accepting a run's gate writes; why nothing, where no golden can hold it.

    Raises:
        EditMetricsError: the run names a golden, or a test, that is not this project's; or the
            golden is not the one that the gate was judged by.
    """
    gate = record.gate
    if gate.metric.startswith(GOLDEN_IMAGE):
        image = _image(places, shared.run, record)
        check_image(places, record, image.target, lambda: shared.images(gate))
        return image
    bound = recorded(places.session, gate)
    if isinstance(bound, str):
        return bound
    new = _bound(places, shared, record, bound)
    check_bound(places, record, new.proposal.address, lambda: shared.bounds(gate))
    return new


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


def recorded(session: EditSession, gate: Gate) -> float | str:
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


def _bound(
    places: GoldenPlaces, shared: SharedGoldens, record: GateRecord, bound: float
) -> NewBound:
    from pytest_editmetrics.gates.written import proposal_of

    gate = record.gate
    assert gate.value is not None
    address = places.threshold(record)
    repeated = gate.golden_key(record.nodeid) != record.nodeid.partition("::")[2]
    # those that passed are held to the golden too
    seen = shared.least(gate) if repeated else None
    proposal = proposal_of(gate, address, bound, gate.value, gate.env, seen)
    return NewBound(record, proposal, _before(places, gate, address))


def _before(places: GoldenPlaces, gate: Gate, address: GoldenAddress) -> float | None:
    """Return the bound that a golden held a gate to: its own, or that of the top level."""
    try:
        stated = places.stated(address, gate.env)
    except ConfigError:  # nothing is written to such a file
        return None
    if stated is not None:
        return stated[0]
    return gate.bound if gate.origin == "golden" else None


def _image(places: GoldenPlaces, run: Run, record: GateRecord) -> NewGolden:
    from pytest_editmetrics.goldens.environment import wrong_name
    from pytest_editmetrics.goldens.image_names import golden_stem, variant_of
    from pytest_editmetrics.goldens.images import SUFFIXES
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
