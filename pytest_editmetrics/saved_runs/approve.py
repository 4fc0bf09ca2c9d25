"""Accept what a run measured: its values become golden thresholds, its images golden images."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
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

_PROVENANCE = ("test", "name", "digest", "date", "versions", "device", "weights", "facts")


@dataclass(frozen=True)
class _Bound:
    """A golden threshold to write."""

    record: GateRecord
    proposal: Proposal


@dataclass(frozen=True)
class _Image:
    """A golden image to write."""

    record: GateRecord
    target: Path
    source: Path
    provenance: Mapping[str, Any]


def selected(runs: Sequence[Run], expression: str | None) -> list[GateRecord]:
    """Return the gates of each test's last attempt, run by run, that ``-k`` selects.

    ``expression`` is a whole test id, or an expression as pytest's ``-k`` takes it, whose names are
    searched for in the test id and the gate's label (``lpips@sky``), case ignored.

    Raises:
        InputError: the expression cannot be read, or selects nothing.
    """
    records = [record for run in runs for record in run.gates if record.final]
    if expression is None:
        return records
    found = [record for record in records if record.nodeid == expression]
    found = found or _matching(records, expression)
    if not found:
        where = ", ".join(str(run.shown) for run in runs)
        raise InputError(f"-k {expression!r} selects none of the {len(records)} gates of {where}")
    return found


def _matching(records: Sequence[GateRecord], expression: str) -> list[GateRecord]:
    from _pytest.mark.expression import Expression

    try:
        compiled = Expression.compile(expression)
    except Exception as error:  # its type changed between versions of pytest
        raise InputError(f"-k {expression!r} cannot be read: {error}") from None

    def matches(record: GateRecord) -> bool:
        text = f"{record.nodeid}::{record.gate.label}".lower()

        def named(name: str, /, **more: object) -> bool:
            return name.lower() in text

        return bool(compiled.evaluate(named))

    return [record for record in records if matches(record)]


def approve(
    session: EditSession, run: Run, expression: str | None, say: Callable[[str], None]
) -> int:
    """Write goldens for the failing gates that a golden, or none, decided; return how many.

    Bounds that a test or a case states are never written: ``say`` is told where to edit them, as it
    is told everything that is written. The gates of a test that failed for another reason, too, are
    left unless ``expression`` is its id.

    Raises:
        InputError: ``expression``, see ``selected``.
        EditMetricsError: nothing is written, as the run names a golden that is not this project's;
            or a golden could not be written.
    """
    bounds: list[_Bound] = []
    images: list[_Image] = []
    for record in selected([run], expression):
        gate = record.gate
        if gate.verdict not in ("fail", "missing-golden") and not gate.of_other_golden:
            continue
        if record.other_failure and expression != record.nodeid:
            say(
                f"left: {record.nodeid} {gate.label}: its test failed for another reason, too;"
                f" -k {shlex.quote(record.nodeid)} approves it all the same"
            )
        elif gate.metric.startswith(GOLDEN_IMAGE):
            images.append(_image(session, run, record))
        elif (why := bound_elsewhere(gate) or _no_golden(session, gate)) is not None:
            say(f"left: {record.nodeid} {gate.label}: {why}")
        else:
            bounds.append(_bound(session, record))
    _write_bounds(session, bounds, say)
    _write_images(session, images, say)
    return len(bounds) + len(images)


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


def _bound(session: EditSession, record: GateRecord) -> _Bound:
    from pytest_editmetrics.goldens.recording import Proposal, recorded_bound

    gate = record.gate
    assert gate.value is not None
    metric = session.registry.metric(gate.metric)
    address = golden_address(session, record)
    margin = session.settings.metric_configs[gate.metric].margin
    bound = recorded_bound(gate.value, metric, margin)
    return _Bound(
        record,
        Proposal(address, gate.metric, bound, gate.value, gate.env, gate.weights_text, gate.resize),
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


def _image(session: EditSession, run: Run, record: GateRecord) -> _Image:
    from pytest_editmetrics.goldens.environment import wrong_name
    from pytest_editmetrics.goldens.images import golden_stem, image_address, variant_of
    from pytest_editmetrics.goldens.provenance import checked_facts

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
    proposed = dict(gate.snapshot or {}).get("proposed")
    facts = proposed if isinstance(proposed, Mapping) else {}
    provenance = checked_facts({key: facts[key] for key in _PROVENANCE if key in facts})
    source = run.image_path(str(gate.images.get("edited")))
    return _Image(record, target, source, provenance)


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
    try:
        session.goldens.check_inside(found)
    except EditMetricsError as error:
        raise _outside(session.rootdir, path, record, f" ({error})") from None
    return found


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


def _write_bounds(
    session: EditSession, bounds: Sequence[_Bound], say: Callable[[str], None]
) -> None:
    from pytest_editmetrics.config.reader import shown_path
    from pytest_editmetrics.goldens.recording import write_proposals
    from pytest_editmetrics.report.text import format_numbers

    proposals = [bound.proposal for bound in bounds]
    written, failed = write_proposals(proposals, session.registry, session.rootdir)
    for bound in bounds:
        gate, proposal = bound.record.gate, bound.proposal
        if session.rootdir / proposal.address.file in failed:
            continue
        value, limit = format_numbers(gate.value or 0.0, proposal.bound)
        kind = "max" if gate.better == "lower" else "min"
        env = f" (env {proposal.env})" if proposal.env else ""
        say(f"approved: {bound.record.nodeid} {gate.label} {value}, {kind} {limit}{env}")
    for path in written:
        say(f"wrote {shown_path(path, session.rootdir)}; review the change and commit it")
    if failed:
        raise EditMetricsError("\n".join(failed.values()))


def _write_images(
    session: EditSession, images: Sequence[_Image], say: Callable[[str], None]
) -> None:
    from pytest_editmetrics.config.reader import shown_path
    from pytest_editmetrics.goldens.colour import encode_golden
    from pytest_editmetrics.goldens.images import discard, promote, stage
    from pytest_editmetrics.images.load import read_pixels

    first = {image.target: image for image in reversed(images)}
    for image in images:
        if first[image.target] is not image:
            kept = first[image.target].record.nodeid
            say(f"left: {image.record.nodeid} {image.record.gate.label}: that of {kept} is kept")
    images = list(first.values())[::-1]
    staged = []
    try:
        for image in images:
            pixels = read_pixels(image.source, colour="numbers")
            data, suffix = encode_golden(pixels, session.settings.golden_images.format)
            target = image.target.with_suffix(suffix)
            staged.append(stage(data, target, image.provenance, session.rootdir))
        written = promote(staged, session.rootdir)
    finally:
        discard(staged, session.rootdir)
    for image in images:
        say(f"approved: {image.record.nodeid} {image.record.gate.label}")
    for path in written:
        say(f"wrote {shown_path(path, session.rootdir)}; review the change and commit it")
