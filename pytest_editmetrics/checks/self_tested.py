"""The self-tests of one test: what a golden image of it holds of an edit, whichever came first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_editmetrics.checks.image_job import ImageJob
from pytest_editmetrics.checks.judge import Job
from pytest_editmetrics.checks.pairs import Pair
from pytest_editmetrics.checks.selftest import (
    SELFTEST_PAGE,
    Noticed,
    also_by,
    selftest,
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
    with session.clock.gate(f"{jobs[0].nodeid}: {SELFTEST}", SELFTEST):
        noticed = selftest(session, jobs, gates, golden_images=images)
    gate = record.add(_selftest_gate(noticed, jobs[0].name, gates[0].region))
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
    with session.clock.gate(label, SELFTEST):
        noticed = selftest_image(session, job, gates)
    gate = record.add(_selftest_gate(noticed, _image_case(gates[0].name), gates[0].region))
    if noticed.caught:
        for edit in [one for one in _kept(record) if isinstance(one, _Edit)]:
            with session.clock.gate(label, SELFTEST):
                edit.noticed = also_by(session, job, edit.pair, edit.noticed)
            if edit.noticed.held and isinstance(record, TestRecord):
                made = _selftest_gate(edit.noticed, edit.gate.name, edit.gate.region)
                edit.gate = record.amend(edit.gate, made)
        _kept(record).append(job)
    return gate


def _kept(record: TestRecord | FixtureRecord) -> list[object]:
    """Return what self-tests keep for later ones of the same test; of a wider fixture nothing."""
    return record.self_tested if isinstance(record, TestRecord) else []


def _image_case(name: str | None) -> str:
    """Return what the self-test of a golden image is called, apart from an edit's of this name."""
    return "golden_image" if name is None else f"golden_image:{name}"


def _selftest_gate(noticed: Noticed, name: str | None, region: Mapping[str, Any]) -> Gate:
    """Return what was noticed as a gate of its own.

    It fails if the case is blind and is unmeasured if nothing could be tried, which makes no xfail.
    """
    if noticed.why is not None:
        return Gate(
            metric=SELFTEST,
            verdict="error" if noticed.broken else "unmeasured",
            better="higher",
            compares="gates",
            name=name,
            reason=None if noticed.broken else "not-tried",
            message=noticed.why,
            region=region,
            details={} if noticed.broken else {"unnamed": True},
        )
    share, least = len(noticed.caught) / noticed.tried, 1 / noticed.tried
    return Gate(
        metric=SELFTEST,
        verdict="fail" if noticed.blind else "pass",
        better="higher",
        compares="gates",
        name=name,
        value=share,
        bound_kind="min",
        bound=least,
        origin="argument",
        source="--editmetrics-selftest",
        distance=least - share,
        region=region,
        details={
            "caught": noticed.caught,
            "since": noticed.since,
            "let_through": noticed.let_through,
            "untried": noticed.untried,
            **({"held": noticed.held} if noticed.held else {}),
            **({"wrong_edit": noticed.wrong_edits} if noticed.wrong_edits else {}),
            "advice": "tighten a bound, or measure a metric that sees one of them (which does:"
            f" {SELFTEST_PAGE})",
        },
    )
