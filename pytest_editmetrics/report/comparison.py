"""A comparison of two runs: as lines for people, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pytest_editmetrics.errors import counted
from pytest_editmetrics.gates.decided import decided, worst_tile
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.listed import LISTED, first_of, listed
from pytest_editmetrics.report.numbers import share_of, significant
from pytest_editmetrics.report.suite_text import change_lines, suite_headline
from pytest_editmetrics.report.text import format_numbers
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.runs.results import plain
from pytest_editmetrics.suites.compare import (
    Comparison,
    MetricChange,
    other_way,
    way_of,
    weights_of,
)
from pytest_editmetrics.suites.gate import SuiteGate
from pytest_editmetrics.suites.gone import Key
from pytest_editmetrics.suites.pairs import NOISE, Pair, Step

SCHEMA = "pytest-editmetrics/comparison"


def comparison_lines(
    comparison: Comparison, base: Run, head: Run, suite: Sequence[SuiteGate] = ()
) -> list[str]:
    """Return the comparison as text, one line an entry; what tests named is made printable."""
    lines = [_run("base", base), _run("head", head)]
    for change in comparison.metrics:
        lines += _metric(change)
    lines += _listed("verdict changed", comparison.verdicts, _verdicts)
    lines += _listed("only in the base", comparison.only_base, key_text)
    lines += _listed("only in the head", comparison.only_head, key_text)
    lines += _listed("OTHER WEIGHTS than in the base", comparison.other_weights, _other_weights)
    lines += _listed("ANOTHER WAY of measuring than in the base", comparison.other_ways, _other_way)
    lines += _listed("another scope, box, size or reference", comparison.other_inputs, _address)
    lines += _listed("edited elsewhere than in the base", comparison.other_environments, _edited_on)
    lines += _listed("not compared: smoke weights in one run", comparison.one_smoke, _address)
    if comparison.both_smoke:
        lines.append(
            f"smoke: {counted(len(comparison.both_smoke), 'pair was', 'pairs were')} measured with"
            " random smoke weights, which judge no quality"
        )
    lines += [suite_headline(gate) for gate in suite] + change_lines(suite)
    lines += [f"FAILED: {failure}" for failure in comparison.failures]
    lines += [f"FAILED: {suite_headline(gate)}" for gate in suite if gate.verdict == "fail"]
    return ["".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in lines]


def _run(name: str, run: Run) -> str:
    gates = sum(record.final for record in run.gates)
    cut = f"INCOMPLETE: {run.lacks}" if run.lacks else "CUT OFF: the run did not finish"
    cut = "" if run.complete else f"; {cut}"
    crashed = f", {counted(len(run.crashed), 'test')} crashed" if run.crashed else ""
    others = f", {counted(len(run.failed), 'other failure')}" if run.failed else ""
    problems = f", {counted(len(run.problems), 'problem')} of the session" if run.problems else ""
    told = f"{counted(gates, 'gate')}{crashed}{others}{problems}{cut}"
    return f"{name}  {run.shown}, {run.session.get('started')}: {told}"


def _metric(change: MetricChange) -> list[str]:
    lines = [
        f"{change.metric} ({change.better} is better): {len(change.pairs)} paired,"
        f" {change.improved} improved, {change.worse} worse, {change.unchanged} unchanged"
    ]
    if change.mean is not None and change.median is not None:
        lines.append(f"  mean   {_amount(change.mean)}; median {_amount(change.median)}")
    if change.worst is not None:
        lines.append(f"  worst  {moved(change.worst)}")
    if change.bound is not None:
        lines.append(f"  bound  {change.bound}: {len(change.beyond)} beyond")
        steps = [(pair, pair.beyond(change.bound)) for pair in change.beyond[:LISTED]]
        lines += first_of([f"  {moved(*one)}" for one in steps], len(change.beyond))
        fails = _listed("fails, and did not in the base", change.fails, _verdicts)
        lines += [f"  {line}" for line in fails]
    if change.zero_bases:
        words = "gate whose base is 0 is", "gates whose base is 0 are"
        zero = counted(change.zero_bases, *words)
        lines.append(
            f"  a share of 0 allows nothing: {zero} held to"
            f" an absolute {NOISE:g}; give an amount ({change.metric}:AMOUNT) to allow more"
        )
    lines += [f"  {line}" for line in _listed("not measured any more", change.lost, _verdicts)]
    lines += [f"  {line}" for line in _listed("crashed in the head", change.crashed, str)]
    lines += [f"  {line}" for line in _listed("failed in the head", change.failed, str)]
    return lines + [f"  {line}" for line in _listed("measured now", change.gained, _verdicts)]


def _amount(worse_by: float) -> str:
    if abs(worse_by) <= NOISE:
        return "unchanged"
    return f"{significant(abs(worse_by))} {'worse' if worse_by > 0 else 'better'}"


def moved(pair: Pair, step: Step | None = None) -> str:
    """Return how far a pair moved, by a step or most: values, by how much, and of which test."""
    step = step or pair.step
    what = f"{step.what} " if step.what else ""
    before, after = format_numbers(step.base, step.head)
    share = _share(step.worse_by, abs(step.base))
    return f"{what}{before} -> {after}, {_amount(step.worse_by)}{share}: {_address(pair)}"


def _share(worse_by: float, base: float) -> str:
    """Return a change, for better or worse, as a share of the base, or a multiple of it.

    >>> _share(-0.05, 0.1), _share(17.9, 0.1), _share(1.0, 0.0)
    (' (50 %)', ' (179 times the base)', '')
    """
    if base <= NOISE:
        return ""
    share = share_of(abs(worse_by), base)
    return f" ({share} the base)" if share.endswith("times") else f" ({share})"


def _verdicts(pair: Pair) -> str:
    return f"{_state(pair.base)} -> {_state(pair.head)}: {_address(pair)}"


def _state(gate: Gate) -> str:
    found = decided(gate)
    what = f" {found.what}" if found is not None and found.what else ""
    number = gate.value if found is None else found.value
    value = "" if number is None else f"{what} {format_numbers(number)[0]}"
    reason = "" if gate.reason is None else f" ({gate.reason})"
    return f"{gate.verdict}{value}{reason}"


def _other_way(pair: Pair) -> str:
    return f"{_address(pair)}: {other_way(way_of(pair.base), way_of(pair.head))}"


def _other_weights(pair: Pair) -> str:
    def shown(gate: Gate) -> str:
        return ", ".join(f"{name} {sha[:12]}" for name, sha in sorted(weights_of(gate))) or "none"

    return f"{shown(pair.base)} -> {shown(pair.head)}: {_address(pair)}"


def _edited_on(pair: Pair) -> str:
    base, head = (", ".join(gate.environment) for gate in (pair.base, pair.head))
    return f"{_address(pair)}: {base} -> {head}"


def _address(pair: Pair) -> str:
    return f"{pair.nodeid} {pair.base.label}"


def key_text(key: Key) -> str:
    """Return the address of a gate as text."""
    nodeid, metric, name = key
    return f"{nodeid} {metric}" + ("" if name is None else f"@{name}")


def _listed(title: str, entries: Sequence[Any], shown: Callable[[Any], str]) -> list[str]:
    return listed(title, [shown(entry) for entry in entries[:LISTED]], len(entries))


def comparison_json(
    comparison: Comparison, base: Run, head: Run, suite: Sequence[SuiteGate] = ()
) -> dict[str, Any]:
    """Return the whole comparison, nothing shortened, as JSON-ready values."""
    record = {
        "schema": SCHEMA,
        "version": 1,
        "base": _run_json(base),
        "head": _run_json(head),
        "failures": list(comparison.failures),
        "metrics": [_metric_json(change) for change in comparison.metrics],
        "verdict_changes": _pairs_json(comparison.verdicts),
        "only_base": [_key_json(key) for key in comparison.only_base],
        "only_head": [_key_json(key) for key in comparison.only_head],
        "other_weights": _pairs_json(comparison.other_weights),
        "other_ways": _pairs_json(comparison.other_ways),
        "other_inputs": _pairs_json(comparison.other_inputs),
        "other_environments": _pairs_json(comparison.other_environments),
        "one_smoke": _pairs_json(comparison.one_smoke),
        "both_smoke": len(comparison.both_smoke),
        "suite": [gate.to_dict() for gate in suite],
    }
    jsonable: dict[str, Any] = plain(record)
    return jsonable


def _run_json(run: Run) -> dict[str, Any]:
    return {
        "path": str(run.shown),
        "started": run.session.get("started"),
        "complete": run.complete,
        "crashed": list(run.crashed),
        "failed": [{"nodeid": t.nodeid, "when": t.when, "message": t.message} for t in run.failed],
        "problems": list(run.problems),
    }


def _metric_json(change: MetricChange) -> dict[str, Any]:
    worst = change.worst
    return {
        "metric": change.metric,
        "better": change.better,
        "paired": len(change.pairs),
        "improved": change.improved,
        "worse": change.worse,
        "unchanged": change.unchanged,
        "mean_worse_by": change.mean,
        "median_worse_by": change.median,
        "worst": None if worst is None else _pair_json(worst),
        "bound": None if change.bound is None else str(change.bound),
        "beyond": _pairs_json(change.beyond),
        "fails": _pairs_json(change.fails),
        "lost": _pairs_json(change.lost),
        "crashed": list(change.crashed),
        "failed": list(change.failed),
        "gained": _pairs_json(change.gained),
        "pairs": _pairs_json(change.pairs),
    }


def _pairs_json(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    return [_pair_json(pair) for pair in pairs]


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {
        **_key_json((pair.nodeid, pair.base.metric, pair.base.name)),
        "base": pair.base.value,
        "head": pair.head.value,
        "base_tile": _tile(pair.base),
        "head_tile": _tile(pair.head),
        "base_verdict": pair.base.verdict,
        "head_verdict": pair.head.verdict,
    }


def _tile(gate: Gate) -> float | None:
    """Return the value of a golden image's worst tile, of a gate that has one."""
    tile = worst_tile(gate)
    return None if tile is None else tile.value


def _key_json(key: Key) -> dict[str, Any]:
    return dict(zip(("nodeid", "metric", "name"), key, strict=True))
