"""Where a session's time went, as plain lines."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_editmetrics.cache.clock import KINDS
from pytest_editmetrics.report.listed import LISTED

_REST = "everything else"
_METRICS = 8
_LEAST = 0.005  # seconds that are shown


def profile_lines(
    seconds: Mapping[str, float],
    gates: Mapping[str, float],
    metrics: Mapping[str, float],
    session: float,
    workers: int,
) -> list[str]:
    """Return a line for each kind that took time, the longest first, the gates and the metrics.

    Args:
        seconds: by kind; what one kind did inside another is counted once.
        gates: seconds by gate, whatever they were spent on.
        metrics: seconds by metric, without those that explained failures.
        session: how long the session took.
        workers: how many processes measured beside this one; their seconds are added up. What they
            did besides is not known, and a line says so.

    >>> gates, metrics = {"test_a.py::test: lpips": 3.1}, {"lpips": 3.05}
    >>> print(*profile_lines({"encoding": 3.0}, gates, metrics, 4.0, 0), sep="\\n")
    the session took 4.00 s
      encoding         3.00 s   75 %
      everything else  1.00 s   25 %
    slowest gates: 1
      3.10 s  test_a.py::test: lpips
    costliest metrics: 1 (shares of all metrics; what several need counts for the first)
      3.05 s  100 %  lpips
    """
    spent: dict[str, float] = {kind: seconds.get(kind, 0.0) for kind in KINDS}
    head = f"the session took {_shown(session)}"
    if workers:
        named = "worker" if workers == 1 else f"{workers} workers together"
        head += f"; its {named} spent on checks:"
    elif sum(spent.values()) > session:
        head += "; gates ran in several threads, whose seconds add up to more:"
    else:
        spent[_REST] = session - sum(spent.values())
    whole = sum(spent.values())
    lines = [head]
    for kind, taken in sorted(spent.items(), key=lambda item: -item[1]):
        if taken < _LEAST:
            break
        lines.append(f"  {kind:<{len(_REST)}}  {_shown(taken)}  {100 * taken / whole:3.0f} %")
    if workers:
        lines.append(
            "  not told: what else workers did, as running the model; the shares are of the above"
        )
    if gates:
        slowest, counted = _most(gates, LISTED)
        lines.append(f"slowest gates: {counted}")
        lines += [f"  {_shown(taken)}  {gate}" for gate, taken in slowest]
    metrics = {metric: taken for metric, taken in metrics.items() if taken >= _LEAST}
    if metrics:
        costliest, counted = _most(metrics, _METRICS)
        of = "shares of all metrics; what several need counts for the first"
        lines.append(f"costliest metrics: {counted} ({of})")
        all_of_them = sum(metrics.values())
        for metric, taken in costliest:
            lines.append(f"  {_shown(taken)}  {100 * taken / all_of_them:3.0f} %  {metric}")
    return lines


def _most(spent: Mapping[str, float], listed: int) -> tuple[list[tuple[str, float]], str]:
    """Return what took longest, and of how many."""
    most = sorted(spent.items(), key=lambda item: -item[1])[:listed]
    return most, f"{len(most)}" if len(most) == len(spent) else f"{len(most)} of {len(spent)}"


def _shown(seconds: float) -> str:
    return f"{seconds:.2f} s"
