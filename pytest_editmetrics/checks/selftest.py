"""Would the gates notice? Faults are put into a case's edited image and its gates judged again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_editmetrics.background.faults import FAULTS, Fault
from pytest_editmetrics.checks.judge import Job, judged_only
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate


@dataclass(frozen=True)
class Noticed:
    """Which faults a case's gates noticed.

    ``caught`` maps a fault to the metrics that failed; ``let_through`` changed the image and failed
    none; ``untried`` could not be put into this image, or changed nothing in it. ``why`` is why
    nothing is known of the case, else ``None``; ``broken`` tells that it is an error.
    """

    caught: dict[str, list[str]]
    let_through: list[str]
    untried: list[str]
    why: str | None = None
    broken: bool = False

    @property
    def tried(self) -> int:
        """How many faults were put into the image."""
        return len(self.caught) + len(self.let_through)

    @property
    def blind(self) -> bool:
        """Whether faults were tried and not one was caught."""
        return bool(self.let_through) and not self.caught


def selftest(session: EditSession, jobs: Sequence[Job], gates: Sequence[Gate]) -> Noticed:
    """Put every fault into the edited image of a case and judge the case's gates again.

    Args:
        session: of the project.
        jobs: of one case: its metrics, all of the same pair.
        gates: what they came to without a fault.

    Returns:
        What was noticed. A case with a failing gate notices nothing more, one whose gates were
        all unmeasured or recorded holds nothing: neither is tried.
    """
    if any(gate.failing for gate in gates):
        return Noticed({}, [], list(FAULTS), "a gate fails already")
    if not any(gate.verdict in ("pass", "review") for gate in gates):
        return Noticed({}, [], list(FAULTS), "no gate holds a measured value to a bound")
    return try_faults(session, jobs)


def try_faults(
    session: EditSession, jobs: Sequence[Job], faults: Mapping[str, Fault] = FAULTS
) -> Noticed:
    """Put every fault into the edited image of jobs that share a pair, and judge the jobs.

    A gate that gives no verdict (weights are missing) lets nothing through: nothing is known then,
    unless it is one that may be skipped and another gate notices.
    """
    pair = jobs[0].pair
    caught: dict[str, list[str]] = {}
    let_through, untried = [], []
    skipped: str | None = None
    for name, fault in faults.items():
        made = fault.make(pair.reference, pair.edited, pair.inside)
        if made is None or np.array_equal(made, pair.edited):
            untried.append(name)
            continue
        faulty = replace(pair, edited=np.ascontiguousarray(made))
        failing = []
        for job in jobs:
            gate = judged_only(session, replace(job, pair=faulty))
            no_verdict = f"{gate.label} could not be judged: {gate.message}"
            if gate.verdict == "error":
                return Noticed({}, [], list(faults), no_verdict, broken=True)
            if gate.reason == "skipped-missing":
                skipped = no_verdict
            elif gate.verdict == "fail":
                failing.append(gate.metric)
        if failing:
            caught[name] = failing
        else:
            let_through.append(name)
    if skipped is not None and not caught:
        return Noticed({}, [], list(faults), skipped)
    why = None if caught or let_through else "no fault finds room in this image"
    return Noticed(caught, let_through, untried, why)


def selftest_gate(noticed: Noticed, name: str | None, region: Mapping[str, Any]) -> Gate:
    """Return what was noticed as a gate of its own.

    It fails if the case is blind and is unmeasured if nothing could be tried, which makes no xfail.
    """
    from pytest_editmetrics.gates.verdict import SELFTEST, Gate

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
            "let_through": noticed.let_through,
            "untried": noticed.untried,
            "advice": "tighten a bound, or measure a metric that sees one of them; see"
            " docs/selftest.md",
        },
    )
