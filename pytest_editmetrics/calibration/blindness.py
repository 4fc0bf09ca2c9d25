"""Whether the bounds that a calibration proposes would still notice a fault, or a broken pair."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.background.faults import grossly_broken
from pytest_editmetrics.calibration.tolerance import assumption_free_runs
from pytest_editmetrics.calibration.values import Calibrated, Calibration, Demand
from pytest_editmetrics.checks.judge import Job, judged_only
from pytest_editmetrics.checks.selftest import SELFTEST_PAGE, try_faults
from pytest_editmetrics.errors import EditMetricsError, counted
from pytest_editmetrics.measurement import Threshold, bound_kind_of
from pytest_editmetrics.progress import track
from pytest_editmetrics.report.numbers import significant
from pytest_editmetrics.runs.folder import IMAGES, GateRecord, Run
from pytest_editmetrics.saved_runs.score import area_of, job_of
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.checks.pairs import Pair
    from pytest_editmetrics.gates.verdict import Gate

_SIZE = 256  # pixels, of a made picture for a gate that keeps no size
_COARSE = 16  # pixels: how large the patches of a made picture are

NO_IMAGES = "the runs keep no images of them; give run directories"


_Check = tuple[str, "str | None"]
_One = tuple[str, str, "str | None"]


@dataclass
class _Tests:
    """What is done to proposals, and what could not be done, by the reason.

    ``caught`` are the faults that the gates of a check notice, together; ``let_through`` are those
    that a blind gate does not.
    """

    session: EditSession
    demand: Demand
    faults: bool
    records: Mapping[_One, Sequence[tuple[Run, GateRecord]]]
    untested: Counter[str] = field(default_factory=Counter)
    unbroken: Counter[str] = field(default_factory=Counter)
    made: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    caught: dict[_Check, set[str]] = field(default_factory=dict)
    let_through: dict[_One, Sequence[str]] = field(default_factory=dict)


def tested_bounds(
    session: EditSession, runs: Mapping[str, Run], found: Calibration, *, faults: bool
) -> tuple[Calibration, list[str]]:
    """Return the calibration without bounds that hold for ever, and with a word at blind ones.

    A bound that holds on every grossly broken pair is refused: of the images that the runs keep, or
    of a made picture with the gate's size and boxes. With ``faults`` a bound that notices none of
    the self-test's faults, put into kept images, gets a warning, unless the other proposals of its
    check notice them all. The lines say what could not be tested, and why.
    """
    records = defaultdict(list)
    for run in runs.values():
        for record in run.gates:
            if record.final:
                gate = record.gate
                records[record.nodeid, gate.metric, gate.name].append((run, record))
    tests = _Tests(session, found.demand, faults, records)
    gates = [
        one if one.bound is None else _tested(tests, one)
        for one in track(list(found.gates), "selftest" if faults else "broken pairs")
    ]
    lines = [
        f"{counted(count, 'gate was', 'gates were')} not {done}: {why}"
        for done, reasons in (
            ("self-tested", tests.untested),
            ("held to a grossly broken pair", tests.unbroken),
        )
        for why, count in reasons.items()
    ]
    return replace(found, gates=tuple(_warned(tests, one) for one in gates)), lines


def _tested(tests: _Tests, one: Calibrated) -> Calibrated:
    proposal, job, why = _proposal(one), None, NO_IMAGES
    for found in _kept_jobs(tests, one):
        if isinstance(found, str):  # another run may have what this one lacks
            why = found
            continue
        job = found
        if not tests.faults:
            break
        noticed = try_faults(tests.session, [replace(job, explicit=proposal)])
        if noticed.caught:
            if one.left is None:
                tests.caught.setdefault((one.nodeid, one.gate.name), set()).update(noticed.caught)
            return one
        if noticed.why is None:
            tests.let_through[_key(one)] = noticed.let_through
            return _refused(tests, one, job) or one
        why = noticed.why
    if tests.faults:
        tests.untested[why] += 1
    return _refused(tests, one, job) or one


def _proposal(one: Calibrated) -> Threshold:
    assert one.bound is not None
    return Threshold(bound_kind_of(one.gate.better), one.bound, "golden", "the proposal")


def _kept_jobs(tests: _Tests, one: Calibrated) -> Iterator[Job | str]:
    """Yield what measures the images that the runs keep again, or why that cannot be."""
    for run, record in tests.records[one.nodeid, one.gate.metric, one.gate.name]:
        if record.gate.images and (run.path / IMAGES).is_dir():
            try:
                yield job_of(tests.session, run, record, configured=False)
            except EditMetricsError as error:
                yield str(error)


def _refused(tests: _Tests, one: Calibrated, job: Job | None) -> Calibrated | None:
    """Return the gate without its bound if that would hold for ever, else ``None``."""
    proposal = _proposal(one)
    try:
        values = _broken_values(tests, job) if job else _of_made_picture(tests, one)
        told = []
        for name, value in values:
            if not proposal.holds(value):
                return None
            told.append((name, value))
    except EditMetricsError as error:
        tests.unbroken[str(error)] += 1
        return None
    if not told:
        tests.unbroken["none of them can be measured"] += 1
        return None
    name, value = max(told, key=lambda pair: proposal.distance(pair[1]))
    runs = assumption_free_runs(tests.demand.coverage, tests.demand.confidence)
    remedy = f"Give more runs ({runs} need no assumption), or look at why the values vary"
    if one.by_margin:
        remedy = "The smallest margin reaches that far, not the runs: give a smaller --min-margin"
    why = (
        f"a {proposal.kind} of {proposal.bound:.12g} holds for ever: a grossly broken pair gives"
        f" {significant(value, 4)} ({name}). {remedy}"
    )
    left = why if one.left is None else f"{one.left}; {why}"
    return replace(one, bound=None, proposal=None, left=left)


def _broken_values(tests: _Tests, job: Job) -> Iterator[tuple[str, float]]:
    """Yield what a job's metric gives on pairs that are grossly broken.

    Raises:
        EditMetricsError: it cannot be measured at all.
    """
    pair = job.pair
    for name, made in grossly_broken(pair.edited, pair.reference):
        gate = judged_only(
            tests.session, replace(job, pair=replace(pair, edited=made), golden=False)
        )
        if gate.verdict == "error" or gate.reason == "skipped-missing":
            raise EditMetricsError(f"{gate.label} could not be judged: {gate.message}")
        if gate.value is not None:
            yield name, gate.value


def _of_made_picture(tests: _Tests, one: Calibrated) -> list[tuple[str, float]]:
    """Return the same of a made picture; gates alike are measured once."""
    gate = one.gate
    region = {key: gate.region.get(key) for key in ("coords", "ref_boxes", "edited_boxes")}
    size = (gate.region.get("width"), gate.region.get("height"))
    key = repr((gate.metric, gate.scope, region, size, gate.details.get("options")))
    if key not in tests.made:
        run, record = tests.records[one.nodeid, one.gate.metric, one.gate.name][0]
        job = job_of(tests.session, run, record, configured=False, pair=_made_pair(gate))
        tests.made[key] = list(_broken_values(tests, job))
    return tests.made[key]


def _made_pair(gate: Gate) -> Pair:
    """Return a picture of coloured patches, in the gate's size and with its boxes, unedited."""
    import numpy as np
    from PIL import Image

    from pytest_editmetrics.checks.pairs import pair_of

    width, height = (gate.region.get(side) or _SIZE for side in ("width", "height"))
    rows, columns = -(-height // _COARSE), -(-width // _COARSE)
    patches = np.random.default_rng(0).integers(30, 226, (rows, columns, 3), dtype=np.uint8)
    picture = Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)
    options: dict[str, Any] = {
        which: gate.region.get(which) for which in ("ref_boxes", "edited_boxes")
    }
    return pair_of(picture, picture.copy(), area=area_of(gate), **options)


def _key(one: Calibrated) -> _One:
    return one.nodeid, one.gate.label, one.env


def _warned(tests: _Tests, one: Calibrated) -> Calibrated:
    """Return a gate with a word at what neither it nor another gate of its check notices."""
    let_through = tests.let_through.get(_key(one), ())
    noticed = tests.caught.get((one.nodeid, one.gate.name), set())
    left = [fault for fault in let_through if fault not in noticed]
    if not left or one.bound is None:
        return one
    faults = counted(len(let_through), "fault")
    which = f" ({', '.join(left)})"
    if len(left) < len(let_through):
        which = f", nor any other gate of this check{which[:-1]})"
    warning = (
        f"blind: a gate with this bound notices none of {faults}{which}; what helps:"
        f" {SELFTEST_PAGE}"
    )
    return replace(one, warnings=(*one.warnings, warning))
