"""Gates in words: the first line of a failure, and what stands below it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_editmetrics.gates.verdict import OTHER_WEIGHTS, Gate
from pytest_editmetrics.measurement import WRITTEN_BY_HAND
from pytest_editmetrics.report.image_text import image_headline, image_rows
from pytest_editmetrics.report.numbers import format_numbers as format_numbers

_AREA = {"edit_area": "edit", "unedit_area": "unedit", None: "whole-image"}


def subject(gate: Gate) -> str:
    """Return what the gate measured, as ``unedit lpips`` or ``object sam_clip_cls_sim@mug``."""
    if gate.compares == "gates":
        return gate.label
    area = "object" if gate.compares == "objects" else _AREA.get(gate.scope, "whole-image")
    return f"{area} {gate.label}" if gate.verdict != "error" else gate.label


def headline(gate: Gate) -> str:
    """Return the one line that says what the gate came to."""
    if gate.verdict == "error":
        return f"{gate.label} gave no verdict: {gate.message}"
    if gate.verdict == "unmeasured":
        text = f"{subject(gate)} unmeasured ({gate.reason}): {gate.message}"
        if gate.regressed:
            assert gate.approved is not None
            text += f"; was {format_numbers(gate.approved)[0]} when approved"
        return text
    if gate.snapshot is not None:
        return image_headline(gate)
    assert gate.value is not None
    if gate.verdict == "missing-golden":
        return f"{subject(gate)} {format_numbers(gate.value)[0]} has no threshold and no golden"
    if gate.verdict == "recorded":
        if gate.proposal is None:
            return f"{subject(gate)} {format_numbers(gate.value)[0]} recorded, held to no bound"
        value, bound = format_numbers(gate.value, gate.proposal)
        kind = "max" if gate.better == "lower" else "min"
        return f"{subject(gate)} {value} recorded, {kind} {bound}"
    if gate.bound is None:
        return f"{subject(gate)} {format_numbers(gate.value)[0]} is not a number"
    if gate.verdict == "review" and gate.review is not None:
        return _for_review(gate, gate.value, gate.review, gate.bound)
    value, bound = format_numbers(gate.value, gate.bound)
    if not math.isfinite(gate.value):
        return (
            f"{subject(gate)} {value} is not a number ({gate.bound_kind} {bound}), {_where(gate)}"
        )
    decimals = len(bound.partition(".")[2])
    inside = gate.verdict in ("pass", "review") and (gate.distance or 0) <= 0
    sign = {("max", True): "<=", ("max", False): ">", ("min", True): ">=", ("min", False): "<"}[
        (gate.bound_kind or "max", inside)
    ]
    difference = f"{gate.value - gate.bound:+.{decimals}f}"
    return (
        f"{subject(gate)} {value} {sign} {gate.bound_kind} {bound} ({difference}), {_where(gate)}"
        + (", which only advises here" if gate.verdict == "review" and not inside else "")
    )


def _for_review(gate: Gate, number: float, review: float, limit: float) -> str:
    value, lower, bound = format_numbers(number, review, limit)
    sign = ">" if gate.bound_kind == "max" else "<"
    difference = f"{number - review:+.{len(lower.partition('.')[2])}f}"
    return (
        f"{subject(gate)} {value} {sign} review {lower} ({difference}), inside {gate.bound_kind}"
        f" {bound}, {_where(gate)}"
    )


def _where(gate: Gate) -> str:
    variant = f" (env {gate.env})" if gate.origin == "golden" and gate.env else ""
    return f"{gate.origin} {gate.source}{variant}"


def update_mode(gates: Iterable[Gate]) -> str:
    """Return the ``--editmetrics-update`` that records every gate of a test.

    ``missing`` records nothing while another gate of the test fails.
    """
    fails = any(gate.verdict == "fail" or OTHER_WEIGHTS in gate.details for gate in gates)
    return "failed" if fails else "missing"


def explanation(gate: Gate, nodeid: str, mode: str = "missing") -> list[str]:
    """Return the lines below the headline, as a terminal shows them.

    ``mode`` is how a missing golden is recorded, see ``update_mode``.
    """
    return [f"    {label:<9} {text}" for label, text in explanation_rows(gate, nodeid, mode)]


def explanation_rows(gate: Gate, nodeid: str, mode: str = "missing") -> list[tuple[str, str]]:
    """Return what explains a gate: region, how measured, weights, where to look, how to accept."""
    rows: list[tuple[str, str]] = []
    if gate.verdict != "error":
        rows.append(("region", _region(gate)))
        if measured := _measured(gate):
            rows.append(("measured", measured))
        rows += image_rows(gate)
        if gate.weights:
            rows.append(("weights", ", ".join(_weights(gate))))
    if let_through := gate.details.get("let_through"):
        rows.append(("unnoticed", ", ".join(let_through)))
    if change := gate.details.get("change"):
        rows.append(("change", change))
    if causes := gate.details.get("causes"):
        rows.append(("cause", _causes(causes)))
    if gate.picture:
        rows.append(("look at", gate.picture))
    if pair := gate.details.get("manifest"):
        rows.append(("images", f"{pair['reference']} | {pair['edited']} ({pair['row']})"))
    if accept := _accept(gate, nodeid, mode):
        rows.append(("to accept", accept))
    return rows


def _region(gate: Gate) -> str:
    region = gate.region
    size = f" of {region['width']}x{region['height']} px"
    resized = ", edited image resized to the reference" if region.get("resized") else ""
    if gate.compares == "objects":
        pairs = zip(region.get("ref_boxes") or (), region.get("edited_boxes") or (), strict=False)
        listed = ", ".join(f"{_box(a)} with {_box(b)}" for a, b in pairs)
        return f"objects {listed or 'none'}{size}{resized}"
    fraction = gate.details.get("measured_fraction")
    share = f"{100 * fraction:.1f} %" if isinstance(fraction, (int, float)) else ""
    area = region.get("coords")
    if gate.scope is None or not area:
        return f"the whole image{size}, no boxes{resized}"
    side = "inside" if gate.scope == "edit_area" else "outside"
    listed = _boxes(area) if isinstance(area, (list, tuple)) else _shape(area)
    return f"{gate.scope}: {side} {listed}{', ' + share if share else ''}{size}{resized}"


def _shape(area: Mapping[str, Any]) -> str:
    from pytest_editmetrics.images.shapes import Region

    return Region.of(area).text


def _boxes(boxes: Sequence[Sequence[float]]) -> str:
    more = f" and {len(boxes) - 6} more" if len(boxes) > 6 else ""
    return ", ".join(_box(box) for box in boxes[:6]) + more


def _box(box: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"


def _measured(gate: Gate) -> str:
    parts = []
    if gate.floor is not None and gate.excess is not None:
        floor, excess = format_numbers(gate.floor, gate.excess)
        parts.append(f"floor {floor} (the unedited reference), excess {excess}")
    shown = (
        "net",
        "framing",
        "reference_patches",
        "patch_mask_threshold",
        "n_selected",
        "mixed_patches",
        "unscaled",
    )
    for key in shown:
        if key in gate.details:
            value = gate.details[key]
            text = format_numbers(value)[0] if isinstance(value, float) else str(value)
            parts.append(f"{key} {text}")
    if gate.device is not None:
        parts.append(f"on {gate.device_name or gate.device}")
    return ", ".join(parts)


def _causes(causes: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(
        cause["kind"]
        + (f", {100 * cause['share']:.0f} % of the difference" if "share" in cause else "")
        + f": {cause['text']}"
        for cause in causes
    )


def _weights(gate: Gate) -> list[str]:
    return [
        f"{weights['name']} sha256 {weights['sha256'][:12]}"
        + (" (smoke: random weights, no quality judgement)" if weights["smoke"] else "")
        for weights in gate.weights
    ]


def _accept(gate: Gate, nodeid: str, mode: str) -> str | None:
    if gate.verdict == "review" and gate.review is not None:
        return f"edit the review bound, {gate.origin} {gate.source} (updating never writes one)"
    if gate.verdict in ("missing-golden", "fail") and (why := gate.details.get("no_golden")):
        return f"no golden can: {why}"
    if gate.verdict == "missing-golden":
        return f"pytest {shlex.quote(nodeid)} --editmetrics-update={mode}"
    if OTHER_WEIGHTS in gate.details:
        return f"pytest {shlex.quote(nodeid)} --editmetrics-update=failed"
    if gate.verdict != "fail" or (gate.value is not None and not math.isfinite(gate.value)):
        return None
    if advice := gate.details.get("advice"):
        return str(advice)
    if gate.snapshot is None and gate.origin in WRITTEN_BY_HAND:
        return f"edit the {gate.origin} {gate.source} (updating writes goldens only)"
    if pair := gate.details.get("manifest"):
        return f"give the row {pair['row']} a threshold of its own, or edit {gate.source}"
    return f"pytest {shlex.quote(nodeid)} --editmetrics-update=failed"


def failure_text(gates: Sequence[Gate], nodeid: str) -> str:
    """Return the message of one check: the failing gates first, then the others in a line each."""
    failing = [gate for gate in gates if gate.failing]
    others = [gate for gate in gates if not gate.failing]
    lines: list[str] = []
    mode = update_mode(failing)
    for gate in failing:
        lines += [headline(gate), *explanation(gate, nodeid, mode)]
    if others:
        lines.append("other gates of this check:")
        lines += [f"    {_beside(gate)}" for gate in others]
    return "\n".join(lines)


def _beside(gate: Gate) -> str:
    """Return the line of a gate beside one that fails: what was to be recorded then is not."""
    if gate.verdict != "recorded":
        return f"{gate.verdict}: {headline(gate)}"
    return f"not recorded, as this test fails: {headline(gate).replace(' recorded, ', ', ', 1)}"
