"""Whether a model seems to encode the whole picture, where a composite is expected."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.tally import Tally, held_by_expect_alone

_METRIC = "unedit_max_diff"  # what a composite is held by, pixel by pixel
_BY_AN_ENCODER = ("re-encoding", "blur", "jpeg")
_MOST = 0.5  # of a difference, and of the checks of a session


def encoded_anew(tally: Tally) -> list[str]:
    """Say once that the backgrounds of most checks seem encoded anew, and what holds such models.

    Nothing of one check alone, nor where a golden says that the background stayed before.
    """
    found = [
        (test.nodeid, gate)
        for test, gate in tally.unexpected
        if gate.metric == _METRIC and gate.verdict == "fail" and _is_encoded(gate)
    ]
    checks = sum(row.gates for row in tally.rows() if row.metric == _METRIC)
    if len({nodeid for nodeid, _ in found}) < 2 or len(found) <= _MOST * checks:
        return []
    return [
        f"the model seems to encode the whole picture anew: so differ {len(found)} of {checks}"
        " backgrounds that expect='composited' holds to the reference's pixels; if it is meant to,"
        " expect='reencoded' holds it, or expect='composited-jpeg' one that saves its composite as"
        " JPEG"
    ]


def _is_encoded(gate: Gate) -> bool:
    if gate.details.get("expect") != "composited" or not held_by_expect_alone(gate):
        return False
    causes = [one for one in gate.details.get("causes") or () if isinstance(one, Mapping)]
    shares = (one.get("share", 0.0) for one in causes if one.get("kind") in _BY_AN_ENCODER)
    return bool(sum(shares) >= _MOST)
