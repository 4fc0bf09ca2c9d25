"""Measure the pairs of a manifest; results are written as they come and not held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import EditMetricsError, InputError, counted
from pytest_editmetrics.progress import track
from pytest_editmetrics.saved_runs.rows import Engine, Keep, RowScorer, no_success, outcome_of
from pytest_editmetrics.session.outputs import new_id, now, package_versions
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.config.manifest import Manifest
    from pytest_editmetrics.report.tally import RunningTally


@dataclass(frozen=True)
class Scored:
    """What became of a manifest; ``missing`` rows have no result, ``why`` tells what stopped it."""

    tally: RunningTally
    missing: int
    why: str | None


def check_rows(session: EditSession, manifest: Manifest, *, allow_unbounded: bool) -> int:
    """Read a manifest from end to end before anything is measured, and return its number of rows.

    Raises:
        ConfigError: see ``Manifest.rows``.
        InputError: a row that no bound holds, unless that is allowed: it could only pass.
    """
    total = 0
    for row in manifest.rows():
        total += 1
        for metric in () if allow_unbounded else row.metrics:
            expect = row.expect or session.settings.expect
            known = session.registry.metric(metric)
            held = session.settings.holds(known, expect, unnamed=row.unnamed)
            if metric not in row.thresholds and not held:
                where = session.settings.path or "editmetrics.yaml"
                raise InputError(
                    f"{row.where}: nothing holds {metric}: give the row `thresholds` or an"
                    f" `expect` that has one, the configuration a default ({where}), or"
                    " --allow-unbounded to record such values"
                )
    return total


def score_manifest(
    session: EditSession,
    manifest: Manifest,
    output: Path,
    engine: Engine,
    *,
    total: int,
    keep: Keep = "none",
    facts: Mapping[str, Any],
) -> Scored:
    """Measure every row and write the gates as a run.

    Args:
        session: of the project.
        manifest: its rows were checked.
        output: the run directory to write; an earlier run in it is replaced.
        engine: measures them.
        total: the number of rows; fewer results than that are a run that was cut off.
        keep: of which gates images are kept.
        facts: what the session line tells of the manifest besides.

    Raises:
        EditMetricsError: the output cannot be written.
    """
    from pytest_editmetrics.report.tally import RunningTally
    from pytest_editmetrics.runs.writing import RunDir, RunResults

    tally = RunningTally()
    head = {"id": new_id(), "manifest": {"path": manifest.shown, "rows": total, **facts}}
    seen: set[str] = set()
    why = None
    with RunResults(RunDir(output), package_versions(), now(), **head) as results:
        try:
            scorer = RowScorer(session, keep, output)
            for outcome in track(engine(scorer, manifest.rows(), total), "scoring", total):
                if outcome.nodeid in seen:
                    raise EditMetricsError(f"{outcome.nodeid} was measured twice")
                seen.add(outcome.nodeid)
                ended = outcome_of(outcome.gates)
                for gate in outcome.gates:
                    results.gate(outcome.nodeid, 1, True, ended, gate)
                tally.add(outcome.nodeid, outcome.gates)
        except EditMetricsError as error:
            why = str(error)
        if why is None and len(seen) == total:
            results.begin()
            results.close(tally.counts())
    return Scored(tally, total - len(seen), why)


def problems(session: EditSession, scored: Scored) -> list[str]:
    """Say why a scored manifest is no success; nothing if it is one."""
    found = [] if scored.why is None else [f"scoring stopped: {scored.why}"]
    if scored.missing:
        found.append(
            f"the run was cut off: {counted(scored.missing, 'row has', 'rows have')} no result"
        )
    return found + no_success(session, scored.tally)
