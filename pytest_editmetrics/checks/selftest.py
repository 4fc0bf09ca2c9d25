"""Would the gates notice? Faults are put into a case's edited image and its gates judged again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from pytest_editmetrics.background.faults import EXCHANGED, FAULTS, Fault, Place, exchanged
from pytest_editmetrics.checks.judge import Job, judged_only, object_boxes
from pytest_editmetrics.errors import EditMetricsError, MissingResourceError, RegionError
from pytest_editmetrics.gates.other_golden import edit_lost
from pytest_editmetrics.images.boxes import clip_box, normalise_boxes
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.checks.image_job import ImageJob
    from pytest_editmetrics.checks.pairs import Pair
    from pytest_editmetrics.config.golden_images import Comparator
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.images.load import Array
    from pytest_editmetrics.images.regions import Mask

_FAILS = "a gate fails already"
THIS_TEST = "this test"
"""Whose golden image it is that holds a wrong edit, if no other test's."""
SELFTEST_PAGE = "docs/how-to/selftest.md"
"""The page that says which faults are put in, and what helps where none is noticed."""


@dataclass(frozen=True)
class Noticed:
    """Which faults a case's gates noticed.

    ``caught`` maps a fault to the metrics that failed at the weakest strength that failed any, and
    ``since`` to that strength in words; ``let_through`` changed the image and failed none, however
    strong; ``untried`` could not be put into this image, or changed nothing in it. ``held`` maps a
    wrong edit that these gates let through to what notices it of the golden images of the very
    picture, by whose they are: ``THIS_TEST``, or the id of another. ``why`` is why nothing is known
    of the case, else ``None``; ``broken`` tells that it is an error.
    """

    caught: dict[str, list[str]] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)
    let_through: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)
    held: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    why: str | None = None
    broken: bool = False

    @property
    def tried(self) -> int:
        """How many faults were put into the image."""
        return len(self.caught) + len(self.held) + len(self.let_through)

    @property
    def blind(self) -> bool:
        """Whether faults were tried and not one was caught."""
        return self.tried > 0 and not self.caught

    @property
    def wrong_edits(self) -> list[str]:
        """What was let through of the faults that stand for a wrong edit."""
        return [name for name in self.let_through if name in FAULTS["wrong"]]

    @property
    def caught_from(self) -> list[str]:
        """What was caught, each with its weakest strength, as ``shift from 1 px``."""
        return [
            f"{fault} from {since}" if (since := self.since[fault]) else fault
            for fault in self.caught
        ]


class _NoVerdict(Exception):
    """A gate that could not be judged: nothing is known of the case."""


@dataclass(frozen=True)
class _Trial:
    """What faults are put into: an edited image, where each kind of them goes, and who judges.

    ``fails`` takes a faulty image and returns the metrics that fail; it raises ``_NoVerdict``.
    """

    edited: Array
    reference: Array
    where: Mapping[Place, Mask]
    fails: Callable[[Array], list[str]]
    only: Mapping[str, Fault] | None = None
    other_edit: Fault | None = None

    def faults(self) -> Iterable[tuple[str, Fault, Mask]]:
        """Yield the faults of these places, each once, or ``only`` some of them."""
        found: dict[str, tuple[Fault, Mask]] = {}
        for place, where in self.where.items():
            for name, fault in FAULTS[place].items():
                if name == EXCHANGED and self.other_edit is not None:
                    found[name] = self.other_edit, where
                elif self.only is None:
                    found.setdefault(name, (fault, where))
                elif name in self.only:
                    found[name] = self.only[name], where
        for name, (fault, where) in found.items():
            yield name, fault, where

    def noticed(self) -> Noticed:
        """Put every fault in, from weak to strong until a gate fails.

        Bounds may be others than those that the gates passed: what fails without a fault is not
        tried.
        """
        if self.fails(self.edited):
            return Noticed(why=_FAILS)
        found = Noticed()
        for name, fault, where in self.faults():
            tried = False
            for strength in fault.strengths:
                made = fault.put(self.edited, self.reference, where, strength)
                if made is None:
                    continue
                tried = True
                if failing := self.fails(made):
                    found.caught[name] = failing
                    found.since[name] = fault.named(strength)
                    break
            if name not in found.caught:
                (found.let_through if tried else found.untried).append(name)
        if found.caught or found.let_through:
            return found
        return replace(found, why="no fault finds room in this image")


def selftest(
    session: EditSession,
    jobs: Sequence[Job],
    gates: Sequence[Gate],
    other_edit: Array | None = None,
    golden_images: Iterable[ImageJob] = (),
    of_others: Iterable[tuple[str, ImageJob]] = (),
) -> Noticed:
    """Put the faults that a case should notice into its edited image and judge its gates again.

    A wrong edit in its edit area is among them, whether a gate looks there or not: who reads that
    all were noticed takes the edit for held.

    Args:
        session: of the project.
        jobs: of one case: its metrics, all of the same pair.
        gates: what they came to without a fault.
        other_edit: what the edit area of another case holds.
        golden_images: of the same test. One of the very picture is put the wrong edits, too, that
            the gates let through.
        of_others: golden images of other tests, each with its test's id; asked for what none before
            holds.

    Returns:
        What was noticed. A case with a failing gate notices nothing more, one whose gates were
        all unmeasured or recorded holds nothing: neither is tried.
    """
    other = None if other_edit is None else exchanged(other_edit)
    if (untried := _not_tried(gates)) is not None:
        return untried
    noticed = _tried(session, jobs, wrong_edits=True, other_edit=other)
    for job in golden_images:
        noticed = also_by(session, job, jobs[0].pair, noticed, other)
    if noticed.wrong_edits:
        for test, job in of_others:
            noticed = also_by(session, job, jobs[0].pair, noticed, other, test)
            if not noticed.wrong_edits:
                break
    return noticed


def also_by(
    session: EditSession,
    job: ImageJob,
    pair: Pair,
    noticed: Noticed,
    other_edit: Fault | None = None,
    test: str = THIS_TEST,
) -> Noticed:
    """Return what was noticed, with what a golden image of a test holds of wrong edits."""
    wrong = {name: FAULTS["wrong"][name] for name in [*noticed.held, *noticed.wrong_edits]}
    if not wrong:
        return noticed
    if other_edit is not None and EXCHANGED in wrong:
        wrong[EXCHANGED] = other_edit
    held = dict(noticed.held)
    for name, by in _held(session, job, pair, wrong).items():
        of = held.get(name, {})
        held[name] = {**of, test: [*of.get(test, ()), *by]}
    left = [name for name in noticed.let_through if name not in held]
    return replace(noticed, let_through=left, held=held)


def _held(
    session: EditSession, job: ImageJob, pair: Pair, wrong: Mapping[str, Fault]
) -> Mapping[str, list[str]]:
    """Return which wrong edits of a pair a golden image notices, if it is of the very picture."""
    try:
        trial = _image_trial(session, job, [])
        if not np.array_equal(trial.edited, pair.edited):
            return {}
        places: Mapping[Place, Mask] = {"wrong": pair.inside}
        trial = replace(trial, reference=pair.reference, where=places, only=wrong)
        caught = trial.noticed().caught
    except EditMetricsError:  # its own case says so
        return {}
    name = "" if job.address.name is None else f"@{job.address.name}"
    return {fault: [f"{metric}{name}" for metric in by] for fault, by in caught.items()}


def selftest_image(session: EditSession, job: ImageJob, gates: Sequence[Gate]) -> Noticed:
    """Put faults into an image that has a golden, and compare it again; else as ``selftest``.

    A fault is noticed if any comparator of the job fails.
    """
    return _not_tried(gates) or _try_image(session, job)


def _not_tried(gates: Sequence[Gate]) -> Noticed | None:
    if any(gate.failing for gate in gates):
        return Noticed(why=_FAILS)
    if not any(gate.verdict in ("pass", "review") for gate in gates):
        return Noticed(why="no gate holds a measured value to a bound")
    return None


def try_faults(
    session: EditSession, jobs: Sequence[Job], only: Mapping[str, Fault] | None = None
) -> Noticed:
    """Put faults into the edited image of jobs that share a pair, and judge the jobs.

    A gate of the background is tried with faults of the background, one of the edit area or of
    objects with what may happen to these. A gate that cannot be judged (weights are missing) lets
    nothing through: nothing is known then, unless it is one that may be skipped and another gate
    notices.
    """
    return _tried(session, jobs, only)


def _tried(
    session: EditSession,
    jobs: Sequence[Job],
    only: Mapping[str, Fault] | None = None,
    *,
    wrong_edits: bool = False,
    other_edit: Fault | None = None,
) -> Noticed:
    pair = jobs[0].pair
    where = _where(jobs)
    if wrong_edits and pair.inside.any():
        where["wrong"] = pair.inside
    skipped: list[str] = []

    def fails(made: Array) -> list[str]:
        failing, faulty = [], replace(pair, edited=made)
        for job in jobs:
            gate = judged_only(session, replace(job, pair=faulty))
            no_verdict = f"{gate.label} could not be judged: {gate.message}"
            if gate.verdict == "error" and not edit_lost(gate):
                raise _NoVerdict(no_verdict)
            if gate.reason == "skipped-missing":
                skipped.append(no_verdict)
            elif gate.verdict in ("fail", "error"):
                failing.append(gate.metric)
        return failing

    try:
        trial = _Trial(pair.edited, pair.reference, where, fails, only, other_edit)
        found = trial.noticed()
    except (_NoVerdict, EditMetricsError) as error:
        return Noticed(why=str(error), broken=True)
    if skipped and not found.caught:
        return Noticed(why=skipped[0])
    return found


def _where(jobs: Sequence[Job]) -> dict[Place, Mask]:
    """Return what each kind of gate among these looks at in the edited image."""
    inside = jobs[0].pair.inside
    found: dict[Place, Mask] = {}
    for job in jobs:
        if job.config.metric.compares == "objects":
            found["objects"] = found.get("objects", np.zeros_like(inside)) | _objects(job)
        elif job.config.scope == "edit_area":
            found["edit" if job.config.metric.asks == "change" else "area"] = inside
        else:
            found["background"] = ~inside
    return found


def _objects(job: Job) -> Mask:
    """Return the pixels of the objects' boxes in the edited image."""
    height, width = job.pair.inside.shape
    found: Mask = np.zeros((height, width), np.bool_)
    try:
        boxes = object_boxes(job)
        for box in normalise_boxes(boxes[len(boxes) // 2 :], "edited_boxes"):
            if (seen := clip_box(box, width, height)) is not None:
                x1, y1, x2, y2 = seen
                found[y1:y2, x1:x2] = True
    except RegionError:  # the gate itself says so
        pass
    return found


def _try_image(session: EditSession, job: ImageJob) -> Noticed:
    skipped: list[str] = []
    try:
        found = _image_trial(session, job, skipped).noticed()
    except EditMetricsError as error:
        return Noticed(why=str(error), broken=True)
    return Noticed(why=skipped[0]) if skipped and not found.caught else found


def _image_trial(session: EditSession, job: ImageJob, skipped: list[str]) -> _Trial:
    """Return what faults are put into of an image that has a golden.

    ``skipped`` takes why a comparator did not compare that may be skipped.

    Raises:
        EditMetricsError: the image, or its golden, cannot be read; the trial raises it, too.
    """
    from pytest_editmetrics.checks.image_job import run_job
    from pytest_editmetrics.checks.image_prepared import prepared
    from pytest_editmetrics.config.golden_images import image_metric
    from pytest_editmetrics.gates.verdict import skipped_gate
    from pytest_editmetrics.images.channels import as_rgb, with_rgb

    skips = session.options["skip-missing"]

    def not_compared(comparator: Comparator, error: Exception) -> Gate:
        if not isinstance(error, MissingResourceError) or error.pipe not in skips:
            raise error
        skipped.append(str(error))
        return skipped_gate(image_metric(comparator), str(error), fetch=error.fetch)

    judged = replace(job, judged_only=True, failed=not_compared)
    image = prepared(job.image, job.coords, job.scope, job.colour)
    pixels = image.decoded.pixels

    def fails(made: Array) -> list[str]:
        # as an image, since the axes of a small array could be taken for one another
        faulty = replace(judged, image=Image.fromarray(with_rgb(pixels, made)))
        gates = run_job(session, faulty).gates
        return [gate.metric for gate in gates if gate.verdict == "fail"]

    shown = as_rgb(pixels)
    return _Trial(shown, shown, {"image": image.mask}, fails)
