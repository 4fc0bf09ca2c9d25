"""What a failing gate of a pair is explained by: causes, the largest share first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pytest_editmetrics.checks.judge import Job
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.session.state import EditSession

_MOST = 0.5
_BROKEN = ("redrawn", "mirrored", "channels", "inverted-tone", "one colour")
"""What no model is to do to a background, unless it is expected to."""
_AS_MUCH = 2.0  # times the mean difference of the background
_DIAGNOSED_EDGE = 16  # pixels; a smaller image shows no cause


def causes_of(job: Job, gate: Gate) -> list[dict[str, Any]]:
    """Name what makes a gate fail, largest share of the difference first."""
    if gate.value is None or not math.isfinite(gate.value):
        return []
    if job.config.metric.asks == "change":
        if edit_lost(job, gate):
            return [{"kind": "no-edit", "text": "the edit area is the reference's, pixel by pixel"}]
        if _as_background(job, gate):
            text = "the edit area changed hardly more than the background, as without an edit"
            return [{"kind": "no-edit", "text": text}]
        return [{"kind": "weaker-edit", "text": "the edit area changed less than it has to"}]
    from pytest_editmetrics.report.causes import without_edit

    small = min(job.pair.reference.shape[:2]) < _DIAGNOSED_EDGE
    resizing = job.pair.resizing
    better = resizing is not None and "better" in resizing
    told = [] if resizing is None else [resizing]
    if small or gate.compares == "objects" or gate.scope == "edit_area":
        return told if better else []
    try:
        misread = job.pair.misreadings(gate)
        found = job.pair.diagnosis(gate).to_dict()
        if job.pair.mask(gate).all():
            found = [dict(without_edit(cause)) for cause in found]
        causes = [*misread, *_part(gate), *found]
        if misread and better:  # as measured over what was misread
            return causes
        return [*told, *causes] if better and not _profile_lost(causes) else [*causes, *told]
    except Exception as error:  # whatever it is, the verdict stands
        return [{"kind": "unexplained", "text": f"not diagnosed: {type(error).__name__}: {error}"}]


def broken(session: EditSession, job: Job, gate: Gate) -> list[dict[str, Any]]:
    """Return the causes that say that a pair is broken, of a value that a golden is to hold.

    Nothing is looked for where the value lies inside the bound that holds without a golden; where
    there is none, inside that of a composite. Without an edit area all may be the edit.
    """
    metric = job.config.metric
    default = session.settings.default(metric, job.expect or "composited")
    of_background = gate.scope == "unedit_area" and gate.compares == "region"
    if default is None or gate.value is None or not of_background or not job.pair.inside.any():
        return []
    if default.distance(gate.value) <= 0:
        return []
    causes = causes_of(job, gate)
    return causes if causes and causes[0]["kind"] in _BROKEN else []


def edit_lost(job: Job, gate: Gate) -> bool:
    """Tell whether a gate asks for a change where there is none."""
    if job.config.metric.asks != "change":
        return False
    inside = job.pair.mask(gate)
    return bool((job.pair.reference[inside] == job.pair.edited[inside]).all())


def _as_background(job: Job, gate: Gate) -> bool:
    """Tell whether an edit area differs as the background does, of which all was written anew."""
    inside = job.pair.mask(gate)
    if inside.all():
        return False
    off = np.abs(job.pair.reference.astype(np.int16) - job.pair.edited).mean(axis=2)
    return bool(off[inside].mean() <= _AS_MUCH * off[~inside].mean())


_BECAME = {
    "gone": "is gone",
    "new": "is new",
    "other": "was replaced",
    "recoloured": "has other colours",
}


def _part(gate: Gate) -> list[dict[str, Any]]:
    """Return the part of a background that changed most, as the cause of its own gate."""
    box, became = gate.details.get("part"), gate.details.get("became")
    if gate.metric != "altered" or box is None:
        return []
    said = _BECAME.get(str(became)) or f"became {gate.details['by']} % {became}"
    return [{"kind": "altered", "text": f"something {said} in {tuple(box)}"}]


def _profile_lost(causes: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a lost profile is most of a difference, whatever the mode."""
    return any(one["kind"] == "profile lost" and one["share"] >= _MOST for one in causes)
