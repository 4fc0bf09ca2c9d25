"""From which strength of a fault the gates of an expectation fail, on photos that are at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from pytest_editmetrics.background.faults import OF_AN_EXPECTATION, Fault
from pytest_editmetrics.checks.judge import Job, judged_only
from pytest_editmetrics.checks.pairs import pair_of
from pytest_editmetrics.checks.selftest import try_faults
from pytest_editmetrics.config.expect import EXPECTATIONS, Expect
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.session.state import EditSession

EDGE = 256
"""The longer side of the photos that the faults are put into."""


@dataclass(frozen=True)
class Strength:
    """What a fault comes to: the strengths from which on it fails one photo, and all of them.

    ``None`` where it does at no strength that was tried. ``by`` are the metrics that fail at the
    first of them.
    """

    fault: Fault
    on_one: float | None
    on_all: float | None
    by: tuple[str, ...]


def strengths(session: EditSession, expect: Expect) -> Iterator[Strength]:
    """Give what each fault comes to under an expectation, with the bounds that hold in a project.

    Every fault of ``background.faults.OF_AN_EXPECTATION`` is put, at each of its strengths, into an
    edit that is clean: two photos, a box of them inverted.

    Raises:
        EditMetricsError: a gate cannot be judged, or fails what is clean.
    """
    every = [list(_jobs(session, expect, number)) for number in range(2)]
    for jobs in every:
        for job in jobs:
            gate = judged_only(session, job)
            if gate.failing:
                raise EditMetricsError(
                    f"{gate.label} is {gate.verdict} before there is a fault"
                    f" ({gate.message or gate.value}): the bounds of this project let nothing pass"
                )
    for name, fault in OF_AN_EXPECTATION.items():
        caught = [dict(_caught(session, jobs, name, fault)) for jobs in every]
        from_ = [_from(fault, of_photo) for of_photo in caught]
        some = [strength for strength in from_ if strength is not None]
        at = min(some, key=fault.strengths.index, default=None)
        all_fail = max(some, key=fault.strengths.index) if len(some) == len(from_) else None
        by = dict.fromkeys(metric for one in caught for metric in one.get(at or 0, ()))
        yield Strength(fault, at, all_fail, tuple(by))


def _caught(
    session: EditSession, jobs: list[Job], name: str, fault: Fault
) -> Iterable[tuple[float, list[str]]]:
    for strength in fault.strengths:
        noticed = try_faults(session, jobs, {name: fault.at(strength)})
        if noticed.broken:
            raise EditMetricsError(str(noticed.why))
        if name in noticed.caught:
            yield strength, noticed.caught[name]


def _from(fault: Fault, caught: dict[float, list[str]]) -> float | None:
    """Return the strength from which on all are caught."""
    first = None
    for strength in reversed(fault.strengths):
        if strength not in caught:
            break
        first = strength
    return first


def _jobs(session: EditSession, expect: Expect, number: int) -> Iterator[Job]:
    from PIL import Image

    from pytest_editmetrics.pipes.witness.checkup import photos

    photo = photos()[number]
    picture = Image.fromarray(photo.image)
    scale = EDGE / max(picture.size)
    picture.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    before = np.asarray(picture)
    x1, y1, x2, y2 = (round(edge * scale) for edge in photo.box)
    after = before.copy()
    after[y1:y2, x1:x2] = 255 - after[y1:y2, x1:x2]
    pair = pair_of(before, after, area=[(x1, y1, x2, y2)])
    for metric in EXPECTATIONS[expect].metrics:
        config = session.settings.metric_configs[metric]
        job = Job("editmetrics expect", "", config, pair, golden=False, expect=expect)
        yield replace(job, unnamed=True)
