"""Where a session's time went, as plain lines."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_editmetrics.cache.clock import KINDS
from pytest_editmetrics.report.listed import LISTED

_REST = "everything else"
_LEAST = 0.005  # seconds that are shown


def profile_lines(
    seconds: Mapping[str, float], gates: Mapping[str, float], session: float, workers: int
) -> list[str]:
    """Return a line for each kind that took time, the longest first, then the slowest gates.

    Args:
        seconds: by kind; what one kind did inside another is counted once.
        gates: seconds by gate, whatever they were spent on.
        session: how long the session took.
        workers: how many processes measured beside this one; their seconds are added up. What they
            did besides is not known, and a line says so.

    >>> print(*profile_lines({"encoding": 3.0}, {"test_a.py::test: lpips": 3.1}, 4.0, 0), sep="\\n")
    the session took 4.00 s
      encoding         3.00 s   75 %
      everything else  1.00 s   25 %
    slowest gates: 1
      3.10 s  test_a.py::test: lpips
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
    slowest = sorted(gates.items(), key=lambda item: -item[1])[:LISTED]
    if slowest:
        of = "" if len(slowest) == len(gates) else f" of {len(gates)}"
        lines.append(f"slowest gates: {len(slowest)}{of}")
        lines += [f"  {_shown(taken)}  {gate}" for gate, taken in slowest]
    return lines


def _shown(seconds: float) -> str:
    return f"{seconds:.2f} s"
