"""Golden thresholds from repeated runs: by how much each gate varies, and what bound allows it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_editmetrics.calibration.doubts import APART, doubts, groups_apart, too_wide
from pytest_editmetrics.calibration.golden_images import image_text
from pytest_editmetrics.calibration.tolerance import check_shares, scale_of, tolerance_bound
from pytest_editmetrics.calibration.values import Calibrated, Calibration, Demand
from pytest_editmetrics.config.expect import check_expect
from pytest_editmetrics.errors import EditMetricsError, InputError, counted
from pytest_editmetrics.gates.other_golden import Seen, edit_lost
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.gates.written import proposal_of
from pytest_editmetrics.goldens.environment import CPU, Environment, environment_name
from pytest_editmetrics.goldens.recording import recorded_bound
from pytest_editmetrics.measurement import (
    GOLDEN_IMAGE,
    Margin,
    Metric,
    Threshold,
    bound_kind_of,
)
from pytest_editmetrics.runs.folder import GateRecord, Run, sessions_of
from pytest_editmetrics.saved_runs.acceptance import beyond_default, bound_elsewhere
from pytest_editmetrics.saved_runs.approve import selected
from pytest_editmetrics.saved_runs.golden_places import GoldenPlaces
from pytest_editmetrics.saved_runs.reviewed import Reviewed
from pytest_editmetrics.suites.compare import final_gates, way_of, weights_of
from pytest_editmetrics.suites.gone import Key, is_measured
from pytest_editmetrics.suites.pairs import Bound

if TYPE_CHECKING:
    from pytest_editmetrics.session.state import EditSession


@dataclass(frozen=True)
class _Series:
    """A gate's measurements of one environment, by run; ``warnings`` are what is missing."""

    key: Key
    env: str | None
    records: Mapping[str, GateRecord]
    present: Threshold | None
    warnings: tuple[str, ...]

    @property
    def last(self) -> GateRecord:
        return list(self.records.values())[-1]

    @property
    def label(self) -> str:
        return f"{self.key[0]} {self.last.gate.label}"

    def by(self, told: Mapping[str, str]) -> str:
        """Return what was told of each run, as ``cpu (a, b) and NVIDIA H100 (c)``."""
        runs: dict[str, list[str]] = {}
        for run, text in told.items():
            runs.setdefault(text, []).append(run)
        return " and ".join(f"{text} ({', '.join(names)})" for text, names in runs.items())


def calibrate(
    session: EditSession, runs: Mapping[str, Run], demand: Demand, expression: str | None = None
) -> Calibration:
    """Propose a bound for every gate that the runs measured more than once.

    Args:
        session: the project: metrics, margins, present goldens.
        runs: repeated runs of it, by the name they are called in messages; their values of a gate
            must be independent of each other.
        demand: what the bounds must keep.
        expression: which gates, as for ``selected``.

    Raises:
        InputError: fewer than two runs, a run twice, a share or margin that makes no sense.
        EditMetricsError: the runs measured a gate with other weights or parameters, or on other
            devices without a variant of their own; they are not of this project; or what was
            decided on one in ``editmetrics review`` cannot be read.
    """
    check_shares(demand.coverage, demand.confidence)
    demand = replace(demand, margins=_of_metrics(session, demand.margins))
    _check_runs(runs)
    chosen = {_key(record) for record in selected(list(runs.values()), expression)}
    found = {name: _by_key(run, chosen) for name, run in runs.items()}
    reviewed = {name: Reviewed(run) for name, run in runs.items()}
    places = GoldenPlaces(session)
    keys = dict.fromkeys(key for records in found.values() for key in records)
    gates: list[Calibrated] = []
    without: list[tuple[str, str]] = []
    for key in keys:
        records = {name: own[key] for name, own in found.items() if key in own}
        what = f"{key[0]} {next(iter(records.values())).gate.label}"
        if key[1].startswith(GOLDEN_IMAGE):
            without.append((what, image_text([record.gate for record in records.values()])))
            continue
        series = _series(session, places, key, records, runs)
        gates += [
            _calibrated(session, places, one, demand, _kept_back(one, reviewed, expression))
            for one in series
        ]
        if not series:
            without.append((what, "; ".join(_missing(key, records, runs))))
    return Calibration(demand, tuple(gates), tuple(without))


def _of_metrics(session: EditSession, margins: Mapping[str, Bound]) -> dict[str, Bound]:
    """Return the margins by the metrics' own names."""
    found: dict[str, Bound] = {}
    for written, margin in margins.items():
        name = session.registry.metric(written).name
        if name in found:
            raise InputError(f"--min-margin names {name} twice; give one margin a metric")
        found[name] = margin
    return found


def _check_runs(runs: Mapping[str, Run]) -> None:
    if len(runs) < 2:
        raise InputError(
            "one run tells nothing of how values vary; give the results of several runs (other"
            " seeds, other machines)"
        )
    seen: dict[object, str] = {}
    for name, run in runs.items():
        of_values = run.session.get("started"), run.crashed, *_texts(run)
        ids: Iterable[object] = sorted(sessions_of(run)) or [of_values]
        for told in ids:
            if (same := seen.setdefault(told, name)) != name:
                raise InputError(f"{same} and {name} hold the same run; give each run once")


def _texts(run: Run) -> Iterator[str]:
    for record in run.gates:
        yield repr((record.nodeid, record.attempt, record.gate.label, record.gate.value))


def _key(record: GateRecord) -> Key:
    return record.nodeid, record.gate.metric, record.gate.name


def _by_key(run: Run, chosen: Iterable[Key]) -> dict[Key, GateRecord]:
    wanted = final_gates(run).keys() & set(chosen)
    return {_key(record): record for record in run.gates if record.final and _key(record) in wanted}


def _series(
    session: EditSession,
    places: GoldenPlaces,
    key: Key,
    records: Mapping[str, GateRecord],
    runs: Mapping[str, Run],
) -> list[_Series]:
    """Return the gate's measurements, those with a golden of their own apart."""
    by_env: dict[str | None, dict[str, GateRecord]] = {}
    present: dict[str | None, Threshold | None] = {}
    for name, record in records.items():
        if not is_measured(record.gate):
            continue
        env, threshold = _golden(session, places, record)
        by_env.setdefault(env, {})[name] = record
        present[env] = threshold
    missing = _missing(key, records, runs)
    return [_Series(key, env, own, present[env], missing) for env, own in by_env.items()]


def _golden(
    session: EditSession, places: GoldenPlaces, record: GateRecord
) -> tuple[str | None, Threshold | None]:
    """Return the variant that holds where the edit ran, and the bound that holds there."""
    gate = record.gate
    if bound_elsewhere(gate) is not None:
        return gate.env, _stated(gate)
    metric = session.registry.metric(gate.metric)
    address = places.threshold(record)
    environment = Environment.recorded(gate.environment, None, f"{record.nodeid} {gate.label}")
    approved = session.goldens.lookup(address, environment, gate.smoke)
    default = session.settings.default(metric, check_expect(gate.details.get("expect")))
    if approved is None:
        return None, default
    return approved.env, approved.threshold or default


def _stated(gate: Gate) -> Threshold | None:
    if gate.bound is None or gate.origin is None:
        return None
    kind = bound_kind_of(gate.better)
    return Threshold(kind, gate.bound, gate.origin, str(gate.source))  # type: ignore[arg-type]


def _missing(
    key: Key, records: Mapping[str, GateRecord], runs: Mapping[str, Run]
) -> tuple[str, ...]:
    """Return in which runs the gate has no value, and why."""
    why: dict[str, list[str]] = {}
    for name, run in runs.items():
        record = records.get(name)
        if record is None:
            failed = key[0] in {test.nodeid for test in run.failed}
            state = "crashed" if key[0] in run.crashed else "failed" if failed else "missing"
        elif is_measured(record.gate):
            continue
        elif record.gate.value is not None:
            state = f"{record.gate.value}"
        else:
            state = record.gate.verdict + (f", {record.gate.reason}" if record.gate.reason else "")
        why.setdefault(state, []).append(name)
    return tuple(
        f"no value in {len(names)} of {counted(len(runs), 'run')} ({state}): {', '.join(names)}"
        for state, names in why.items()
    )


def _kept_back(
    series: _Series, reviewed: Mapping[str, Reviewed], expression: str | None
) -> str | None:
    """Say in which run a person refused the gate or put it off, or its fault is a known one.

    Or the edit was lost, as its golden tells: its value is none of the model's.
    """
    for name, record in series.records.items():
        if edit_lost(record.gate):
            return (
                f"in {name} the edited image equals its reference, where the golden saw an edit:"
                " leave that run out"
            )
        if record.known_fault and expression != record.nodeid:
            return (
                f"in {name} it fails, as its test is expected to (xfail); -k"
                f" {shlex.quote(record.nodeid)} takes it all the same"
            )
        if reviewed[name].kept_back(record) is not None:
            return (
                f"in {name}: {reviewed[name].why(record)}; leave that run out, or undo that in"
                f" `editmetrics review {shlex.quote(name)}`"
            )
    return None


def _calibrated(
    session: EditSession,
    places: GoldenPlaces,
    series: _Series,
    demand: Demand,
    kept_back: str | None,
) -> Calibrated:
    gates = {name: record.gate for name, record in series.records.items()}
    devices = {name: _device(gate) for name, gate in gates.items()}
    _check_comparable(series, gates, devices, demand)
    last = series.last.gate
    result = Calibrated(
        nodeid=series.key[0],
        gate=last,
        env=series.env,
        devices=tuple(dict.fromkeys(devices.values())),
        values=tuple(gate.value for gate in gates.values() if gate.value is not None),
        present=series.present,
        left=kept_back or bound_elsewhere(last),
        warnings=series.warnings,
    )
    if len(result.values) < 2:
        return _changed(result, left="one value; a bound needs at least 2 runs that measured it")
    metric = session.registry.metric(last.metric)
    own = session.settings.metric_configs[metric.name].margin
    scale = scale_of(result.values, metric.better, (metric.low, metric.high), own.absolute)
    tolerance = tolerance_bound(
        result.values, scale, coverage=demand.coverage, confidence=demand.confidence
    )
    margin = _margin(demand.margins.get(metric.name), own, result.typical)
    bound = _proposed(metric, tolerance.value, result.typical, margin)
    result = _changed(result, tolerance=tolerance, margin=margin)
    apart = groups_apart(gates, tolerance.scale, own.around(result.typical))
    told = (*doubts(result, gates, metric, demand, apart), *series.warnings)
    result = _changed(result, warnings=told)
    if bound is None:
        return _changed(result, left=result.left or too_wide(metric, result, demand))
    if looser := beyond_default(session, last, bound):
        told = (*told, f"{looser}, which holds without a golden")
    if apart is not None and not result.by_margin and not demand.allow_two_groups:
        result = _changed(result, left=result.left or APART)
    beyond = sum(
        not Threshold(metric.bound_kind, bound, "golden", "").holds(value)
        for value in result.values
    )
    if beyond:
        told = (*told, f"{beyond} of the {len(result.values)} values lie beyond the proposal")
    proposal = None
    if result.left is None:
        address = places.threshold(series.last)
        seen = Seen.of(*gates.values())
        proposal = proposal_of(last, address, bound, result.typical, series.env, seen)
    return _changed(result, bound=bound, proposal=proposal, warnings=told)


def _changed(result: Calibrated, **values: object) -> Calibrated:
    return Calibrated(**{**vars(result), **values})


def _device(gate: Gate) -> str:
    """Return where the gate was measured, and where its edit ran if that is said and elsewhere."""
    measured = gate.device_name or gate.device or "an unknown device"
    if not gate.environment or gate.environment[0] == environment_name(measured):
        return measured
    return f"{measured} (edited on {gate.environment[0]})"


def _variant_for(gates: Iterable[Gate]) -> str:
    """Return what a variant could be called that some of these gates would take, and not all."""
    named = [gate.environment or ((gate.device or CPU).partition(":")[0],) for gate in gates]
    apart = [name for names in named for name in names if any(name not in own for own in named)]
    return next((name for name in reversed(apart) if name != CPU), CPU)


def _check_comparable(
    series: _Series, gates: Mapping[str, Gate], devices: Mapping[str, str], demand: Demand
) -> None:
    """Refuse to take values together that other weights, parameters or devices gave."""
    weights = {name: _weights(gate) for name, gate in gates.items()}
    if len(set(weights.values())) > 1:
        raise EditMetricsError(
            f"{series.label} was measured with other weights: {series.by(weights)}; calibrate the"
            " runs of each apart"
        )
    ways = {name: way_of(gate) for name, gate in gates.items()}
    for detail in dict.fromkeys(name for way in ways.values() for name in way):
        values = {name: way.get(detail, f"no {detail}") for name, way in ways.items()}
        if len(set(values.values())) > 1:
            raise EditMetricsError(
                f"{series.label} was measured in different ways: {series.by(values)}; calibrate the"
                " runs of each apart"
            )
    if len(set(devices.values())) > 1 and not demand.allow_other_devices:
        raise EditMetricsError(
            f"{series.label} was measured on several devices that share one golden:"
            f" {series.by(devices)}; give a device a variant of its own (`env:"
            f" {{{_variant_for(gates.values())}: {{}}}}` in the golden), calibrate their runs"
            " apart, or give --allow-other-devices for one bound that holds on all"
        )


def _weights(gate: Gate) -> str:
    shown = (f"{name} {sha256[:12]}" for name, sha256 in sorted(weights_of(gate)))
    return ", ".join(shown) or "no weights"


def _margin(asked: Bound | None, own: Margin, typical: float) -> float:
    if asked is None:
        return own.around(typical)
    return asked.amount * abs(typical) if asked.relative else asked.amount


def _proposed(metric: Metric, wanted: float, typical: float, margin: float) -> float | None:
    """Return the further of the two bounds, rounded outward; ``None`` if it would always hold."""
    further = max if metric.better == "lower" else min
    nearest = typical + margin if metric.better == "lower" else typical - margin
    raw = further(wanted, nearest)
    low, high = metric.low, metric.high
    if not math.isfinite(raw) or not low <= raw <= high:
        return None
    try:
        return recorded_bound(raw, metric, Margin(0.0, 0.0))
    except InputError:
        return None
