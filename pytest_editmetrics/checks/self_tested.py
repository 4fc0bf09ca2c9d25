"""The self-tests of one test: what a golden image of it holds of an edit, whichever came first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_editmetrics.checks.image_job import ImageJob
from pytest_editmetrics.checks.judge import Job
from pytest_editmetrics.checks.pairs import Pair
from pytest_editmetrics.checks.selftest import (
    Noticed,
    also_by,
    image_case,
    selftest,
    selftest_gate,
    selftest_image,
)
from pytest_editmetrics.gates.verdict import SELFTEST, Gate
from pytest_editmetrics.session.fixture_record import FixtureRecord
from pytest_editmetrics.session.record import TestRecord
from pytest_editmetrics.session.state import EditSession


@dataclass
class _Edit:
    """An edit whose gates let a wrong edit through, as far as is known."""

    pair: Pair
    noticed: Noticed
    gate: Gate


def add_edit(
    session: EditSession,
    record: TestRecord | FixtureRecord,
    jobs: Sequence[Job],
    gates: Sequence[Gate],
) -> Gate:
    """Record, as a gate, whether the gates of a check would notice a fault."""
    images = [one for one in _kept(record) if isinstance(one, ImageJob)]
    with session.clock.gate(f"{jobs[0].nodeid}: {SELFTEST}"):
        noticed = selftest(session, jobs, gates, golden_images=images)
    gate = record.add(selftest_gate(noticed, jobs[0].name, gates[0].region))
    if noticed.wrong_edits:
        _kept(record).append(_Edit(jobs[0].pair, noticed, gate))
    return gate


def add_image(
    session: EditSession,
    record: TestRecord | FixtureRecord,
    job: ImageJob,
    gates: Sequence[Gate],
) -> Gate:
    """Record, as a gate, whether a comparison with a golden image would notice a fault.

    What it holds of an edit that came before is told with that.
    """
    label = f"{record.item.nodeid}: {SELFTEST}"
    with session.clock.gate(label):
        noticed = selftest_image(session, job, gates)
    gate = record.add(selftest_gate(noticed, image_case(gates[0].name), gates[0].region))
    if noticed.caught:
        for edit in [one for one in _kept(record) if isinstance(one, _Edit)]:
            with session.clock.gate(label):
                edit.noticed = also_by(session, job, edit.pair, edit.noticed)
            if edit.noticed.held and isinstance(record, TestRecord):
                made = selftest_gate(edit.noticed, edit.gate.name, edit.gate.region)
                edit.gate = record.amend(edit.gate, made)
        _kept(record).append(job)
    return gate


def _kept(record: TestRecord | FixtureRecord) -> list[object]:
    """Return what self-tests keep for later ones of the same test; of a wider fixture nothing."""
    return record.self_tested if isinstance(record, TestRecord) else []
