"""One gate from a pair of images to its verdict: measured, held to its threshold, kept."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.checks.calls import ENDED, EXIT, NO_TEST
from pytest_editmetrics.checks.causes import broken, causes_of, edit_lost
from pytest_editmetrics.checks.environments import say_of_entry, say_of_no_entry
from pytest_editmetrics.checks.measure import Boxes, bind, measure
from pytest_editmetrics.errors import EditMetricsError, InputError, MissingResourceError
from pytest_editmetrics.measurement import Measurement, SoftFailure, Threshold
from pytest_editmetrics.session.owner import Owner, update_of
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.checks.pairs import Pair
    from pytest_editmetrics.config.expect import Expect
    from pytest_editmetrics.config.settings import MetricConfig
    from pytest_editmetrics.gates.verdict import Gate, UpdateMode
    from pytest_editmetrics.goldens.approved import GoldenAddress
    from pytest_editmetrics.goldens.environment import Environment
    from pytest_editmetrics.measurement import SoftReason
    from pytest_editmetrics.pipes.explain import Evidence

_RAISED: tuple[type[BaseException], ...] = (Exception, *ENDED)


@dataclass(frozen=True)
class Job:
    """One metric of one pair, for the test ``nodeid``, whose goldens are filed under ``test``.

    ``owner`` is the running test or fixture, whose fixtures give the pipe; ``None`` takes the
    configuration's.
    ``object_coords`` is the pipe's own list, reference boxes then edited boxes; ``options`` are the
    marker's; ``explicit`` is a threshold that the test or case states; ``expect`` says how the
    model writes the background, and ``unnamed`` that it chose the metric, which nobody named. A row
    of a manifest has no ``golden``, else one may lie beside the test. ``digest`` and ``automatic``
    are the test's, see ``identity.TestId``. ``environment`` is where a saved edit ran, if not here.
    ``facts`` are what the test tells of the edit.
    """

    nodeid: str
    test: str
    config: MetricConfig
    pair: Pair
    ref_boxes: Boxes | None = None
    edited_boxes: Boxes | None = None
    object_coords: Boxes | None = None
    name: str | None = None
    explicit: Threshold | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    owner: Owner | None = None
    golden: bool = True
    expect: Expect | None = None
    unnamed: bool = False
    digest: str | None = None
    automatic: Mapping[str, str] = field(default_factory=dict)
    environment: Environment | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """A job's gate as it was judged, its measurement if there is one, and what explains it."""

    job: Job
    gate: Gate
    measurement: Measurement | None
    evidence: Evidence


def judged(session: EditSession, job: Job) -> Judged:
    """Measure a job and hold it to its threshold; what goes wrong is a verdict."""
    from pytest_editmetrics.pipes.explain import Evidence

    evidence = Evidence()
    metric = job.config.metric.name
    label = metric + ("" if job.name is None else f"@{job.name}")
    with session.clock.gate(f"{job.nodeid}: {label}", metric):
        update = update_of(session.options, job.owner)
        gate, measurement = _judged(session, job, evidence, update)
    if evidence.drift is not None and measurement is not None:
        job.pair.drifts[measurement.scope] = evidence.drift
    return Judged(job, gate, measurement, evidence)


def explained(session: EditSession, judged: Judged, *, keep_failing_only: bool = False) -> Gate:
    """Return a gate with what explains it, if it fails.

    With a run directory what the gate looked at is kept in it, or only if it fails. What several
    metrics of one pair need is looked at once, so this comes after all of them were judged.
    """
    with session.clock.gate(f"{judged.job.nodeid}: {judged.gate.label}"):
        return _explained(session, judged, keep_failing_only)


def _explained(session: EditSession, judged: Judged, keep_failing_only: bool) -> Gate:
    job, gate = judged.job, judged.gate
    lost = gate.verdict == "missing-golden" and edit_lost(job, gate)
    if gate.verdict == "fail" or lost:
        with session.clock.of("diagnosis"):
            details = {**gate.details, "change": job.pair.change(gate)}
            if causes := causes_of(job, gate):
                details["causes"] = causes
        gate = replace(gate, details=details)
    elif gate.verdict == "recorded":
        with session.clock.of("diagnosis"):
            if causes := broken(session, job, gate):
                gate = replace(gate, details={**gate.details, "causes": causes})
    if session.run_dir is not None and (gate.failing or not keep_failing_only):
        from pytest_editmetrics.runs.evidence import keep_pair

        images, mask = (job.pair.reference, job.pair.edited), lambda: job.pair.mask(gate)
        before = job.pair.originals
        originals = None if before is None else (before.reference, before.edited)
        numbers = job.pair.numbers if before is None else before.numbers
        with session.clock.of("pictures"):
            gate = keep_pair(
                session.run_dir, gate, images, originals, numbers, mask, judged.evidence
            )
    return gate


def encode_ahead(
    session: EditSession,
    jobs: Iterable[Job],
    together: Callable[[], Sequence[Any]] | None = None,
) -> None:
    """Compute together what measuring these jobs one after the other will need.

    ``together`` gives the images instead, where cases like these come next.
    """
    from pytest_editmetrics.pipes.base import BuiltInPipe

    images: dict[tuple[int, str], tuple[BuiltInPipe, list[Any]]] = {}
    for job in jobs:
        metric = job.config.metric.name
        try:
            pipe = bind(job.owner, session, job.config, job.options).pipe
        except _RAISED:  # the job's own gate says so, in its turn
            continue
        if isinstance(pipe, BuiltInPipe) and metric in pipe.ahead:
            _, of_pipe = images.setdefault((id(pipe), metric), (pipe, []))
            of_pipe.extend((job.pair.reference, job.pair.edited))
    for (_, metric), (pipe, of_pipe) in images.items():
        try:
            pipe.encode_ahead(metric, of_pipe if together is None else together())
        except _RAISED:  # so does the measurement that needs it
            continue


def judged_only(session: EditSession, job: Job) -> Gate:
    """Return the gate of a job; nothing is recorded, kept or explained."""
    return _judged(session, job, None, "none")[0]


def _judged(
    session: EditSession, job: Job, evidence: Evidence | None, update: UpdateMode
) -> tuple[Gate, Measurement | None]:
    from pytest_editmetrics.gates.verdict import judge, skipped_gate
    from pytest_editmetrics.pipes.base import stamp

    config, metric = job.config, job.config.metric
    origin: dict[str, Any] = {"options": _plain(job.options)} if job.options else {}
    if job.pair.read:
        origin["read"] = {which: dict(notes) for which, notes in job.pair.read.items()}
    if job.pair.colour != "seen":
        origin["colour"] = job.pair.colour
    if job.pair.fit is not None:
        origin.update(stamp(job.pair.fit))
    if job.expect is not None:
        origin["expect"] = job.expect
    if job.unnamed:
        origin["unnamed"] = True
    if job.facts:
        origin["facts"] = job.facts
    try:
        coords = object_boxes(job) if metric.compares == "objects" else job.pair.area
        bound = bind(job.owner, session, config, job.options)
        if bound.fixture is not None:
            origin["fixture"] = bound.fixture
        pair = (job.pair.reference, job.pair.edited)
        with session.clock.of("comparing"):
            measurement = measure(bound, config, pair, coords, evidence)
        of_pair = job.pair.told(measurement.scope, metric.compares, job.expect)
        measurement = replace(measurement, details={**measurement.details, **of_pair})
        address = approved = None
        environment = job.environment or session.environment
        if job.golden:
            with session.clock.of("goldens"):
                address = _address(session, job)
                approved = session.goldens.lookup(address, environment, measurement.smoke)
                if job.owner is not None and job.owner.request is not None:
                    from pytest_editmetrics.checks.earlier import earlier_golden

                    left, tests = earlier_golden(
                        session, job.owner, address, measurement, environment
                    )
                    if left is not None:
                        approved, origin["golden_left_under"] = left, tests
        if approved is not None and approved.found_under is not None:
            origin["golden_under"] = approved.found_under
            session.say(
                f"golden of {job.nodeid}: held to the entry {approved.found_under!r}, which another"
                " version of pytest named; its value fits"
            )
        if job.automatic:
            origin["automatic"] = dict(job.automatic)
        gate = judge(
            measurement,
            metric,
            margin=config.margin,
            name=job.name,
            explicit=job.explicit,
            approved=approved,
            default=session.settings.default(metric, job.expect),
            address=address,
            update=update,
            advisory=_advisory(job),
            fatal=_fatal(job),
            told=_told(job),
            region=job.pair.region,
        )
        if address is not None:
            gate = replace(
                gate,
                environment=environment.names_if_known(),
                details={**gate.details, **environment.typed},
            )
        if address is not None and approved is not None:
            say_of_entry(session, environment, address, approved, gate)
        elif address is not None:
            say_of_no_entry(session, environment, address, gate)
    except MissingResourceError as error:
        if error.pipe not in session.options["skip-missing"]:
            return _error(job, error, origin), None
        soft = SoftFailure("no-value", str(error))
        gate = skipped_gate(
            metric, str(error), name=job.name, region=job.pair.region, fetch=error.fetch
        )
        gate = replace(gate, details={**gate.details, **origin})
        return gate, Measurement(metric.name, None, config.scope, soft)
    except EditMetricsError as error:
        return _error(job, error, origin), None
    except ENDED as error:
        if job.owner is not None:
            raise
        return _error(job, _foreign(job, error, f"; {NO_TEST}"), origin), None
    except Exception as error:  # a user's pipe: the other metrics of the check still count
        return _error(job, _foreign(job, error), origin), None
    return replace(gate, details={**gate.details, **origin}) if origin else gate, measurement


def _advisory(job: Job) -> bool:
    """Tell whether a metric only advises under what the user expects of the background."""
    from pytest_editmetrics.config.expect import EXPECTATIONS

    return job.expect is not None and job.config.metric.name in EXPECTATIONS[job.expect].advisory


def _fatal(job: Job) -> Mapping[SoftReason, str] | None:
    """Return the soft failures that fail the job's gate: those that what chose it rules out."""
    from pytest_editmetrics.config.expect import EXPECTATIONS

    if job.expect is None or not job.unnamed:
        return None
    return EXPECTATIONS[job.expect].fatal_of(job.config.metric.name)


def _told(job: Job) -> bool:
    """Tell whether what chose the metric states no bound for it."""
    from pytest_editmetrics.config.expect import is_told

    return job.unnamed and is_told(job.config.metric.name, job.expect)


def _address(session: EditSession, job: Job) -> GoldenAddress:
    path = session.rootdir / job.nodeid.partition("::")[0]
    test_file = path if job.owner is None else job.owner.path
    return session.goldens.address(
        test_file, job.test, job.config.metric.name, job.name, job.digest
    )


def _error(job: Job, error: EditMetricsError, details: Mapping[str, Any]) -> Gate:
    from pytest_editmetrics.gates.verdict import error_gate, held_to

    fetch = error.fetch if isinstance(error, MissingResourceError) else ()
    gate = error_gate(
        job.config.metric, str(error), name=job.name, region=job.pair.region, fetch=fetch
    )
    details = {**gate.details, **details}
    return held_to(replace(gate, scope=job.config.scope, details=details), job.explicit)


def exited(job: Job | Gate, error: BaseException) -> list[Gate]:
    """Return the gate of a job that the end of the session ended: it is in the results, too."""
    if not isinstance(job, Job) or not isinstance(error, EXIT):
        return []
    return [_error(job, _foreign(job, error), {})]


def _foreign(job: Job, error: BaseException, more: str = "") -> EditMetricsError:
    """Return what an exception of a pipe says, and the line it comes from."""
    from pytest_editmetrics.pipes.checkpoint import is_no_memory

    pipe = job.config.pipe_name
    frame = traceback.extract_tb(error.__traceback__)[-1]
    said = f"{pipe} raised {type(error).__name__}: {error} ({frame.filename}:{frame.lineno}){more}"
    if not is_no_memory(error):
        return EditMetricsError(said)
    height, width = job.pair.reference.shape[:2]
    return EditMetricsError(
        f"out of memory: {job.config.metric.name} of a {width}x{height} image: {said}. Release the"
        " editing model first, use a smaller image, or another device"
    )


def object_boxes(job: Job) -> Boxes:
    """Return the pipe's list of boxes: the reference's, then the edited image's."""
    metric = job.config.metric.name
    if job.object_coords is not None:
        half, odd = divmod(len(job.object_coords), 2)
        if odd:  # the pipe's to refuse
            return job.object_coords
        return job.pair.objects(job.object_coords[:half], job.object_coords[half:])
    if job.ref_boxes is None or job.edited_boxes is None:
        raise InputError(
            f"{metric} compares objects: give ref_boxes= and edited_boxes=, one box for each"
            " object in either image"
        )
    if len(job.ref_boxes) != len(job.edited_boxes):
        raise InputError(
            f"{metric} pairs objects in order: {len(job.ref_boxes)} ref_boxes do not pair with"
            f" {len(job.edited_boxes)} edited_boxes"
        )
    return job.pair.objects(job.ref_boxes, job.edited_boxes)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as JSON holds them; what it cannot hold is told by its text."""
    plain = {}
    for name, value in options.items():
        try:
            plain[name] = json.loads(json.dumps(value))
        except (TypeError, ValueError):
            plain[name] = repr(value)
    return plain
