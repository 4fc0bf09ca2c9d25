"""What of a run may become a golden: which bound or image, and where it lies in this project."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.gates.verdict import GOLDEN_IMAGE, Gate
from pytest_editmetrics.goldens.places import OUTSIDE
from pytest_editmetrics.measurement import WRITTEN_BY_HAND
from pytest_editmetrics.saved_runs.strangers import inside
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.goldens.approved import GoldenAddress
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


def accepted(session: EditSession, run: Run, record: GateRecord) -> NewBound | NewGolden | str:
    """Return what accepting a gate writes; why nothing, where no golden can hold it.

    Raises:
        EditMetricsError: the run names a golden, or a test, that is not this project's.
    """
    gate = record.gate
    if gate.metric.startswith(GOLDEN_IMAGE):
        return _image(session, run, record)
    why = bound_elsewhere(gate) or _no_golden(session, gate)
    return _bound(session, record) if why is None else why


def bound_elsewhere(gate: Gate) -> str | None:
    """Return why no golden can hold the gate's bound, and what to edit; ``None`` if one can."""
    if gate.origin in WRITTEN_BY_HAND:
        return f"its bound is the {gate.origin}'s; edit {gate.source}"
    if "manifest" in gate.details:
        pair = gate.details["manifest"]
        row = pair.get("row", "its row") if isinstance(pair, Mapping) else "its row"
        return f"a manifest has no goldens; give {row} a threshold"
    return None


def _no_golden(session: EditSession, gate: Gate) -> str | None:
    """Return why the gate's value cannot be recorded; ``None`` if it can."""
    from pytest_editmetrics.goldens.recording import recorded_bound

    if gate.value is None or not math.isfinite(gate.value):
        return f"{gate.value} cannot be a golden"
    metric = session.registry.metric(gate.metric)
    try:
        recorded_bound(gate.value, metric, session.settings.metric_configs[gate.metric].margin)
    except InputError as error:
        return str(error)
    return None


def _bound(session: EditSession, record: GateRecord) -> NewBound:
    from pytest_editmetrics.goldens.recording import Proposal, recorded_bound

    gate = record.gate
    assert gate.value is not None
    metric = session.registry.metric(gate.metric)
    address = golden_address(session, record)
    margin = session.settings.metric_configs[gate.metric].margin
    bound = recorded_bound(gate.value, metric, margin)
    return NewBound(
        record,
        Proposal(
            address,
            gate.metric,
            bound,
            gate.value,
            gate.env,
            gate.weights_text,
            gate.resize,
            gate.dtype,
        ),
    )


def golden_address(session: EditSession, record: GateRecord) -> GoldenAddress:
    """Return where the golden of a run's gate lies in this project.

    Raises:
        EditMetricsError: the project has no such test file, or keeps the golden elsewhere.
    """
    gate = record.gate
    path, test = _test(session, record)
    digest = dict(gate.golden or {}).get("digest")
    address = session.goldens.address(path, test, gate.metric, gate.name, digest)
    said = dict(gate.golden or {}).get("file")
    _golden_path(session, said, record)
    if address.to_dict() != gate.golden:
        raise EditMetricsError(
            f"nothing was written: the run keeps the golden of {record.nodeid} in {said}, this"
            f" project in {address.file}; run the tests here, or leave it out with -k"
        )
    return address


def _image(session: EditSession, run: Run, record: GateRecord) -> NewGolden:
    from pytest_editmetrics.goldens.environment import wrong_name
    from pytest_editmetrics.goldens.images import (
        SUFFIXES,
        golden_stem,
        image_address,
        variant_of,
    )
    from pytest_editmetrics.goldens.provenance import KEYS, checked_facts

    gate = record.gate
    path, test = _test(session, record)
    address = image_address(session.goldens, path, test, gate.name)
    said = dict(gate.snapshot or {}).get("file")
    target = _golden_path(session, said, record)
    variant = variant_of(target.name)
    named = variant is None or not wrong_name(variant[1])
    if target.parent != address.folder or golden_stem(target.name) != address.stem or not named:
        raise EditMetricsError(
            f"nothing was written: the run keeps the golden image of {record.nodeid} in {said},"
            f" this project as {address.folder / address.stem}; run the tests here, or leave it out"
            " with -k"
        )
    for suffix in SUFFIXES:  # the format of today decides, whatever the run says
        _check_inside(session, target.with_suffix(suffix), said, record)
    proposed = dict(gate.snapshot or {}).get("proposed")
    facts = proposed if isinstance(proposed, Mapping) else {}
    provenance = checked_facts({key: facts[key] for key in KEYS if key in facts})
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


def _test(session: EditSession, record: GateRecord) -> tuple[Path, str]:
    """Return the test's file, which must be there, and its key."""
    file, test = record.nodeid.partition("::")[0], record.gate.golden_key(record.nodeid)
    path = _within(session.rootdir, file, record)
    if not path.is_file() and file != OUTSIDE:
        raise EditMetricsError(
            f"nothing was written: {session.rootdir} has no test file {file}; give the project's"
            " root as --rootdir, or leave the test out with -k"
        )
    return path, test


def _golden_path(session: EditSession, path: object, record: GateRecord) -> Path:
    """Return a golden's path of the run in this project; refuse one where none may lie."""
    found = _within(session.rootdir, path, record)
    _check_inside(session, found, path, record)
    return found


def _check_inside(session: EditSession, found: Path, path: object, record: GateRecord) -> None:
    try:
        session.goldens.check_inside(found)
    except EditMetricsError as error:
        raise _outside(session.rootdir, path, record, f" ({error})") from None


def _within(rootdir: Path, path: object, record: GateRecord) -> Path:
    """Return a path of the run in this project; refuse one that is not relative or has ``..``."""
    found = inside(rootdir, path)
    if found is None:
        raise _outside(rootdir, path, record)
    return found


def _outside(rootdir: Path, path: object, record: GateRecord, why: str = "") -> EditMetricsError:
    return EditMetricsError(
        f"nothing was written: {path!r}, a path of {record.nodeid} in the run, does not lie inside"
        f" {rootdir}{why}"
    )
