"""The terminal's summary section, as plain lines."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence

from pytest_editmetrics.errors import counted
from pytest_editmetrics.gates.decided import decided
from pytest_editmetrics.gates.other_golden import percent, share_of
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.measurement import LITTLE, bound_kind_of
from pytest_editmetrics.report.failure import together
from pytest_editmetrics.report.listed import listed
from pytest_editmetrics.report.tally import BLIND, Blind, Row, RunningTally, Tally
from pytest_editmetrics.report.text import bound_stands, format_numbers, headline, line_of


def summary_lines(tally: Tally, *, quiet: bool = False, width: int | None = None) -> list[str]:
    """Return the table and the notes of a session with gates; no lines for one without.

    Args:
        tally: the session's gates.
        quiet: only count what is to be listed, and leave the table out.
        width: how many columns the terminal has; the table is cut to it, and is whole without.
    """
    rows = tally.rows()
    if not rows:
        return []
    lines = _notes(tally)
    if quiet:
        return [line for line in lines if not line.startswith("  ")]
    return [*_table(rows, width), *lines]


def _notes(tally: Tally) -> list[str]:
    lines: list[str] = []
    lines += listed(
        "for review: beyond the review bound, or beyond a bound that only advises",
        [
            f"{line_of(test.nodeid, g)}, {bound_stands(g)}"
            for test, g in tally.notable
            if g.verdict == "review" and not g.failing
        ],
    )
    unmeasured = [(t, g) for t, g in tally.notable if g.verdict == "unmeasured" and not g.failing]
    lines += listed("unmeasured", [line_of(test.nodeid, gate) for test, gate in unmeasured])
    lines += listed(
        "failing gates that did not fail their test (xfail mark or caught)",
        [line_of(test.nodeid, gate) for test, gate in tally.hidden],
    )
    lines += _little(tally.little, len(tally.little))
    lines += _blind(tally.blind)
    if wrong := tally.wrong_edits:
        checks = counted(len(wrong), "self-tested check lets", "self-tested checks let")
        lines.append(
            f"wrong edit: {checks} one through inside the edit area (first {wrong[0]}); a golden"
            " image (golden_image.check) of the same test holds what lies there; for those of other"
            " tests, too, ask editmetrics selftest RUN"
        )
    lines += listed("passed only after a rerun", tally.flaky)
    lines += listed("crashed, then run again", tally.run_again)
    lines += listed("crashed, so not measured to the end", tally.crashed)
    counts = tally.counts()
    if tally.smoke:
        lines.append(_smoke(tally.smoke, counts["gates"]))
    if tally.by_expect:
        good = not (counts["failed"] or counts["errors"] or counts["recorded"])
        lines.append(by_expect(tally.by_expect, counts["gates"], record=good))
    return lines


def fetch_line(missing: Sequence[str]) -> str:
    """Return the command that fetches all weights that were missing.

    >>> fetch_line(["sam:vit_b", "clip:acme/clip@v2"])
    'to fetch what is missing: editmetrics weights fetch sam:vit_b clip:acme/clip@v2'
    """
    return f"to fetch what is missing: editmetrics weights fetch {shlex.join(missing)}"


def _little(first: Sequence[tuple[str, Gate]], number: int) -> list[str]:
    return listed(
        f"little measured, less than {percent(LITTLE)} of the picture (is the edit area right?)",
        [f"{nodeid} {gate.label}: {percent(share_of(gate))}" for nodeid, gate in first],
        number,
    )


def _blind(blind: Blind) -> list[str]:
    lines = []
    for why, (number, first) in blind.found.items():
        compared, advice = BLIND[why]
        gates = counted(number, "gate")
        lines.append(f"{why}: {gates} compared {compared} (first {first}); {advice}")
    return lines


def _smoke(smoke: int, gates: int) -> str:
    return (
        f"smoke: {smoke} of {counted(gates, 'gate was', 'gates were')} measured with random smoke"
        " weights: they test the suite's plumbing and judge no quality"
    )


_RECORD = "; pytest --editmetrics-update=missing records what the model does today"


def by_expect(held: int, gates: int, *, record: bool = False) -> str:
    """Say how many gates no golden holds, since one that is gone leaves expect's bound.

    And with ``record`` by which command goldens would: where a person looks, and nothing fails.

    >>> by_expect(3, 24).partition(" (")[0]
    'no golden: 3 of 24 gates were held to the bounds of expect alone'
    """
    return (
        f"no golden: {held} of {counted(gates, 'gate was', 'gates were')} held to the bounds of"
        " expect alone (--editmetrics-require=golden=N fails a session that holds fewer than N to"
        f" goldens){_RECORD if record else ''}"
    )


def running_lines(tally: RunningTally) -> list[str]:
    """Return the table and the notes of gates that were counted as they came."""
    counts = tally.counts()
    lines = _table(list(tally.by_metric.values()))
    for title, number, first in (
        ("failing", counts["failed"] + counts["errors"], tally.failing),
        ("for review", counts["review"], tally.review),
        ("unmeasured", counts["unmeasured"], tally.unmeasured),
    ):
        entries = [f"{nodeid}: {together(gates)}" for nodeid, gates in first]
        lines += listed(title, entries, number, sum(len(gates) for _, gates in first))
    lines += _little(tally.first_little, tally.little)
    lines += _blind(tally.blind)
    if tally.smoke:
        lines.append(_smoke(tally.smoke, counts["gates"]))
    if tally.fetch:
        lines.append(fetch_line(list(tally.fetch)))
    return lines


def _table(rows: Sequence[Row], width: int | None = None) -> list[str]:
    columns = columns_of(rows)
    table = [["metric", *columns, "worst value"]]
    for row in rows:
        counts = [str(getattr(row, column)) for column in columns]
        table.append([row.metric, *counts, worst_margin(row)])
    widths = [max(len(line[column]) for line in table) for column in range(len(columns) + 1)]
    room = None if width is None else width - sum(widths) - 2 * len(widths)
    last = [_cut(line[-1], room) for line in table]
    if room is not None and max(map(len, last)) > room:
        last = [""] * len(table)
    return [
        "  ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(wide) for cell, wide in zip(line[1:-1], widths[1:], strict=True)]
            + [worst]
        ).rstrip()
        for line, worst in zip(table, last, strict=True)
    ]


def _cut(margin: str, room: int | None) -> str:
    """Leave the front of a test's id out, where a margin has no room for it; then its bound.

    >>> _cut("0.049 (max 0.005, 0.044 beyond): tests/test_edits.py::test_badge", 52)
    '0.049 (max 0.005, 0.044 beyond): ...s.py::test_badge'
    >>> _cut("0.049 (max 0.005, 0.044 beyond): tests/test_edits.py::test_badge", 20)
    '0.049'
    """
    number, colon, nodeid = margin.partition(": ")
    if room is None or len(margin) <= room:
        return margin
    left = room - len(number) - len(colon) - 3
    if left > 8:
        return f"{number}{colon}...{nodeid[-left:]}"
    return number if len(number) <= room else number.partition(" (")[0]


def gate_line(nodeid: str, gate: Gate) -> str:
    """Return a line of one gate: verdict, test, value, bound, and the margin between them."""
    margin = ""
    if (found := decided(gate)) is not None and gate.distance is not None:
        far = format_numbers(abs(found.distance))[0]
        margin = f" ({far} {'inside' if found.holds else 'beyond'})"
    return f"{gate.verdict.upper()} {nodeid}: {headline(gate, cause=False)}{margin}"


def columns_of(rows: Sequence[Row]) -> list[str]:
    """Return the counts that a table of these rows shows: the rare ones only if there are any."""
    rare = ("review", "recorded", "errors", "expected")
    most = ("gates", "passed", "review", "failed", "expected", "errors", "unmeasured")
    columns = (*most, "recorded")
    return [c for c in columns if c not in rare or any(getattr(row, c) for row in rows)]


def worst_margin(row: Row) -> str:
    """Return the gate nearest to its bound, or farthest beyond it, in words.

    Where none was held to one, that is the worst that was recorded.
    """
    if row.worst is None:
        return _recorded(row)
    gate, nodeid = row.worst
    found = decided(gate)
    if found is None:
        return f"{without_margin(gate)}: {nodeid}"
    value, bound = format_numbers(found.value, found.bound)
    comparison = "inside" if found.holds else "beyond"
    distance = format_numbers(abs(found.distance))[0]
    apart = f", {distance} {comparison}" if math.isfinite(found.value) else ""
    value = f"{found.what} {value}".strip()
    return f"{value} ({found.kind} {bound}{apart}): {nodeid}"


def _recorded(row: Row) -> str:
    if row.worst_recorded is None:
        return "-"
    gate, nodeid = row.worst_recorded
    assert gate.value is not None
    assert gate.proposal is not None
    value, bound = format_numbers(gate.value, gate.proposal)
    return f"{value} (recorded, {bound_kind_of(gate.better)} {bound}): {nodeid}"


def without_margin(gate: Gate) -> str:
    """Say of a failure that lies at no distance from a bound what it lacks.

    >>> without_margin(Gate("drift_px", "fail", reason="no-match"))
    'no value (no-match)'
    """
    if gate.value is not None:
        return f"{format_numbers(gate.value)[0]} (no bound)"
    lacks = "no golden" if gate.verdict == "missing-golden" else "unlike"
    return f"no value ({gate.reason or lacks})"
