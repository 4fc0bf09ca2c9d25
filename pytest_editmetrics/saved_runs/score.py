"""Measure the images of a run again, with today's configuration and goldens; no model edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.checks.judge import Job, explained, judged
from pytest_editmetrics.errors import EditMetricsError, InputError, counted, did_you_mean
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.measurement import GOLDEN_IMAGE, WRITTEN_BY_HAND, Threshold
from pytest_editmetrics.progress import track
from pytest_editmetrics.runs.folder import EXPECTED
from pytest_editmetrics.saved_runs.rows import no_success, outcome_of
from pytest_editmetrics.saved_runs.strangers import checked_options, named_test
from pytest_editmetrics.session.outputs import new_id, now, package_versions
from pytest_editmetrics.session.state import EditSession
from pytest_editmetrics.whole_file import real_path

if TYPE_CHECKING:
    from pytest_editmetrics.checks.image_job import ImageJob
    from pytest_editmetrics.checks.pairs import Pair
    from pytest_editmetrics.goldens.environment import Environment
    from pytest_editmetrics.images.load import Array
    from pytest_editmetrics.report.tally import Tally
    from pytest_editmetrics.runs.folder import GateRecord, Run


def score_run(session: EditSession, run: Run, output: Path, *, configured: bool) -> Tally:
    """Measure every gate of a run again and write the new gates as a run of their own.

    Each test's last attempt counts. Metric, boxes, scope, the marker's options and the bounds that
    a test or case states are the run's; pipes, parameters, goldens and defaults are the project's.
    What cannot be measured is a gate with the verdict ``error``.

    Args:
        session: of the project.
        run: the saved run.
        output: the run directory to write; an earlier run in it is replaced.
        configured: the user named a configuration, so what a fixture of the tests measured is
            measured by that; else it is an error, since only a test can make the fixture.

    Raises:
        InputError: the output is the run itself.
        EditMetricsError: the run keeps no gates, or the output cannot be written.
    """
    from pytest_editmetrics.report.tally import tally_of
    from pytest_editmetrics.runs.writing import RunDir, RunResults

    if real_path(output) == real_path(run.path):
        raise InputError(f"-o {output} is the run itself; give another folder")
    final = [record for record in run.gates if record.final and record.gate.compares != "gates"]
    if not final:
        raise EditMetricsError(f"{run.shown}: there is no gate to score")
    session.run_path = output
    head = {"id": new_id(), "scored": run.session.get("started")}
    with RunResults(RunDir(output), package_versions(), now(), **head) as results:
        gates = [
            (record, _scored(session, run, record, configured))
            for record in track(final, "scoring")
        ]
        outcomes = _outcomes(gates)
        for record in final:  # a known fault is one, by whatever bound it fails today
            if record.expected and outcomes[record.nodeid] == "failed":
                outcomes[record.nodeid] = EXPECTED
        records = [
            replace(
                record,
                attempt=1,
                final=True,
                outcome=outcomes[record.nodeid],
                gate=replace(gate, xfail=record.gate.xfail),
            )
            for record, gate in gates
        ]
        for one in records:
            results.gate(
                one.nodeid, one.attempt, one.final, one.outcome, one.gate, one.other_failure
            )
        for nodeid in run.crashed:
            results.crashed(nodeid)
        for test in run.failed:
            results.failed(test)
        for problem in _problems(run):
            results.problem(problem)
        tally = tally_of(records, run.crashed)
        if run.complete:
            # those that failed by gates alone are judged anew
            results.close(tally.counts(), failed_tests=len({test.nodeid for test in run.failed}))
    return tally


def problems(session: EditSession, run: Run, tally: Tally) -> list[str]:
    """Say why scored gates are no success; nothing if they are one."""
    found = no_success(session, tally)
    if run.crashed:
        found.append(f"{counted(len(run.crashed), 'test')} of the run crashed, so gates may lack")
    if run.failed:
        found.append(f"{counted(len(run.failed), 'other failure')} of the run")
    found += [f"the session of the run: {problem}" for problem in _problems(run)]
    if not run.complete:
        found.append("the run was cut off, so gates are missing")
    return found


def _problems(run: Run) -> Sequence[str]:
    """Return what failed a run besides its tests; if nothing was measured, that is made good."""
    from pytest_editmetrics.report.tally import tally_of

    return () if tally_of(run.gates, run.crashed).nothing_measured else run.problems


def _outcomes(gates: list[tuple[GateRecord, Gate]]) -> dict[str, str]:
    tests: dict[str, list[Gate]] = {}
    for record, gate in gates:
        tests.setdefault(record.nodeid, []).append(gate)
    return {nodeid: outcome_of(of) for nodeid, of in tests.items()}


def _scored(session: EditSession, run: Run, record: GateRecord, configured: bool) -> Gate:
    try:
        if record.gate.metric.startswith(GOLDEN_IMAGE):
            from pytest_editmetrics.checks.image_job import run_job

            return run_job(session, image_job_of(session, run, [record], configured)).gates[0]
        job = job_of(session, run, record, configured)
    except EditMetricsError as error:
        return replace(
            record.gate,
            verdict="error",
            message=str(error),
            value=None,
            floor=None,
            excess=None,
            distance=None,
            reason=None,
            proposal=None,
            images={},
            picture=None,
        )
    return explained(session, judged(session, job))


def image_job_of(
    session: EditSession, run: Run, records: Sequence[GateRecord], configured: bool
) -> ImageJob:
    """Return what compares a saved image with today's golden image.

    ``records`` are those gates of one check, one a comparator, that are to be judged again.

    Raises:
        EditMetricsError: it cannot be: no image, an unknown comparator, a fixture's pipe.
    """
    from pytest_editmetrics.checks.image_job import ImageJob
    from pytest_editmetrics.config.golden_images import COMPARATORS
    from pytest_editmetrics.goldens.images import image_address
    from pytest_editmetrics.images.colour_words import check_colour

    record = next((one for one in records if one.gate.snapshot is not None), records[0])
    gate = record.gate
    _check_fixture(gate, configured)
    if "edited" not in gate.images:
        raise EditMetricsError(f"the run keeps no image of {gate.label}")
    file, test = named_test(session, record.nodeid)[0], gate.golden_key(record.nodeid)
    proposed = dict(gate.snapshot or {}).get("proposed")
    facts = proposed.get("facts") if isinstance(proposed, Mapping) else None
    comparators: dict[Any, Threshold | None] = {}
    for one in records:
        comparator = one.gate.metric.removeprefix(GOLDEN_IMAGE)
        if comparator not in COMPARATORS:
            raise EditMetricsError(
                f"unknown comparator {comparator!r}{did_you_mean(comparator, COMPARATORS)}"
            )
        comparators[comparator] = _explicit(one.gate)
    scope: Any = gate.scope
    return ImageJob(
        owner=None,
        comparators=comparators,
        image=run.image_path(gate.images["edited"]),
        address=image_address(session.goldens, file, test, gate.name),
        coords=gate.region.get("coords"),
        scope=scope,
        facts=dict(facts) if isinstance(facts, Mapping) else {},
        environment=_environment(record, proposed),
        colour=check_colour(gate.details.get("colour", "seen")),
        joined=_joined(gate),
    )


def _joined(gate: Gate) -> tuple[str, ...]:
    """Return the comparators of the check that a gate of a golden image is of."""
    names = dict(gate.snapshot or {}).get("joined")
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _check_fixture(gate: Gate, configured: bool) -> None:
    fixture = gate.details.get("fixture")
    if fixture is not None and not configured:
        raise EditMetricsError(
            f"{gate.label} was measured by the fixture {fixture} of the tests, which only pytest"
            " can make; give -c editmetrics.yaml to measure with what that configures"
        )


def job_of(
    session: EditSession,
    run: Run,
    record: GateRecord,
    configured: bool,
    pair: Pair | None = None,
) -> Job:
    """Return what measures a saved gate again, of other images than the run keeps if given.

    Raises:
        EditMetricsError: it cannot be: an unknown metric, no images, a fixture's pipe.
    """
    from pytest_editmetrics.config.expect import check_expect

    gate = record.gate
    session.registry.metric(gate.metric)
    config = session.settings.metric_configs[gate.metric]
    _check_fixture(gate, configured)
    named_test(session, record.nodeid)
    boxes: dict[str, Any] = {key: gate.region.get(key) for key in ("ref_boxes", "edited_boxes")}
    scope: Any = gate.scope or "unedit_area"
    return Job(
        nodeid=record.nodeid,
        test=gate.golden_key(record.nodeid),
        digest=(gate.golden or {}).get("digest"),
        config=replace(config, scope=scope),
        pair=pair or _pair(run, gate),
        name=gate.name,
        explicit=_explicit(gate),
        options=checked_options(session, config, gate.details.get("options") or {}),
        expect=check_expect(gate.details.get("expect")),
        unnamed=gate.details.get("unnamed") is True,
        facts=facts if isinstance(facts := gate.details.get("facts"), Mapping) else {},
        object_coords=_object_coords(boxes) if gate.compares == "objects" else None,
        environment=_environment(record),
        **boxes,
    )


def _environment(record: GateRecord, proposed: object = None) -> Environment:
    """Return where the run says that the edit ran: it runs no more."""
    from pytest_editmetrics.goldens.environment import Environment

    device = proposed.get("device") if isinstance(proposed, Mapping) else None
    where = f"{record.nodeid} {record.gate.label}"
    named = device if isinstance(device, str) else None
    return Environment.recorded(record.gate.environment, named, where)


def _object_coords(boxes: dict[str, Any]) -> list[Any] | None:
    """Return the boxes as the pipe lists them, whether or not they pair."""
    if boxes["ref_boxes"] is None and boxes["edited_boxes"] is None:
        return None
    return [*(boxes["ref_boxes"] or ()), *(boxes["edited_boxes"] or ())]


def _pair(run: Run, gate: Gate) -> Pair:
    if not {"reference", "edited"} <= set(gate.images):
        why = (
            "score the manifest again, with --keep-images all to keep those that can be read"
            if "manifest" in gate.details
            else "they could not be read or saved then"
        )
        raise EditMetricsError(f"the run keeps no images of {gate.label}; {why}")
    from pytest_editmetrics.checks.pairs import pair_of
    from pytest_editmetrics.images.colour_words import check_colour

    pair = pair_of(
        run.image_path(gate.images["reference"]),
        run.image_path(gate.images["edited"]),
        resize=gate.region.get("resize"),
        aspect="any",
        colour=check_colour(gate.details.get("colour", "seen")),
        area=area_of(gate),
        ref_boxes=gate.region.get("ref_boxes"),
        edited_boxes=gate.region.get("edited_boxes"),
    )
    pair = replace(pair, read=_read(gate))
    numbers = _numbers(run, gate, pair)
    return pair if numbers is None else pair.with_numbers(numbers)


def area_of(gate: Gate) -> Any:
    """Return the edit area of a saved gate: a region, or boxes as the user gave them."""
    from pytest_editmetrics.images.shapes import Region

    area = gate.region.get("coords")
    return Region.of(area) if isinstance(area, dict) else area


def _read(gate: Gate) -> dict[str, Mapping[str, Any]]:
    """Return what had to be done to read the images then: those that are kept need nothing."""
    read = gate.details.get("read")
    found = read.items() if isinstance(read, Mapping) else ()
    return {which: notes for which, notes in found if isinstance(notes, Mapping)}


def _numbers(run: Run, gate: Gate, pair: Pair) -> tuple[Array, Array] | None:
    """Return the bare numbers of the images, which tell whether a profile was lost."""
    from pytest_editmetrics.images.load import load_image

    kept = gate.images.get("numbers")
    if not isinstance(kept, Mapping) or not {"reference", "edited"} <= set(kept):
        return None
    found = [load_image(run.image_path(kept[which])) for which in ("reference", "edited")]
    given = pair.originals or pair
    same = [image.shape for image in found] == [given.reference.shape, given.edited.shape]
    return (found[0], found[1]) if same else None


def _explicit(gate: Gate) -> Threshold | None:
    """Return the bound that the test or case states."""
    if gate.origin not in WRITTEN_BY_HAND or gate.bound is None or gate.bound_kind is None:
        return None
    kind: Any = gate.bound_kind
    origin: Any = gate.origin
    return Threshold(kind, gate.bound, origin, gate.source or "the test", gate.review)
