"""Two runs side by side: which gates moved, which were lost, and what is beyond a bound.

Gates are paired by (nodeid, metric, name) of each test's last attempt. A change is counted in the
metric's direction: ``worse_by`` is positive where the head is worse, whatever the metric.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean, median

from pytest_editmetrics.errors import EditMetricsError, InputError, counted, did_you_mean
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.runs.unheld import in_no_shard
from pytest_editmetrics.suites.gone import Gone, Key, is_measured
from pytest_editmetrics.suites.out_of_reach import out_of_reach
from pytest_editmetrics.suites.pairs import NOISE, Bound, Pair

_DEFINING = (
    "net",
    "framing",
    "dtype",
    "reference_patches",
    "patch_mask_threshold",
    "bg_color",
    "resize",
    "colour",
    "options",
)
"""Details of a measurement that make it another metric where they differ."""


@dataclass(frozen=True)
class MetricChange:
    """What became of one metric: ``pairs`` measured in both runs, and gates measured in one.

    ``fails`` are measured gates that fail in the head alone. ``crashed`` are tests that measured it
    in the base and whose worker died in the head, ``failed`` those that failed there before they
    made a gate of it.
    """

    metric: str
    better: str
    pairs: tuple[Pair, ...]
    lost: tuple[Pair, ...]
    gained: tuple[Pair, ...]
    fails: tuple[Pair, ...]
    crashed: tuple[str, ...]
    failed: tuple[str, ...]
    bound: Bound | None

    @cached_property
    def changes(self) -> tuple[float, ...]:
        """``worse_by`` of every pair."""
        return tuple(pair.worse_by for pair in self.pairs)

    @property
    def worse(self) -> int:
        """How many pairs became worse."""
        return sum(change > NOISE for change in self.changes)

    @property
    def improved(self) -> int:
        """How many pairs became better."""
        return sum(change < -NOISE for change in self.changes)

    @property
    def unchanged(self) -> int:
        """How many pairs moved by no more than ``NOISE``."""
        return len(self.pairs) - self.worse - self.improved

    @property
    def mean(self) -> float | None:
        """The mean of the changes; positive is worse."""
        return fmean(self.changes) if self.pairs else None

    @property
    def median(self) -> float | None:
        """The median of the changes; positive is worse."""
        return median(self.changes) if self.pairs else None

    @property
    def worst(self) -> Pair | None:
        """The pair that became worse by most, if any did."""
        pair = max(self.pairs, key=lambda pair: pair.worse_by, default=None)
        return pair if pair is not None and pair.worse_by > NOISE else None

    @cached_property
    def beyond(self) -> tuple[Pair, ...]:
        """The pairs beyond the bound, the worst first."""
        if (bound := self.bound) is None:
            return ()
        pairs = [pair for pair in self.pairs if pair.beyond(bound) is not None]
        return tuple(sorted(pairs, key=lambda pair: -pair.worse_by))

    @property
    def zero_bases(self) -> int:
        """How many pairs a relative bound holds to ``NOISE``, because the base is 0."""
        if self.bound is None or not self.bound.relative:
            return 0
        return sum(abs(pair.step.base) <= NOISE for pair in self.pairs)


@dataclass(frozen=True)
class Comparison:
    """Everything that two runs differ in; ``failures`` say why the command fails."""

    metrics: tuple[MetricChange, ...]
    only_base: tuple[Key, ...]
    only_head: tuple[Key, ...]
    verdicts: tuple[Pair, ...]
    other_weights: tuple[Pair, ...]
    other_ways: tuple[Pair, ...]
    other_inputs: tuple[Pair, ...]
    other_environments: tuple[Pair, ...]
    one_smoke: tuple[Pair, ...]
    both_smoke: tuple[Pair, ...]
    failures: tuple[str, ...]


def compare_runs(
    base: Run, head: Run, bounds: Sequence[Bound] = (), *, allow_other_weights: bool = False
) -> Comparison:
    """Pair the gates of two runs and hold the changes to ``bounds``.

    Raises:
        InputError: a bound names a metric that neither run has, or one metric twice, or nothing can
            become worse by more than it.
        EditMetricsError: a run holds a gate twice, or the runs disagree on a metric's direction.
    """
    before, after = final_gates(base), final_gates(head)
    gone = Gone({key: gate for key, gate in before.items() if key not in after})
    known = list(dict.fromkeys(key[1] for key in (*before, *after)))
    by_metric = _by_metric(bounds, known)
    pairs = [Pair(key[0], before[key], after[key]) for key in before if key in after]
    for pair in pairs:
        if pair.base.better != pair.head.better:
            raise EditMetricsError(
                f"{pair.base.metric} is {pair.base.better}-is-better in the base and"
                f" {pair.head.better}-is-better in the head: the two cannot be compared"
            )
    both = [pair for pair in pairs if is_measured(pair.base) and is_measured(pair.head)]
    one_smoke = tuple(pair for pair in both if pair.base.smoke != pair.head.smoke)
    comparable = [pair for pair in both if pair.base.smoke == pair.head.smoke]
    changes = tuple(
        MetricChange(
            metric,
            next(
                gate.better for gate in (*before.values(), *after.values()) if gate.metric == metric
            ),
            tuple(pair for pair in comparable if pair.base.metric == metric),
            tuple(p for p in pairs if p.base.metric == metric and _is_only(p.base, p.head)),
            tuple(p for p in pairs if p.base.metric == metric and _is_only(p.head, p.base)),
            tuple(p for p in both if p.base.metric == metric and p.fails_now),
            gone.in_tests(metric, head.crashed),
            gone.in_tests(metric, gone.failed(head)),
            by_metric.get(metric),
        )
        for metric in known
    )
    for change in changes:
        _refuse_out_of_reach(change)
    other_weights = tuple(p for p in comparable if weights_of(p.base) != weights_of(p.head))
    other_ways = tuple(p for p in comparable if way_of(p.base) != way_of(p.head))
    return Comparison(
        metrics=changes,
        only_base=tuple(gone.gates),
        only_head=tuple(key for key in after if key not in before),
        verdicts=tuple(pair for pair in pairs if pair.base.verdict != pair.head.verdict),
        other_weights=other_weights,
        other_ways=other_ways,
        other_inputs=tuple(p for p in comparable if has_other_inputs(p.base, p.head)),
        other_environments=tuple(p for p in comparable if has_other_environment(p.base, p.head)),
        one_smoke=one_smoke,
        both_smoke=tuple(pair for pair in comparable if pair.base.smoke),
        failures=(
            *_unusable(base, head, pairs, comparable, bounds),
            *_weight_failures(one_smoke, () if allow_other_weights else other_weights),
            *_way_failures(other_ways),
            *(text for change in changes for text in _regressions(change)),
        ),
    )


def weights_of(gate: Gate) -> frozenset[tuple[str, str]]:
    """Return the name and hash of each model the gate was measured with."""
    return frozenset((str(w.get("name")), str(w.get("sha256"))) for w in gate.weights)


def way_of(gate: Gate) -> Mapping[str, str]:
    """Return the details, as text, that say how the gate was measured."""
    details = gate.details
    return {name: f"{name} {details[name]}" for name in _DEFINING if details.get(name) is not None}


def other_way(base: Mapping[str, str], head: Mapping[str, str]) -> str:
    """Say in which detail two ways to measure differ first."""
    name = next(name for name in _DEFINING if base.get(name) != head.get(name))
    return f"{base.get(name, f'no {name}')}, then {head.get(name, f'no {name}')}"


def _is_only(one: Gate, other: Gate) -> bool:
    return is_measured(one) and not is_measured(other)


def has_other_inputs(base: Gate, head: Gate) -> bool:
    """Tell whether the test changed: its boxes, scope, size, or (if kept) what it compares with."""
    kept = [name for name in ("reference", "golden") if name in base.images and name in head.images]
    return (
        base.scope != head.scope
        or base.region != head.region
        or any(base.images[name] != head.images[name] for name in kept)
    )


def has_other_environment(base: Gate, head: Gate) -> bool:
    """Tell whether the edit ran somewhere else, as far as both say where."""
    return bool(base.environment and head.environment) and base.environment != head.environment


def final_gates(run: Run) -> dict[Key, Gate]:
    """Return the gates of each test's last attempt by (nodeid, metric, name).

    Raises:
        EditMetricsError: a gate is there twice.
    """
    gates: dict[Key, Gate] = {}
    for record in run.gates:
        if not record.final:
            continue
        key = (record.nodeid, record.gate.metric, record.gate.name)
        if key in gates:
            raise EditMetricsError(
                f"{run.shown}: {record.nodeid} has the gate {record.gate.label} twice, so there is"
                " no telling which to compare (runs of --dist each, or shards that overlap)"
            )
        gates[key] = record.gate
    return gates


def _by_metric(bounds: Iterable[Bound], known: Sequence[str]) -> dict[str, Bound]:
    by_metric: dict[str, Bound] = {}
    metrics = PipeRegistry().metrics.values()
    aliases = {alias: metric.name for metric in metrics for alias in metric.aliases}
    for given in bounds:
        own = aliases.get(given.metric, given.metric)
        bound = given if given.metric in known else replace(given, metric=own)
        if known and bound.metric not in known:
            raise InputError(
                f"--fail names {bound.metric!r}, which neither run has"
                f"{did_you_mean(bound.metric, known)}"
            )
        if bound.metric in by_metric:
            raise InputError(f"--fail names {bound.metric} twice; give one bound a metric")
        by_metric[bound.metric] = bound
    return by_metric


def _refuse_out_of_reach(change: MetricChange) -> None:
    bound = change.bound
    if bound is None:
        return
    moved = [(step.base, step.head) for pair in change.pairs for step in pair.steps]
    if why := out_of_reach(bound, change.better, moved):
        share = f"amount, or a share of the base ({bound.metric}:{bound.amount:g}%)"
        raise InputError(
            f"--fail {bound.metric}:{bound} can fail nothing: {why}; give a smaller"
            f" {'share' if bound.relative else share}"
        )


def _unusable(
    base: Run, head: Run, pairs: Sequence[Pair], both: Sequence[Pair], bounds: Sequence[Bound]
) -> list[str]:
    failures = []
    if not pairs:
        failures.append("nothing is paired: no gate of the base is in the head")
    elif not both:
        failures.append(
            f"nothing is compared: none of {counted(len(pairs), 'pair')} is measured in both runs"
        )
    for name, run in (("base", base), ("head", head)):
        if bounds and not run.complete:
            cut = f"lacks tests ({run.lacks})" if run.lacks else "was cut off"
            failures.append(f"the {name} {cut}, so gates that it lost would go unnoticed")
        if bounds and (lost := in_no_shard(run)):
            failures.append(f"of the {name} {lost}, so gates that they lost would go unnoticed")
    return failures


def _weight_failures(one_smoke: Sequence[Pair], other_weights: Sequence[Pair]) -> list[str]:
    failures = []
    if one_smoke:
        failures.append(
            f"{counted(len(one_smoke), 'gate is', 'gates are')} measured on smoke weights"
            " in one run and on real ones in the other: they are not compared"
        )
    if other_weights:
        failures.append(
            f"{counted(len(other_weights), 'gate is', 'gates are')} measured with other weights"
            " than in the base, so what moved may be the metric and not the model"
            " (--allow-other-weights compares them)"
        )
    return failures


def _way_failures(other_ways: Sequence[Pair]) -> list[str]:
    if not other_ways:
        return []
    first = other_ways[0]
    return [
        f"{counted(len(other_ways), 'gate is', 'gates are')} measured in another way than in the"
        f" base ({other_way(way_of(first.base), way_of(first.head))}: {first.nodeid}"
        f" {first.base.label}), so what moved may be the metric and not the model; make a new"
        " base"
    ]


def _regressions(change: MetricChange) -> list[str]:
    if change.bound is None:
        return []
    failures = []
    if not change.pairs:
        failures.append(f"{change.metric}: not one gate is measured in both runs")
    if change.beyond:
        worse = f"{len(change.beyond)} of {counted(len(change.pairs), 'gate is', 'gates are')}"
        failures.append(f"{change.metric}: {worse} worse by more than {change.bound}")
    if change.fails:
        fails = counted(len(change.fails), "gate fails that", "gates fail that")
        failures.append(f"{change.metric}: {fails} did not in the base")
    if change.lost:
        lost = counted(len(change.lost), "gate is", "gates are")
        failures.append(f"{change.metric}: {lost} not measured any more")
    ends = {"crashed": change.crashed, "failed before a gate was made": change.failed}
    return failures + [
        f"{change.metric}: {counted(len(tests), 'test')} that measured it {end}"
        for end, tests in ends.items()
        if tests
    ]
