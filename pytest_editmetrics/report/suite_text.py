"""Suite gates in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_editmetrics.errors import counted
from pytest_editmetrics.report.numbers import format_numbers, significant, with_digits
from pytest_editmetrics.suites.gate import Change, Moved, SuiteGate, Worst


def suite_headline(gate: SuiteGate) -> str:
    """Return the one line that says what a suite gate came to."""
    if gate.message is not None or gate.value is None:
        return f"suite {gate.label} cannot be judged: {gate.message}, {gate.source}"
    inside = gate.verdict == "pass"
    if gate.statistic == "paired":
        sign = ">=" if inside else "<"
        value, bound = with_digits(gate.value, gate.bound, digits=3)
        return (
            f"suite {gate.label} p {value} {sign} alpha {bound}"
            f"{_than(gate, 'not shown to be worse' if inside else 'worse')}, {_pairs(gate)},"
            f" {gate.source}"
        )
    if gate.statistic == "regressions":
        sign = "<=" if inside else ">"
        return (
            f"suite {gate.label} {gate.value:.0f} {sign} max {gate.bound:.0f}"
            f"{_than(gate, 'worse')}, {_pairs(gate)}, {gate.source}"
        )
    value, bound = format_numbers(gate.value, gate.bound)
    sign = {("max", True): "<=", ("max", False): ">", ("min", True): ">=", ("min", False): "<"}[
        (gate.kind, inside)
    ]
    (apart,) = format_numbers(abs(gate.value - gate.bound))
    missing = "" if gate.measured == gate.gates else f", {gate.gates - gate.measured} not measured"
    return (
        f"suite {gate.label} {value} {sign} {gate.kind} {bound}"
        f" ({'-' if gate.value < gate.bound else '+'}{apart}),"
        f" {counted(gate.measured, 'gate')}{missing}, {gate.source}"
    )


def _than(gate: SuiteGate, what: str) -> str:
    return f", {what} by more than {gate.by:g}" if gate.by else f", {what}"


def _pairs(gate: SuiteGate) -> str:
    return counted(gate.change.pairs if gate.change else 0, "pair")


def change_lines(gates: Iterable[SuiteGate]) -> list[str]:
    """Return what explains failing gates, once a metric: what moved and how surely, or the worst.

    How much moved is told of gates that compare, the worst values of those that do not.
    """
    gates = list(gates)
    lines: list[str] = []
    changes = {gate.metric: gate.change for gate in gates if gate.change is not None}
    for metric, change in changes.items():
        lines.append(f"suite {metric} against the base:")
        lines += [f"  {line}" for line in _change(metric, change)]
    worst = {gate.metric: gate.worst for gate in gates if gate.worst}
    for metric, found in worst.items():
        lines.append(f"suite {metric}, the worst values:")
        lines += [f"  {_worst(metric, one)}" for one in found]
    return lines


def _change(metric: str, change: Change) -> list[str]:
    lines = []
    if change.pairs:
        averages = [
            _average("mean", change.mean, change.mean_interval),
            _average("median", change.median, change.median_interval),
        ]
        lines.append(f"change  {', '.join(averages)}; 95 % bootstrap intervals")
    lines.append(f"pairs   {_counts(change)}")
    return lines + [f"moved   {_moved(metric, moved)}" for moved in change.moved]


def _average(name: str, value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return f"{name} unknown"
    text = f"{name} {_signed(value)}"
    if interval is None:
        return text
    low, high = (significant(end, sign="+") for end in interval)
    return f"{text} [{low}, {high}]"


def _signed(worse_by: float) -> str:
    return (
        f"{significant(abs(worse_by))} {'worse' if worse_by > 0 else 'better'}" if worse_by else "0"
    )


def _counts(change: Change) -> str:
    unchanged = change.pairs - change.worse - change.improved
    text = f"{change.pairs}: {change.worse} worse, {change.improved} better, {unchanged} unchanged"
    told = (
        (change.lost, "not measured any more"),
        (change.only_base, "only in the base"),
        (change.only_head, "not in the base"),
    )
    return text + "".join(f"; {number} {what}" for number, what in told if number)


def _worst(metric: str, one: Worst) -> str:
    label = metric if one.name is None else f"{metric}@{one.name}"
    return f"{format_numbers(one.value)[0]}: {one.nodeid} {label}"


def _moved(metric: str, moved: Moved) -> str:
    before, after = format_numbers(moved.base, moved.head)
    label = metric if moved.name is None else f"{metric}@{moved.name}"
    return f"{before} -> {after}, {_signed(moved.worse_by)}: {moved.nodeid} {label}"
