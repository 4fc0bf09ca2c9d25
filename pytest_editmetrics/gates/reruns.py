"""What a test that was run again made good of the gates that failed before."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_editmetrics.gates.verdict import MEASURED, Gate


def failed_before(earlier: dict[str, Gate], gates: Iterable[Gate]) -> dict[str, Gate]:
    """Return the failing gates of a test by label, with those of one more attempt of it."""
    return {**earlier, **{gate.label: gate for gate in gates if gate.failing}}


def left_open(before: Iterable[Gate], last: Iterable[Gate]) -> list[Gate]:
    """Return those of the gates that failed ``before`` which the last attempt did not measure.

    A gate that failed is measured again under the same metric and name. An error is no
    measurement, and may be of no metric: whatever is measured makes it good.
    """
    measured = {gate.label for gate in last if gate.verdict in MEASURED}
    return [
        gate
        for gate in before
        if gate.label not in measured and not (gate.verdict == "error" and measured)
    ]
